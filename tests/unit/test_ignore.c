#include "keys/error.h"
#include "manifests/tree/glob.h"
#include "manifests/tree/patterns.h"

#include <string.h>

static void
test_globs(void)
{
    static const struct {
        const char *pattern, *path;
        gboolean match;
    } cases[] = {
        { "a", "a", TRUE },
        { "a", "ab", FALSE },
        { "", "", TRUE },
        { "", "a", FALSE },
        { "?", "a", TRUE },
        { "?", "/", FALSE },
        { "?", "", FALSE },
        { "a?c", "abc", TRUE },
        { "*", "", TRUE },
        { "*", "abc", TRUE },
        { "*", "a/c", FALSE },
        { "*.csv", "x.csv", TRUE },
        { "*.csv", ".csv", TRUE },
        { "*.csv", "x.csv.gz", FALSE },
        { "a*b*c", "aXbYc", TRUE },
        { "a*b*c", "abXc", TRUE },
        { "a*b*c", "acb", FALSE },
        { "[abc]", "b", TRUE },
        { "[abc]", "d", FALSE },
        { "[a-c]", "b", TRUE },
        { "[!a-c]", "b", FALSE },
        { "[^a-c]", "x", TRUE },
        { "[!a]", "/", FALSE },
        { "[]]", "]", TRUE },
        { "[]-a]", "^", TRUE },
        { "[!]]", "]", FALSE },
        { "[a-]", "-", TRUE },
        { "[\\]]", "]", TRUE },
        { "[[:digit:]x]", "7", TRUE },
        { "[[:digit:]x]", "x", TRUE },
        { "[[:digit:]x]", "y", FALSE },
        { "[abc", "a", FALSE },
        { "[abc", "[abc", FALSE },
        { "\\*", "*", TRUE },
        { "\\*", "a", FALSE },
        { "a\\", "a", FALSE },
        { "a\\", "a\\", FALSE },
        { "**", "a/b/c", TRUE },
        { "**/x", "x", TRUE },
        { "**/x", "a/x", TRUE },
        { "**/x", "a/b/x", TRUE },
        { "**/x", "ax", FALSE },
        { "**/x", "a/bx", FALSE },
        { "a/**", "a", FALSE },
        { "a/**", "a/", FALSE },
        { "a/**", "a/b", TRUE },
        { "a/**", "a/b/c", TRUE },
        { "a/**/b", "a/b", TRUE },
        { "a/**/b", "a/x/b", TRUE },
        { "a/**/b", "a/x/y/b", TRUE },
        { "a/**/b", "a/xb", FALSE },
        { "a/**/b/**/c", "a/b/b/x/c", TRUE },
        { "a/**/b/**/c", "a/x/c", FALSE },
        { "a**b", "aXXb", TRUE },
        { "a**b", "aX/Xb", FALSE },
        { "\xe6\x95\xb0\xe6\x8d\xae*", "\xe6\x95\xb0\xe6\x8d\xae\xe9\x9b\x86", TRUE },
        { "[\xff]", "\xff", TRUE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Glob) glob = glob_new(cases[i].pattern, NULL);

        if (glob_match(glob, cases[i].path) != cases[i].match)
            g_error("\"%s\" and \"%s\": want %d", cases[i].pattern, cases[i].path, cases[i].match);
    }
}

/* Matchers that go back and forth take years for this one. */
static void
test_many_stars(void)
{
    g_autoptr(GString) pattern = g_string_new(NULL), path = g_string_new(NULL);

    for (guint i = 0; i < 100; i++)
        g_string_append(pattern, "**/*a*");
    for (guint i = 0; i < 500; i++)
        g_string_append(path, "a/");
    g_autoptr(Glob) glob = glob_new(pattern->str, NULL);

    g_assert_false(glob_match(glob, path->str));
}

static void
test_too_long(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pattern = g_strnfill(GLOB_SIZE_MAX + 1, 'a');
    g_autoptr(Glob) glob = glob_new(pattern, &error);

    g_assert_null(glob);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
}

