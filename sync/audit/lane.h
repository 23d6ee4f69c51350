/*
 * lane: when the records of a ledger claim to have been made: how many of which kind, in as many places as a picture can show.  Of one size whatever the
 * number of records and whatever times they claim: places grow wider, twice each time, as the span does (AU14 of manifests/FORMAT.md).
 */
#ifndef CHAMA_SYNC_AUDIT_LANE_H
#define CHAMA_SYNC_AUDIT_LANE_H

#include <glib.h>

#define AUDIT_LANE_PLACES 512

/* What a record is about, as far as a picture tells it. */
typedef enum {
    LANE_VERSION,
    LANE_SEALED,       /* what is said to some */
    LANE_GIVEN,        /* grants, deliveries, receipts */
    LANE_TAKEN_BACK,   /* revocations, withdrawals, erasures */
    LANE_ATTESTED,
    LANE_KEYS,
    LANE_OTHER,
    LANE_KINDS
} LaneKind;

typedef struct {
    gint64 from, width;   /* seconds; width 0: empty.  Place i begins at from + i * width */
    guint32 count[AUDIT_LANE_PLACES][LANE_KINDS];
} AuditLane;

LaneKind audit_lane_kind(const char *type);
void audit_lane_add(AuditLane *lane, const char *type, gint64 time);

#endif
