/*
 * evidence: what was found to contradict, kept (I3, PU7): as evidence/1 that anyone can check (manifests/evidence.h) where that can be made of it, else
 * as an observation of this node alone.
 */
#ifndef CHAMA_SYNC_PULL_EVIDENCE_H
#define CHAMA_SYNC_PULL_EVIDENCE_H

#include "manifests/evidence.h"
#include "manifests/home.h"

/* What contradicts, and what shows it (EvidenceParts); each may be NULL or empty. */
typedef struct {
    GBytes *inception;           /* log entry; NULL: the one known here */
    char *checkpoints[2];        /* the one held, the one offered */
    GPtrArray *records;          /* of Record* */
    gboolean has_root;
    Digest root;
    GArray *hashes;              /* of Digest */
    gboolean rollback;
} Conflict;
void conflict_clear(Conflict *conflict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Conflict, conflict_clear)
void conflict_add_record(Conflict *conflict, const Record *record);

/* Two checkpoints of the ledger whose hash file is @tree, which holds the larger one: fills in what shows that the smaller is no part of it. */
gboolean conflict_of_checkpoints(Conflict *conflict, MerkleFile *tree, guint64 smaller, guint64 larger, GError **error);

/* Keeps it, once for each node and kind: the first proof is proof enough, and a peer that forks daily must not fill the table.  Of this node itself a fork
 * is an own fork, after which nothing is signed. */
gboolean evidence_keep(Home *home, const char *node, const Conflict *conflict, GError **error);

#endif
