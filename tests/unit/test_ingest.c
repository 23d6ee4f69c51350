#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/ingest.h"
#include "manifests/store/chunker.h"
#include "tests/unit/tree.h"

#define MIB (1024 * 1024)

static void
setup(Tree *tree, gconstpointer data)
{
    tree_open(tree);
}

static void
teardown(Tree *tree, gconstpointer data)
{
    tree_close(tree);
}

static void
ingest(Tree *tree, const IngestOptions *options, IngestResult *result)
{
    static const IngestOptions none = { 0 };
    g_autoptr(GError) error = NULL;

    ingest_folder(tree->writer, tree->in, options ? options : &none, result, &error);
    g_assert_no_error(error);
    g_assert_true(store_writer_commit(tree->writer, &error));
}

static void
refused(Tree *tree, const IngestOptions *options, ChamaError code, const char *says)
{
    static const IngestOptions none = { 0 };
    g_autoptr(GError) error = NULL;
    IngestResult result;

    g_assert_false(ingest_folder(tree->writer, tree->in, options ? options : &none, &result, &error));
    g_assert_error(error, CHAMA_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, says));
}

/* The paths of a listing, with '/' after a folder, '*' after an executable, '@' after a link; joined by spaces. */
static char *
paths_of(Tree *tree, const Digest *root)
{
    static const char *const marks[] = { "?", "", "*", "@", "/" };
    g_autoptr(ListingCursor) cursor = listing_cursor_new(root, store_listing_get, tree->store, NULL);
    g_autoptr(GError) error = NULL;
    GString *paths = g_string_new(NULL);
    const Item *item;

    g_assert_nonnull(cursor);
    while (listing_cursor_next(cursor, &item, NULL, NULL, &error))
        if (item->kind != ITEM_PART)
            g_string_append_printf(paths, "%s%s%s", paths->len ? " " : "", item->path, marks[item->kind]);
    g_assert_no_error(error);
    return g_string_free(paths, FALSE);
}

static gboolean
drop_page(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    return TRUE;
}

static void
write_plainly(ListingWriter *writer, const char *path, const guint8 *data, gsize size)
{
    Digest digest;

    digest_of(data, size, &digest);
    g_assert_true(listing_writer_begin_file(writer, path, NULL));
    for (gsize at = 0, cut; at < size; at += cut) {
        cut = chunker_cut(data + at, size - at);
        ChunkRef chunk = { .size = (guint32)cut, .run = 1 };

        digest_of(data + at, cut, &chunk.digest);
        g_assert_true(listing_writer_chunk(writer, &chunk, NULL));
    }
    g_assert_true(listing_writer_end_file(writer, FALSE, size, &digest, NULL));
}

/* The root of one file, made without any of what ingest does. */
static void
root_of(const char *path, const guint8 *data, gsize size, Digest *root)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(drop_page, NULL);
    ListingTotals totals;

    write_plainly(writer, path, data, size);
    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    *root = totals.root;
}

static void
test_order_and_kinds(Tree *tree, gconstpointer data)
{
    IngestResult result;

    tree_text(tree->in, "a-b", "1");
    tree_text(tree->in, "a/z", "2");
    tree_text(tree->in, "a/b/c", "3");
    tree_text(tree->in, "a.txt", "4");
    tree_text(tree->in, "a\x01", "");
    tree_text(tree->in, "\xe6\x95\xb0\xe6\x8d\xae/\xff\xfe", "not UTF-8");
    tree_text(tree->in, ".hidden", "5");
    tree_text(tree->in, "run", "#!/bin/sh\n");
    tree_mode(tree->in, "run", 0755);
    tree_link(tree->in, "a/link", "../run");
    tree_folder(tree->in, "empty/deep");
    ingest(tree, NULL, &result);

    g_autofree char *paths = paths_of(tree, &result.totals.root);

    g_assert_cmpstr(paths, ==, ".hidden a/b/c a/link@ a/z a\x01 a-b a.txt empty/deep/ run* \xe6\x95\xb0\xe6\x8d\xae/\xff\xfe");
    g_assert_cmpuint(result.totals.files, ==, 8);
    g_assert_cmpuint(result.totals.links, ==, 1);
    g_assert_cmpuint(result.totals.folders, ==, 1);
    g_assert_cmpuint(result.totals.bytes, ==, 1 + 1 + 1 + 1 + 9 + 1 + 10);
    g_assert_cmpuint(result.new_bytes, >, 0);
}

