/*
 * replica: the records of one ledger that are new, from the peer's stream into the copy here: each verified, the whole compared with the owner's
 * checkpoint before any of it becomes visible (I3, I5).
 */
#ifndef CHAMA_SYNC_PULL_REPLICA_H
#define CHAMA_SYNC_PULL_REPLICA_H

#include "sync/evidence.h"
#include "sync/pull/session.h"

typedef struct {
    const LedgerOffer *offer;   /* longer than what is held */
    Ledger *ledger;             /* NULL: not here yet; it is made once its inception has been verified */
    gboolean relayed;           /* counts as a third party's */
    guint64 bytes_max;          /* of log entries to take */
    gboolean from_owner;        /* the peer asked is the ledger's own node: what it gives whole goes before an open part seen earlier (PU31) */
    guint64 seen_size;          /* of the sparse ledger held; 0: none */
    Digest seen_root;
} ReplicaOrder;

typedef struct {
    Ledger *ledger;             /* borrowed from the home */
    guint64 records, bytes;     /* appended */
    gboolean gave_way;          /* the sparse ledger held was of another history: its file is to go */
    Conflict conflict;          /* FORK: what the owner signed and does not fit */
} ReplicaResult;
void replica_result_clear(ReplicaResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReplicaResult, replica_result_clear)

/* Brings the ledger to the offered size and keeps the checkpoint.  FORK: what the owner signed does not continue what is held, or is not what
 * its checkpoint says.  LIMIT past bytes_max.  On any error nothing has become visible. */
gboolean replica_fetch(Session *session, const ReplicaOrder *order, ReplicaResult *result, GError **error);

#endif
