/* All that a listing names, read and compared with it. */
#include "keys/error.h"
#include "manifests/ingest.h"
#include "manifests/listing/listing.h"
#include "manifests/verify/files.h"
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

static Digest
publish(Tree *tree)
{
    IngestOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    IngestResult result;

    ingest_folder(tree->writer, tree->in, &options, &result, &error);
    g_assert_no_error(error);
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return result.totals.root;
}

static void
collect(gpointer data, const char *message)
{
    g_ptr_array_add(data, g_strdup(message));
}

/* What is told, and how far it came. */
static GPtrArray *
verify(Tree *tree, const Digest *root, FoundGood *found_good, Progress *progress)
{
    GPtrArray *told = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    files_verify(tree->store, root, found_good, collect, told, progress, &error);
    g_assert_no_error(error);
    return told;
}

static void
assert_told(GPtrArray *told, guint index, const char *says)
{
    g_assert_cmpuint(told->len, >, index);
    if (!strstr(told->pdata[index], says))
        g_error("want \"%s\" in \"%s\"", says, (char *)told->pdata[index]);
}

/* Flips a bit in the chunk @data of the store: its stored bytes are found by what they look like, for noise is stored as it is. */
static void
damage(Tree *tree, const guint8 *data, gsize size)
{
    g_autofree char *packs = g_build_filename(tree->top, "store", "packs", NULL);
    g_autoptr(GDir) dir = g_dir_open(packs, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(packs, name, NULL), *bytes = NULL;
        gsize length;
        char *found;

        g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
        if (!(found = memmem(bytes, length, data, size)))
            continue;
        int fd = open(path, O_WRONLY);
        char other = (char)(found[size / 2] ^ 1);

        g_assert_cmpint(pwrite(fd, &other, 1, found - bytes + (off_t)(size / 2)), ==, 1);
        close(fd);
        return;
    }
    g_assert_not_reached();
}

static void
test_good(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(18 * MIB, 3);

    for (guint i = 0; i < 3000; i++) {
        g_autofree char *path = g_strdup_printf("many/%02u/%04u", i / 100, i), *text = g_strdup_printf("file %u\n", i % 2000);

        tree_text(tree->in, path, text);
    }
    tree_write(tree->in, "large", noise, 18 * MIB);
    tree_write(tree->in, "middle", noise, 900000);
    tree_write(tree->in, "empty", "", 0);
    tree_link(tree->in, "link", "empty");
    tree_folder(tree->in, "folder");
    Digest root = publish(tree);
    g_autoptr(FoundGood) found_good = found_good_new();

    for (guint i = 0; i < 3; i++) {
        Progress progress = { 0 };
        g_autoptr(GPtrArray) told = verify(tree, &root, i > 0 ? found_good : NULL, &progress);

        g_assert_cmpuint(told->len, ==, 0);
        g_assert_cmpint(progress.bytes_done, >, 18 * MIB + 900000 + 3000 * 7);
        g_assert_cmpint(progress.files_done, >=, 3003);
    }
}

/* In files of one chunk, of several, and too large for a batch: the file is named, and each chunk that is damaged. */
static void
test_damage(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *one = tree_noise(20000, 4), *several = tree_noise(900000, 5), *big = tree_noise(17 * MIB, 6);

    tree_write(tree->in, "big", big, 17 * MIB);
    tree_write(tree->in, "one", one, 20000);
    tree_write(tree->in, "several", several, 900000);
    tree_text(tree->in, "good", "good");
    Digest root = publish(tree);

    damage(tree, big + 5 * MIB, 64);
    damage(tree, big + 16 * MIB, 64);
    damage(tree, one + 5000, 64);
    damage(tree, several + 500, 64);
    damage(tree, several + 800000, 64);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(FoundGood) found_good = found_good_new();
        g_autoptr(GPtrArray) told = verify(tree, &root, i > 0 ? found_good : NULL, NULL);

        g_assert_cmpuint(told->len, ==, 5);
        assert_told(told, 0, "big: pack ");
        assert_told(told, 1, "big: pack ");
        assert_told(told, 2, "one: pack ");
        assert_told(told, 3, "several: pack ");
        assert_told(told, 4, "several: pack ");
    }
}

