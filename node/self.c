#include "node/self.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/renewal.h"
#include "node/config.h"

static void
add_url(GPtrArray *urls, const char *url)
{
    for (guint i = 0; i < urls->len; i++) {
        if (strcmp(g_ptr_array_index(urls, i), url) == 0)
            return;
    }
    if (urls->len < PEER_URLS_MAX)
        g_ptr_array_add(urls, g_strdup(url));
}

Peer *
self_as_peer(Home *home, GError **error)
{
    g_autoptr(Peer) self = peer_new();
    g_autoptr(Config) config = config_load(home_path(home), error);
    Catalogue *catalogue = config ? home_catalogue(home, error) : NULL;
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, home_id(home), error) : NULL;
    Renewal renewal;

    if (!profile || !renewal_read(home, &renewal, error))
        return NULL;
    g_strlcpy(self->node, home_id(home), sizeof self->node);
    self->name = g_strdup(profile->name_en ? profile->name_en : profile->name_zh);
    if (config->url)
        add_url(self->urls, config->url);
    for (guint i = 0; i < profile->addresses->len; i++)
        add_url(self->urls, g_ptr_array_index(profile->addresses, i));
    g_array_append_val(self->pins, renewal.current);
    /* TC8: who is told today dials next year, too. */
    if (renewal.waiting && renewal.next_named)
        g_array_append_val(self->pins, renewal.next);
    return g_steal_pointer(&self);
}

/* The configured address becomes the first; those that peers may know stay behind it. */
static GBytes *
build_profile(gpointer data, Home *home, GError **error)
{
    const Config *config = data;
    g_autoptr(Profile) profile = catalogue_profile(home_catalogue(home, error), home_id(home), error);

    if (!profile)
        return NULL;
    for (guint i = 0; i < profile->addresses->len; i++) {
        if (strcmp(g_ptr_array_index(profile->addresses, i), config->url) == 0)
            return NULL;
    }
    if (profile->addresses->len >= PROFILE_ADDRESSES_MAX)
        g_ptr_array_set_size(profile->addresses, PROFILE_ADDRESSES_MAX - 1);
    g_ptr_array_insert(profile->addresses, 0, g_strdup(config->url));
    return profile_format(profile, error);
}

/* Without the lock first, so that a daemon whose signing key is locked away starts in silence when there is nothing to state. */
static gboolean
is_published(Home *home, const Config *config, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, home_id(home), error) : NULL;

    for (guint i = 0; profile && i < profile->addresses->len; i++) {
        if (strcmp(g_ptr_array_index(profile->addresses, i), config->url) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean
self_publish_address(const char *path, const Config *config, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(Home) home = NULL;
    g_autoptr(Record) record = NULL;

    if (!config->url)
        return TRUE;
    home = home_open(path, error);
    if (!home)
        return FALSE;
    if (is_published(home, config, &failed))
        return TRUE;
    if (!failed)
        record = home_state_built(home, "profile/1", build_profile, NULL, (gpointer)config, &failed);
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return record != NULL;
}
