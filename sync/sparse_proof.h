/*
 * sparse_proof: proofs (manifests/proof/) of records of ledgers that are held sparse: each record came with its inclusion proof.
 */
#ifndef CHAMA_SYNC_SPARSE_PROOF_H
#define CHAMA_SYNC_SPARSE_PROOF_H

#include "manifests/proof/prove.h"

/* As prove_record(), under the checkpoint that came with the records.  NOT_FOUND also of a record that the sparse ledger leaves out. */
Proof *sparse_prove(Home *home, const char *node, guint64 seq, const ProveOptions *options, GError **error);

#endif
