/* Deliveries and receipts that are due, and POST /v1/arrivals: E28, PU25, PU26 of sync/PROTOCOL.md. */
#include "sync/receipts.h"

#include "manifests/sealing.h"
#include "sync/audit/audit.h"
#include "tests/unit/two_nodes.h"

#define VERSIONS 3

typedef struct {
    TwoNodes nodes;
    Node third;                        /* nobody's peer, without a grant */
    Manifest *versions[VERSIONS];
    TransferId ids[VERSIONS];
} Stage;

static void
stage_make(Stage *stage, gconstpointer unused)
{
    two_nodes_make(&stage->nodes, NULL);
    node_make(&stage->third, stage->nodes.folder, "Third", "relayed");
    node_accept(&stage->nodes.forestry, &stage->nodes.tourism, "tourism");
    for (guint i = 0; i < VERSIONS; i++) {
        stage->versions[i] = node_publish(&stage->nodes.forestry, "patients", SHARE_CONDITIONAL, i, 1000);
        transfer_id_draw(&stage->ids[i]);
    }
    g_bytes_unref(node_grant(&stage->nodes.forestry, "patients", home_id(stage->nodes.tourism.home), g_get_real_time() / G_USEC_PER_SEC + 3600));
}

static void
stage_clear(Stage *stage, gconstpointer unused)
{
    for (guint i = 0; i < VERSIONS; i++)
        manifest_free(stage->versions[i]);
    home_close(stage->third.home);
    g_free(stage->third.path);
    two_nodes_clear(&stage->nodes, NULL);
}

static void
serve(Stage *stage, const Node *caller, guint i, int status)
{
    char hex[DIGEST_HEX_SIZE];
    g_autofree char *path = g_strdup_printf("/v1/versions/%s/content", digest_format_hex(&stage->versions[i]->address, hex));
    g_auto(Reply) reply = node_ask(&stage->nodes.forestry, caller, "GET", path, NULL, NULL, NULL);

    g_assert_cmpint(reply.status, ==, status);
}

/* What @caller is told when it says that versions @first to @last arrived. */
static ArrivalsReply
claim(Stage *stage, const Node *caller, guint first, guint last)
{
    g_autoptr(GArray) claims = g_array_new(FALSE, FALSE, sizeof(ArrivalClaim));
    g_autoptr(GBytes) body = NULL, bytes = NULL;
    g_autoptr(GError) error = NULL;
    ArrivalsReply read = { 0 };

    for (guint i = first; i <= last; i++) {
        const ArrivalClaim one = { stage->versions[i]->address, stage->ids[i] };

        g_array_append_val(claims, one);
    }
    body = arrivals_format(claims, &error);
    g_assert_no_error(error);
    {
        g_auto(Reply) reply = node_ask(&stage->nodes.forestry, caller, "POST", "/v1/arrivals", NULL, NULL, body);

        g_assert_cmpint(reply.status, ==, 200);
        bytes = reply_bytes(&reply);
    }
    g_assert_true(arrivals_reply_parse(bytes, &read, &error));
    g_assert_no_error(error);
    return read;
}

static void
assert_claim(Stage *stage, const Node *caller, guint first, guint last, guint known, guint stated)
{
    const ArrivalsReply reply = claim(stage, caller, first, last);

    g_assert_cmpuint(reply.known, ==, known);
    g_assert_cmpuint(reply.stated, ==, stated);
}

static guint64
ledger_size(Stage *stage)
{
    return ledger_head(home_ledger(stage->nodes.forestry.home, NULL))->size;
}

static guint
count(Stage *stage, const char *type)
{
    g_autoptr(GPtrArray) all = catalogue_statements(home_catalogue(stage->nodes.forestry.home, NULL), NULL, type, NULL, NULL);

    return all->len;
}

static guint
commits(Stage *stage)
{
    g_autoptr(LedgerBatches) batches = ledger_batches_new(home_ledger(stage->nodes.forestry.home, NULL), 0, NULL);
    LedgerBatch batch;
    guint number = 0;

    for (; ledger_batches_next(batches, &batch, NULL); number++)
        g_bytes_unref(batch.signature);
    return number;
}

/* Many in one commit; said again, nothing is stated. */
static void
test_batch(Stage *stage, gconstpointer unused)
{
    guint64 size = ledger_size(stage);
    guint before = commits(stage);

    for (guint i = 0; i < VERSIONS; i++)
        serve(stage, &stage->nodes.tourism, i, 200);
    assert_claim(stage, &stage->nodes.tourism, 0, VERSIONS - 1, VERSIONS, VERSIONS);
    g_assert_cmpuint(ledger_size(stage), ==, size + VERSIONS);
    g_assert_cmpuint(commits(stage), ==, before + 1);
    g_assert_cmpuint(count(stage, DELIVERY), ==, VERSIONS);
    assert_claim(stage, &stage->nodes.tourism, 0, VERSIONS - 1, VERSIONS, VERSIONS);
    g_assert_cmpuint(ledger_size(stage), ==, size + VERSIONS);
}

