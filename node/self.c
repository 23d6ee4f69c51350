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

/* Those that peers are to be told; none if nothing is configured. */
static GPtrArray *
configured(const Config *config)
{
    GPtrArray *urls = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(config->url ? config->url : "", ",", -1);

    for (char **part = parts; *part; part++)
        if (*g_strstrip(*part))
            add_url(urls, *part);
    return urls;
}

Peer *
self_as_peer(Home *home, GError **error)
{
    g_autoptr(Peer) self = peer_new();
    g_autoptr(Config) config = config_load(home_path(home), error);
    Catalogue *catalogue = config ? home_catalogue(home, error) : NULL;
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, home_id(home), error) : NULL;
    g_autoptr(GPtrArray) urls = NULL;
    Renewal renewal;

    if (!profile || !renewal_read(home, &renewal, error))
        return NULL;
    g_strlcpy(self->node, home_id(home), sizeof self->node);
    urls = configured(config);
    self->name = g_strdup(profile->name_en ? profile->name_en : profile->name_zh);
    for (guint i = 0; i < urls->len; i++)
        add_url(self->urls, g_ptr_array_index(urls, i));
    g_array_append_val(self->pins, renewal.current);
    /* TC8: who is told today dials next year, too. */
    if (renewal.waiting && renewal.next_named)
        g_array_append_val(self->pins, renewal.next);
    return g_steal_pointer(&self);
}

static gboolean
are_the_same(const GPtrArray *a, const GPtrArray *b)
{
    for (guint i = 0; i < a->len && i < b->len; i++) {
        if (strcmp(g_ptr_array_index(a, i), g_ptr_array_index(b, i)) != 0)
            return FALSE;
    }
    return a->len == b->len;
}

/* NULL without an error if there is nothing to state.  Who knows an older address keeps it until the one that is told now answers (PE5). */
static GBytes *
build_profile(gpointer data, Home *home, GError **error)
{
    g_autoptr(GPtrArray) urls = configured(data);
    g_autoptr(Profile) profile = catalogue_profile(home_catalogue(home, error), home_id(home), error);

    if (!profile || are_the_same(profile->addresses, urls))
        return NULL;
    g_ptr_array_set_size(profile->addresses, 0);
    for (guint i = 0; i < urls->len; i++)
        g_ptr_array_add(profile->addresses, g_strdup(g_ptr_array_index(urls, i)));
    return profile_format(profile, error);
}

/* Without the lock first, so that a daemon whose signing key is locked away starts in silence when there is nothing to state. */
static gboolean
is_published(Home *home, const Config *config, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, home_id(home), error) : NULL;

    g_autoptr(GPtrArray) urls = configured(config);

    return profile && are_the_same(profile->addresses, urls);
}

gboolean
self_publish_address(const char *path, const Config *config, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(Home) home = NULL;
    g_autoptr(Record) record = NULL;

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

gboolean
self_name_certificate(const char *path, const Config *config, gboolean *renewed, GError **error)
{
    g_autoptr(Home) home = home_open(path, error);
    g_autoptr(GPtrArray) urls = configured(config), hosts = g_ptr_array_new_with_free_func(g_free);
    char *listener = NULL;

    *renewed = FALSE;
    if (!home)
        return FALSE;
    if (config_parse_address(config->listen, &listener, NULL, NULL))
        g_ptr_array_add(hosts, listener);
    for (guint i = 0; i < urls->len; i++) {
        g_autoptr(GUri) parsed = g_str_has_prefix(urls->pdata[i], "https://") ? g_uri_parse(urls->pdata[i], G_URI_FLAGS_NONE, NULL) : NULL;

        if (parsed && g_uri_get_host(parsed))
            g_ptr_array_add(hosts, g_strdup(g_uri_get_host(parsed)));
    }
    g_ptr_array_add(hosts, NULL);
    return renewal_rename(home, (const char *const *)hosts->pdata, renewed, error);
}
