#include "manifests/handover.h"

#include "tests/unit/catalogue_fixture.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ONE "00112233445566778899aabbccddeeff"
#define TWO "11112233445566778899aabbccddeeff"
#define OWNER "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"

/* The fixture's node provides; another one, whose ledger is here too, receives. */
typedef struct {
    Fixture f;
    NodeFixture receiver;
    Ledger *ledger;
} Parties;

static void
parties_make(Parties *p, gconstpointer unused)
{
    set_up(&p->f);
    node_init(&p->receiver, 7);
}

static void
parties_clear(Parties *p, gconstpointer unused)
{
    g_clear_pointer(&p->ledger, ledger_close);
    node_clear(&p->receiver);
    tear_down(&p->f);
}

static const Record *
deliver(Parties *p, const char *transfer, guint version)
{
    g_autofree char *members = g_strdup_printf("{\"dataset\":\"" OWNER "/roads\",\"grant\":\"sha256:" HEX "\",\"manifest\":\"sha256:" HEX "\",\"receiver\":\"%s\",\"served\":\"2026-05-01T08:00:00Z\","
                                               "\"transfer\":\"%s\",\"version\":%u}", p->receiver.identity->id, transfer, version);

    return state(&p->f.node, DELIVERY, members);
}

static const Record *
receive(Parties *p, const Digest *delivery, const char *transfer, guint version)
{
    char address[DIGEST_TEXT_SIZE];
    g_autofree char *members = g_strdup_printf("{\"arrived\":\"whole\",\"dataset\":\"" OWNER "/roads\",\"delivery\":\"%s\",\"manifest\":\"sha256:" HEX "\",\"provider\":\"%s\","
                                               "\"transfer\":\"%s\",\"version\":%u}", digest_format(delivery, address), p->f.node.identity->id, transfer, version);

    return state(&p->receiver, RECEIPT, members);
}

static GArray *
match_for(Parties *p, const char *self)
{
    g_autoptr(GError) error = NULL;
    GArray *all;

    project(&p->f);
    p->ledger = make_ledger(&p->f, "receiver");
    append_to(p->ledger, &p->receiver);
    g_assert_true(catalogue_project(p->f.catalogue, p->ledger, &error));
    all = handovers_all(p->f.catalogue, self, &error);
    g_assert_no_error(error);
    return all;
}

static GArray *
match(Parties *p)
{
    return match_for(p, OWNER);
}

static const Handover *
at(const GArray *all, guint i)
{
    return &g_array_index(all, Handover, i);
}

static void
test_matched(Parties *p, gconstpointer unused)
{
    const Record *delivery = deliver(p, ONE, 3), *receipt = receive(p, &delivery->address, ONE, 3);
    g_autoptr(GArray) all = match(p);

    g_assert_cmpuint(all->len, ==, 1);
    g_assert_cmpint(at(all, 0)->standing, ==, HANDOVER_MATCHED);
    g_assert_null(handover_owed_by(at(all, 0)));
    g_assert_true(digest_equal(&at(all, 0)->delivery.record, &delivery->address));
    g_assert_true(digest_equal(&at(all, 0)->receipt.record, &receipt->address));
    g_assert_cmpstr(at(all, 0)->provider, ==, p->f.node.identity->id);
    g_assert_cmpstr(at(all, 0)->receiver, ==, p->receiver.identity->id);
}

static void
test_owed(Parties *p, gconstpointer unused)
{
    Digest nobody = { { 1 } };
    g_autoptr(GArray) all = NULL;

    deliver(p, ONE, 3);
    receive(p, &nobody, TWO, 3);
    all = match(p);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpint(at(all, 0)->standing, ==, HANDOVER_RECEIPT_OWED);
    g_assert_cmpstr(handover_owed_by(at(all, 0)), ==, p->receiver.identity->id);
    g_assert_cmpint(at(all, 1)->standing, ==, HANDOVER_DELIVERY_OWED);
    g_assert_cmpstr(handover_owed_by(at(all, 1)), ==, p->f.node.identity->id);
}

