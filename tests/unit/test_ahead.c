/* manifests/ledger/ahead.h: records in their order from all cores; and who watches a verification (LedgerWatch): AU14 of manifests/FORMAT.md. */
#include "tests/unit/ledger_node.h"

#include "manifests/ledger/ahead.h"

#define COUNT 733   /* more than are ever ahead on few cores, and no multiple of anything */

static gint looks, frees;

static gpointer
look(const Record *record)
{
    g_atomic_int_inc(&looks);
    return g_memdup2(&record->seq, sizeof record->seq);
}

static void
free_looked(gpointer looked)
{
    g_atomic_int_inc(&frees);
    g_free(looked);
}

static void
fill(const Node *node, Ledger *ledger)
{
    for (guint left = COUNT; left > 0; left -= MIN(left, 100))
        node_append(node, ledger, MIN(left, 100));
}

static Ahead *
open_ahead(Ledger *ledger, guint64 from, guint64 to)
{
    const AheadOptions options = { TRUE, look, free_looked };

    looks = frees = 0;
    return ahead_new(ledger, &ledger->root, from, to, &options);
}

static void
test_order(void)
{
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);
        static const guint64 ranges[][2] = { { 0, COUNT }, { 0, 1 }, { 7, 8 }, { 49, 51 }, { 101, 633 }, { COUNT - 1, COUNT }, { 5, 5 } };

        fill(&node, ledger);
        for (guint i = 0; i < G_N_ELEMENTS(ranges); i++) {
            Ahead *ahead = open_ahead(ledger, ranges[i][0], ranges[i][1]);
            guint64 seq = ranges[i][0];
            AheadRecord *at;

            for (; ahead_next(ahead, &at); seq++) {
                g_autoptr(Record) record = ledger_get(ledger, seq, NULL);
                Digest leaf;

                g_assert_true(at->read && at->received);
                g_assert_cmpuint(*(const guint64 *)at->looked, ==, seq);
                g_assert_true(digest_equal(&record_received_claims(at->received)->address, &record->address));
                g_assert_true(merkle_file_leaf(ledger->merkle, seq, &leaf, NULL) && digest_equal(&leaf, &at->leaf));
                g_assert_cmpuint(at->view->seq, ==, seq);
            }
            g_assert_cmpuint(seq, ==, ranges[i][1]);
            ahead_free(ahead);
            g_assert_cmpint(looks, ==, ranges[i][1] - ranges[i][0]);
            g_assert_cmpint(frees, ==, looks);
        }
    }
    node_tear_down(&node);
}

/* What was not taken goes with it, and never more than a bounded number was ahead. */
static void
test_left_early(void)
{
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);
        Ahead *ahead;
        AheadRecord *at;

        fill(&node, ledger);
        ahead = open_ahead(ledger, 0, COUNT);
        for (guint i = 0; i < 30; i++)
            g_assert_true(ahead_next(ahead, &at));
        ahead_free(ahead);
        g_assert_cmpint(frees, ==, looks);
        g_assert_cmpint(looks, <=, 150 * (gint)g_get_num_processors());
    }
    node_tear_down(&node);
}

typedef struct {
    guint64 next;
    guint64 stop;      /* 0: never */
    GString *reports;
} Watched;

static void
report(gpointer data, const char *message)
{
    g_string_append_printf(((Watched *)data)->reports, "%s\n", message);
}

static gboolean
visit(gpointer data, const Record *record, gconstpointer looked)
{
    Watched *watched = data;

    g_assert_cmpuint(record->seq, ==, watched->next);
    g_assert_cmpuint(*(const guint64 *)looked, ==, record->seq);
    watched->next++;
    return watched->stop == 0 || watched->next < watched->stop;
}

static void
test_watch(void)
{
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);
        g_autoptr(GString) reports = g_string_new(NULL);
        Watched watched = { 0, 0, reports };
        const LedgerWatch watch = { report, look, free_looked, visit, &watched };
        g_autoptr(GError) error = NULL;
        LedgerVerified verified = { 0 };

        looks = frees = 0;
        fill(&node, ledger);
        g_assert_true(ledger_verify_again(ledger, TRUE, &verified, &watch, &error));
        g_assert_cmpuint(watched.next, ==, COUNT);
        /* what is remembered is walked all the same */
        watched.next = 0;
        g_assert_true(ledger_verify_again(ledger, TRUE, &verified, &watch, &error));
        g_assert_cmpuint(watched.next, ==, COUNT);
        watched = (Watched){ 0, 100, reports };
        g_assert_false(ledger_verify_again(ledger, TRUE, &verified, &watch, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
        g_assert_cmpuint(watched.next, ==, 100);
        g_clear_error(&error);
        watched = (Watched){ 0, 1, reports };
        verified = (LedgerVerified){ 0 };
        g_assert_false(ledger_verify_again(ledger, TRUE, &verified, &watch, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
        g_assert_cmpuint(verified.size, ==, 0);
        g_assert_cmpstr(reports->str, ==, "");
        g_assert_cmpint(frees, ==, looks);
    }
    node_tear_down(&node);
}

/* A record that cannot be read is told of in its place, and those around it are there. */
static void
test_damage(void)
{
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);
        git_oid nothing = { { 1 } };
        AheadRecord *at;
        Ahead *ahead;
        guint64 seq = 0;

        fill(&node, ledger);
        ahead = ahead_new(ledger, &nothing, 0, 3, &(AheadOptions){ FALSE });
        for (; ahead_next(ahead, &at); seq++) {
            g_assert_false(at->read || at->received);
            g_assert_error(at->error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
            g_assert_nonnull(strstr(at->error->message, "record"));
        }
        g_assert_cmpuint(seq, ==, 3);
        ahead_free(ahead);
    }
    node_tear_down(&node);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ahead/order", test_order);
    g_test_add_func("/ahead/left-early", test_left_early);
    g_test_add_func("/ahead/damage", test_damage);
    g_test_add_func("/ahead/watch", test_watch);
    return g_test_run();
}