/* What was not served to who says so is not known, whoever it was served to. */
static void
test_forged(Stage *stage, gconstpointer unused)
{
    guint64 size = ledger_size(stage);

    assert_claim(stage, &stage->nodes.tourism, 0, 0, 0, 0);
    serve(stage, &stage->nodes.tourism, 0, 200);
    serve(stage, &stage->third, 0, 404);
    assert_claim(stage, &stage->third, 0, 0, 0, 0);
    assert_claim(stage, NULL, 0, 0, 0, 0);
    assert_claim(stage, &stage->nodes.tourism, 1, 1, 0, 0);
    g_assert_cmpuint(ledger_size(stage), ==, size);
    assert_claim(stage, &stage->nodes.tourism, 0, 0, 1, 1);
    /* One serving is one transfer. */
    transfer_id_draw(&stage->ids[0]);
    assert_claim(stage, &stage->nodes.tourism, 0, 0, 0, 0);
    serve(stage, &stage->nodes.tourism, 0, 200);
    assert_claim(stage, &stage->nodes.tourism, 0, 0, 1, 1);
    g_assert_cmpuint(ledger_size(stage), ==, size + 2);
}

/* Revoked after it was served: it was delivered all the same, under the grant of then. */
static void
test_after_revocation(Stage *stage, gconstpointer unused)
{
    g_autoptr(GPtrArray) grants = catalogue_grants(home_catalogue(stage->nodes.forestry.home, NULL), NULL, NULL, NULL, NULL);
    const GrantRow *grant = grants->pdata[0];
    g_autoptr(GBytes) opening = home_opening(stage->nodes.forestry.home, &grant->record, NULL);
    g_autoptr(GPtrArray) all = NULL;
    const Statement *s;
    Delivery delivery;

    serve(stage, &stage->nodes.tourism, 0, 200);
    node_revoke(&stage->nodes.forestry, opening);
    serve(stage, &stage->nodes.tourism, 1, 404);
    assert_claim(stage, &stage->nodes.tourism, 0, 1, 1, 1);
    all = catalogue_statements(home_catalogue(stage->nodes.forestry.home, NULL), NULL, DELIVERY, &stage->versions[0]->address, NULL);
    g_assert_cmpuint(all->len, ==, 1);
    s = all->pdata[0];
    g_assert_true(s->sealed);
    g_assert_true(delivery_parse(s->record->node, s->body, TRUE, &delivery, NULL));
    g_assert_true(digest_equal(&delivery.grant, &grant->record));
    g_assert_cmpstr(delivery.receiver, ==, home_id(stage->nodes.tourism.home));
    g_assert_cmpstr(delivery.transfer.text, ==, stage->ids[0].text);
}

static void
test_bad_documents(Stage *stage, gconstpointer unused)
{
    static const struct {
        const char *body;
        int status;
    } cases[] = {
        { "", 400 },
        { "{}", 400 },
        { "{\"arrivals\":[],\"type\":\"arrivals/2\"}", 400 },
        { "{\"arrivals\":{},\"type\":\"arrivals/1\"}", 400 },
        { "{\"arrivals\":[{\"manifest\":\"sha256:00\",\"transfer\":\"00112233445566778899aabbccddeeff\"}],\"type\":\"arrivals/1\"}", 400 },
        { "{\"arrivals\":[{\"transfer\":\"00112233445566778899aabbccddeeff\"}],\"type\":\"arrivals/1\"}", 400 },
        { "{\"arrivals\":[],\"type\":\"arrivals/1\"}", 200 },
        { "{\"arrivals\":[],\"later\":1,\"type\":\"arrivals/1\"}", 200 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) body = g_bytes_new(cases[i].body, strlen(cases[i].body));
        g_auto(Reply) reply = node_ask(&stage->nodes.forestry, &stage->nodes.tourism, "POST", "/v1/arrivals", NULL, NULL, body);

        g_test_message("%s", cases[i].body);
        g_assert_cmpint(reply.status, ==, cases[i].status);
    }
}

