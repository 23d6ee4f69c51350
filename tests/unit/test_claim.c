/* sync/claim.c: who is at work on what (PU51), between threads and processes. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/error.h"
#include "sync/claim.h"
#include "sync/pull/tenure.h"
#include "tests/unit/two_nodes.h"

static gboolean
is_free(Home *home, ClaimKind kind, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Claim) claim = claim_try(home, kind, name, &error);

    g_assert_no_error(error);
    return claim != NULL;
}

static gpointer
is_free_to_thread(gpointer data)
{
    g_autoptr(Home) home = home_open(data, NULL);

    return GINT_TO_POINTER(is_free(home, CLAIM_PEER, "a"));
}

static void
one_at_a_time(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    Claim *claim = claim_try(home, CLAIM_PEER, "a", NULL);

    g_assert_nonnull(claim);
    g_assert_false(is_free(home, CLAIM_PEER, "a"));
    g_assert_false(GPOINTER_TO_INT(g_thread_join(g_thread_new("claim", is_free_to_thread, nodes->forestry.path))));
    g_assert_true(is_free(home, CLAIM_PEER, "b"));
    g_assert_true(is_free(home, CLAIM_LEDGER, "a"));
    g_assert_true(is_free(nodes->tourism.home, CLAIM_PEER, "a"));
    /* what others held and let go takes nothing away: the lock is the open file's */
    g_assert_false(is_free(home, CLAIM_PEER, "a"));
    claim_release(claim);
    g_assert_true(is_free(home, CLAIM_PEER, "a"));
}

static void
ends_with_its_process(TwoNodes *nodes, gconstpointer unused)
{
    int ready[2];
    char byte;
    pid_t child;

    g_assert_cmpint(pipe(ready), ==, 0);
    child = fork();
    if (child == 0) {
        byte = claim_try(nodes->forestry.home, CLAIM_DATASET, "n/d", NULL) ? 'y' : 'n';
        _exit(write(ready[1], &byte, 1) == 1 && pause() == 0);
    }
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
    g_assert_cmpint(byte, ==, 'y');
    g_assert_false(is_free(nodes->forestry.home, CLAIM_DATASET, "n/d"));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    g_assert_true(is_free(nodes->forestry.home, CLAIM_DATASET, "n/d"));
    close(ready[0]);
    close(ready[1]);
}

/* PU55: who holds it sees that someone wishes for it, and gives way once it has held it long enough; to nobody if it was told so. */
static void
gives_way(TwoNodes *nodes, gconstpointer unused)
{
    static const struct { guint seconds; gboolean wished, gives_way; } cases[] = { { 1, TRUE, TRUE }, { 1, FALSE, FALSE }, { 0, TRUE, FALSE }, { 100, TRUE, FALSE } };
    Home *home = nodes->forestry.home;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Tenure *tenure = tenure_new();
        g_autoptr(Claim) claim = claim_try(home, CLAIM_DATASET, "n/d", NULL), other = claim_wish(home, CLAIM_DATASET, "n/other", NULL);
        g_autoptr(Claim) one = cases[i].wished ? claim_wish(home, CLAIM_DATASET, "n/d", NULL) : NULL;
        g_autoptr(Claim) two = cases[i].wished ? claim_wish(home, CLAIM_DATASET, "n/d", NULL) : NULL;

        g_assert_true(cases[i].wished == (one && two));
        g_assert_cmpint(claim_is_wished(claim), ==, cases[i].wished);
        tenure_hold(tenure, claim, cases[i].seconds);
        g_assert_cmpint(g_atomic_int_get(tenure_flag(tenure)), ==, 0);
        for (guint n = 0; n < 18 && !g_atomic_int_get(tenure_flag(tenure)); n++)
            g_usleep(100 * 1000);
        g_assert_cmpint(g_atomic_int_get(tenure_flag(tenure)), ==, cases[i].gives_way);
        tenure_clear(tenure);
        g_assert_cmpint(g_atomic_int_get(tenure_flag(tenure)), ==, 0);
        tenure_free(tenure);
    }
    tenure_clear(NULL);
    g_assert_null(tenure_flag(NULL));
}

static void
says_why_not(TwoNodes *nodes, gconstpointer unused)
{
    g_autofree char *path = home_file(nodes->forestry.home, "sync.lock");
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    g_assert_null(claim_try(nodes->forestry.home, CLAIM_PEER, "a", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/claim/pu51-one-at-a-time", TwoNodes, NULL, two_nodes_make, one_at_a_time, two_nodes_clear);
    g_test_add("/claim/pu51-ends-with-its-process", TwoNodes, NULL, two_nodes_make, ends_with_its_process, two_nodes_clear);
    g_test_add("/claim/pu55-gives-way", TwoNodes, NULL, two_nodes_make, gives_way, two_nodes_clear);
    g_test_add("/claim/says-why-not", TwoNodes, NULL, two_nodes_make, says_why_not, two_nodes_clear);
    return g_test_run();
}