/* S27: an auditor who was shown one half says nothing of the other; the parties and the owner do. */
static void
test_withheld(Parties *p, gconstpointer unused)
{
    Digest nobody = { { 1 } };
    g_autoptr(GArray) auditor = NULL, provider = NULL, receiver = NULL;

    deliver(p, ONE, 3);
    receive(p, &nobody, TWO, 3);
    auditor = match_for(p, "ddefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstua");
    g_assert_cmpint(at(auditor, 0)->standing, ==, HANDOVER_WITHHELD);
    g_assert_cmpint(at(auditor, 1)->standing, ==, HANDOVER_WITHHELD);
    g_assert_null(handover_owed_by(at(auditor, 1)));
    provider = handovers_all(p->f.catalogue, p->f.node.identity->id, NULL);
    g_assert_cmpint(at(provider, 0)->standing, ==, HANDOVER_RECEIPT_OWED);
    receiver = handovers_all(p->f.catalogue, p->receiver.identity->id, NULL);
    g_assert_cmpint(at(receiver, 1)->standing, ==, HANDOVER_DELIVERY_OWED);
}

/* S25: a receipt that names a delivery and says something else answers none. */
static void
test_contradicts(Parties *p, gconstpointer data)
{
    const char *what = data;
    const Record *delivery = deliver(p, ONE, 3);
    g_autoptr(GArray) all = NULL;

    receive(p, &delivery->address, g_str_equal(what, "transfer") ? TWO : ONE, g_str_equal(what, "version") ? 4 : 3);
    all = match(p);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpint(at(all, 0)->standing, ==, HANDOVER_RECEIPT_OWED);
    g_assert_cmpint(at(all, 1)->standing, ==, HANDOVER_CONTRADICTS);
    g_assert_null(handover_owed_by(at(all, 1)));
}

/* A receipt for what was delivered to another. */
static void
test_anothers(Parties *p, gconstpointer unused)
{
    g_autofree char *members = g_strdup("{\"dataset\":\"" OWNER "/roads\",\"grant\":\"sha256:" HEX "\",\"manifest\":\"sha256:" HEX "\",\"receiver\":\"ccdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsta\",\"served\":\"2026-05-01T08:00:00Z\","
                                        "\"transfer\":\"" ONE "\",\"version\":3}");
    const Record *delivery = state(&p->f.node, DELIVERY, members);
    g_autoptr(GArray) all = NULL;

    receive(p, &delivery->address, ONE, 3);
    all = match(p);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpint(at(all, 0)->standing, ==, HANDOVER_RECEIPT_OWED);
    g_assert_cmpint(at(all, 1)->standing, ==, HANDOVER_CONTRADICTS);
}

/* S23: of several of one transfer the first counts. */
static void
test_twice(Parties *p, gconstpointer unused)
{
    const Record *first = deliver(p, ONE, 3), *again = deliver(p, ONE, 3);
    g_autoptr(GArray) all = NULL;

    receive(p, &first->address, ONE, 3);
    receive(p, &again->address, ONE, 3);
    all = match(p);
    g_assert_cmpuint(all->len, ==, 1);
    g_assert_cmpint(at(all, 0)->standing, ==, HANDOVER_MATCHED);
    g_assert_cmpuint(at(all, 0)->delivery.seq, ==, first->seq);
}

#define TEST(path, test, data) g_test_add("/handover/" path, Parties, data, parties_make, test, parties_clear)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("S25/matched", test_matched, NULL);
    TEST("S26/owed", test_owed, NULL);
    TEST("S27/withheld", test_withheld, NULL);
    TEST("S25/another-transfer", test_contradicts, "transfer");
    TEST("S25/another-version", test_contradicts, "version");
    TEST("S25/anothers", test_anothers, NULL);
    TEST("S23/twice", test_twice, NULL);
    return g_test_run();
}
