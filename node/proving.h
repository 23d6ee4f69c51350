/*
 * proving: a proof of a record, of whichever ledger it stands in.
 */
#ifndef CHAMA_NODE_PROVING_H
#define CHAMA_NODE_PROVING_H

#include "manifests/proof/prove.h"

/* Of a ledger held whole, or else of what is held of it (sync/sparse_proof.h).  The caller's; NOT_FOUND. */
Proof *proving_make(Home *home, const char *node, guint64 seq, const ProveOptions *options, GError **error);

#endif
