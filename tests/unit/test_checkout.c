#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "manifests/checkout/fresh.h"
#include "manifests/store/chunker.h"
#include "manifests/tree/beneath.h"
#include "tests/unit/checkout_fixture.h"

#define MIB (1024 * 1024)

static void
test_round_trip(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(18 * MIB, 7);

    tree_text(tree->in, "a/b/c.csv", "1,2\n");
    tree_text(tree->in, "a/run", "#!/bin/sh\n");
    tree_mode(tree->in, "a/run", 0755);
    tree_text(tree->in, "empty.txt", "");
    tree_text(tree->in, "\xe6\x95\xb0\xe6\x8d\xae/\xff\xfe", "not UTF-8");
    tree_link(tree->in, "a/link", "b/c.csv");
    tree_link(tree->in, "dangling", "nowhere");
    tree_folder(tree->in, "empty/deep");
    tree_write(tree->in, "middle", noise, 700000);
    tree_write(tree->in, "large", noise, 18 * MIB);
    tree_mode(tree->in, "large", 0755);
    Digest root = publish(tree, tree->in);
    CheckoutResult result = get(tree, &root, &plain);

    assert_same(tree, &root);
    g_assert_cmpuint(result.written, ==, 9);
    g_assert_cmpuint(result.bytes_written, ==, 18 * MIB + 700000 + 9 + 10 + 4);
    result = get(tree, &root, &plain);
    g_assert_cmpuint(result.written, ==, 0);
    g_assert_cmpuint(result.kept, ==, 9);
    g_assert_cmpuint(result.removed, ==, 0);
}

static void
test_many_files(Tree *tree, gconstpointer data)
{
    for (guint i = 0; i < 1200; i++) {
        g_autofree char *path = g_strdup_printf("%02u/%04u", i / 50, i), *text = g_strdup_printf("file %u\n", i);

        tree_text(tree->in, path, text);
    }
    Digest root = publish(tree, tree->in);

    g_assert_cmpuint(get(tree, &root, &plain).written, ==, 1200);
    assert_same(tree, &root);
}

static void
test_empty(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in);

    get(tree, &root, &plain);
    g_assert_true(exists(tree->out, ""));
    g_assert_cmpuint(count_in(tree->out), ==, 0);
}

static void
test_holes(Tree *tree, gconstpointer data)
{
    static const guint64 sizes[] = { 8 * MIB + 10, 40 * MIB + 10 };
    g_autofree char *path = g_build_filename(tree->in, "sparse", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        tree_text(tree->in, "sparse", "begin");
        int fd = open(path, O_WRONLY);

        g_assert_cmpint(pwrite(fd, "middle", 6, 5 * MIB + 1000), ==, 6);
        g_assert_cmpint(ftruncate(fd, (off_t)sizes[i]), ==, 0);
        close(fd);
        Digest root = publish(tree, tree->in);
        CheckoutOptions options = { .force = TRUE };

        get(tree, &root, &options);
        struct stat st = stat_of(tree->out, "sparse");

        g_assert_cmpuint((guint64)st.st_size, ==, sizes[i]);
        g_assert_cmpuint((guint64)st.st_blocks * 512, <=, 64 * 1024);
        assert_same(tree, &root);
        g_assert_cmpuint(get(tree, &root, &plain).kept, ==, 1);
    }
}

/* Long lists of chunks are cut where their content says so: of files of some megabytes many come in parts. */
static void
test_parts(Tree *tree, gconstpointer data)
{
    for (guint i = 0; i < 10; i++) {
        gsize size = 4 * MIB + i * 1000;
        g_autofree char *name = g_strdup_printf("%02u", i);
        g_autofree guint8 *noise = tree_noise(size, 100 + i);

        tree_write(tree->in, name, noise, size);
    }
    Digest root = publish(tree, tree->in);

    get(tree, &root, &plain);
    assert_same(tree, &root);
    g_assert_cmpuint(get(tree, &root, &plain).kept, ==, 10);
}