static void
test_empty_folder(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(drop_page, NULL);
    ListingTotals totals;
    IngestResult result;

    ingest(tree, NULL, &result);
    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(digest_equal(&result.totals.root, &totals.root));
}

/* Sizes around every limit of reading and cutting: the result is that of cutting the whole file in memory. */
static void
test_sizes(Tree *tree, gconstpointer data)
{
    static const gsize sizes[] = { 0, 1, CHUNK_SIZE_MIN, CHUNK_SIZE_LIMIT - 1, CHUNK_SIZE_LIMIT, CHUNK_SIZE_LIMIT + 1, MIB - 1, MIB,
                                   MIB + 1, 3 * MIB + 12345, 16 * MIB - 1, 16 * MIB, 16 * MIB + 1, 18 * MIB + 777 };
    g_autofree guint8 *noise = tree_noise(19 * MIB, 1);

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        IngestResult result;
        Digest root;

        tree_write(tree->in, "file", noise, sizes[i]);
        ingest(tree, NULL, &result);
        root_of("file", noise, sizes[i], &root);
        g_assert_true(digest_equal(&result.totals.root, &root));
        g_assert_cmpuint(result.totals.bytes, ==, sizes[i]);
    }
}

static void
test_many_files(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(drop_page, NULL);
    IngestResult result;
    ListingTotals totals;

    for (guint i = 0; i < 1500; i++) {
        g_autofree char *path = g_strdup_printf("%02u/%04u", i / 100, i), *text = g_strdup_printf("file %u\n", i);

        tree_text(tree->in, path, text);
        write_plainly(writer, path, (const guint8 *)text, strlen(text));
    }
    ingest(tree, NULL, &result);
    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(digest_equal(&result.totals.root, &totals.root));
    g_assert_cmpuint(result.totals.files, ==, 1500);
}

static void
write_sparse(const char *path, guint64 size, const guint64 *at, guint count, gboolean dense)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);

    g_assert_cmpint(fd, >=, 0);
    if (dense) {
        g_autofree guint8 *zeros = g_malloc0(MIB);

        for (guint64 done = 0; done < size; done += MIB)
            g_assert_cmpint(pwrite(fd, zeros, (size_t)MIN(MIB, size - done), (off_t)done), >, 0);
    }
    for (guint i = 0; i < count; i++)
        g_assert_cmpint(pwrite(fd, "some bytes", 10, (off_t)at[i]), ==, 10);
    g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
    close(fd);
}

/* A file with holes is the same version as the one whose zeros are written out. */
static void
test_holes(Tree *tree, gconstpointer data)
{
    static const struct {
        guint64 size, at[3];
        guint count;
    } cases[] = {
        { 20 * MIB, { 0 }, 0 },
        { 20 * MIB + 1, { 0 }, 1 },
        { 33 * MIB + 12345, { 5 * MIB + 77, 19 * MIB, 33 * MIB + 12000 }, 3 },
    };
    g_autofree char *path = g_build_filename(tree->in, "file", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        IngestResult holes, dense;

        write_sparse(path, cases[i].size, cases[i].at, cases[i].count, FALSE);
        ingest(tree, NULL, &holes);
        write_sparse(path, cases[i].size, cases[i].at, cases[i].count, TRUE);
        ingest(tree, NULL, &dense);
        g_assert_true(digest_equal(&holes.totals.root, &dense.totals.root));
        g_assert_cmpuint(holes.totals.bytes, ==, cases[i].size);
    }
}

/* All of a hole is one reference, and little of it is work. */
static void
test_large_hole(Tree *tree, gconstpointer data)
{
    g_autofree char *path = g_build_filename(tree->in, "file", NULL);
    IngestResult result;

    write_sparse(path, 300 * MIB, NULL, 0, FALSE);
    ingest(tree, NULL, &result);
    g_assert_cmpuint(result.totals.bytes, ==, 300 * MIB);
    g_assert_cmpuint(result.totals.positions, <=, 2);
}

