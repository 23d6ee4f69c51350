/* Nodes that are known and not accepted; PE7 of sync/PROTOCOL.md. */
#include "sync/known.h"

#include <string.h>

#include "keys/error.h"
#include "sync/names.h"
#include "sync/peer.h"
#include "sync/pull/quota.h"

void
known_node_free(KnownNode *known)
{
    if (!known)
        return;
    g_clear_pointer(&known->peer, peer_free);
    g_clear_pointer(&known->profile, profile_free);
    g_clear_pointer(&known->introducers, g_ptr_array_unref);
    g_free(known->word);
    g_free(known);
}

static gboolean
is_accepted(Home *home, const char *node)
{
    g_autoptr(Peer) peer = peers_get(home, node, NULL);

    return peer && peer->status == PEER_ACCEPTED;
}

static Peer *
peer_of(const char *node, const Profile *profile)
{
    Peer *peer = peer_new();

    g_strlcpy(peer->node, node, sizeof peer->node);
    peer->name = name_of_profile(profile);
    for (guint i = 0; i < profile->addresses->len; i++)
        peer_add_url(peer->urls, profile->addresses->pdata[i]);
    g_array_append_vals(peer->pins, profile->pins->data, MIN(profile->pins->len, PEER_PINS_MAX));
    return peer;
}

/* Whoever brought its ledger and is a peer still: a word of somebody else introduces nobody. */
static gboolean
add_introducers(Home *home, KnownNode *known, GError **error)
{
    g_autoptr(GPtrArray) all = quota_bringers(home, known->peer->node, error);

    known->introducers = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; all && i < all->len; i++) {
        if (is_accepted(home, all->pdata[i]))
            g_ptr_array_add(known->introducers, g_strdup(all->pdata[i]));
    }
    return all != NULL;
}

/* NULL without an error if there is nothing to show of it. */
static KnownNode *
look_at(Home *home, Catalogue *catalogue, const char *node, GError **error)
{
    g_autoptr(KnownNode) known = g_new0(KnownNode, 1);

    known->profile = catalogue_profile(catalogue, node, error);
    if (!known->profile)
        return NULL;
    known->peer = peer_of(node, known->profile);
    known->word = peers_display(home, node);
    return add_introducers(home, known, error) ? g_steal_pointer(&known) : NULL;
}

GPtrArray *
known_all(Home *home, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GPtrArray) nodes = catalogue ? catalogue_nodes(catalogue, error) : NULL;
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)known_node_free);

    for (guint i = 0; nodes && i < nodes->len; i++) {
        const char *node = nodes->pdata[i];
        GError *failed = NULL;
        KnownNode *known = strcmp(node, home_id(home)) != 0 && !is_accepted(home, node) ? look_at(home, catalogue, node, &failed) : NULL;

        if (failed) {
            g_propagate_error(error, failed);
            return NULL;
        }
        if (known)
            g_ptr_array_add(all, known);
    }
    return nodes ? g_steal_pointer(&all) : NULL;
}

KnownNode *
known_find(Home *home, const char *word, GError **error)
{
    g_autofree char *node = peers_resolve(home, word, error);
    Catalogue *catalogue;
    GError *failed = NULL;
    KnownNode *known;

    if (node && is_accepted(home, node))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: PE7: want a node that is no peer yet, have a peer; see `chama peer ls`", word);
    catalogue = node ? home_catalogue(home, error) : NULL;
    known = catalogue ? look_at(home, catalogue, node, &failed) : NULL;
    if (failed)
        g_propagate_error(error, failed);
    else if (catalogue && !known)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: PE7: no peer has brought word of this node; see `chama peer ls --known`", word);
    return known;
}
