/* anchor/1: S28 to S30 of manifests/FORMAT.md, part 3. */
#include "manifests/anchoring.h"
#include "manifests/projection.h"
#include "tests/unit/two_nodes.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define C "caaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ROOT "\"sha256:0000000000000000000000000000000000000000000000000000000000000000\""
#define LEDGER(node, size) "{\"node\":\"" node "\",\"root\":" ROOT ",\"size\":" size "}"
#define RECORD(ledgers) "{\"ledgers\":[" ledgers "],\"node\":\"" A "\",\"prev\":" ROOT ",\"seq\":5,\"time\":\"2026-05-01T08:00:00Z\",\"type\":\"anchor/1\"}"

static const struct {
    const char *name, *text;
    int code;            /* -1: good */
    const char *rule;
} cases[] = {
    { "S28/one", RECORD(LEDGER(B, "1")), -1, "" },
    { "S28/two", RECORD(LEDGER(B, "1") "," LEDGER(C, "1000000000")), -1, "" },
    { "S28/none", RECORD(""), CHAMA_ERROR_MALFORMED, "S29" },
    { "S28/size", RECORD(LEDGER(B, "0")), CHAMA_ERROR_MALFORMED, "size" },
    { "S28/too-large", RECORD(LEDGER(B, "1000000001")), CHAMA_ERROR_MALFORMED, "size" },
    { "S28/node", RECORD(LEDGER("b", "1")), CHAMA_ERROR_MALFORMED, "S28" },
    { "S28/string", RECORD("\"x\""), CHAMA_ERROR_MALFORMED, "S28" },
    { "S28/stranger", "{\"ledgers\":[" LEDGER(B, "1") "],\"more\":1,\"node\":\"" A "\",\"prev\":" ROOT ",\"seq\":5,\"time\":\"2026-05-01T08:00:00Z\",\"type\":\"anchor/1\"}",
      CHAMA_ERROR_MALFORMED, "more" },
    { "S29/twice", RECORD(LEDGER(B, "1") "," LEDGER(B, "2")), CHAMA_ERROR_MALFORMED, "S29" },
    { "S29/order", RECORD(LEDGER(C, "1") "," LEDGER(B, "2")), CHAMA_ERROR_MALFORMED, "S29" },
    { "S29/own", RECORD(LEDGER(A, "1")), CHAMA_ERROR_MALFORMED, "S29" },
    { "S1/type", "{\"ledgers\":[],\"node\":\"" A "\",\"prev\":" ROOT ",\"seq\":5,\"time\":\"2026-05-01T08:00:00Z\",\"type\":\"anchor/2\"}", CHAMA_ERROR_UNSUPPORTED, "S1" },
};

static void
test_case(gconstpointer which)
{
    guint i = GPOINTER_TO_UINT(which);
    g_autoptr(GBytes) bytes = g_bytes_new(cases[i].text, strlen(cases[i].text));
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) ledgers = anchor_parse(bytes, &error);

    g_assert_cmpint(ledgers ? -1 : error->code, ==, cases[i].code);
    if (error && !strstr(error->message, cases[i].rule))
        g_error("want \"%s\" in: %s", cases[i].rule, error->message);
    if (ledgers) {
        g_autoptr(GBytes) members = anchor_format(ledgers, &error);

        g_assert_no_error(error);
    }
}

