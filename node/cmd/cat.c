/* chama cat: one file of a version to standard output. */
#include <stdio.h>
#include <unistd.h>

#include "manifests/checkout.h"
#include "manifests/version.h"
#include "node/command.h"
#include "node/show.h"
#include "node/stated.h"
#include "sync/peers.h"

static gboolean
cat(Home *home, const Manifest *manifest, const char *path, int *status, GError **error)
{
    Store *store = home_store(home, error);
    g_autoptr(StoreHold) hold = store ? store_hold(store, error) : NULL;
    Held held;

    if (!hold)
        return FALSE;
    if (version_roots(home, manifest, &held, error) && checkout_cat(store, &held.listing, path, STDOUT_FILENO, error))
        return TRUE;
    if (!command_reader_left())
        return show_blame(home, manifest, error);
    g_clear_error(error);
    *status = EXIT_FAILED;
    return TRUE;
}

gboolean
cmd_cat(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean withdrawn = FALSE;
    const GOptionEntry entries[] = {
        { "withdrawn", 0, 0, G_OPTION_ARG_NONE, &withdrawn, "also of a version that its owner has withdrawn", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;

    return command_parse(invocation, &argc, &argv, entries, 2, 2, error) && (home = command_home(invocation, error)) &&
           (manifest = peers_find_version(home, argv[1], error)) && (withdrawn || stated_in_force(home, manifest, error)) &&
           cat(home, manifest, argv[2], status, error);
}
