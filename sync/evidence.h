/*
 * evidence: what was found to contradict, kept (I3, PU7): as evidence/1 that anyone can check (manifests/evidence.h) where that can be made of it, else
 * as an observation of this node alone.
 */
#ifndef CHAMA_SYNC_EVIDENCE_H
#define CHAMA_SYNC_EVIDENCE_H

#include "manifests/evidence.h"
#include "manifests/home.h"
#include "sync/wire.h"

/* What contradicts, and what shows it (EvidenceParts); each may be NULL or empty. */
typedef struct {
    GPtrArray *keys;             /* of Record*: inception and rotations that came with what contradicts; NULL: those known here are all */
    char *checkpoints[2];        /* the one held, the one offered */
    GPtrArray *records;          /* of Record* */
    gboolean has_root;
    Digest root;
    GArray *hashes;              /* of Digest */
    gboolean rollback;
    gboolean cut;                /* @records are not all that it takes: they were too many to keep */
    gboolean own;                /* a peer holds another history of this node's ledger: nothing more is signed */
} Conflict;
void conflict_clear(Conflict *conflict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Conflict, conflict_clear)
void conflict_add_record(Conflict *conflict, const Record *record);
void conflict_add_key(Conflict *conflict, const Record *record);

/* Two checkpoints of the ledger whose hash file is @tree, which holds the larger one: fills in what shows that the smaller is no part of it. */
gboolean conflict_of_checkpoints(Conflict *conflict, MerkleFile *tree, guint64 smaller, guint64 larger, GError **error);

/* @ledger as it is held here, beside a verified checkpoint (@note) of its owner that it does not fit, of no more records than are held. */
gboolean conflict_of_copy(Conflict *conflict, Ledger *ledger, const char *note, const Checkpoint *checkpoint, GError **error);

/* Keeps it, once for each node and kind: the first proof is proof enough, and a peer that forks daily must not fill the table.  @fresh (may be NULL): it was not known before. */
gboolean evidence_keep(Home *home, const char *node, const Conflict *conflict, gboolean *fresh, GError **error);

/* Passing on (PU22).  What @peer brought: verified (errors of evidence_verify()), then kept like what was found here.  LIMIT past the quotas: evidence about nodes
 * that are not known here counts against whoever brought it. */
#define EVIDENCE_STRANGERS_MAX 100      /* about nodes not known here, of one peer */
#define EVIDENCE_STRANGERS_ALL_MAX 500
#define EVIDENCE_STRANGERS_BYTES_MAX (16 * 1024 * 1024)
gboolean evidence_accept(Home *home, const char *peer, GBytes *document, gboolean *fresh, Contradiction **found, GError **error);
/* Array of EvidenceName: what can be shown to others. */
GArray *evidence_names(Home *home, GError **error);
/* Which of @names this node lacks and would take of @peer. */
GArray *evidence_lacking(Home *home, const char *peer, const GArray *names, GError **error);
/* The document.  NOT_FOUND. */
GBytes *evidence_document(Home *home, const EvidenceName *name, GError **error);

/* PU30: what speaks of keys that a rotation in @newest has ended becomes repudiated; who forks with the keys in use stays accused. */
gboolean evidence_settle(Home *home, const char *node, const Identity *newest, GError **error);

/* PU23: 0, or the number of records within which two histories of @node's ledger are known to differ. */
gboolean evidence_fork_size(Home *home, const char *node, guint64 *size, GError **error);

#endif