static void
test_left_out(Tree *tree, gconstpointer data)
{
    char *exclude[] = { "*.bak", "!keep.tmp", NULL };
    IngestOptions options = { .exclude = exclude };
    IngestResult result;

    tree_text(tree->in, ".chamaignore", "*.tmp\n/cache/\n");
    tree_text(tree->in, "a.tmp", "1");
    tree_text(tree->in, "keep.tmp", "2");
    tree_text(tree->in, "only/b.tmp", "3");
    tree_text(tree->in, "cache/x/y", "4");
    tree_text(tree->in, "x/cache/y", "5");
    tree_text(tree->in, "c.bak", "6");
    ingest(tree, &options, &result);

    g_autofree char *paths = paths_of(tree, &result.totals.root);

    /* The file of lines is published itself; a folder whose files are all left out is an empty one. */
    g_assert_cmpstr(paths, ==, ".chamaignore keep.tmp only/ x/cache/y");
    g_assert_cmpuint(result.skipped, ==, 4);
}

static void
test_left_out_link(Tree *tree, gconstpointer data)
{
    tree_link(tree->in, ".chamaignore", "elsewhere");
    refused(tree, NULL, CHAMA_ERROR_MALFORMED, ".chamaignore: want a regular file");
}

static void
test_left_out_too_large(Tree *tree, gconstpointer data)
{
    g_autofree char *lines = g_strnfill(MIB + 1, '\n');

    tree_text(tree->in, ".chamaignore", lines);
    refused(tree, NULL, CHAMA_ERROR_LIMIT, ".chamaignore");
}

static void
keep_warning(gpointer data, const char *message)
{
    g_ptr_array_add(data, g_strdup(message));
}

static void
test_special(Tree *tree, gconstpointer data)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    IngestOptions options = { .skip_special = TRUE, .warn = keep_warning, .warn_data = warnings };
    g_autofree char *path = g_build_filename(tree->in, "sub", "pipe", NULL), *paths = NULL;
    IngestResult result;

    tree_folder(tree->in, "sub");
    g_assert_cmpint(mkfifo(path, 0666), ==, 0);
    refused(tree, NULL, CHAMA_ERROR_FAILED, "sub/pipe: AR6: want a file, a link or a folder, have a FIFO");
    ingest(tree, &options, &result);
    paths = paths_of(tree, &result.totals.root);
    g_assert_cmpstr(paths, ==, "sub/");
    g_assert_cmpuint(result.skipped, ==, 1);
    g_assert_cmpuint(warnings->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(warnings, 0), ==, "sub/pipe: skipped: it is a FIFO");
}