/* W19: as many as one document holds, and no more. */
static void
test_limit(Stage *stage, gconstpointer unused)
{
    g_autoptr(GArray) claims = g_array_new(FALSE, FALSE, sizeof(ArrivalClaim)), read = NULL;
    const ArrivalClaim one = { stage->versions[0]->address, stage->ids[0] };
    g_autoptr(GBytes) body = NULL, more = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < WIRE_ARRIVALS_MAX; i++)
        g_array_append_val(claims, one);
    body = arrivals_format(claims, &error);
    g_assert_no_error(error);
    read = arrivals_parse(body, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(read->len, ==, WIRE_ARRIVALS_MAX);
    g_array_append_val(claims, one);
    more = arrivals_format(claims, &error);
    g_assert_no_error(error);
    g_assert_null(arrivals_parse(more, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

static void
confirm(Stage *stage, guint i)
{
    State *state = home_state(stage->nodes.forestry.home, NULL);
    gboolean known;

    serve(stage, &stage->nodes.tourism, i, 200);
    g_assert_true(state_begin(state, NULL));
    g_assert_true(transfers_confirm(stage->nodes.forestry.home, home_id(stage->nodes.tourism.home), &stage->versions[i]->address, &stage->ids[i], &known, NULL));
    g_assert_true(known);
    g_assert_true(state_commit(state, NULL));
}

/* Killed after the record was signed and before it was committed; killed after that, and before the row went. */
static void
test_killed(Stage *stage, gconstpointer unused)
{
    Home *home = stage->nodes.forestry.home;
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GArray) rows = NULL, left = NULL;
    guint stated;

    confirm(stage, 0);
    rows = transfers_all(home, TRANSFERS_DELIVERING, 9, NULL);
    g_assert_cmpuint(rows->len, ==, 1);
    memset(&g_array_index(rows, TransferRow, 0).record, 7, sizeof(Digest));
    g_assert_true(transfers_set_records(home, TRANSFERS_DELIVERING, rows, NULL));
    g_assert_true(receipts_state_deliveries(home, &stated, NULL));
    g_assert_cmpuint(stated, ==, 1);
    g_assert_cmpuint(count(stage, DELIVERY), ==, 1);

    confirm(stage, 1);
    g_clear_pointer(&rows, g_array_unref);
    rows = transfers_all(home, TRANSFERS_DELIVERING, 9, NULL);
    g_assert_cmpuint(rows->len, ==, 1);
    all = catalogue_statements(home_catalogue(home, NULL), NULL, DELIVERY, NULL, NULL);
    g_array_index(rows, TransferRow, 0).record = ((Statement *)all->pdata[0])->record->address;
    g_assert_true(transfers_set_records(home, TRANSFERS_DELIVERING, rows, NULL));
    g_assert_true(receipts_state_deliveries(home, &stated, NULL));
    g_assert_cmpuint(stated, ==, 0);
    left = transfers_all(home, TRANSFERS_DELIVERING, 9, NULL);
    g_assert_cmpuint(left->len, ==, 0);
}

/* Both sides without a network: the receiver states nothing before it knows the delivery, and then once. */
static void
test_receipt(Stage *stage, gconstpointer unused)
{
    Home *home = stage->nodes.tourism.home;
    TransferRow row = { .id = stage->ids[0], .manifest = stage->versions[0]->address, .time = 1 };
    g_autoptr(GPtrArray) deliveries = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(Opening) opening = NULL;
    g_autoptr(GArray) before = NULL, after = NULL;
    guint stated;

    node_copy_ledger(&stage->nodes.forestry, &stage->nodes.tourism, &stage->nodes.tourism);
    g_strlcpy(row.node, home_id(stage->nodes.forestry.home), sizeof row.node);
    g_assert_true(transfers_add_arrived(home_state(home, NULL), &row, NULL));
    g_assert_true(receipts_state_receipts(home, &stated, NULL));
    g_assert_cmpuint(stated, ==, 0);
    before = receipts_all(home, NULL);
    g_assert_cmpuint(before->len, ==, 1);
    g_assert_cmpint(g_array_index(before, Handover, 0).standing, ==, HANDOVER_DELIVERY_OWED);

    serve(stage, &stage->nodes.tourism, 0, 200);
    serve(stage, &stage->nodes.tourism, 1, 200);
    assert_claim(stage, &stage->nodes.tourism, 0, 1, 2, 2);
    node_copy_ledger(&stage->nodes.forestry, &stage->nodes.tourism, &stage->nodes.tourism);
    deliveries = catalogue_statements(home_catalogue(stage->nodes.forestry.home, NULL), NULL, DELIVERY, &stage->versions[0]->address, NULL);
    bytes = home_opening(stage->nodes.forestry.home, &((Statement *)deliveries->pdata[0])->record->address, NULL);
    opening = opening_parse(bytes, NULL);
    g_assert_true(catalogue_learn_opening(home_catalogue(home, NULL), opening, NULL));
    g_assert_true(receipts_state_receipts(home, &stated, NULL));
    g_assert_cmpuint(stated, ==, 1);
    g_assert_true(receipts_state_receipts(home, &stated, NULL));
    g_assert_cmpuint(stated, ==, 0);
    after = receipts_all(home, NULL);
    g_assert_cmpuint(after->len, ==, 1);
    g_assert_cmpint(g_array_index(after, Handover, 0).standing, ==, HANDOVER_MATCHED);
}

/* How many findings of @kind an audit by Forestry has. */
static guint
audited(Stage *stage, AuditKind kind)
{
    const AuditOptions options = { .now = g_get_real_time() / G_USEC_PER_SEC };
    g_autoptr(GError) error = NULL;
    g_autoptr(Audit) audit = audit_run(stage->nodes.forestry.home, &options, &error);
    guint found = 0;

    g_assert_no_error(error);
    for (guint i = 0; i < audit->findings->len; i++)
        found += g_array_index(audit->findings, AuditFinding, i).kind == kind;
    return found;
}

/* States a delivery to @receiver under @grant, whatever it is. */
static void
state_delivery(Stage *stage, const Digest *grant, const char *receiver, gint64 served)
{
    Home *home = stage->nodes.forestry.home;
    Delivery delivery = { .grant = *grant, .served = served };
    g_autoptr(GBytes) members = NULL, body = NULL;
    g_autoptr(Record) record = NULL;

    subject_of(stage->versions[0], &delivery.subject);
    transfer_id_draw(&delivery.transfer);
    g_strlcpy(delivery.receiver, receiver, sizeof delivery.receiver);
    members = delivery_format(home_id(home), &delivery, NULL);
    body = body_seal(DELIVERY, home_id(home), members, NULL);
    record = sealing_state(home, body, NULL);
    g_assert_nonnull(record);
}

static Digest
record_of(GBytes *opening)
{
    g_autoptr(Opening) read = opening_parse(opening, NULL);

    return read->record;
}

/* AU13 */
static void
test_audit(Stage *stage, gconstpointer unused)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    const char *tourism = home_id(stage->nodes.tourism.home), *third = home_id(stage->third.home);
    g_autoptr(GBytes) good = node_grant(&stage->nodes.forestry, "patients", tourism, now + 3600), over = node_grant(&stage->nodes.forestry, "patients", tourism, now - 10);
    g_autoptr(GBytes) other = node_grant(&stage->nodes.forestry, "rivers", tourism, now + 3600);
    Digest a = record_of(good), b = record_of(over), c = record_of(other), unknown = { { 9 } };

    state_delivery(stage, &a, tourism, now);
    g_assert_cmpuint(audited(stage, AUDIT_DELIVERY_WITHOUT_GRANT), ==, 0);
    g_assert_cmpuint(audited(stage, AUDIT_RECEIPT_OWED), ==, 1);
    state_delivery(stage, &b, tourism, now - 20);
    state_delivery(stage, &unknown, tourism, now);
    g_assert_cmpuint(audited(stage, AUDIT_DELIVERY_WITHOUT_GRANT), ==, 0);
    state_delivery(stage, &b, tourism, now);
    g_assert_cmpuint(audited(stage, AUDIT_DELIVERY_WITHOUT_GRANT), ==, 1);
    state_delivery(stage, &a, third, now);
    g_assert_cmpuint(audited(stage, AUDIT_DELIVERY_WITHOUT_GRANT), ==, 2);
    state_delivery(stage, &c, tourism, now);
    g_assert_cmpuint(audited(stage, AUDIT_DELIVERY_WITHOUT_GRANT), ==, 3);
    node_revoke(&stage->nodes.forestry, good);
    g_assert_cmpuint(audited(stage, AUDIT_DELIVERY_WITHOUT_GRANT), ==, 3);
    state_delivery(stage, &a, tourism, now + 30);
    g_assert_cmpuint(audited(stage, AUDIT_DELIVERY_WITHOUT_GRANT), ==, 4);
}

#define TEST(path, test) g_test_add("/receipts/" path, Stage, NULL, stage_make, test, stage_clear)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("E28/batch", test_batch);
    TEST("E28/forged", test_forged);
    TEST("E28/after-revocation", test_after_revocation);
    TEST("W19/bad-documents", test_bad_documents);
    TEST("W19/limit", test_limit);
    TEST("PU25/killed", test_killed);
    TEST("PU25/receipt", test_receipt);
    TEST("AU13/audit", test_audit);
    return g_test_run();
}