static void
test_one_at_a_time(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in);

    tree_folder(tree->top, "out");
    int fd = open(tree->out, O_RDONLY | O_DIRECTORY);

    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "another checkout is being written there");
    close(fd);
    get(tree, &root, &plain);
}

static void
test_mode(Tree *tree, gconstpointer data)
{
    mode_t old = umask(027);

    tree_text(tree->in, "plain", "1");
    tree_text(tree->in, "run", "2");
    tree_mode(tree->in, "run", 0700);
    Digest root = publish(tree, tree->in);

    get(tree, &root, &plain);
    g_assert_cmpint(stat_of(tree->out, "plain").st_mode & 0777, ==, 0640);
    g_assert_cmpint(stat_of(tree->out, "run").st_mode & 0777, ==, 0750);
    /* The bit alone is set right without writing the file anew. */
    tree_mode(tree->out, "plain", 0750);
    tree_mode(tree->out, "run", 0640);
    ino_t before = stat_of(tree->out, "run").st_ino;

    g_assert_cmpuint(get(tree, &root, &plain).kept, ==, 2);
    g_assert_cmpint(stat_of(tree->out, "plain").st_mode & 0777, ==, 0640);
    g_assert_cmpint(stat_of(tree->out, "run").st_mode & 0777, ==, 0750);
    g_assert_cmpuint(stat_of(tree->out, "run").st_ino, ==, before);
    umask(old);
}

static gboolean
put_page(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    return store_writer_put(data, OBJECT_PAGE, digest, g_bytes_get_data(page, NULL), g_bytes_get_size(page), NULL, error);
}

static Digest
finish(Tree *tree, ListingWriter *writer)
{
    ListingTotals totals;

    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return totals.root;
}

/* CO1: ingest makes no such version, but a peer may. */
static void
test_co1_hostile_links(Tree *tree, gconstpointer data)
{
    static const char *const targets[] = { "/etc/passwd", "../x", "a/../../x" };
    CheckoutOptions force = { .force = TRUE };

    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);

        g_assert_true(listing_writer_folder(writer, "a", NULL));
        g_assert_true(listing_writer_link(writer, "link", targets[i], NULL));
        Digest root = finish(tree, writer);

        refused(tree, &root, &plain, CHAMA_ERROR_MALFORMED, "link: CO1: ");
        refused(tree, &root, &force, CHAMA_ERROR_MALFORMED, "link: CO1: ");
        g_assert_cmpuint(count_in(tree->out), ==, 0);
    }
}

/* A listing whose file is not what it says of the whole: chunks are right, each by itself. */
static Digest
lying_version(Tree *tree, const guint8 *data, gsize size, gboolean store_chunks)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    Digest digest;

    digest_of("something else", 14, &digest);
    g_assert_true(listing_writer_begin_file(writer, "file", NULL));
    for (gsize at = 0, cut; at < size; at += cut) {
        cut = chunker_cut(data + at, size - at);
        ChunkRef chunk = { .size = (guint32)cut, .run = 1 };

        digest_of(data + at, cut, &chunk.digest);
        if (store_chunks)
            g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &chunk.digest, data + at, cut, NULL, NULL));
        g_assert_true(listing_writer_chunk(writer, &chunk, NULL));
    }
    g_assert_true(listing_writer_end_file(writer, FALSE, size, &digest, NULL));
    return finish(tree, writer);
}

