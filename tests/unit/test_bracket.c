/* When a record was stated: S30 of manifests/FORMAT.md, part 3. */
#include "manifests/anchoring.h"
#include "manifests/bracket.h"
#include "tests/unit/two_nodes.h"

#define TIMES 3
#define NONE G_MININT64

static const struct {
    const char *name;
    gint64 claimed;
    gint64 after[TIMES], before[TIMES];     /* up to the first NONE */
    gint64 begins, ends;                /* NONE: none */
    BracketVerdict verdict;
} cases[] = {
    { "open", 100, { NONE }, { NONE }, NONE, NONE, BRACKET_OPEN },
    { "after", 100, { 50, NONE }, { NONE }, 50, NONE, BRACKET_WITHIN },
    { "before", 100, { NONE }, { 150, NONE }, NONE, 150, BRACKET_WITHIN },
    { "both", 100, { 50, NONE }, { 150, NONE }, 50, 150, BRACKET_WITHIN },
    { "the-narrowest", 100, { 50, 90, 70 }, { 150, 110, 130 }, 90, 110, BRACKET_WITHIN },
    { "at-the-beginning", 100, { 100, NONE }, { 150, NONE }, 100, 150, BRACKET_WITHIN },
    { "at-the-end", 100, { 50, NONE }, { 100, NONE }, 50, 100, BRACKET_WITHIN },
    { "a-moment", 100, { 100, NONE }, { 100, NONE }, 100, 100, BRACKET_WITHIN },
    { "too-early", 100, { 101, NONE }, { 150, NONE }, 101, 150, BRACKET_TOO_EARLY },
    { "too-early-alone", 100, { 101, NONE }, { NONE }, 101, NONE, BRACKET_TOO_EARLY },
    { "too-late", 100, { 50, NONE }, { 99, NONE }, 50, 99, BRACKET_TOO_LATE },
    { "too-late-alone", 100, { NONE }, { 99, NONE }, NONE, 99, BRACKET_TOO_LATE },
    { "crossed", 100, { 120, NONE }, { 80, NONE }, 120, 80, BRACKET_CROSSED },
    { "one-lies", 100, { 50, 120, NONE }, { 150, NONE }, 120, 150, BRACKET_TOO_EARLY },
};

static GArray *
bounds_of(const gint64 times[TIMES])
{
    GArray *bounds = g_array_new(FALSE, TRUE, sizeof(Bound));

    for (guint i = 0; i < TIMES && times[i] != NONE; i++) {
        Bound bound = { .basis = BOUND_ANCHOR, .time = times[i], .node = "x" };

        g_array_append_val(bounds, bound);
    }
    return bounds;
}

static void
assert_bound(const Bound *bound, gint64 want)
{
    if (want == NONE) {
        g_assert_cmpint(bound->basis, ==, BOUND_NONE);
        return;
    }
    g_assert_cmpint(bound->basis, ==, BOUND_ANCHOR);
    g_assert_cmpint(bound->time, ==, want);
}

static void
test_case(gconstpointer which)
{
    guint i = GPOINTER_TO_UINT(which);
    g_autoptr(GArray) after = bounds_of(cases[i].after), before = bounds_of(cases[i].before);
    g_autofree char *words = NULL;
    Bracket bracket;

    bracket_of(cases[i].claimed, after, before, &bracket);
    assert_bound(&bracket.after, cases[i].begins);
    assert_bound(&bracket.before, cases[i].ends);
    g_assert_cmpint(bracket.verdict, ==, cases[i].verdict);
    words = bracket_format(&bracket, NULL, NULL);
    g_assert_true(g_str_has_prefix(words, "claimed 1970-01-01T00:01:40Z"));
    g_assert_cmpint(strstr(words, "between") != NULL, ==, cases[i].begins != NONE && cases[i].ends != NONE);
    g_assert_cmpint(strstr(words, "claimed too early") != NULL, ==, cases[i].verdict == BRACKET_TOO_EARLY);
    g_assert_cmpint(strstr(words, "contradict") != NULL, ==, cases[i].verdict == BRACKET_CROSSED);
}

/* Forestry anchors Tourism, publishes, and is anchored by Tourism: its version lies between the two; an older one before. */
static void
test_ledgers(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) first = node_publish(forestry, "one", SHARE_OPEN, 1, 10), second = NULL, third = NULL;
    g_autoptr(Record) anchor = NULL;
    g_autoptr(GArray) more = g_array_new(FALSE, TRUE, sizeof(Bound));
    Bound cosigned = { .basis = BOUND_COSIGNATURE, .node = "w" };
    g_autoptr(GError) error = NULL;
    Bracket bracket;

    node_accept(tourism, forestry, "forestry");
    node_accept(forestry, tourism, "tourism");
    node_copy_ledger(tourism, forestry, forestry);
    second = node_publish(forestry, "one", SHARE_OPEN, 2, 10);
    node_copy_ledger(forestry, tourism, tourism);
    anchor = anchoring_state(tourism->home, 0, &error);
    g_assert_no_error(error);
    third = node_publish(forestry, "one", SHARE_OPEN, 3, 10);
    node_copy_ledger(tourism, forestry, forestry);

    g_assert_true(bracket_of_record(home_catalogue(forestry->home, NULL), first->node, first->seq, first->time, NULL, &bracket, &error));
    g_assert_cmpint(bracket.after.basis, ==, BOUND_NONE);
    g_assert_cmpint(bracket.before.basis, ==, BOUND_ANCHOR);
    g_assert_true(bracket_of_record(home_catalogue(forestry->home, NULL), second->node, second->seq, second->time, NULL, &bracket, &error));
    g_assert_cmpstr(bracket.after.node, ==, home_id(tourism->home));
    g_assert_cmpstr(bracket.before.node, ==, home_id(tourism->home));
    g_assert_cmpint(bracket.before.time, ==, anchor->time);
    g_assert_cmpint(bracket.verdict, ==, BRACKET_WITHIN);
    g_assert_true(bracket_of_record(home_catalogue(forestry->home, NULL), third->node, third->seq, third->time, NULL, &bracket, &error));
    g_assert_cmpint(bracket.after.basis, ==, BOUND_ANCHOR);
    g_assert_cmpint(bracket.before.basis, ==, BOUND_NONE);

    /* a cosignature covers as an anchor does, and the earlier counts */
    cosigned.time = second->time;
    g_array_append_val(more, cosigned);
    g_assert_true(bracket_of_record(home_catalogue(forestry->home, NULL), third->node, third->seq, second->time, more, &bracket, &error));
    g_assert_cmpint(bracket.before.basis, ==, BOUND_COSIGNATURE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/bracket/", cases[i].name, NULL);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_case);
    }
    g_test_add("/bracket/S30/ledgers", TwoNodes, NULL, two_nodes_make, test_ledgers, two_nodes_clear);
    return g_test_run();
}
