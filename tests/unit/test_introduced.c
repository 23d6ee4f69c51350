/* Nodes of which peers brought word: PE7 of sync/PROTOCOL.md (sync/known.h). */
#include "tests/unit/two_nodes.h"

#include "keys/error.h"
#include "sync/known.h"
#include "sync/pull/quota.h"

/* Tourism's ledger is at Forestry, which has not accepted it. */
static void
bring_ledger(TwoNodes *nodes)
{
    node_accept(&nodes->tourism, &nodes->forestry, NULL);
    node_copy_ledger(&nodes->tourism, &nodes->forestry, &nodes->forestry);
}

static void
test_nobody(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(GPtrArray) all = known_all(nodes->forestry.home, NULL);
    g_autoptr(GError) missing = NULL;

    g_assert_cmpuint(all->len, ==, 0);
    g_assert_null(known_find(nodes->forestry.home, home_id(nodes->tourism.home), &missing));
    g_assert_error(missing, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static void
test_word(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    const char *id = home_id(nodes->tourism.home);
    g_autofree char *end = g_strdup_printf("~%.6s", id);
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(KnownNode) found = NULL;
    const KnownNode *known;

    bring_ledger(nodes);
    all = known_all(home, NULL);
    g_assert_cmpuint(all->len, ==, 1);
    known = all->pdata[0];
    g_assert_cmpstr(known->peer->node, ==, id);
    g_assert_true(g_str_has_suffix(known->word, end));
    g_assert_cmpuint(known->peer->pins->len, ==, known->profile->pins->len);
    found = known_find(home, known->word, NULL);
    g_assert_cmpstr(found->peer->node, ==, id);
}

/* Only a peer introduces: a ledger that came from somebody else is known, and by nobody's word. */
static void
test_introducers(TwoNodes *nodes, gconstpointer unused)
{
    static const char stranger[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    Home *home = nodes->forestry.home;
    const char *id = home_id(nodes->tourism.home);
    g_autoptr(KnownNode) known = NULL;

    bring_ledger(nodes);
    g_assert_true(quota_add(home, stranger, id, TRUE, TRUE, 100, NULL));
    known = known_find(home, id, NULL);
    g_assert_cmpuint(known->introducers->len, ==, 0);
}

/* Once a person has accepted it, it is a peer and no stranger. */
static void
test_accepted(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GError) missing = NULL;

    bring_ledger(nodes);
    node_accept(&nodes->forestry, &nodes->tourism, NULL);
    all = known_all(home, NULL);
    g_assert_cmpuint(all->len, ==, 0);
    g_assert_null(known_find(home, home_id(nodes->tourism.home), &missing));
    g_assert_error(missing, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

#define ADD(path, test) g_test_add(path, TwoNodes, NULL, two_nodes_make, test, two_nodes_clear)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/introduced/PE7-nobody", test_nobody);
    ADD("/introduced/PE7-NM5-word", test_word);
    ADD("/introduced/PE7-introducers", test_introducers);
    ADD("/introduced/PE7-accepted", test_accepted);
    return g_test_run();
}
