/*
 * prove: makes proofs (proof.h) of records of ledgers that are held here.
 */
#ifndef CHAMA_MANIFESTS_PROOF_PROVE_H
#define CHAMA_MANIFESTS_PROOF_PROVE_H

#include "manifests/home.h"
#include "manifests/ledger/policy.h"
#include "manifests/proof/proof.h"

typedef struct {
    gboolean show;         /* with the document behind the record's digest, which all who get the file can then read */
    gboolean newest;       /* under the newest checkpoint, though witnesses may have seen an older one */
    const Policy *policy;  /* its witnesses may stand in the proof by their keys alone; may be NULL */
} ProveOptions;

/* A proof of record @seq of @node's ledger, under the checkpoint kept of it, with the cosignatures of witnesses whose keys are known here; of the own
 * ledger under a new one, unless the one kept covers the record and is cosigned.  NOT_FOUND, also of a document to show that is not here; USAGE if nothing is sealed. */
Proof *prove_record(Home *home, const char *node, guint64 seq, const ProveOptions *options, GError **error);

/* Where entries of a ledger come from: @place gives that of record @seq, in the tree of the checkpoint @note, or NOT_FOUND. */
typedef struct {
    ProofEntry *(*place)(gpointer data, guint64 seq, GError **error);
    gpointer data;
    const Identity *identity;   /* the newest key state under the checkpoint */
    const Checkpoint *checkpoint;
    const char *note;
} ProveSource;
/* The same of a ledger that is not held whole. */
Proof *prove_from(Home *home, const ProveSource *source, guint64 seq, const ProveOptions *options, GError **error);

/* Where the record with this address is: the catalogue is asked first, then all ledgers held are read.  NOT_FOUND. */
gboolean prove_find(Home *home, const Digest *address, char node[NODE_ID_SIZE], guint64 *seq, GError **error);

#endif
