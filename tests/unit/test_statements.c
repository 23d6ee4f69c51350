#include "manifests/statements.h"

#include <sqlite3.h>

#include "manifests/attestation.h"
#include "manifests/receipt.h"
#include "tests/unit/catalogue_fixture.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"

static Record *
attest(NodeFixture *node, const char *kind, const char *result)
{
    g_autofree char *members = g_strdup_printf("{\"dataset\":\"" OTHER "/roads\",\"kind\":\"%s\",\"manifest\":\"sha256:" HEX "\",\"result\":\"%s\",\"version\":3}",
                                               kind, result);

    return state(node, ATTESTATION, members);
}

static GPtrArray *
statements(Fixture *f, const char *node, const char *type, const char *subject)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *all;
    Digest digest;

    if (subject)
        digest_parse_hex(subject, &digest, NULL);
    all = catalogue_statements(f->catalogue, node, type, subject ? &digest : NULL, &error);
    g_assert_no_error(error);
    return all;
}

static void
assert_count(Fixture *f, const char *node, const char *type, const char *subject, guint count)
{
    g_autoptr(GPtrArray) all = statements(f, node, type, subject);

    g_assert_cmpuint(all->len, ==, count);
}

static void
test_found(void)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    g_autoptr(GPtrArray) all = NULL;
    const Record *first, *last;
    const Statement *s;
    const char *id;
    Fixture f;

    set_up(&f);
    id = f.node.identity->id;
    assert_count(&f, NULL, NULL, NULL, 0);
    first = attest(&f.node, "quality", "pass");
    state(&f.node, "poem/1", "{\"x\":1}");
    last = attest(&f.node, "review", "fail");
    project(&f);
    all = statements(&f, NULL, NULL, NULL);
    g_assert_cmpuint(all->len, ==, 2);
    s = g_ptr_array_index(all, 0);
    g_assert_true(digest_equal(&s->record->address, &first->address));
    g_assert_cmpstr(s->type, ==, ATTESTATION);
    g_assert_true(g_bytes_equal(s->body, first->bytes));
    g_assert_false(s->sealed);
    s = g_ptr_array_index(all, 1);
    g_assert_true(digest_equal(&s->record->address, &last->address));
    assert_count(&f, id, ATTESTATION, HEX, 2);
    assert_count(&f, OTHER, NULL, NULL, 0);
    assert_count(&f, NULL, "withdrawal/9", NULL, 0);
    assert_count(&f, NULL, NULL, zeros, 0);
    tear_down(&f);
}

/* S1, S14, S15: a body that breaks a rule is kept as a record and is no statement. */
static void
test_bad_body(void)
{
    g_autoptr(Record) kept = NULL;
    const Record *bad;
    Fixture f;

    set_up(&f);
    bad = attest(&f.node, "beauty", "pass");
    attest(&f.node, "quality", "perhaps");
    attest(&f.node, "quality", "pass");
    project(&f);
    assert_count(&f, NULL, NULL, NULL, 1);
    kept = catalogue_record(f.catalogue, &bad->address, NULL);
    g_assert_nonnull(kept);
    tear_down(&f);
}

