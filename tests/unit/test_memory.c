#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/ingest.h"
#include "manifests/ingest/stamps.h"
#include "tests/unit/tree.h"

#define MIB (1024 * 1024)
#define SECOND G_GINT64_CONSTANT(1000000000)
#define LATER (10 * SECOND)    /* the files were left alone so long */

static const Digest key = { { 7 } };
static const Digest no_state;

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

static char *
stamps_file(const Tree *tree)
{
    return g_build_filename(tree->top, "stamps", NULL);
}

/* What publishing does @after the present time, and how many files it recalled. */
static guint64
publish_into(Tree *tree, StoreWriter *writer, gint64 after, const Digest *of, Digest *root)
{
    g_autofree char *file = stamps_file(tree);
    MemoryPlace place = { .file = file, .key = *of, .begun = stamp_now() + after, .get = store_listing_get, .get_data = tree->store };
    Digest state = { .bytes = { 0 } };
    if (writer)
        g_assert_true(store_writer_state(writer, &place.state));
    g_autoptr(Memory) memory = memory_open(&place);
    IngestOptions options = { .memory = memory };
    g_autoptr(GError) error = NULL;
    IngestResult result;

    ingest_folder(writer, tree->in, &options, &result, &error);
    g_assert_no_error(error);
    if (writer) {
        g_assert_true(store_writer_commit(writer, &error));
        g_assert_true(store_writer_state(writer, &state));
        memory_keep(memory, &result.totals.root, &state);
    }
    *root = result.totals.root;
    return result.recalled;
}

static guint64
publish(Tree *tree, gint64 after, Digest *root)
{
    return publish_into(tree, tree->writer, after, &key, root);
}

/* The root of what lies there, by nothing but its bytes. */
static Digest
true_root(Tree *tree)
{
    static const IngestOptions none = { 0 };
    g_autoptr(GError) error = NULL;
    IngestResult result;

    ingest_folder(NULL, tree->in, &none, &result, &error);
    g_assert_no_error(error);
    return result.totals.root;
}

/* Publishes again: @recalled files are not read, and what comes out is right. */
static void
again(Tree *tree, guint64 recalled)
{
    Digest root, right = true_root(tree);

    g_assert_cmpuint(publish(tree, LATER, &root), ==, recalled);
    g_assert_true(digest_equal(&root, &right));
}

static void
fill(Tree *tree)
{
    tree_text(tree->in, "a", "one");
    tree_text(tree->in, "a-b", "two");
    tree_text(tree->in, "b/c", "three");
    tree_text(tree->in, "b/d", "");
    tree_text(tree->in, "run", "#!/bin/sh\n");
    tree_mode(tree->in, "run", 0755);
    tree_link(tree->in, "b/link", "d");
    tree_folder(tree->in, "empty");
}

static char *
below(Tree *tree, const char *path)
{
    return g_build_filename(tree->in, path, NULL);
}

static void
test_unchanged(Tree *tree, gconstpointer data)
{
    fill(tree);
    again(tree, 0);
    again(tree, 5);
    again(tree, 5);
}

/* AR10: what was written just now may be written again within the same tick of the clock. */
static void
test_just_written(Tree *tree, gconstpointer data)
{
    Digest root;

    fill(tree);
    publish(tree, 0, &root);
    g_assert_cmpuint(publish(tree, LATER, &root), ==, 0);
    g_assert_cmpuint(publish(tree, 0, &root), ==, 0);
    g_assert_cmpuint(publish(tree, LATER, &root), ==, 0);
    g_assert_cmpuint(publish(tree, LATER, &root), ==, 5);
}

/* Edits between two scans that come to the same size and time of change: only what was settled before the first one may count. */
static void
test_racy(Tree *tree, gconstpointer data)
{
    Digest root, right;

    tree_text(tree->in, "a", "one");
    publish(tree, 0, &root);
    tree_text(tree->in, "a", "two");
    publish(tree, 0, &root);
    right = true_root(tree);
    g_assert_true(digest_equal(&root, &right));
}

static void
set_modified(const char *path, const struct timespec *modified)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *modified };

    g_assert_cmpint(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), ==, 0);
}

/* As touch -r does: size, inode and time of modification are the same, the time of change is not. */
static void
test_time_put_back(Tree *tree, gconstpointer data)
{
    g_autofree char *path = below(tree, "b/c");
    struct stat st;

    fill(tree);
    again(tree, 0);
    g_assert_cmpint(stat(path, &st), ==, 0);
    tree_text(tree->in, "b/c", "THREE");
    set_modified(path, &st.st_mtim);
    again(tree, 4);
    again(tree, 5);
}

