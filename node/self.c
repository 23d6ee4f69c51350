#include "node/self.h"

#include <string.h>

#include "keys/tls.h"
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
    g_autofree char *certificate = home_file(home, "keys/tls.crt");
    Catalogue *catalogue = config ? home_catalogue(home, error) : NULL;
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, home_id(home), error) : NULL;
    Digest pin;

    if (!profile || !tls_pin_of_file(certificate, &pin, error))
        return NULL;
    g_strlcpy(self->node, home_id(home), sizeof self->node);
    self->name = g_strdup(profile->name_en ? profile->name_en : profile->name_zh);
    if (config->url)
        add_url(self->urls, config->url);
    for (guint i = 0; i < profile->addresses->len; i++)
        add_url(self->urls, g_ptr_array_index(profile->addresses, i));
    g_array_append_val(self->pins, pin);
    return g_steal_pointer(&self);
}