static void
test_too_many(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Patterns) patterns = patterns_new();
    g_autofree char *text = g_malloc(2 * (PATTERNS_MAX + 1));

    for (guint i = 0; i <= PATTERNS_MAX; i++)
        memcpy(text + 2 * i, "a\n", 2);
    g_assert_true(patterns_add_text(patterns, text, 2 * PATTERNS_MAX, &error));
    g_assert_false(patterns_add_text(patterns, text, 2, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

typedef struct {
    const char *lines, *path;
    gboolean folder, match;
} Case;

static void
check(const Case *cases, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        g_autoptr(Patterns) patterns = patterns_new();

        g_assert_true(patterns_add_text(patterns, cases[i].lines, strlen(cases[i].lines), NULL));
        if (patterns_match_deep(patterns, cases[i].path, cases[i].folder, NULL) != cases[i].match)
            g_error("lines \"%s\" and \"%s\": want %d", cases[i].lines, cases[i].path, cases[i].match);
    }
}

/* What gitignore(5) says, and (the last three) what git does with lines that say nothing. */
static void
test_lines(void)
{
    static const Case cases[] = {
        { "", "a", FALSE, FALSE },
        { "# a comment\n", "# a comment", FALSE, FALSE },
        { "\\#a\n", "#a", FALSE, TRUE },
        { "\\!a\n", "!a", FALSE, TRUE },
        { "a  \n", "a", FALSE, TRUE },
        { "a\\ \n", "a ", FALSE, TRUE },
        { "a\r\n", "a", FALSE, TRUE },
        { "\xef\xbb\xbf" "a\n", "a", FALSE, TRUE },
        { "a", "a", FALSE, TRUE },
        { "a\n", "x/a", FALSE, TRUE },
        { "a\n", "a/x", FALSE, TRUE },
        { "/a\n", "a", FALSE, TRUE },
        { "/a\n", "x/a", FALSE, FALSE },
        { "x/a\n", "x/a", FALSE, TRUE },
        { "x/a\n", "y/x/a", FALSE, FALSE },
        { "a/\n", "a", FALSE, FALSE },
        { "a/\n", "a", TRUE, TRUE },
        { "a/\n", "a/b", FALSE, TRUE },
        { "a/\n", "x/a/b", FALSE, TRUE },
        { "*.tmp\n!keep.tmp\n", "x.tmp", FALSE, TRUE },
        { "*.tmp\n!keep.tmp\n", "keep.tmp", FALSE, FALSE },
        { "!keep.tmp\n*.tmp\n", "keep.tmp", FALSE, TRUE },
        { "a/\n!a/keep\n", "a/keep", FALSE, TRUE },
        { "a/*\n!a/keep\n", "a/keep", FALSE, FALSE },
        { "a/*\n!a/keep\n", "a/other", FALSE, TRUE },
        { "/*\n!/data\n", "data/x", FALSE, FALSE },
        { "/*\n!/data\n", "other/x", FALSE, TRUE },
        { "**/cache\n", "x/y/cache", TRUE, TRUE },
        { "x/**/z\n", "x/z", FALSE, TRUE },
        { "x/**\n", "x", TRUE, FALSE },
        { "x/**\n", "x/y", FALSE, TRUE },
        { "/\n", "a", FALSE, FALSE },
        { "!\n", "a", FALSE, FALSE },
        { "[\n", "[", FALSE, FALSE },
    };

    check(cases, G_N_ELEMENTS(cases));
}

static void
test_deep_says_where(void)
{
    g_autoptr(Patterns) patterns = patterns_new();
    gsize matched = 0;

    g_assert_true(patterns_add(patterns, "b/", NULL));
    g_assert_true(patterns_match_deep(patterns, "a/b/c/b/d", FALSE, &matched));
    g_assert_cmpuint(matched, ==, strlen("a/b"));
    g_assert_false(patterns_match(patterns, "a/b/c", FALSE));
}

static void
test_paths(void)
{
    g_autoptr(Patterns) patterns = patterns_new();
    g_autoptr(GError) error = NULL;

    g_assert_true(patterns_add_path(patterns, "a.csv", NULL));
    g_assert_true(patterns_add_path(patterns, "/data/", NULL));
    g_assert_true(patterns_match_deep(patterns, "a.csv", FALSE, NULL));
    g_assert_true(patterns_match_deep(patterns, "x/a.csv", FALSE, NULL));
    g_assert_true(patterns_match_deep(patterns, "data/x/y", FALSE, NULL));
    g_assert_false(patterns_match_deep(patterns, "x/data/y", FALSE, NULL));
    g_assert_false(patterns_match_deep(patterns, "data", FALSE, NULL));
    g_assert_true(patterns_add_path(patterns, "!b/#c", NULL));
    g_assert_true(patterns_match_deep(patterns, "!b/#c", FALSE, NULL));
    g_assert_false(patterns_match_deep(patterns, "x/!b/#c", FALSE, NULL));
    g_assert_false(patterns_add_path(patterns, "/", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/glob/table", test_globs);
    g_test_add_func("/glob/many-stars", test_many_stars);
    g_test_add_func("/glob/too-long", test_too_long);
    g_test_add_func("/patterns/too-many", test_too_many);
    g_test_add_func("/patterns/lines", test_lines);
    g_test_add_func("/patterns/where", test_deep_says_where);
    g_test_add_func("/patterns/paths", test_paths);
    return g_test_run();
}