/* What was good is not read again for another version; what has changed is, and so is everything for one who asks anew. */
static void
test_found_good(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(300000, 7), *other = tree_noise(30000, 8);
    g_autoptr(FoundGood) found_good = found_good_new();

    for (guint i = 0; i < 5000; i++) {
        g_autofree char *path = g_strdup_printf("%02u/%04u", i / 100, i);

        tree_text(tree->in, path, path);
    }
    tree_write(tree->in, "00/noise", noise, 300000);
    Digest first = publish(tree);

    tree_write(tree->in, "49/other", other, 30000);
    Digest second = publish(tree);
    g_autoptr(GPtrArray) good = verify(tree, &first, found_good, NULL);

    g_assert_cmpuint(good->len, ==, 0);
    damage(tree, noise + 500, 64);
    damage(tree, other + 500, 64);
    Progress progress = { 0 };
    g_autoptr(GPtrArray) told = verify(tree, &second, found_good, &progress);

    g_assert_cmpuint(told->len, ==, 1);
    assert_told(told, 0, "49/other: pack ");
    g_assert_cmpint(progress.files_done, ==, 5002);
    g_assert_cmpint(progress.bytes_done, ==, 5000 * 7 + 330000);
    g_autoptr(GPtrArray) anew = verify(tree, &second, NULL, NULL);

    g_assert_cmpuint(anew->len, ==, 2);
    /* A version in which something was wrong makes none of its pages good: in the next it is told again. */
    g_autoptr(GPtrArray) again = verify(tree, &second, found_good, NULL);

    g_assert_cmpuint(again->len, ==, 1);
}

static gboolean
put_page(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    return store_writer_put(data, OBJECT_PAGE, digest, g_bytes_get_data(page, NULL), g_bytes_get_size(page), NULL, error);
}

/* A listing of one file, of @count chunks of a byte that are two in turn; its digest @lie or what it is. */
static Digest
many_chunks(Tree *tree, guint count, gboolean lie)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    g_autoptr(DigestStream) stream = digest_stream_new();
    ChunkRef chunks[2];
    ListingTotals totals;
    Digest digest;

    g_assert_true(listing_writer_begin_file(writer, "file", NULL));
    for (guint i = 0; i < 2; i++) {
        chunks[i] = (ChunkRef){ .size = 1, .run = 1 };
        digest_of(i ? "b" : "a", 1, &chunks[i].digest);
        g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &chunks[i].digest, i ? "b" : "a", 1, NULL, NULL));
    }
    for (guint i = 0; i < count; i++) {
        digest_stream_update(stream, i % 2 ? "b" : "a", 1);
        g_assert_true(listing_writer_chunk(writer, &chunks[i % 2], NULL));
    }
    digest_stream_update(stream, "x", lie ? 1 : 0);
    digest_stream_reset(stream, &digest);
    g_assert_true(listing_writer_end_file(writer, FALSE, count, &digest, NULL));
    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return totals.root;
}

/* Chunks that are right each by itself, and not the file that the listing says; also of more than are kept in memory. */
static void
test_whole(Tree *tree, gconstpointer data)
{
    static const guint counts[] = { 2000, 600000 };

    for (gsize i = 0; i < G_N_ELEMENTS(counts); i++)
        for (guint lie = 0; lie < 2; lie++) {
            g_autoptr(FoundGood) found_good = found_good_new();
            Digest root = many_chunks(tree, counts[i], lie);
            Progress progress = { 0 };
            g_autoptr(GPtrArray) told = verify(tree, &root, found_good, &progress);

            g_assert_cmpuint(told->len, ==, lie);
            if (lie)
                assert_told(told, 0, "file: whole file: want sha256:");
            g_assert_cmpint(progress.bytes_done, ==, counts[i]);
            g_assert_cmpint(progress.files_done, ==, 1);
        }
}