static void
test_many(void)
{
    g_autoptr(GArray) ledgers = g_array_new(FALSE, TRUE, sizeof(Anchored));
    g_autoptr(GBytes) most = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i <= ANCHOR_LEDGERS_MAX; i++) {
        Anchored anchored = { .size = RECORD_SEQ_MAX };

        memset(anchored.node, 'a', NODE_ID_LENGTH);
        anchored.node[0] = (char)('a' + i / 26);
        anchored.node[1] = (char)('a' + i % 26);
        if (i == ANCHOR_LEDGERS_MAX)
            most = anchor_format(ledgers, &error);
        g_array_append_val(ledgers, anchored);
    }
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(most), <, RECORD_SIZE_MAX - 512);
    g_assert_null(anchor_format(ledgers, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

static guint64
size_of(Node *node)
{
    return ledger_head(home_ledger(node->home, NULL))->size;
}

/* S30: with the version, in its batch; of what grew alone. */
static void
test_published(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    guint64 before = size_of(forestry);
    g_autoptr(Manifest) first = node_publish(forestry, "one", SHARE_OPEN, 1, 1000), second = NULL, third = NULL;
    g_autoptr(Record) record = NULL;
    g_autoptr(GArray) ledgers = NULL, anchors = NULL;
    g_autoptr(LedgerBatches) batches = NULL;
    LedgerBatch batch;
    Digest root;

    g_assert_cmpuint(size_of(forestry), ==, before + 1);
    node_accept(tourism, forestry, "forestry");
    node_copy_ledger(tourism, forestry, forestry);
    second = node_publish(forestry, "one", SHARE_OPEN, 2, 1000);
    g_assert_cmpuint(size_of(forestry), ==, before + 3);
    g_assert_cmpuint(second->seq, ==, before + 2);
    batches = ledger_batches_new(home_ledger(forestry->home, NULL), before + 1, NULL);
    g_assert_true(ledger_batches_next(batches, &batch, NULL));
    g_assert_cmpuint(batch.count, ==, 2);
    g_bytes_unref(batch.signature);

    record = ledger_get(home_ledger(forestry->home, NULL), before + 1, NULL);
    g_assert_cmpstr(record->type, ==, ANCHOR);
    ledgers = anchor_parse(record->bytes, NULL);
    g_assert_cmpuint(ledgers->len, ==, 1);
    g_assert_cmpstr(g_array_index(ledgers, Anchored, 0).node, ==, home_id(tourism->home));
    g_assert_true(ledger_root(home_ledger(tourism->home, NULL), size_of(tourism), &root, NULL));
    g_assert_cmpuint(g_array_index(ledgers, Anchored, 0).size, ==, size_of(tourism));
    g_assert_true(digest_equal(&g_array_index(ledgers, Anchored, 0).root, &root));

    third = node_publish(forestry, "one", SHARE_OPEN, 3, 1000);
    g_assert_cmpuint(size_of(forestry), ==, before + 4);

    anchors = catalogue_anchors_before(home_catalogue(forestry->home, NULL), home_id(forestry->home), before + 1, NULL);
    g_assert_cmpuint(anchors->len, ==, 0);
    g_array_unref(anchors);
    anchors = catalogue_anchors_before(home_catalogue(forestry->home, NULL), home_id(forestry->home), before + 2, NULL);
    g_assert_cmpuint(anchors->len, ==, 1);
    g_assert_cmpuint(g_array_index(anchors, Anchor, 0).seq, ==, before + 1);
    g_array_unref(anchors);
    anchors = catalogue_anchors_of(home_catalogue(forestry->home, NULL), home_id(tourism->home), size_of(tourism) - 1, NULL);
    g_assert_cmpuint(anchors->len, ==, 1);
    g_assert_cmpstr(g_array_index(anchors, Anchor, 0).by, ==, home_id(forestry->home));
    g_array_unref(anchors);
    anchors = catalogue_anchors_of(home_catalogue(forestry->home, NULL), home_id(tourism->home), size_of(tourism), NULL);
    g_assert_cmpuint(anchors->len, ==, 0);
}

/* Daily, once, and not because others anchored. */
static void
test_daily(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Record) none = anchoring_state(forestry->home, 0, NULL), one = NULL, early = NULL, other = NULL, again = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(Record) news = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_null(none);
    node_accept(tourism, forestry, "forestry");
    node_accept(forestry, tourism, "tourism");
    node_copy_ledger(tourism, forestry, forestry);
    one = anchoring_state(forestry->home, ANCHORING_EVERY, &error);
    g_assert_no_error(error);
    g_assert_nonnull(one);
    node_copy_ledger(forestry, tourism, tourism);
    other = anchoring_state(tourism->home, 0, &error);
    g_assert_nonnull(other);
    node_copy_ledger(tourism, forestry, forestry);
    again = anchoring_state(forestry->home, 0, &error);
    g_assert_no_error(error);
    g_assert_null(again);

    manifest = node_publish(tourism, "two", SHARE_OPEN, 1, 10);
    node_copy_ledger(tourism, forestry, forestry);
    early = anchoring_state(forestry->home, ANCHORING_EVERY, &error);
    g_assert_null(early);
    news = anchoring_state(forestry->home, 0, &error);
    g_assert_no_error(error);
    g_assert_nonnull(news);
}

static guint
count_anchors(Node *node)
{
    g_autoptr(Query) query = database_query(catalogue_database(home_catalogue(node->home, NULL)), "SELECT count(DISTINCT seq) FROM anchors WHERE anchorer = ?1", NULL);

    query_text(query, 1, home_id(node->home));
    g_assert_true(database_row(catalogue_database(home_catalogue(node->home, NULL)), query, NULL));
    return (guint)sqlite3_column_int(query, 0);
}

static gboolean
anchors_now(Node *node)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Record) record = anchoring_state(node->home, ANCHORING_EVERY, &error);

    g_assert_no_error(error);
    return record != NULL;
}

/* One that says a time of years ahead, of a clock that ran wrong for a day: the next is stated at once, and then it is daily again. */
static void
test_clock(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    Ledger *ledger = home_ledger(forestry->home, NULL);
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(GArray) due = NULL;
    g_autoptr(GBytes) members = NULL;
    g_autoptr(GError) error = NULL;
    const gint64 years_ahead = g_get_real_time() / G_USEC_PER_SEC + 10 * 365 * ANCHORING_EVERY;

    node_accept(tourism, forestry, "forestry");
    node_copy_ledger(tourism, forestry, forestry);
    due = anchoring_due(forestry->home, &error);
    g_assert_cmpuint(due->len, ==, 1);
    members = anchor_format(due, &error);
    g_ptr_array_add(batch, record_sign(ledger_head(ledger), ANCHOR, members, years_ahead, home_signing_key(forestry->home, NULL), &error));
    g_assert_no_error(error);
    {
        g_autoptr(LedgerLock) lock = ledger_lock(ledger, &error);

        g_assert_true(ledger_append(ledger, batch, home_signing_key(forestry->home, NULL), &error));
    }
    g_assert_true(catalogue_project(home_catalogue(forestry->home, NULL), ledger, &error));
    g_assert_cmpuint(count_anchors(forestry), ==, 1);

    for (guint i = 0; i < 3; i++) {
        g_autoptr(Manifest) manifest = node_publish(tourism, "two", SHARE_OPEN, i, 10);

        node_copy_ledger(tourism, forestry, forestry);
        g_assert_cmpint(anchors_now(forestry), ==, i == 0);
    }
    g_assert_cmpuint(count_anchors(forestry), ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/anchor/", cases[i].name, NULL);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_case);
    }
    g_test_add_func("/anchor/S29/many", test_many);
    g_test_add("/anchor/S30/published", TwoNodes, NULL, two_nodes_make, test_published, two_nodes_clear);
    g_test_add("/anchor/S30/daily", TwoNodes, NULL, two_nodes_make, test_daily, two_nodes_clear);
    g_test_add("/anchor/S30/clock", TwoNodes, NULL, two_nodes_make, test_clock, two_nodes_clear);
    return g_test_run();
}
