#include "node/proving.h"

#include <string.h>

#include "keys/error.h"
#include "sync/sparse_proof.h"

Proof *
proving_make(Home *home, const char *node, guint64 seq, const ProveOptions *options, GError **error)
{
    g_autoptr(GError) none = NULL;

    if (strcmp(node, home_id(home)) == 0 || home_peer_ledger(home, node, &none))
        return prove_record(home, node, seq, options, error);
    if (g_error_matches(none, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return sparse_prove(home, node, seq, options, error);
    g_propagate_error(error, g_steal_pointer(&none));
    return NULL;
}
