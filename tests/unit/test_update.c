#include "tests/unit/checkout_fixture.h"

/* Two versions that differ in most ways. */
static void
two_versions(Tree *tree, Digest *first, Digest *second)
{
    g_autofree char *gone = g_build_filename(tree->in, "gone", NULL);

    tree_text(tree->in, "same", "same");
    tree_text(tree->in, "changed", "old");
    tree_text(tree->in, "gone/deep/file", "gone");
    tree_text(tree->in, "gone/other", "gone");
    tree_link(tree->in, "link", "same");
    *first = publish(tree, tree->in);
    tree_text(tree->in, "changed", "new and longer");
    tree_remove(gone);
    tree_text(tree->in, "more/added", "added");
    *second = publish(tree, tree->in);
}

static void
test_update(Tree *tree, gconstpointer data)
{
    Digest first, second;
    CheckoutOptions options = { .base = &first };
    g_autofree char *mine = g_build_filename(tree->out, "mine", NULL);

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    tree_text(tree->out, "mine", "not of any version");
    struct stat before = stat_of(tree->out, "same");
    CheckoutResult result = get(tree, &second, &options);
    struct stat after = stat_of(tree->out, "same");

    g_assert_cmpuint(result.written, ==, 2);
    g_assert_cmpuint(result.removed, ==, 2);
    g_assert_cmpuint(result.kept, ==, 2);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
    g_assert_cmpint(before.st_mtim.tv_nsec, ==, after.st_mtim.tv_nsec);
    assert_text(tree->out, "changed", "new and longer");
    assert_text(tree->out, "mine", "not of any version");
    g_assert_false(exists(tree->out, "gone"));
    g_assert_true(exists(tree->out, "more/added"));
    /* And back. */
    options.base = &second;
    get(tree, &first, &options);
    g_assert_false(exists(tree->out, "more"));
    g_assert_cmpint(unlink(mine), ==, 0);
    assert_same(tree, &first);
}

static void
test_folder_with_own_file_stays(Tree *tree, gconstpointer data)
{
    Digest first, second;
    CheckoutOptions options = { .base = &first };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    tree_text(tree->out, "gone/deep/mine", "x");
    get(tree, &second, &options);
    g_assert_true(exists(tree->out, "gone/deep/mine"));
    g_assert_false(exists(tree->out, "gone/other"));
}

static void
test_local_edits(Tree *tree, gconstpointer data)
{
    static const char *const edited[] = { "same", "changed", "gone/other" };
    Digest first, second;
    CheckoutOptions options = { .base = &first };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    for (gsize i = 0; i < G_N_ELEMENTS(edited); i++) {
        g_autofree char *was = text_of(tree->out, edited[i]);

        tree_text(tree->out, edited[i], "mine");
        refused(tree, &second, &options, CHAMA_ERROR_EXISTS, "have 1: ");
        refused(tree, &second, &options, CHAMA_ERROR_EXISTS, edited[i]);
        assert_text(tree->out, edited[i], "mine");
        g_assert_false(exists(tree->out, "more"));
        g_assert_true(exists(tree->out, "gone/deep/file"));
        tree_text(tree->out, edited[i], was);
    }
    tree_text(tree->out, "changed", "mine");
    options.force = TRUE;
    get(tree, &second, &options);
    assert_same(tree, &second);
}

static void
test_many_edits(Tree *tree, gconstpointer data)
{
    for (guint i = 0; i < 9; i++)
        tree_text(tree->in, (char[]){ 'f', (char)('0' + i), 0 }, "x");
    Digest root = publish(tree, tree->in);

    for (guint i = 0; i < 9; i++)
        tree_text(tree->out, (char[]){ 'f', (char)('0' + i), 0 }, "y");
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "have 9: f0, f1, f2, f3, f4, and more");
}

static void
test_deleted_is_restored(Tree *tree, gconstpointer data)
{
    Digest first, second;
    CheckoutOptions options = { .base = &first };
    g_autofree char *path = g_build_filename(tree->out, "same", NULL);

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_cmpuint(get(tree, &first, &options).written, ==, 1);
    assert_same(tree, &first);
}

