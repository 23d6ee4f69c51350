/* chama cat: one file of a version to standard output. */
#include <stdio.h>
#include <unistd.h>

#include "manifests/checkout.h"
#include "manifests/version.h"
#include "node/command.h"
#include "sync/peers.h"

gboolean
cmd_cat(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    const GOptionEntry entries[] = { { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(StoreHold) hold = NULL;
    Store *store;
    Held held;

    return command_parse(invocation, &argc, &argv, entries, 2, 2, error) && (home = command_home(invocation, error)) &&
           (manifest = peers_find_version(home, argv[1], error)) && (store = home_store(home, error)) && (hold = store_hold(store, error)) &&
           version_roots(home, manifest, &held, error) && checkout_cat(store, &held.listing, argv[2], STDOUT_FILENO, error);
}
