/*
 * open_part: ledgers of which only the open part is for this node (PU8), and what becomes of that when the whole comes (PU31).
 */
#ifndef CHAMA_SYNC_PULL_OPEN_PART_H
#define CHAMA_SYNC_PULL_OPEN_PART_H

#include "sync/pull/session.h"

/* Takes what is offered of it; FORK if it does not continue what is held. */
gboolean open_part_take(Session *session, const LedgerOffer *offer, GError **error);

/* The whole ledger, of @size records and verified, is not the one whose open part is held, under a checkpoint of @seen records.  Before it becomes visible: keeps the
 * evidence (@conflict; NULL: a rotation says which counts), tells people, and forgets what was known of the open part. */
gboolean open_part_give_way(Session *session, const char *node, const Conflict *conflict, guint64 seen, guint64 size, GError **error);
/* After that: the file. */
gboolean open_part_drop(Session *session, const char *node, GError **error);

#endif
