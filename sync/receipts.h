/*
 * receipts: what this node owes of deliveries and receipts, stated from the rows of transfers.h: many in one commit, none twice, whatever was killed when
 * (sync/PROTOCOL.md, E28, PU25).  A node whose signing key is locked states them when it is next unlocked: DENIED until then.
 */
#ifndef CHAMA_SYNC_RECEIPTS_H
#define CHAMA_SYNC_RECEIPTS_H

#include "manifests/handover.h"
#include "sync/transfers.h"

/* All deliveries that are due, and all receipts of which the delivery is known here.  *@stated counts them. */
gboolean receipts_state_deliveries(Home *home, guint *stated, GError **error);
gboolean receipts_state_receipts(Home *home, guint *stated, GError **error);

/* The delivery of @row, which arrived here from row->node, as its ledger holds it: the first of its transfer (S23).  FALSE without an error if none is known. */
gboolean receipts_find_delivery(Home *home, const TransferRow *row, Digest *delivery, GError **error);
/* TRUE in *@stated if this node's ledger has a delivery of this transfer to @receiver. */
gboolean receipts_is_delivered(Home *home, const char *receiver, const Digest *manifest, const TransferId *id, gboolean *stated, GError **error);
/* What ledgers tell (handovers_all()), then what stands in none yet: what arrived here without a delivery, what this node has yet to state, what it served and
 * nobody confirmed.  Array of Handover. */
GArray *receipts_all(Home *home, GError **error);

#endif
