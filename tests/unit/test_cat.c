#include <fcntl.h>

#include "tests/unit/checkout_fixture.h"

typedef struct {
    int fd;
    GString *got;
} Drain;

static gpointer
drain(gpointer data)
{
    Drain *into = data;
    char buffer[4096];
    gssize n;

    while ((n = read(into->fd, buffer, sizeof(buffer))) > 0)
        g_string_append_len(into->got, buffer, n);
    return NULL;
}

static void
test_cat(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(1000000, 11);
    g_autoptr(GString) got = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    int ends[2];

    tree_write(tree->in, "dir/file", noise, 1000000);
    tree_link(tree->in, "link", "dir");
    tree_folder(tree->in, "none");
    Digest root = publish(tree, tree->in);

    g_assert_cmpint(pipe(ends), ==, 0);
    Drain into = { ends[0], got };
    GThread *thread = g_thread_new("drain", drain, &into);

    g_assert_true(checkout_cat(tree->store, &root, "dir/file", ends[1], &error));
    close(ends[1]);
    g_thread_join(thread);
    close(ends[0]);
    g_assert_cmpmem(got->str, got->len, noise, 1000000);
}

static void
test_cat_refusals(Tree *tree, gconstpointer data)
{
    static const char *const paths[] = { "dir", "dir/", "dir/f", "dir/file/", "nothing", "link", "none", "", "../in/dir/file", "/dir/file" };
    int closed;

    tree_text(tree->in, "dir/file", "x");
    tree_link(tree->in, "link", "dir/file");
    tree_folder(tree->in, "none");
    Digest root = publish(tree, tree->in);

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(checkout_cat(tree->store, &root, paths[i], 1, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
    g_autoptr(GError) error = NULL;

    closed = open("/dev/null", O_RDONLY);
    g_assert_false(checkout_cat(tree->store, &root, "dir/file", closed, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    close(closed);
}

int
main(int argc, char **argv)
{
    static const CheckoutTest tests[] = {
        { "cat", test_cat },
        { "cat-refusals", test_cat_refusals },
    };

    return checkout_tests(argc, argv, "/cat", tests, G_N_ELEMENTS(tests));
}
