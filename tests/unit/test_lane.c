/* sync/audit/lane.h: every record is counted once, near the time that it claims, whatever times these are: AU14 of manifests/FORMAT.md. */
#include "sync/audit/lane.h"

#include <string.h>

static guint64
count_in(const AuditLane *lane, LaneKind kind, gint64 from, gint64 to)
{
    guint64 count = 0;

    for (guint i = 0; i < AUDIT_LANE_PLACES; i++) {
        gint64 begin = lane->from + (gint64)i * lane->width;

        if (begin + lane->width > from && begin <= to)
            count += lane->count[i][kind];
    }
    return count;
}

static guint64
count_all(const AuditLane *lane)
{
    guint64 count = 0;

    for (guint kind = 0; kind < LANE_KINDS; kind++)
        count += count_in(lane, kind, G_MININT64 / 4, G_MAXINT64 / 4);
    return count;
}

static void
test_kinds(void)
{
    g_assert_cmpint(audit_lane_kind("manifest/1"), ==, LANE_VERSION);
    g_assert_cmpint(audit_lane_kind("withdrawal/1"), ==, LANE_TAKEN_BACK);
    g_assert_cmpint(audit_lane_kind("manifest/2"), ==, LANE_OTHER);
    g_assert_cmpint(audit_lane_kind(""), ==, LANE_OTHER);
}

/* The ends of what a record may claim (years 1 to 9999), and all between. */
static void
test_times(void)
{
    static const gint64 times[] = { 1777622400, 1777622400, 1777622401, 1777622399, 0, -1, -62135596800, 253402300799, 1, 1777622400 - 86400 };
    g_autofree AuditLane *lane = g_new0(AuditLane, 1);

    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        audit_lane_add(lane, "manifest/1", times[i]);
        g_assert_cmpuint(count_all(lane), ==, i + 1);
        for (guint k = 0; k <= i; k++)
            g_assert_cmpuint(count_in(lane, LANE_VERSION, times[k], times[k]), >=, 1);
    }
}

/* Two years of records, however they come: places are never wider than they must be. */
static void
test_spans(void)
{
    for (guint seed = 0; seed < 20; seed++) {
        g_autofree AuditLane *lane = g_new0(AuditLane, 1);
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        gint64 first = G_MAXINT64, last = 0;

        for (guint i = 0; i < 2000; i++) {
            gint64 time = 1777622400 + g_rand_int_range(random, 0, 2 * 365 * 86400);

            first = MIN(first, time);
            last = MAX(last, time);
            audit_lane_add(lane, seed % 2 ? "grant/1" : "sealed/1", time);
        }
        g_assert_cmpuint(count_in(lane, seed % 2 ? LANE_GIVEN : LANE_SEALED, first, last), ==, 2000);
        g_assert_cmpuint(count_all(lane), ==, 2000);
        g_assert_cmpint((last - first) / lane->width, >=, AUDIT_LANE_PLACES / 4);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lane/kinds", test_kinds);
    g_test_add_func("/lane/times", test_times);
    g_test_add_func("/lane/spans", test_spans);
    return g_test_run();
}
