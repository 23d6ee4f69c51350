#include <fcntl.h>

#include "manifests/checkout/recall.h"
#include "manifests/ingest/stamps.h"
#include "tests/unit/checkout_fixture.h"

/* CO8, AR10: what a later change cannot have. */
static void
test_settled(Tree *tree, gconstpointer data)
{
    static const struct {
        gint64 changed, now;
        guint64 inode;
        gboolean settled;
    } cases[] = {
        { 5000000001, 5100000002, 7, TRUE }, { 5000000001, 5100000001, 7, FALSE }, { 5000000001, 5000000001, 7, FALSE },
        { 5000000001, 4000000000, 7, FALSE }, { 5000000001, 9000000000, 0, FALSE }, { 5000000000, 5100000001, 7, FALSE },
        { 5000000000, 7000000000, 7, FALSE }, { 5000000000, 7000000001, 7, TRUE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Stamp stamp = { .inode = cases[i].inode, .modified = 1, .changed = cases[i].changed };

        g_assert_cmpint(recall_is_settled(&stamp, cases[i].now), ==, cases[i].settled);
    }
}

/* Two versions that have most in common; the first one is in the folder, and was for a while. */
typedef struct {
    Digest first, second;
    CheckoutOptions options;
    char *stamps;
} Recalled;

static void
recalled_clear(Recalled *recalled)
{
    g_free(recalled->stamps);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recalled, recalled_clear)

static void
recalled_make(Tree *tree, Recalled *recalled)
{
    tree_text(tree->in, "sub/a", "aaaa");
    tree_text(tree->in, "sub/b", "bbbb");
    tree_text(tree->in, "sub/c", "cccc");
    tree_text(tree->in, "top", "top");
    tree_link(tree->in, "sub/link", "a");
    recalled->first = publish(tree, tree->in);
    tree_text(tree->in, "sub/b", "other");
    tree_text(tree->in, "sub/d", "more");
    recalled->second = publish(tree, tree->in);
    recalled->stamps = g_build_filename(tree->top, "stamps", NULL);
    recalled->options = (CheckoutOptions){ .stamps = recalled->stamps, .stamps_key = recalled->first };
    get(tree, &recalled->first, &recalled->options);
    recalled->options.base = &recalled->first;
    g_usleep(150000);
}

static const Digest no_state;

static Stamp
stamp_at(const char *folder, const char *path)
{
    struct stat st = stat_of(folder, path);

    return stamp_of(&st);
}

/* Says of the files of the first version that they are as they now are. */
static void
lie_about_stamps(Tree *tree, const Recalled *recalled, const Digest *key, const Digest *root)
{
    static const char *const paths[] = { "sub/a", "sub/b", "sub/c", "top" };
    g_autoptr(StampsWriter) writer = stamps_writer_new(recalled->stamps, key);

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        Stamp stamp = stamp_at(tree->out, paths[i]);

        stamps_writer_add(writer, &stamp);
    }
    g_assert_true(stamps_writer_keep(writer, root, &no_state));
}

static void
test_recall(Tree *tree, gconstpointer data)
{
    g_auto(Recalled) recalled = { .stamps = NULL };
    CheckoutResult result;

    recalled_make(tree, &recalled);
    for (guint i = 0; i < 3; i++) {
        result = get(tree, i == 1 ? &recalled.first : &recalled.second, &recalled.options);
        g_assert_cmpuint(result.written, ==, i == 1 ? 1 : 2);
        g_assert_cmpuint(result.removed, ==, i == 1 ? 1 : 0);
        assert_same(tree, i == 1 ? &recalled.first : &recalled.second);
        recalled.options.base = i == 1 ? &recalled.first : &recalled.second;
    }
    /* What is wanted is said of each file, whatever was there: nothing is written twice. */
    result = get(tree, &recalled.second, &recalled.options);
    g_assert_cmpuint(result.kept, ==, 6);
}

/* CO8: an edit is seen though size and time of the content are as before. */
static void
test_recall_sees_edits(Tree *tree, gconstpointer data)
{
    static const char *const edited[] = { "sub/a", "sub/b" };
    CheckoutOptions force;

    for (gsize i = 0; i < G_N_ELEMENTS(edited); i++) {
        g_auto(Recalled) recalled = { .stamps = NULL };
        g_autofree char *path = g_build_filename(tree->out, edited[i], NULL);

        tree_remove(tree->out);
        tree_remove(tree->in);
        recalled_make(tree, &recalled);
        struct stat before = stat_of(tree->out, edited[i]);
        struct timespec times[2] = { before.st_atim, before.st_mtim };

        tree_text(tree->out, edited[i], "mine");
        g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
        g_assert_cmpint(stat_of(tree->out, edited[i]).st_mtim.tv_nsec, ==, before.st_mtim.tv_nsec);
        refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, edited[i]);
        assert_text(tree->out, edited[i], "mine");
        force = recalled.options;
        force.force = TRUE;
        get(tree, &recalled.second, &force);
        assert_same(tree, &recalled.second);
    }
}

/* CO8: stamps count, if they are of this folder and of the version that it was written from, and whole. */
static void
test_recall_of_others(Tree *tree, gconstpointer data)
{
    g_auto(Recalled) recalled = { .stamps = NULL };
    g_autofree char *bytes = NULL;
    gsize size;

    recalled_make(tree, &recalled);
    tree_text(tree->out, "sub/a", "mine");
    g_usleep(150000);
    lie_about_stamps(tree, &recalled, &recalled.second, &recalled.first);
    refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
    lie_about_stamps(tree, &recalled, &recalled.first, &recalled.second);
    refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
    lie_about_stamps(tree, &recalled, &recalled.first, &recalled.first);
    g_assert_true(g_file_get_contents(recalled.stamps, &bytes, &size, NULL));
    for (gsize at = 0; at < size; at += 23) {
        bytes[at] ^= 4;
        g_assert_true(g_file_set_contents(recalled.stamps, bytes, (gssize)size, NULL));
        bytes[at] ^= 4;
        refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
    }
    /* Whole again, they are believed: so the others were not. */
    g_assert_true(g_file_set_contents(recalled.stamps, bytes, (gssize)size, NULL));
    g_assert_cmpuint(get(tree, &recalled.second, &recalled.options).kept, ==, 4);
    assert_text(tree->out, "sub/a", "mine");
}

/* CO8: a selection neither uses nor leaves stamps. */
static void
test_recall_not_of_selections(Tree *tree, gconstpointer data)
{
    g_auto(Recalled) recalled = { .stamps = NULL };
    char *only[] = { "sub", NULL };

    recalled_make(tree, &recalled);
    g_assert_true(exists(tree->top, "stamps"));
    tree_text(tree->out, "sub/a", "mine");
    g_usleep(150000);
    lie_about_stamps(tree, &recalled, &recalled.first, &recalled.first);
    recalled.options.only = only;
    refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
}

int
main(int argc, char **argv)
{
    static const CheckoutTest tests[] = {
        { "CO8-settled", test_settled },
        { "CO8-recall", test_recall },
        { "CO8-recall-sees-edits", test_recall_sees_edits },
        { "CO8-recall-of-others", test_recall_of_others },
        { "CO8-recall-not-of-selections", test_recall_not_of_selections },
    };

    return checkout_tests(argc, argv, "/recall", tests, G_N_ELEMENTS(tests));
}