static void
test_future(Tree *tree, gconstpointer data)
{
    g_autofree char *path = below(tree, "a");
    const struct timespec future = { .tv_sec = stamp_now() / SECOND + 86400 };

    fill(tree);
    set_modified(path, &future);
    again(tree, 0);
    again(tree, 4);
    again(tree, 4);
}

/* The clock was set back: what was settled then lies in the future now. */
static void
test_clock_set_back(Tree *tree, gconstpointer data)
{
    Digest root;

    fill(tree);
    again(tree, 0);
    g_assert_cmpuint(publish(tree, -LATER, &root), ==, 0);
}

static void
test_replaced(Tree *tree, gconstpointer data)
{
    g_autofree char *path = below(tree, "a"), *other = below(tree, "z");
    struct stat st;

    fill(tree);
    again(tree, 0);
    g_assert_cmpint(stat(path, &st), ==, 0);
    tree_text(tree->in, "z", "ONE");
    set_modified(other, &st.st_mtim);
    g_assert_cmpint(rename(other, path), ==, 0);
    again(tree, 4);
}

static void
test_mode(Tree *tree, gconstpointer data)
{
    fill(tree);
    again(tree, 0);
    tree_mode(tree->in, "a", 0755);
    tree_mode(tree->in, "run", 0644);
    again(tree, 3);
}

static void
test_moved(Tree *tree, gconstpointer data)
{
    g_autofree char *a = below(tree, "a"), *z = below(tree, "z"), *b = below(tree, "b"), *y = below(tree, "y"), *run = below(tree, "run");

    fill(tree);
    again(tree, 0);
    tree_text(tree->in, "0", "new");
    again(tree, 5);
    g_assert_cmpint(rename(a, z), ==, 0);
    again(tree, 5);
    g_assert_cmpint(rename(b, y), ==, 0);
    again(tree, 4);
    g_assert_cmpint(unlink(run), ==, 0);
    again(tree, 5);
    tree_link(tree->in, "run", "z");
    again(tree, 5);
    g_assert_cmpint(unlink(run), ==, 0);
    tree_text(tree->in, "run/in", "a folder now");
    again(tree, 5);
    again(tree, 6);
}

static void
test_hard_links(Tree *tree, gconstpointer data)
{
    g_autofree char *a = below(tree, "a"), *also = below(tree, "also");
    int fd;

    fill(tree);
    g_assert_cmpint(link(a, also), ==, 0);
    again(tree, 0);
    again(tree, 6);
    fd = open(also, O_WRONLY);
    g_assert_cmpint(pwrite(fd, "ONE", 3, 0), ==, 3);
    close(fd);
    again(tree, 4);
}

/* Parts of a listing, runs of chunks, and both sides of the size from which all cores read one file. */
static void
test_big(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(40 * MIB, 3);
    g_autofree char *holes = below(tree, "holes");

    tree_write(tree->in, "big", noise, 40 * MIB);
    tree_write(tree->in, "half", noise, 15 * MIB);
    tree_text(tree->in, "holes", "x");
    tree_text(tree->in, "small", "s");
    g_assert_cmpint(truncate(holes, 64 * MIB), ==, 0);
    again(tree, 0);
    again(tree, 4);
    noise[30 * MIB] ^= 1;
    tree_write(tree->in, "big", noise, 40 * MIB);
    again(tree, 3);
    again(tree, 4);
}

static void
fill_many(Tree *tree, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("%u/%u/%04u", i % 3, i % 50, i);

        tree_text(tree->in, path, path);
    }
}

static void
test_many(Tree *tree, gconstpointer data)
{
    g_autofree char *gone = below(tree, "1/1/0001");

    fill_many(tree, 3000);
    again(tree, 0);
    again(tree, 3000);
    tree_text(tree->in, "2/2/0002", "changed");
    g_assert_cmpint(unlink(gone), ==, 0);
    again(tree, 2998);
}