/* Small files, then one of @count chunks that are two in turn, the last one a third if @other. */
static Digest
small_and_long(Tree *tree, guint count, gboolean other, gboolean lie)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    g_autoptr(DigestStream) stream = digest_stream_new();
    ChunkRef chunks[3];
    ListingTotals totals;
    Digest digest;

    for (guint i = 0; i < 3; i++) {
        chunks[i] = (ChunkRef){ .size = 1, .run = 1 };
        digest_of(&"abc"[i], 1, &chunks[i].digest);
        g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &chunks[i].digest, &"abc"[i], 1, NULL, NULL));
    }
    for (guint i = 0; i < 3000; i++) {
        g_autofree char *path = g_strdup_printf("small/%05u", i);

        g_assert_true(listing_writer_begin_file(writer, path, NULL));
        g_assert_true(listing_writer_chunk(writer, &chunks[i % 2], NULL));
        g_assert_true(listing_writer_end_file(writer, FALSE, 1, &chunks[i % 2].digest, NULL));
    }
    g_assert_true(listing_writer_begin_file(writer, "z", NULL));
    for (guint i = 0; i < count; i++) {
        guint which = other && i + 1 == count ? 2 : i % 2;

        digest_stream_update(stream, &"abc"[which], 1);
        g_assert_true(listing_writer_chunk(writer, &chunks[which], NULL));
    }
    digest_stream_update(stream, "x", lie ? 1 : 0);
    digest_stream_reset(stream, &digest);
    g_assert_true(listing_writer_end_file(writer, FALSE, count, &digest, NULL));
    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return totals.root;
}

/* A file that begins on a page that is left out and ends on one that is not. */
static void
test_begun_on_known_page(Tree *tree, gconstpointer data)
{
    for (guint lie = 0; lie < 2; lie++)
        for (guint count = 1500; count < 40000; count *= 2) {
            Digest first = small_and_long(tree, count, FALSE, FALSE), second = small_and_long(tree, count, TRUE, lie);
            g_autoptr(FoundGood) found_good = found_good_new();
            g_autoptr(GPtrArray) good = verify(tree, &first, found_good, NULL);
            Progress progress = { 0 };
            g_autoptr(GPtrArray) told = verify(tree, &second, found_good, &progress);

            g_assert_cmpuint(good->len, ==, 0);
            g_assert_cmpuint(told->len, ==, lie);
            if (lie)
                assert_told(told, 0, "z: whole file: want sha256:");
            g_assert_cmpint(progress.bytes_done, ==, 3000 + count);
            g_assert_cmpint(progress.files_done, ==, 3001);
        }
}

static void
test_absent(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    ChunkRef chunk = { .size = 5, .run = 1 };
    ListingTotals totals;

    digest_of("never", 5, &chunk.digest);
    g_assert_true(listing_writer_begin_file(writer, "file", NULL));
    g_assert_true(listing_writer_chunk(writer, &chunk, NULL));
    g_assert_true(listing_writer_end_file(writer, FALSE, 5, &chunk.digest, NULL));
    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    g_autoptr(GPtrArray) told = verify(tree, &totals.root, NULL, NULL);

    g_assert_cmpuint(told->len, ==, 1);
    assert_told(told, 0, "file: sha256:");
}

static void
test_refusals(Tree *tree, gconstpointer data)
{
    Progress progress = { .cancelled = 1 };
    g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) stopped = NULL, broken = NULL;
    Digest nothing;

    tree_text(tree->in, "a", "1");
    Digest root = publish(tree);

    g_assert_false(files_verify(tree->store, &root, NULL, collect, told, &progress, &stopped));
    g_assert_error(stopped, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    digest_of("no such listing", 15, &nothing);
    g_assert_false(files_verify(tree->store, &nothing, NULL, collect, told, NULL, &broken));
    g_assert_error(broken, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_cmpuint(told->len, ==, 0);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Tree *, gconstpointer);
    } tests[] = {
        { "good", test_good }, { "damage", test_damage }, { "found-good", test_found_good },
        { "whole", test_whole }, { "begun-on-known-page", test_begun_on_known_page }, { "absent", test_absent }, { "refusals", test_refusals },
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/verify/%s", tests[i].name);

        g_test_add(path, Tree, NULL, setup, tests[i].test, teardown);
    }
    return g_test_run();
}
