#include <string.h>

#include "keys/error.h"
#include "manifests/listing/page.h"

static void
test_check_accepts(void)
{
    static const char *const paths[] = { "a", "a/b", "林地/一调.csv", "...", ".hidden", "a..", "..a/b", "a b", "\\", "a\\b", "C:", "\xff\xfe", "\n", "~", "-rf", "CON" };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;

        path_check(paths[i], &error);
        g_assert_no_error(error);
    }
}

static void
test_check_L3_L6_refuses(void)
{
    static const struct {
        const char *path, *rule;
    } cases[] = {
        { "", "L3:" },
        { "/", "L4:" }, { "/a", "L4:" }, { "a/", "L4:" }, { "a//b", "L4:" }, { "//", "L4:" },
        { ".", "L6:" }, { "..", "L6:" }, { "a/..", "L6:" }, { "../a", "L6:" }, { "a/./b", "L6:" }, { "./a", "L6:" }, { "a/../../b", "L6:" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(path_check(cases[i].path, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_nonnull(strstr(error->message, cases[i].rule));
    }
}

/* @size bytes in components of @component bytes. */
static char *
long_path(gsize size, gsize component)
{
    char *path = g_strnfill(size, 'x');

    for (gsize i = component; i < size; i += component + 1)
        path[i] = '/';
    return path;
}

static void
test_check_L3_L5_lengths(void)
{
    static const struct {
        gsize size, component;
        const char *rule;
    } cases[] = {
        { PATH_COMPONENT_MAX, PATH_COMPONENT_MAX, NULL },
        { PATH_COMPONENT_MAX + 1, PATH_COMPONENT_MAX + 1, "L5:" },
        { 2 * PATH_COMPONENT_MAX + 2, PATH_COMPONENT_MAX + 1, "L5:" },
        { PATH_SIZE_MAX, 200, NULL },
        { PATH_SIZE_MAX + 1, 200, "L3:" },
        { 100000, 200, "L3:" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = long_path(cases[i].size, cases[i].component);
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(path_check(path, &error), ==, cases[i].rule == NULL);
        if (!cases[i].rule)
            continue;
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_nonnull(strstr(error->message, cases[i].rule));
    }
}

/* L2: a folder's content is together, and comes right after where the folder would be. */
static void
test_order_L2(void)
{
    static const char *const ascending[] = {
        "A", "a", "a/", "a/b", "a/b/c", "a/b\x01", "a/c", "a\x01", "a ", "a!", "a-b", "a.csv", "a0", "aa", "a\x7f", "a\x80", "a\xff", "b", "林", "\xff",
    };

    for (guint i = 0; i < G_N_ELEMENTS(ascending); i++) {
        for (guint k = 0; k < G_N_ELEMENTS(ascending); k++) {
            int order = path_compare(ascending[i], ascending[k]);

            g_assert_cmpint((order > 0) - (order < 0), ==, (i > k) - (i < k));
        }
    }
}

static void
test_is_below(void)
{
    static const struct {
        const char *below, *path;
        gboolean want;
    } cases[] = {
        { "a/b", "a", TRUE }, { "a/b/c", "a", TRUE }, { "a/b/c", "a/b", TRUE },
        { "a", "a", FALSE }, { "ab", "a", FALSE }, { "a", "a/b", FALSE }, { "b/a", "a", FALSE }, { "a-b/c", "a", FALSE }, { "", "a", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(path_is_below(cases[i].below, cases[i].path), ==, cases[i].want);
}

static void
test_display(void)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        { "a/b c.csv", "a/b c.csv" },
        { "林地", "林地" },
        { "a\\b", "a\\\\b" },
        { "a\nb\x1b[31m\x7f", "a\\x0ab\\x1b[31m\\x7f" },
        { "\xff" "a\xe6\x9e", "\\xffa\\xe6\\x9e" },
        { "\xc2\x9b", "\\xc2\\x9b" },                       /* a C1 control, valid UTF-8 */
        { "a\xe2\x80\xae" "vsc.exe", "a\\xe2\\x80\\xaevsc.exe" },  /* right-to-left override */
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },              /* a surrogate */
        { "", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *have = path_display(cases[i].path);

        g_assert_cmpstr(have, ==, cases[i].want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/path/check/accepts", test_check_accepts);
    g_test_add_func("/path/check/L3-L6-refuses", test_check_L3_L6_refuses);
    g_test_add_func("/path/check/L3-L5-lengths", test_check_L3_L5_lengths);
    g_test_add_func("/path/order-L2", test_order_L2);
    g_test_add_func("/path/is-below", test_is_below);
    g_test_add_func("/path/display", test_display);
    return g_test_run();
}
