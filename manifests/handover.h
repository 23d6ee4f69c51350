/*
 * handover: deliveries and receipts known here, each with the one that answers it (manifests/FORMAT.md, part 3, S25, S26).
 */
#ifndef CHAMA_MANIFESTS_HANDOVER_H
#define CHAMA_MANIFESTS_HANDOVER_H

#include "manifests/receipt.h"

/* One side of a handover: a record in a ledger; all zero if that is missing. */
typedef struct {
    gboolean stated;
    Digest record;
    guint64 seq;
    gint64 time;         /* as it claims */
} HandoverSide;

typedef enum {
    HANDOVER_MATCHED,
    HANDOVER_RECEIPT_OWED,     /* by the receiver */
    HANDOVER_DELIVERY_OWED,    /* by the provider: a receipt names a delivery that is not known here, or content arrived here and there is none */
    HANDOVER_UNCONFIRMED,      /* by the receiver, who has not said that what this node served has arrived; in no ledger */
    HANDOVER_WITHHELD,         /* whether there is the other half is not for this node to know: its opening is for others */
    HANDOVER_CONTRADICTS,      /* the receipt names a delivery and says something else than it, or answers one that is answered already: it counts for nothing */
} HandoverStanding;

typedef struct {
    Subject subject;
    TransferId transfer;
    char provider[NODE_ID_SIZE], receiver[NODE_ID_SIZE];
    Digest grant;        /* of the delivery; all zero if that is missing */
    gint64 served;       /* of the delivery */
    HandoverSide delivery, receipt;
    HandoverStanding standing;
    gint64 since;        /* of what stands in no ledger yet: when it was served, or arrived; else 0 */
} Handover;

/* "matched", "receipt owed", "delivery owed", "unconfirmed", "withheld", "contradicts". */
const char *handover_standing_name(HandoverStanding standing);
/* The node that owes what is missing, borrowed from @handover; NULL if nothing is. */
const char *handover_owed_by(const Handover *handover);

/* All of which the bodies are known here, to @self, deliveries first, each in order of node and number; array of Handover. */
GArray *handovers_all(Catalogue *catalogue, const char *self, GError **error);

#endif
