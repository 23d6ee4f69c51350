#include <string.h>

#include <glib.h>

#include "keys/error.h"
#include "sync/follow.h"
#include "tests/unit/home_fixture.h"

#define NODE_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NODE_B "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaq"

static void
test_matches(void)
{
    static const struct {
        const char *pattern_node, *glob, *node, *name;
        gboolean match;
    } cases[] = {
        { "*", "*", NODE_A, "forest-cover", TRUE },          { NODE_A, "*", NODE_A, "forest-cover", TRUE },
        { NODE_A, "*", NODE_B, "forest-cover", FALSE },      { NODE_A, "forest-*", NODE_A, "forest-cover", TRUE },
        { NODE_A, "forest-*", NODE_A, "tea-cover", FALSE },  { NODE_A, "forest", NODE_A, "forest-cover", FALSE },
        { "*", "f?rest", NODE_A, "forest", TRUE },           { "*", "[a-f]*", NODE_A, "forest", TRUE },
        { "*", "[!a-f]*", NODE_A, "forest", FALSE },         { "*", "forest", NODE_B, "forest", TRUE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) follows = g_ptr_array_new();
        Follow follow = { .glob = (char *)cases[i].glob };

        g_strlcpy(follow.node, cases[i].pattern_node, sizeof follow.node);
        g_ptr_array_add(follows, &follow);
        g_assert_cmpint(follow_matches(follows, cases[i].node, cases[i].name), ==, cases[i].match);
    }
}

static void
test_nothing_followed(void)
{
    g_autoptr(GPtrArray) follows = g_ptr_array_new();

    g_assert_false(follow_matches(follows, NODE_A, "forest"));
}

static void
test_add_and_remove(HomeFixture *fixture, gconstpointer unused)
{
    g_autoptr(GPtrArray) all = NULL;
    gboolean changed = FALSE;

    g_assert_true(follow_add(fixture->home, NODE_A, "forest-*", &changed, NULL));
    g_assert_true(changed);
    g_assert_true(follow_add(fixture->home, NODE_A, "forest-*", &changed, NULL));
    g_assert_false(changed);
    g_assert_true(follow_add(fixture->home, "*", "tea", &changed, NULL));
    all = follow_all(fixture->home, NULL);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpstr(((Follow *)all->pdata[0])->node, ==, "*");
    g_assert_cmpstr(((Follow *)all->pdata[1])->glob, ==, "forest-*");
    g_assert_true(follow_remove(fixture->home, NODE_A, "forest-*", &changed, NULL));
    g_assert_true(changed);
    g_assert_true(follow_remove(fixture->home, NODE_A, "forest-*", &changed, NULL));
    g_assert_false(changed);
}

static void
test_refusals(HomeFixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *node, *glob;
    } cases[] = { { "short", "*" }, { "", "*" }, { NODE_A, "" }, { NODE_A, "Forest" }, { NODE_A, "a/b" }, { NODE_A, "a b" }, { "**", "*" } };
    g_autofree char *wide = g_strnfill(257, 'a');
    g_autoptr(GPtrArray) all = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(follow_add(fixture->home, cases[i].node, cases[i].glob, NULL, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
    g_assert_false(follow_add(fixture->home, NODE_A, wide, NULL, NULL));
    all = follow_all(fixture->home, NULL);
    g_assert_cmpuint(all->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow/matches", test_matches);
    g_test_add_func("/follow/nothing-followed", test_nothing_followed);
    g_test_add("/follow/add-and-remove", HomeFixture, NULL, home_fixture_make, test_add_and_remove, home_fixture_clear);
    g_test_add("/follow/refusals", HomeFixture, NULL, home_fixture_make, test_refusals, home_fixture_clear);
    return g_test_run();
}
