#include "sync/audit/lane.h"

#include <string.h>

static const struct {
    const char *type;
    LaneKind kind;
} kinds[] = {
    { "manifest/1", LANE_VERSION },      { "sealed/1", LANE_SEALED },         { "grant/1", LANE_GIVEN },
    { "delivery/1", LANE_GIVEN },        { "receipt/1", LANE_GIVEN },         { "revocation/1", LANE_TAKEN_BACK }, { "withdrawal/1", LANE_TAKEN_BACK },
    { "erasure/1", LANE_TAKEN_BACK },    { "attestation/1", LANE_ATTESTED },  { "endorse/1", LANE_ATTESTED }, { "inception/1", LANE_KEYS },
    { "rotation/1", LANE_KEYS },
};

LaneKind
audit_lane_kind(const char *type)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].kind;
    return LANE_OTHER;
}

/* Down, of times before 1970 too. */
static gint64
place_of(gint64 time, gint64 width)
{
    return time >= 0 ? time / width : -((width - 1 - time) / width);
}

/* Places twice as wide: each holds two of before, since all begin at multiples of their width. */
static void
widen(AuditLane *lane, gint64 first)
{
    AuditLane wider = { .width = 2 * lane->width };

    wider.from = place_of(MIN(first, lane->from), wider.width) * wider.width;
    for (guint i = 0; i < AUDIT_LANE_PLACES; i++) {
        gint64 place = (lane->from + (gint64)i * lane->width - wider.from) / wider.width;

        for (guint kind = 0; kind < LANE_KINDS; kind++)
            if (lane->count[i][kind] > 0)
                wider.count[place][kind] += lane->count[i][kind];
    }
    *lane = wider;
}

/* The end of what is there. */
static gint64
end_of(const AuditLane *lane)
{
    static const guint32 none[LANE_KINDS];

    for (guint i = AUDIT_LANE_PLACES; i > 0; i--)
        if (memcmp(lane->count[i - 1], none, sizeof none) != 0)
            return lane->from + (gint64)i * lane->width;
    return lane->from;
}

void
audit_lane_add(AuditLane *lane, const char *type, gint64 time)
{
    if (lane->width == 0)
        *lane = (AuditLane){ .from = time, .width = 1 };
    /* What is there must still fit if it begins earlier. */
    while (time >= lane->from + AUDIT_LANE_PLACES * lane->width || (time < lane->from && end_of(lane) > place_of(time, lane->width) * lane->width + AUDIT_LANE_PLACES * lane->width))
        widen(lane, lane->from);
    if (time < lane->from) {
        gint64 from = place_of(time, lane->width) * lane->width;
        guint by = (guint)((lane->from - from) / lane->width);

        memmove(lane->count[by], lane->count[0], (AUDIT_LANE_PLACES - by) * sizeof lane->count[0]);
        memset(lane->count[0], 0, by * sizeof lane->count[0]);
        lane->from = from;
    }
    lane->count[(time - lane->from) / lane->width][audit_lane_kind(type)]++;
}