static void
test_others_count_as_unedited(Tree *tree, gconstpointer data)
{
    Digest first, second;
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Digest));
    CheckoutOptions options = { .others = others };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    refused(tree, &second, &plain, CHAMA_ERROR_EXISTS, "changed");
    g_array_append_val(others, first);
    get(tree, &second, &options);
    assert_text(tree->out, "changed", "new and longer");
    /* Not of the base: nobody said that this was a checkout of it. */
    g_assert_true(exists(tree->out, "gone/other"));
}

static void
test_kinds_change(Tree *tree, gconstpointer data)
{
    g_autofree char *a = g_build_filename(tree->in, "a", NULL), *b = g_build_filename(tree->in, "b", NULL),
                    *c = g_build_filename(tree->in, "c", NULL), *d = g_build_filename(tree->in, "d", NULL);
    CheckoutOptions options = { 0 };

    tree_text(tree->in, "a", "a file");
    tree_text(tree->in, "b/x/y", "below a folder");
    tree_link(tree->in, "c", "a");
    tree_folder(tree->in, "d");
    Digest first = publish(tree, tree->in);

    tree_remove(a), tree_remove(b), tree_remove(c), tree_remove(d);
    tree_text(tree->in, "a/x", "below a folder");
    tree_text(tree->in, "b", "a file");
    tree_folder(tree->in, "c");
    tree_link(tree->in, "d", "b");
    Digest second = publish(tree, tree->in);

    get(tree, &first, &plain);
    options.base = &first;
    get(tree, &second, &options);
    assert_same(tree, &second);
    options.base = &second;
    get(tree, &first, &options);
    assert_same(tree, &first);
}

static void
test_obstacles(Tree *tree, gconstpointer data)
{
    g_autofree char *out_b = g_build_filename(tree->out, "b", NULL);
    CheckoutOptions force = { .force = TRUE };

    tree_text(tree->in, "a/x", "1");
    tree_text(tree->in, "a/y", "2");
    tree_text(tree->in, "b", "3");
    Digest root = publish(tree, tree->in);

    tree_text(tree->out, "a", "mine");
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "have 1: a;");
    tree_text(tree->out, "b/mine", "mine");
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "have 2: a, b/mine;");
    /* A folder with something of the person's own is never removed. */
    refused(tree, &root, &force, CHAMA_ERROR_EXISTS, "have 1: b/mine;");
    assert_text(tree->out, "a", "mine");
    tree_remove(out_b);
    tree_folder(tree->out, "b/empty");
    get(tree, &root, &force);
    assert_same(tree, &root);
}

/* I7: a folder that became a link is not gone through, neither to write nor to remove. */
static void
test_link_in_the_way(Tree *tree, gconstpointer data)
{
    g_autofree char *aside = g_build_filename(tree->top, "aside", NULL), *more = g_build_filename(tree->out, "gone", NULL);
    Digest first, second;
    CheckoutOptions options = { .base = &first };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    tree_text(aside, "other", "gone");
    tree_text(aside, "deep/file", "gone");
    tree_remove(more);
    tree_link(tree->out, "gone", aside);
    tree_link(tree->out, "more", aside);
    refused(tree, &second, &options, CHAMA_ERROR_EXISTS, "have 1: more;");
    options.force = TRUE;
    get(tree, &second, &options);
    g_assert_cmpuint(count_in(aside), ==, 2);
    assert_text(aside, "other", "gone");
    assert_text(aside, "deep/file", "gone");
    assert_text(tree->out, "more/added", "added");
    g_assert_true(S_ISDIR(stat_of(tree->out, "more").st_mode));
}

int
main(int argc, char **argv)
{
    static const CheckoutTest tests[] = {
        { "update", test_update },
        { "folder-with-own-file-stays", test_folder_with_own_file_stays },
        { "local-edits", test_local_edits },
        { "many-edits", test_many_edits },
        { "deleted-is-restored", test_deleted_is_restored },
        { "others-count-as-unedited", test_others_count_as_unedited },
        { "kinds-change", test_kinds_change },
        { "obstacles", test_obstacles },
        { "link-in-the-way", test_link_in_the_way },
    };

    return checkout_tests(argc, argv, "/update", tests, G_N_ELEMENTS(tests));
}
