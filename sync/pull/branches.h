/*
 * branches: what a peer offers of a ledger contradicts what is held of it.  The whole of it is fetched, verified by itself, and judged by the recovery rule
 * (sync/PROTOCOL.md, PU30; keys/IDENTITY.md, N14, N15).
 */
#ifndef CHAMA_SYNC_PULL_BRANCHES_H
#define CHAMA_SYNC_PULL_BRANCHES_H

#include "sync/pull/replica.h"

typedef enum {
    OUTCOME_UNTOLD,      /* nothing can be said: it could not be fetched, or does not hold by itself */
    OUTCOME_REPUDIATED,  /* what is offered counts for nothing, and is no alarm */
    OUTCOME_ADOPTED,     /* what is offered has taken the place of what was held */
    OUTCOME_FORK,        /* no rotation tells */
    OUTCOME_FROZEN,      /* a rotation in each: people must tell */
} BranchOutcome;

/* @order is for the ledger held; its ledger is closed if the outcome is OUTCOME_ADOPTED.  FALSE only if something here failed, or the sync is over. */
gboolean branches_judge(Session *session, const ReplicaOrder *order, BranchOutcome *outcome, GError **error);

/* Histories that were judged to count for nothing are judged anew when they are offered. */
gboolean branches_forget(Home *home, const char *node, GError **error);

#endif
