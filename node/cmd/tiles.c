/* chama tiles: a ledger's Merkle log as files for any web server. */
#include <stdio.h>
#include <string.h>

#include "manifests/ledger/tiling.h"
#include "manifests/statement.h"
#include "node/command.h"
#include "sync/peers.h"

/* S8: what a web server gives, it gives to anyone. */
static gboolean
is_public(Home *home, const char *node)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, node, NULL) : NULL;

    return profile && profile->ledger == LEDGER_PUBLIC;
}

static gboolean
write_log(Home *home, const char *node, gboolean entries, const char *folder, GError **error)
{
    gboolean own = strcmp(node, home_id(home)) == 0, public = is_public(home, node);
    Ledger *ledger = own ? home_ledger(home, error) : home_peer_ledger(home, node, error);
    g_autofree char *note = NULL;
    Tiling done;

    if (!ledger || !ledger_refresh(ledger, error))
        return FALSE;
    if (!own && !public)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: A12: its node does not give its ledger to anyone", node);
    note = own ? home_checkpoint(home, error) : ledger_checkpoint(ledger, error);
    if (!note)
        return error && *error ? FALSE : chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no checkpoint of this ledger is held here", node);
    if (!tiling_write(ledger, note, entries || public, folder, &done, error))
        return FALSE;
    printf("%" G_GUINT64_FORMAT " records, %" G_GUINT64_FORMAT " tiles written, %" G_GUINT64_FORMAT " bytes\n", done.size, done.written, done.bytes);
    if (!entries && !public)
        fputs("without records: this ledger is not for anyone (--entries)\n", stderr);
    return TRUE;
}

gboolean
cmd_tiles(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean entries = FALSE;
    g_autofree char *peer = NULL, *node = NULL;
    const GOptionEntry options[] = {
        { "node", 0, 0, G_OPTION_ARG_STRING, &peer, "the ledger of a peer that gives it to anyone (this node's)", "PEER" },
        { "entries", 0, 0, G_OPTION_ARG_NONE, &entries, "with all records, also where the ledger is not for anyone", NULL },
        { 0 }
    };
    g_autoptr(Home) home = NULL;

    if (!command_parse(invocation, &argc, &argv, options, 1, 1, error) || !(home = command_home(invocation, error)))
        return FALSE;
    node = peers_resolve(home, peer ? peer : "self", error);
    return node && write_log(home, node, entries, argv[1], error);
}