static void
test_co1_links(Tree *tree, gconstpointer data)
{
    static const struct {
        const char *path, *target;
        gboolean ok;
    } cases[] = {
        { "l", "a", TRUE },          { "l", "./a/b", TRUE },     { "x/l", "../a", TRUE },    { "x/y/l", "../../a", TRUE },
        { "x/l", ".././/a", TRUE },  { "x/l", "..", TRUE },      { "l", ".", TRUE },         { "l", "...", TRUE },
        { "l", "..a/b", TRUE },      { "l", "nowhere", TRUE },   { "l", "/etc", FALSE },     { "l", "..", FALSE },
        { "l", "../a", FALSE },      { "x/l", "../../a", FALSE }, { "l", "a/..", FALSE },    { "x/l", "a/../b", FALSE },
        { "x/l", ".//./../../a", FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_build_filename(tree->in, cases[i].path, NULL);
        IngestResult result;

        tree_link(tree->in, cases[i].path, cases[i].target);
        if (cases[i].ok)
            ingest(tree, NULL, &result);
        else
            refused(tree, NULL, CHAMA_ERROR_MALFORMED, ": CO1: ");
        g_assert_cmpint(unlink(path), ==, 0);
    }
}

static void
test_unreadable(Tree *tree, gconstpointer data)
{
    if (geteuid() == 0) {
        g_test_skip("root reads all");
        return;
    }
    tree_text(tree->in, "a", "1");
    tree_mode(tree->in, "a", 0);
    refused(tree, NULL, CHAMA_ERROR_FAILED, "a: ");
}

static void
test_long_path(Tree *tree, gconstpointer data)
{
    int at = open(tree->in, O_PATH | O_DIRECTORY);
    g_autofree char *name = g_strnfill(250, 'n');

    for (guint i = 0; i < 5; i++) {
        g_assert_cmpint(mkdirat(at, name, 0777), ==, 0);
        int next = openat(at, name, O_PATH | O_DIRECTORY);

        close(at);
        at = next;
    }
    close(at);
    refused(tree, NULL, CHAMA_ERROR_MALFORMED, "L3");
}

typedef struct {
    char *path;
    gint stop;
} Meddler;

static gpointer
meddle(gpointer data)
{
    Meddler *meddler = data;

    while (!g_atomic_int_get(&meddler->stop)) {
        g_assert_cmpint(utimensat(AT_FDCWD, meddler->path, NULL, 0), ==, 0);
        g_usleep(500);
    }
    return NULL;
}

static void
changing(Tree *tree, gsize size)
{
    g_autofree guint8 *noise = tree_noise(size, 2);
    Meddler meddler = { .path = g_build_filename(tree->in, "moving", NULL) };

    tree_write(tree->in, "moving", noise, size);
    GThread *thread = g_thread_new("meddler", meddle, &meddler);

    refused(tree, NULL, CHAMA_ERROR_FAILED, "moving changed while it was read; want it to stand still, publish again");
    g_atomic_int_set(&meddler.stop, 1);
    g_thread_join(thread);
    g_free(meddler.path);
}

static void
test_changing_file(Tree *tree, gconstpointer data)
{
    changing(tree, 15 * MIB);
}

static void
test_changing_big_file(Tree *tree, gconstpointer data)
{
    changing(tree, 20 * MIB);
}

static void
test_dry_run(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(17 * MIB, 3);
    IngestOptions options = { 0 };
    IngestResult dry, wet;

    tree_text(tree->in, "a", "1");
    tree_write(tree->in, "b", noise, 17 * MIB);
    g_assert_true(ingest_folder(NULL, tree->in, &options, &dry, NULL));
    g_assert_cmpuint(dry.new_bytes, ==, 0);
    ingest(tree, NULL, &wet);
    g_assert_true(digest_equal(&dry.totals.root, &wet.totals.root));
    g_assert_cmpuint(wet.new_bytes, >, 17 * MIB);
    ingest(tree, NULL, &wet);
    g_assert_cmpuint(wet.new_bytes, ==, 0);
}

static void
test_progress_and_cancel(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(17 * MIB, 4);
    Progress progress = { 0 };
    IngestOptions options = { .progress = &progress };
    IngestResult result;

    tree_text(tree->in, "a", "1");
    tree_write(tree->in, "b", noise, 17 * MIB);
    ingest(tree, &options, &result);
    g_assert_cmpint(progress.bytes_done, ==, 17 * MIB + 1);
    g_assert_cmpint(progress.files_done, ==, 2);
    progress.cancelled = 1;
    refused(tree, &options, CHAMA_ERROR_CANCELLED, "stopped");
}

static void
test_not_there(Tree *tree, gconstpointer data)
{
    IngestOptions options = { 0 };
    IngestResult result;
    g_autoptr(GError) folder = NULL, file = NULL, not_file = NULL;

    g_assert_false(ingest_folder(tree->writer, tree->out, &options, &result, &folder));
    g_assert_error(folder, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(ingest_file(tree->writer, tree->out, &options, &result, &file));
    g_assert_error(file, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(ingest_file(tree->writer, tree->in, &options, &result, &not_file));
    g_assert_error(not_file, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static void
test_one_file(Tree *tree, gconstpointer data)
{
    g_autofree char *path = g_build_filename(tree->in, "named", NULL), *paths = NULL;
    IngestOptions options = { 0 };
    IngestResult result;
    Digest root;

    tree_text(tree->in, "real", "content");
    tree_link(tree->in, "named", "real");
    g_assert_true(ingest_file(tree->writer, path, &options, &result, NULL));
    root_of("named", (const guint8 *)"content", 7, &root);
    g_assert_true(digest_equal(&result.totals.root, &root));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Tree *, gconstpointer);
    } tests[] = {
        { "order-and-kinds", test_order_and_kinds },
        { "empty-folder", test_empty_folder },
        { "sizes", test_sizes },
        { "many-files", test_many_files },
        { "holes", test_holes },
        { "large-hole", test_large_hole },
        { "left-out", test_left_out },
        { "left-out-link", test_left_out_link },
        { "left-out-too-large", test_left_out_too_large },
        { "special", test_special },
        { "CO1-links", test_co1_links },
        { "unreadable", test_unreadable },
        { "long-path", test_long_path },
        { "changing-file", test_changing_file },
        { "changing-big-file", test_changing_big_file },
        { "dry-run", test_dry_run },
        { "progress-and-cancel", test_progress_and_cancel },
        { "not-there", test_not_there },
        { "one-file", test_one_file },
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/ingest/", tests[i].name, NULL);

        g_test_add(path, Tree, NULL, setup, tests[i].test, teardown);
    }
    return g_test_run();
}