/* From the damaged block on everything is read, and no byte of the file can do more. */
static void
test_damaged(Tree *tree, gconstpointer data)
{
    g_autofree char *file = stamps_file(tree), *whole = NULL;
    Digest root, right;
    gsize size;

    fill_many(tree, 1500);
    again(tree, 0);
    again(tree, 1500);
    right = true_root(tree);
    g_assert_true(g_file_get_contents(file, &whole, &size, NULL));
    for (gsize at = 0; at < size; at += at < 200 ? 13 : 3001) {
        guint64 recalled;

        whole[at] ^= 0x10;
        g_assert_true(g_file_set_contents(file, whole, (gssize)size, NULL));
        whole[at] ^= 0x10;
        recalled = publish_into(tree, NULL, LATER, &key, &root);
        g_assert_cmpuint(recalled, <, 1500);
        g_assert_cmpuint(recalled, ==, at > 104 + 1024 * 40 + 8 ? 1024 : 0);
        g_assert_true(digest_equal(&root, &right));
    }
    again(tree, 1024);
    again(tree, 1500);
}

static void
test_cut(Tree *tree, gconstpointer data)
{
    static const gssize sizes[] = { 0, 1, 103, 104, 111, 300 };
    g_autofree char *file = stamps_file(tree), *whole = NULL;
    gsize size;

    fill(tree);
    again(tree, 0);
    g_assert_true(g_file_get_contents(file, &whole, &size, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_assert_true(g_file_set_contents(file, whole, sizes[i], NULL));
        again(tree, 0);
    }
    again(tree, 5);
    g_assert_cmpint(unlink(file), ==, 0);
    g_assert_cmpint(mkfifo(file, 0600), ==, 0);
    again(tree, 0);
    g_assert_cmpint(unlink(file), ==, 0);
    g_assert_cmpint(symlink("elsewhere", file), ==, 0);
    again(tree, 0);
    again(tree, 5);
    /* Where nothing can be written, nothing is remembered. */
    g_assert_cmpint(unlink(file), ==, 0);
    g_assert_cmpint(mkdir(file, 0700), ==, 0);
    again(tree, 0);
    again(tree, 0);
}

static void
test_of_another(Tree *tree, gconstpointer data)
{
    static const Digest other = { { 8 } };
    Digest root;

    fill(tree);
    again(tree, 0);
    g_assert_cmpuint(publish_into(tree, tree->writer, LATER, &other, &root), ==, 0);
    again(tree, 0);
}

/* Stamps beside a listing to which they do not belong: a size that differs tells. */
static void
test_wrong_listing(Tree *tree, gconstpointer data)
{
    g_autofree char *file = stamps_file(tree);
    g_autoptr(StampsReader) reader = NULL;
    g_autoptr(StampsWriter) writer = NULL;
    Digest other;
    Stamp stamp;

    tree_text(tree->in, "a", "another");
    tree_text(tree->in, "run", "another");
    publish(tree, LATER, &other);
    tree_text(tree->in, "a", "one");
    tree_text(tree->in, "run", "two");
    again(tree, 0);
    again(tree, 2);
    reader = stamps_reader_open(file, &key);
    writer = stamps_writer_new(file, &key);
    while (stamps_reader_next(reader, &stamp))
        stamps_writer_add(writer, &stamp);
    g_assert_true(stamps_writer_keep(writer, &other, &no_state));
    again(tree, 0);
}

/* The listing of then is not in the store any more, or was never anything that is. */
static void
test_no_listing(Tree *tree, gconstpointer data)
{
    static const Digest nothing = { { 9 } };
    g_autofree char *file = stamps_file(tree);
    g_autoptr(StampsWriter) writer = stamps_writer_new(file, &key);
    const Stamp stamp = { 1, 2, 3, 4, 5 };

    fill(tree);
    stamps_writer_add(writer, &stamp);
    g_assert_true(stamps_writer_keep(writer, &nothing, &no_state));
    again(tree, 0);
    again(tree, 5);
}

/* Another store lacks the chunks, or holds them for somebody else: then the files are read, and the store has them. */
static void
test_chunks_gone(Tree *tree, gconstpointer data)
{
    static const Scope somebody = { { 's' } };
    g_autofree char *path = g_build_filename(tree->top, "other", NULL);
    g_autofree guint8 *noise = tree_noise(17 * MIB, 5);
    g_autoptr(Store) other = store_open(path, NULL);
    g_autoptr(StoreWriter) writer = store_writer_new(other, &somebody, NULL), open = NULL;
    Digest root, right, chunk;

    fill(tree);
    tree_write(tree->in, "big", noise, 17 * MIB);
    again(tree, 0);
    right = true_root(tree);
    g_assert_cmpuint(publish_into(tree, writer, LATER, &key, &root), ==, 1);  /* b/d has no chunk */
    g_assert_true(digest_equal(&root, &right));
    digest_of("three", 5, &chunk);
    g_assert_true(store_has(other, &chunk, &somebody));
    g_assert_false(store_has(other, &chunk, &SCOPE_OPEN));
    g_assert_cmpuint(publish_into(tree, writer, LATER, &key, &root), ==, 6);
    open = store_writer_new(other, &SCOPE_OPEN, NULL);
    g_assert_cmpuint(publish_into(tree, open, LATER, &key, &root), ==, 1);
    g_assert_true(digest_equal(&root, &right));
    g_assert_true(store_has(other, &chunk, &SCOPE_OPEN));
}

/* One chunk of many: only its file is read. */
static void
test_one_chunk_gone(Tree *tree, gconstpointer data)
{
    g_autofree char *path = g_build_filename(tree->top, "other", NULL), *a = below(tree, "a");
    g_autoptr(Store) other = store_open(path, NULL);
    g_autoptr(StoreWriter) writer = store_writer_new(other, &SCOPE_OPEN, NULL);
    Digest root, chunk;

    fill(tree);
    again(tree, 0);
    g_assert_cmpint(rename(a, tree->out), ==, 0);
    publish_into(tree, writer, 0, &key, &root);
    g_assert_cmpint(rename(tree->out, a), ==, 0);
    again(tree, 0);
    again(tree, 5);
    g_assert_cmpuint(publish_into(tree, writer, LATER, &key, &root), ==, 4);
    digest_of("one", 3, &chunk);
    g_assert_true(store_has(other, &chunk, &SCOPE_OPEN));
}

/* AR11: the same stamps, with another word on when all was held. */
static void
say_held_at(const char *file, const Digest *state)
{
    g_autoptr(StampsReader) reader = stamps_reader_open(file, &key);
    g_autoptr(StampsWriter) writer = stamps_writer_new(file, &key);
    Stamp stamp;

    while (stamps_reader_next(reader, &stamp))
        stamps_writer_add(writer, &stamp);
    g_assert_true(stamps_writer_keep(writer, stamps_reader_root(reader), state));
}

/* Nothing is looked up in a store that is as it was when all was held; after any change of it, or for another scope, it is. */
static void
test_not_looked_up(Tree *tree, gconstpointer data)
{
    static const Scope somebody = { { 's' } };
    g_autofree char *path = g_build_filename(tree->top, "other", NULL), *file = stamps_file(tree);
    g_autoptr(Store) other = store_open(path, NULL);
    g_autoptr(StoreWriter) writer = store_writer_new(other, &somebody, NULL), open = store_writer_new(other, &SCOPE_OPEN, NULL);
    Digest root, state, again_state, digest;

    fill(tree);
    again(tree, 0);
    g_assert_true(store_writer_state(writer, &state));
    say_held_at(file, &state);
    g_assert_cmpuint(publish_into(tree, writer, LATER, &key, &root), ==, 5);
    digest_of("x", 1, &digest);
    g_assert_true(store_writer_put(open, OBJECT_CHUNK, &digest, "x", 1, NULL, NULL) && store_writer_commit(open, NULL));
    g_assert_true(store_writer_state(writer, &again_state));
    g_assert_false(digest_equal(&state, &again_state));
    say_held_at(file, &state);
    g_assert_cmpuint(publish_into(tree, writer, LATER, &key, &root), ==, 1);
    g_assert_true(store_writer_state(writer, &state));
    say_held_at(file, &state);
    g_assert_cmpuint(publish_into(tree, open, LATER, &key, &root), ==, 1);
}

static void
test_dry_run(Tree *tree, gconstpointer data)
{
    g_autofree char *file = stamps_file(tree);
    Digest root;

    fill(tree);
    g_assert_cmpuint(publish_into(tree, NULL, LATER, &key, &root), ==, 0);
    g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
    again(tree, 0);
    g_assert_cmpuint(publish_into(tree, NULL, LATER, &key, &root), ==, 5);
}

/* What was not kept leaves no file behind. */
static void
test_not_kept(Tree *tree, gconstpointer data)
{
    g_autofree char *file = stamps_file(tree);
    const MemoryPlace place = { .file = file, .key = key };
    Memory *memory = memory_open(&place);
    g_autoptr(GDir) dir = NULL;
    const Stamp stamp = { 1, 2, 3, 4, 5 };
    guint count = 0;

    memory_add(memory, &stamp);
    memory_free(memory);
    dir = g_dir_open(tree->top, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));)
        count += g_str_has_prefix(name, "stamps");
    g_assert_cmpuint(count, ==, 0);
}

