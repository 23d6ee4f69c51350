/* One peer as a value: what is known of it, joined, checked and compared. */
#include <string.h>

#include "keys/error.h"
#include "manifests/text.h"
#include "sync/names.h"
#include "sync/peer.h"

Peer *
peer_new(void)
{
    Peer *peer = g_new0(Peer, 1);

    peer->urls = g_ptr_array_new_with_free_func(g_free);
    peer->pins = g_array_new(FALSE, FALSE, sizeof(Digest));
    return peer;
}

void
peer_free(Peer *peer)
{
    if (!peer)
        return;
    g_free(peer->alias);
    g_ptr_array_unref(peer->urls);
    g_array_unref(peer->pins);
    g_free(peer->name);
    g_free(peer->last_error);
    g_free(peer);
}

void
peer_add_url(GPtrArray *urls, const char *url)
{
    if (*url && urls->len < PEER_URLS_MAX && !g_ptr_array_find_with_equal_func(urls, url, g_str_equal, NULL))
        g_ptr_array_add(urls, g_strdup(url));
}

char *
peer_join_urls(const GPtrArray *first, const GPtrArray *second)
{
    g_autoptr(GPtrArray) urls = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; first && i < first->len; i++)
        peer_add_url(urls, first->pdata[i]);
    for (guint i = 0; second && i < second->len; i++)
        peer_add_url(urls, second->pdata[i]);
    g_ptr_array_add(urls, NULL);
    return g_strjoinv("\n", (char **)urls->pdata);
}

/* What goes into the table came through a parser; this is the last gate before a terminal. */
gboolean
peer_check(const Peer *peer, GError **error)
{
    if (!node_id_valid(peer->node))
        return chama_error(error, CHAMA_ERROR_USAGE, "peer: PE1: want a node id");
    if (peer->alias && !alias_check(peer->alias, error))
        return FALSE;
    if (peer->name && (strlen(peer->name) > PEER_NAME_MAX || !text_shows(peer->name, FALSE)))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: PE1: want a name of at most %d bytes that shows", peer->node, PEER_NAME_MAX);
    for (guint i = 0; i < peer->urls->len; i++)
        if (!address_valid(peer->urls->pdata[i]))
            return chama_error(error, CHAMA_ERROR_USAGE, "%s: PE1: want addresses https://HOST[:PORT][/PATH] or ssh://[USER@]HOST[:PORT][/PATH]", peer->node);
    if (peer->pins->len > PEER_PINS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: PE1: want at most %d keys, have %u", peer->node, PEER_PINS_MAX, peer->pins->len);
    return TRUE;
}

static gboolean
same_pins(const GArray *a, const GArray *b)
{
    for (guint i = 0; i < a->len; i++) {
        gboolean found = FALSE;

        for (guint j = 0; j < b->len && !found; j++)
            found = digest_equal(&g_array_index(a, Digest, i), &g_array_index(b, Digest, j));
        if (!found)
            return FALSE;
    }
    return a->len == b->len;
}

gboolean
peer_same_introduction(const Peer *a, const Peer *b)
{
    g_autofree char *urls_a = peer_join_urls(a->urls, NULL), *urls_b = peer_join_urls(b->urls, NULL);

    return g_strcmp0(a->name, b->name) == 0 && strcmp(urls_a, urls_b) == 0 && same_pins(a->pins, b->pins);
}