static void
test_wrong_content(Tree *tree, gconstpointer data)
{
    static const gsize sizes[] = { 900000, 17 * MIB };
    g_autofree guint8 *noise = tree_noise(17 * MIB, 9);

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Digest root = lying_version(tree, noise, sizes[i], FALSE);
        g_autoptr(GError) error = NULL;
        int fd = open("/dev/null", O_WRONLY);

        refused(tree, &root, &plain, CHAMA_ERROR_NOT_FOUND, "");
        root = lying_version(tree, noise, sizes[i], TRUE);
        refused(tree, &root, &plain, CHAMA_ERROR_VERIFY, "file: want sha256:");
        /* Neither the file nor a temporary one. */
        g_assert_cmpuint(count_in(tree->out), ==, 0);
        g_assert_false(checkout_cat(tree->store, &root, "file", fd, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
        close(fd);
    }
}

/* What was whole when a checkout failed stays, under its own name, and the next one goes on from there. */
static void
test_whole_files_stay(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    ChunkRef good = { .size = 4, .run = 1 }, absent = { .size = 5, .run = 1 };

    digest_of("good", 4, &good.digest);
    digest_of("later", 5, &absent.digest);
    g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &good.digest, "good", 4, NULL, NULL));
    g_assert_true(listing_writer_begin_file(writer, "a", NULL));
    g_assert_true(listing_writer_chunk(writer, &good, NULL));
    g_assert_true(listing_writer_end_file(writer, FALSE, 4, &good.digest, NULL));
    g_assert_true(listing_writer_begin_file(writer, "b", NULL));
    g_assert_true(listing_writer_chunk(writer, &absent, NULL));
    g_assert_true(listing_writer_end_file(writer, FALSE, 5, &absent.digest, NULL));
    Digest root = finish(tree, writer);

    refused(tree, &root, &plain, CHAMA_ERROR_NOT_FOUND, "");
    g_assert_cmpuint(count_in(tree->out), ==, 1);
    assert_text(tree->out, "a", "good");
    g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &absent.digest, "later", 5, NULL, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    CheckoutResult result = get(tree, &root, &plain);

    g_assert_cmpuint(result.kept, ==, 1);
    g_assert_cmpuint(result.written, ==, 1);
}

static void
test_wrong_chunk_size(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    ChunkRef chunk = { .size = 5, .run = 1 };

    digest_of("four", 4, &chunk.digest);
    g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &chunk.digest, "four", 4, NULL, NULL));
    g_assert_true(listing_writer_begin_file(writer, "file", NULL));
    g_assert_true(listing_writer_chunk(writer, &chunk, NULL));
    g_assert_true(listing_writer_end_file(writer, FALSE, 5, &chunk.digest, NULL));
    Digest root = finish(tree, writer);

    refused(tree, &root, &plain, CHAMA_ERROR_VERIFY, "want 5 bytes as the listing says, have 4");
    g_assert_cmpuint(count_in(tree->out), ==, 0);
}

static void
test_only(Tree *tree, gconstpointer data)
{
    char *only[] = { "/data", "*.md", "deep/**/x", NULL };
    CheckoutOptions options = { .only = only };

    tree_text(tree->in, "data/a", "1");
    tree_text(tree->in, "data/b/c", "2");
    tree_text(tree->in, "read.md", "3");
    tree_text(tree->in, "sub/read.md", "4");
    tree_text(tree->in, "deep/1/2/x", "5");
    tree_text(tree->in, "other", "6");
    tree_link(tree->in, "sub/data", "x");
    Digest root = publish(tree, tree->in);

    g_assert_cmpuint(get(tree, &root, &options).written, ==, 5);
    g_assert_true(exists(tree->out, "data/b/c"));
    g_assert_true(exists(tree->out, "deep/1/2/x"));
    g_assert_true(exists(tree->out, "read.md"));
    g_assert_true(exists(tree->out, "sub/read.md"));
    g_assert_false(exists(tree->out, "sub/data"));
    g_assert_false(exists(tree->out, "other"));
}

static void
test_cancel(Tree *tree, gconstpointer data)
{
    Progress progress = { .cancelled = 1 };
    CheckoutOptions options = { .progress = &progress };

    tree_text(tree->in, "a", "1");
    Digest root = publish(tree, tree->in);

    refused(tree, &root, &options, CHAMA_ERROR_CANCELLED, "stopped");
    g_assert_cmpuint(count_in(tree->out), ==, 0);
    progress = (Progress){ 0 };
    get(tree, &root, &options);
    g_assert_cmpint(progress.bytes_done, ==, 1);
    g_assert_cmpint(progress.bytes_total, ==, 1);
    g_assert_cmpint(progress.files_done, ==, 1);
    g_assert_cmpint(progress.files_total, ==, 1);
}