/* What never is sealed says nothing when it is. */
static void
test_sealed(void)
{
    g_autoptr(Opening) attestation = NULL, unknown = NULL;
    g_autoptr(GError) error = NULL;
    Fixture f;

    set_up(&f);
    attestation = seal(&f.node, "{\"dataset\":\"" OTHER "/roads\",\"kind\":\"quality\",\"manifest\":\"sha256:" HEX "\",\"result\":\"pass\",\"type\":\"attestation/1\",\"version\":3}");
    unknown = seal(&f.node, "{\"type\":\"poem/1\"}");
    project(&f);
    g_assert_false(catalogue_learn_opening(f.catalogue, attestation, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    g_assert_false(catalogue_learn_opening(f.catalogue, unknown, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    assert_count(&f, NULL, NULL, NULL, 0);
    tear_down(&f);
}

/* A delivery of @who's, sealed by the fixture; @who NULL: it does not say. */
static Opening *
deliver(Fixture *f, const char *who)
{
    g_autofree char *node = who ? g_strdup_printf("\"node\":\"%s\",", who) : g_strdup("");
    g_autofree char *body = g_strdup_printf("{\"dataset\":\"" OTHER "/roads\",\"grant\":\"sha256:" HEX "\",\"manifest\":\"sha256:" HEX "\",%s"
                                            "\"receiver\":\"ccdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsta\",\"served\":\"2026-05-03T08:00:00Z\","
                                            "\"transfer\":\"00112233445566778899aabbccddeeff\",\"type\":\"delivery/1\",\"version\":3}", node);

    return seal(&f->node, body);
}

/* What was sealed is known once its opening is, and counts while its record is there. */
static void
test_opened(void)
{
    g_autoptr(Opening) good = NULL, forged = NULL, nobodys = NULL;
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(GError) error = NULL;
    const Statement *s;
    NodeFixture other;
    Fixture f;

    set_up(&f);
    good = deliver(&f, f.node.identity->id);
    forged = deliver(&f, OTHER);
    nobodys = deliver(&f, NULL);
    project(&f);
    assert_count(&f, NULL, DELIVERY, NULL, 0);
    g_assert_true(catalogue_learn_opening(f.catalogue, good, NULL));
    g_assert_true(catalogue_learn_opening(f.catalogue, good, NULL));
    g_assert_false(catalogue_learn_opening(f.catalogue, forged, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_false(catalogue_learn_opening(f.catalogue, nobodys, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    all = statements(&f, f.node.identity->id, DELIVERY, HEX);
    g_assert_cmpuint(all->len, ==, 1);
    s = g_ptr_array_index(all, 0);
    g_assert_true(s->sealed);
    g_assert_cmpstr(s->record->type, ==, "sealed/1");
    g_assert_true(g_bytes_equal(s->body, good->body));
    node_init(&other, 1);
    for (guint i = 0; i < 5; i++)
        state(&other, "poem/7", "{\"x\":1}");
    ledger = make_ledger(&f, "other");
    append_to(ledger, &other);
    g_assert_true(catalogue_project(f.catalogue, ledger, NULL));
    assert_count(&f, NULL, NULL, NULL, 0);
    g_clear_pointer(&ledger, ledger_close);
    /* back to the history that it stands in: its opening is not learned anew, so it must still be there */
    state(&f.node, "poem/7", "{\"x\":1}");
    state(&f.node, "poem/7", "{\"x\":2}");
    state(&f.node, "poem/7", "{\"x\":3}");
    project(&f);
    assert_count(&f, NULL, DELIVERY, HEX, 1);
    g_assert_true(catalogue_forget(f.catalogue, f.node.identity->id, NULL));
    project(&f);
    assert_count(&f, NULL, DELIVERY, NULL, 0);
    node_clear(&other);
    tear_down(&f);
}

static void
test_forget(void)
{
    Fixture f;

    set_up(&f);
    attest(&f.node, "quality", "pass");
    project(&f);
    assert_count(&f, NULL, NULL, NULL, 1);
    g_assert_true(catalogue_forget(f.catalogue, f.node.identity->id, NULL));
    assert_count(&f, NULL, NULL, NULL, 0);
    project(&f);
    assert_count(&f, NULL, NULL, NULL, 1);
    tear_down(&f);
}

/* Another ledger of the same node is given: its statements count, and no others. */
static void
test_other_history(void)
{
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(GPtrArray) all = NULL;
    NodeFixture other;
    Fixture f;

    set_up(&f);
    attest(&f.node, "quality", "pass");
    attest(&f.node, "review", "pass");
    project(&f);
    node_init(&other, 1);
    state(&other, "poem/7", "{\"x\":1}");
    state(&other, "poem/7", "{\"x\":2}");
    attest(&other, "approval", "fail");
    ledger = make_ledger(&f, "other");
    append_to(ledger, &other);
    g_assert_true(catalogue_project(f.catalogue, ledger, NULL));
    all = statements(&f, NULL, NULL, NULL);
    g_assert_cmpuint(all->len, ==, 1);
    g_assert_cmpuint(((Statement *)g_ptr_array_index(all, 0))->record->seq, ==, 3);
    node_clear(&other);
    tear_down(&f);
}

/* I5: a row that says something else than its record is found out, and the catalogue made anew. */
static void
test_altered(void)
{
    static const char *const changes[] = {
        "UPDATE statements SET type = 'withdrawal/1'",
        "UPDATE statements SET subject = zeroblob(32)",
        "UPDATE statements SET subject = NULL",
        "UPDATE statements SET subject = 'x'",
        "UPDATE statements SET body = 'x'",
        "UPDATE records SET bytes = 'x' WHERE seq = 1",
    };

    for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_test_message("%s", changes[i]);
        g_autoptr(GError) error = NULL;
        sqlite3 *database;
        Fixture f;

        set_up(&f);
        attest(&f.node, "quality", "pass");
        project(&f);
        g_assert_cmpint(sqlite3_open(f.path, &database), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_exec(database, changes[i], NULL, NULL, NULL), ==, SQLITE_OK);
        sqlite3_close(database);
        g_assert_null(catalogue_statements(f.catalogue, NULL, NULL, NULL, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
        catalogue_close(f.catalogue);
        open_catalogue(&f);
        project(&f);
        assert_count(&f, NULL, NULL, HEX, 1);
        tear_down(&f);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/statements/found", test_found);
    g_test_add_func("/statements/S1/bad-body", test_bad_body);
    g_test_add_func("/statements/S10/sealed", test_sealed);
    g_test_add_func("/statements/S10/opened", test_opened);
    g_test_add_func("/statements/forget", test_forget);
    g_test_add_func("/statements/other-history", test_other_history);
    g_test_add_func("/statements/I5/altered", test_altered);
    return g_test_run();
}
