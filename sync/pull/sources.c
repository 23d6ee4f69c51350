#include "sync/pull/sources.h"

#include <string.h>

static void
source_free(gpointer data)
{
    Source *source = data;

    g_clear_pointer(&source->peer, peer_free);
    g_free(source);
}

static int
compare_sources(gconstpointer a, gconstpointer b)
{
    const Peer *one = (*(Source *const *)a)->peer, *two = (*(Source *const *)b)->peer;

    if (!one->last_error != !two->last_error)
        return one->last_error ? 1 : -1;
    return (one->last_contact < two->last_contact) - (one->last_contact > two->last_contact);
}

GPtrArray *
sources_of(Home *home, const Peer *own, GError **error)
{
    g_autoptr(GPtrArray) peers = peers_all(home, PEER_ACCEPTED, error);
    g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(source_free);

    if (!peers)
        return NULL;
    for (guint i = 0; i < peers->len; i++) {
        const Peer *peer = peers->pdata[i];
        Source *source;

        if (strcmp(peer->node, own->node) == 0 || peer->urls->len == 0)
            continue;
        source = g_new0(Source, 1);
        source->peer = peers_get(home, peer->node, error);
        g_ptr_array_add(sources, source);
        if (!source->peer)
            return NULL;
    }
    g_ptr_array_sort(sources, compare_sources);
    return g_steal_pointer(&sources);
}

Source *
sources_next(const GPtrArray *sources, guint *next)
{
    while (*next < sources->len) {
        Source *source = sources->pdata[(*next)++];

        if (!source->dropped)
            return source;
    }
    return NULL;
}