static void
test_settled(void)
{
    static const struct {
        gint64 modified, changed;
        gboolean settled;
    } cases[] = {
        { 0, 0, TRUE }, { 97 * SECOND, 97 * SECOND, TRUE }, { 98 * SECOND, 0, FALSE }, { 0, 98 * SECOND, FALSE }, { 98 * SECOND - 1, 98 * SECOND - 1, TRUE },
        { 100 * SECOND, 0, FALSE }, { 0, 101 * SECOND, FALSE }, { 500 * SECOND, 0, FALSE }, { -5 * SECOND, 0, TRUE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Stamp stamp = { 1, 2, 3, cases[i].modified, cases[i].changed };

        g_assert_cmpint(stamp_is_settled(&stamp, 100 * SECOND), ==, cases[i].settled);
        stamp.inode = 0;
        g_assert_false(stamp_is_settled(&stamp, 100 * SECOND));
    }
}

static void
test_equal(void)
{
    const Stamp stamp = { 1, 2, 3, 4, 5 };
    const Stamp others[] = { { 0, 2, 3, 4, 5 }, { 1, 9, 3, 4, 5 }, { 1, 2, 9, 4, 5 }, { 1, 2, 3, 9, 5 }, { 1, 2, 3, 4, 9 } }, none = { 0 };
    const struct stat far = { .st_ino = 1, .st_mtim = { .tv_sec = G_MAXINT64 / 2 } };

    g_assert_true(stamp_equal(&stamp, &stamp));
    g_assert_false(stamp_equal(&none, &none));
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(stamp_equal(&stamp, &others[i]));
    g_assert_cmpuint(stamp_of(&far).inode, ==, 0);
}

/* A file system that makes its files up as they are read. */
static void
test_file_system(void)
{
    int proc = open("/proc", O_PATH | O_DIRECTORY);

    g_assert_cmpint(proc, >=, 0);
    g_assert_false(file_system_is_local(proc));
    g_assert_false(file_system_is_local(-1));
    close(proc);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Tree *tree, gconstpointer data);
    } tests[] = {
        { "/memory/AR9-unchanged", test_unchanged },
        { "/memory/AR9-time-put-back", test_time_put_back },
        { "/memory/AR9-replaced", test_replaced },
        { "/memory/AR9-mode", test_mode },
        { "/memory/AR9-moved", test_moved },
        { "/memory/AR9-hard-links", test_hard_links },
        { "/memory/AR9-big", test_big },
        { "/memory/AR9-many", test_many },
        { "/memory/AR9-chunks-gone", test_chunks_gone },
        { "/memory/AR9-one-chunk-gone", test_one_chunk_gone },
        { "/memory/AR9-not-looked-up", test_not_looked_up },
        { "/memory/AR9-dry-run", test_dry_run },
        { "/memory/AR9-not-kept", test_not_kept },
        { "/memory/AR10-just-written", test_just_written },
        { "/memory/AR10-racy", test_racy },
        { "/memory/AR10-future", test_future },
        { "/memory/AR10-clock-set-back", test_clock_set_back },
        { "/memory/AR11-damaged", test_damaged },
        { "/memory/AR11-cut", test_cut },
        { "/memory/AR11-of-another", test_of_another },
        { "/memory/AR11-wrong-listing", test_wrong_listing },
        { "/memory/AR11-no-listing", test_no_listing },
    };

    gsize tests_count = G_N_ELEMENTS(tests);
    int temporary = open(g_get_tmp_dir(), O_PATH | O_DIRECTORY);

    g_test_init(&argc, &argv, NULL);
    /* Elsewhere nothing is ever recalled. */
    if (!file_system_is_local(temporary))
        tests_count = 0;
    close(temporary);
    for (gsize i = 0; i < tests_count; i++)
        g_test_add(tests[i].name, Tree, NULL, setup, tests[i].test, teardown);
    g_test_add_func("/stamp/AR10-settled", test_settled);
    g_test_add_func("/stamp/AR9-equal", test_equal);
    g_test_add_func("/stamp/AR10-file-system", test_file_system);
    return g_test_run();
}
