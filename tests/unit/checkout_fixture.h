/* A version published from a folder and checked out again; what then lies there.  For the tests of checkouts. */
#ifndef CHAMA_TESTS_UNIT_CHECKOUT_FIXTURE_H
#define CHAMA_TESTS_UNIT_CHECKOUT_FIXTURE_H

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/ingest.h"
#include "tests/unit/tree.h"

static const CheckoutOptions plain = { 0 };

static inline Digest
publish(Tree *tree, const char *folder)
{
    IngestOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    IngestResult result;

    ingest_folder(tree->writer, folder, &options, &result, &error);
    g_assert_no_error(error);
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return result.totals.root;
}

static inline CheckoutResult
get(Tree *tree, const Digest *root, const CheckoutOptions *options)
{
    g_autoptr(GError) error = NULL;
    CheckoutResult result;

    checkout(tree->store, root, tree->out, options, &result, &error);
    g_assert_no_error(error);
    return result;
}

static inline void
refused(Tree *tree, const Digest *root, const CheckoutOptions *options, ChamaError code, const char *says)
{
    g_autoptr(GError) error = NULL;
    CheckoutResult result;

    g_assert_false(checkout(tree->store, root, tree->out, options, &result, &error));
    g_assert_error(error, CHAMA_ERROR, (gint)code);
    if (!strstr(error->message, says))
        g_error("want \"%s\" in \"%s\"", says, error->message);
}

static inline void
assert_same(Tree *tree, const Digest *root)
{
    Digest written = publish(tree, tree->out);

    g_assert_true(digest_equal(&written, root));
}

static inline char *
text_of(const char *folder, const char *path)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);
    char *text = NULL;

    g_file_get_contents(full, &text, NULL, NULL);
    return text;
}

#define assert_text(folder, path, want)                         \
    do {                                                        \
        g_autofree char *text_ = text_of(folder, path);         \
        g_assert_cmpstr(text_, ==, want);                       \
    } while (0)

static inline gboolean
exists(const char *folder, const char *path)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);
    struct stat st;

    return lstat(full, &st) == 0;
}

static inline struct stat
stat_of(const char *folder, const char *path)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);
    struct stat st;

    g_assert_cmpint(lstat(full, &st), ==, 0);
    return st;
}

static inline guint
count_in(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (dir && g_dir_read_name(dir))
        count++;
    return count;
}

typedef struct {
    const char *name;
    void (*test)(Tree *, gconstpointer);
} CheckoutTest;

static inline void
checkout_setup(Tree *tree, gconstpointer data)
{
    tree_open(tree);
}

static inline void
checkout_teardown(Tree *tree, gconstpointer data)
{
    tree_close(tree);
}

/* What main() of such a test does; @room begins with a slash. */
static inline int
checkout_tests(int argc, char **argv, const char *room, const CheckoutTest *tests, gsize count)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < count; i++) {
        g_autofree char *path = g_strconcat(room, "/", tests[i].name, NULL);

        g_test_add(path, Tree, NULL, checkout_setup, tests[i].test, checkout_teardown);
    }
    return g_test_run();
}

#endif
