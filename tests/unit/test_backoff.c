/* sync/backoff.c and contacts.c: when a peer is tried again (PU52). */
#include "keys/error.h"
#include "sync/backoff.h"
#include "sync/peers.h"
#include "sync/push_contacts.h"
#include "tests/unit/two_nodes.h"

static void
pu52_pauses(void)
{
    static const struct { guint failures, interval, low, high; } cases[] = {
        { 0, 300, 300, 300 }, { 0, 0, 0, 0 }, { 5, 0, 0, 0 }, { 1, 300, 45, 75 }, { 2, 300, 90, 150 }, { 6, 300, 1440, 2400 }, { 7, 300, 2700, 4500 }, { 1000, 300, 2700, 4500 },
        { G_MAXUINT, 300, 2700, 4500 }, { 1, 1, 1, 1 }, { 1, 7200, 45, 75 }, { 30, 7200, 5400, 9000 }, { 3, 10, 30, 50 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpuint(backoff_next(cases[i].failures, cases[i].interval, 0), ==, cases[i].low);
        g_assert_cmpuint(backoff_next(cases[i].failures, cases[i].interval, 1), ==, cases[i].high);
    }
    g_assert_cmpuint(backoff_pause(0, 60, 3600), ==, 0);
    g_assert_cmpuint(backoff_pause(3, 60, 3600), ==, 240);
}

static Contact
note(Home *home, const char *node, const char *error, gboolean failed, gboolean got_on, guint interval)
{
    const ContactOutcome outcome = { error, failed, got_on, interval };
    Contact contact;

    g_assert_true(contacts_note(home, node, &outcome, NULL));
    g_assert_true(contacts_get(home, node, &contact, NULL));
    return contact;
}

static void
pu52_rows(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    const char *node = home_id(nodes->tourism.home);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    Contact contact;

    g_assert_true(contacts_get(home, node, &contact, NULL));
    g_assert_cmpint(contact.tried, ==, 0);
    contact = note(home, node, "cut", TRUE, FALSE, 300);
    g_assert_cmpuint(contact.failures, ==, 1);
    g_assert_cmpint(contact.tried, >=, now);
    g_assert_cmpint(contact.next - contact.tried, >=, 45);
    g_assert_cmpint(contact.next - contact.tried, <=, 75);
    g_assert_cmpuint(note(home, node, "cut", TRUE, FALSE, 300).failures, ==, 2);
    contact = note(home, node, "cut", TRUE, FALSE, 300);
    g_assert_cmpuint(contact.failures, ==, 3);
    g_assert_cmpint(contact.next - contact.tried, >=, 180);
    /* it brought something: the next one is soon */
    g_assert_cmpuint(note(home, node, "cut", TRUE, TRUE, 300).failures, ==, 1);
    /* a problem with one of its ledgers is none with it */
    contact = note(home, node, "a fork", FALSE, FALSE, 300);
    g_assert_cmpuint(contact.failures, ==, 0);
    g_assert_cmpint(contact.next - contact.tried, ==, 300);
    g_assert_cmpint(note(home, node, "cut", TRUE, FALSE, 0).next, ==, 0);
    g_assert_true(contacts_note_turn(home, node, NULL));
    g_assert_true(contacts_get(home, node, &contact, NULL));
    g_assert_cmpint(contact.next, ==, contact.tried);
    g_assert_cmpuint(contact.failures, ==, 0);
    g_assert_true(contacts_forget(home, node, NULL));
    g_assert_true(contacts_get(home, node, &contact, NULL));
    g_assert_cmpint(contact.tried, ==, 0);
}

static PushContact
note_push(Home *home, const char *node, const char *error, gboolean got_on, guint interval, const Digest *mark)
{
    const ContactOutcome outcome = { error, error != NULL, got_on, interval };
    PushContact push;

    g_assert_true(push_contacts_note(home, node, &outcome, mark, NULL));
    g_assert_true(push_contacts_get(home, node, &push, NULL));
    return push;
}

static void
ps9_rows(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    const char *node = home_id(nodes->tourism.home);
    g_auto(PushContact) none = { 0 }, good = { 0 }, bad = { 0 }, again = { 0 }, turn = { 0 };
    Digest mark, other;

    g_assert_true(push_contacts_get(home, node, &none, NULL));
    g_assert_cmpint(none.contact.tried, ==, 0);
    g_assert_true(push_mark(home, node, &mark, NULL));
    g_assert_false(digest_equal(&mark, &none.mark));
    /* all but the peer's own ledger counts */
    g_assert_true(push_mark(home, home_id(home), &other, NULL));
    g_assert_false(digest_equal(&mark, &other));
    good = note_push(home, node, NULL, FALSE, 300, &mark);
    g_assert_cmpint(good.went, ==, good.contact.tried);
    g_assert_cmpint(good.contact.next - good.contact.tried, ==, 300);
    g_assert_true(digest_equal(&good.mark, &mark));
    bad = note_push(home, node, "cut", FALSE, 0, &other);
    g_assert_cmpstr(bad.error, ==, "cut");
    g_assert_cmpint(bad.went, ==, good.went);
    g_assert_true(digest_equal(&bad.mark, &mark));
    /* where none is planned what is new waits all the same */
    g_assert_cmpint(bad.contact.next - bad.contact.tried, >=, 45);
    again = note_push(home, node, "cut", TRUE, 300, &other);
    g_assert_cmpuint(again.contact.failures, ==, 1);
    g_assert_true(push_contacts_note_turn(home, node, NULL));
    g_assert_true(push_contacts_get(home, node, &turn, NULL));
    g_assert_cmpint(turn.contact.next, ==, turn.contact.tried);
    g_assert_true(push_contacts_forget(home, node, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backoff/pu52-pauses", pu52_pauses);
    g_test_add("/backoff/pu52-rows", TwoNodes, NULL, two_nodes_make, pu52_rows, two_nodes_clear);
    g_test_add("/backoff/ps9-rows", TwoNodes, NULL, two_nodes_make, ps9_rows, two_nodes_clear);
    return g_test_run();
}