static void
test_target_is_a_file(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in);

    tree_text(tree->top, "out", "a file");
    refused(tree, &root, &plain, CHAMA_ERROR_FAILED, "out");
}

/* What the file system takes for one name: here by a hard link, elsewhere by folding case. */
static void
test_collision(Tree *tree, gconstpointer data)
{
    g_autofree char *a = g_build_filename(tree->in, "Name", NULL), *b = g_build_filename(tree->in, "name", NULL);
    g_auto(Fresh) fresh = FRESH_INIT, again = FRESH_INIT;
    g_autoptr(GError) two = NULL, one = NULL;
    int folder = open(tree->in, O_PATH | O_DIRECTORY);

    tree_text(tree->in, "Name", "1");
    g_assert_true(fresh_open(&fresh, folder, "sub/Name", FALSE, NULL));
    g_assert_false(fresh_place(&fresh, "sub/Name", FALSE, &one));
    g_assert_error(one, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_assert_cmpstr(one->message, ==, "sub/Name: it was made by someone else meanwhile");
    g_assert_cmpint(rename(a, b), ==, 0);
    g_assert_cmpint(link(b, a), ==, 0);
    g_assert_true(fresh_open(&again, folder, "name", FALSE, NULL));
    g_assert_false(fresh_place(&again, "name", FALSE, &two));
    g_assert_error(two, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    fresh_clear(&fresh);
    fresh_clear(&again);
    g_assert_cmpuint(count_in(tree->in), ==, 2);
    close(folder);
}

static void
test_i7_beneath(Tree *tree, gconstpointer data)
{
    static const struct {
        const char *path;
        int errnum;
    } cases[] = {
        { "dir/file", 0 }, { "dir", 0 }, { "", 0 }, { "link/file", ELOOP }, { "to-file", ELOOP }, { "dir/up/top", ELOOP },
        { "dir/file/x", ENOTDIR }, { "nothing", ENOENT }, { "nothing/x", ENOENT },
    };
    static int (*const ways[])(int, const char *, int, mode_t) = { beneath_open, beneath_open_stepwise };
    int root = open(tree->in, O_PATH | O_DIRECTORY);

    tree_text(tree->in, "dir/file", "x");
    tree_text(tree->in, "top", "x");
    tree_link(tree->in, "link", "dir");
    tree_link(tree->in, "to-file", "top");
    tree_link(tree->in, "dir/up", "..");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        for (gsize w = 0; w < G_N_ELEMENTS(ways); w++) {
            int fd = ways[w](root, cases[i].path, O_RDONLY, 0);
            /* One call cannot tell a link from another file where a folder should be, nor need it. */
            gboolean as_said = fd >= 0 ? cases[i].errnum == 0 : errno == cases[i].errnum || (errno == ENOTDIR && cases[i].errnum == ELOOP);

            if (!as_said)
                g_error("\"%s\", way %zu: want %s, have %s", cases[i].path, w, g_strerror(cases[i].errnum), fd >= 0 ? "success" : g_strerror(errno));
            if (fd >= 0)
                close(fd);
        }
    close(root);
}

int
main(int argc, char **argv)
{
    static const CheckoutTest tests[] = {
        { "round-trip", test_round_trip },
        { "many-files", test_many_files },
        { "empty", test_empty },
        { "holes", test_holes },
        { "parts", test_parts },
        { "whole-files-stay", test_whole_files_stay },
        { "one-at-a-time", test_one_at_a_time },
        { "mode", test_mode },
        { "CO1-hostile-links", test_co1_hostile_links },
        { "wrong-content", test_wrong_content },
        { "wrong-chunk-size", test_wrong_chunk_size },
        { "only", test_only },
        { "cancel", test_cancel },
        { "target-is-a-file", test_target_is_a_file },
        { "collision", test_collision },
        { "I7-beneath", test_i7_beneath },
    };

    return checkout_tests(argc, argv, "/checkout", tests, G_N_ELEMENTS(tests));
}
