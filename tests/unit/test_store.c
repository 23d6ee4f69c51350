#include "manifests/store/store.h"

#include <zstd.h>

#include "tests/unit/store_fixture.h"

static void
test_put_and_get(void)
{
    static const gsize sizes[] = { 0, 1, 2, 55, 56, 57, 1000, 1001, 65536, 65537, OBJECT_SIZE_MAX - 1, OBJECT_SIZE_MAX };
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        put(writer, i, sizes[i]);
    commit(writer);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        assert_get(store, i, sizes[i]);
    assert_no_get(store, 99, 1000, CHAMA_ERROR_NOT_FOUND);
    remove_tree(path);
}

static void
test_opened_again(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    StoreTotals totals;

    fill_store(store, &SCOPE_OPEN, 0, 50, 1000);
    store_close(store);
    store = open_store(path);
    for (guint i = 0; i < 50; i++)
        assert_get(store, i, 1000);
    totals = totals_of(store);
    g_assert_cmpuint(totals.packs, ==, 1);
    g_assert_cmpuint(totals.objects, ==, 50);
    g_assert_cmpuint(totals.plain_bytes, ==, 50000);
    g_assert_cmpuint(totals.pack_bytes, <, 25000);
    store_close(store);
    remove_tree(path);
}

/* I1: nothing is visible before the commit, but through the store that it is put into. */
static void
test_invisible_before_commit(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path), other = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    Digest digest = put(writer, 1, 1000);

    g_assert_false(store_has(other, &digest, NULL));
    assert_no_get(other, 1, 1000, CHAMA_ERROR_NOT_FOUND);
    g_assert_true(store_writer_has(writer, &digest));
    g_assert_true(store_has(store, &digest, NULL));
    assert_get(store, 1, 1000);
    commit(writer);
    g_assert_true(store_has(other, &digest, NULL));
    assert_get(other, 1, 1000);
    remove_tree(path);
}

/* What a writer has put is read before it is committed, whether it is in the file already or not; for its own scope, and no longer once the writer
 * went without a commit. */
static void
test_read_before_commit(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    StoreWriter *writer;
    Digest digest, marked;

    fill_store(store, &scope_a, 1000, 1, 3001);
    g_bytes_unref(object(1000, 3001, &marked));
    writer = open_writer(store, &scope_b);
    for (guint i = 0; i < 100; i++) {
        digest = put(writer, i, 99999);
        if (i % 7 == 0)
            assert_get(store, i, 99999);
    }
    for (guint i = 0; i < 100; i++)
        assert_get(store, i, 99999);
    g_assert_true(store_has(store, &digest, &scope_b));
    g_assert_false(store_has(store, &digest, &scope_a));
    g_assert_false(store_has(store, &marked, &scope_b));
    put(writer, 1000, 3001);
    g_assert_true(store_has(store, &marked, &scope_b));
    g_assert_true(store_has(store, &marked, &scope_a));
    assert_get(store, 1000, 3001);
    store_writer_free(writer);
    g_assert_false(store_has(store, &digest, &scope_b));
    g_assert_false(store_has(store, &marked, &scope_b));
    remove_tree(path);
}

static void
test_stored_once(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    guint64 size;

    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    size = totals_of(store).pack_bytes;
    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    g_assert_cmpuint(totals_of(store).pack_bytes, ==, size);
    g_assert_cmpuint(totals_of(store).packs, ==, 1);
    remove_tree(path);
}

/* A writer that had nothing new leaves no file. */
static void
test_no_empty_packs(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GPtrArray) packs = NULL;

    fill_store(store, &SCOPE_OPEN, 0, 0, 0);
    packs = pack_paths(path);
    g_assert_cmpuint(packs->len, ==, 0);
    remove_tree(path);
}

typedef struct {
    const Scope *scope, *owner;
    gboolean held;
} HeldCase;

/* P15: held under SCOPE_OPEN or the owner's scope, and nothing else. */
static void
test_scopes(void)
{
    static const HeldCase cases[] = {
        { &SCOPE_OPEN, NULL, TRUE },    { &SCOPE_OPEN, &SCOPE_OPEN, TRUE }, { &SCOPE_OPEN, &scope_a, TRUE },
        { &scope_a, NULL, TRUE },       { &scope_a, &SCOPE_OPEN, FALSE },   { &scope_a, &scope_a, TRUE },
        { &scope_a, &scope_b, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        g_autoptr(GError) error = NULL;
        StoredObject got = { 0 };
        Digest digest;
        g_autoptr(GBytes) bytes = object(1, 1000, &digest);

        fill_store(store, cases[i].scope, 1, 1, 1000);
        g_assert_cmpint(store_has(store, &digest, cases[i].owner), ==, cases[i].held);
        g_assert_cmpint(store_get_stored(store, &digest, cases[i].owner, &got, &error), ==, cases[i].held);
        if (!cases[i].held)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
        stored_object_clear(&got);
        remove_tree(path);
    }
}

/* P9: the second owner's put stores a mark of 56 bytes, and both hold it, also after the index was made anew. */
static void
test_marks(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) bytes = object(1, 5001, &digest);

    fill_store(store, &scope_a, 1, 1, 5001);
    for (int round = 0; round < 2; round++) {
        guint64 before = totals_of(store).pack_bytes, grew = 0;
        g_autoptr(StoreWriter) writer = open_writer(store, &scope_b);

        g_assert_cmpint(store_writer_has(writer, &digest), ==, round == 1);
        g_assert_true(store_writer_put(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(bytes, NULL), 5001, &grew, &error));
        g_assert_true(store_writer_has(writer, &digest));
        commit(writer);
        g_assert_cmpuint(grew, ==, round == 0 ? 56 : 0);
        g_assert_cmpuint(totals_of(store).pack_bytes - before, ==, round == 0 ? 64 + 56 : 0);
        g_assert_cmpuint(totals_of(store).objects, ==, 1);
    }
    store_close(store);
    g_assert_true(store_rebuild_index(path, NULL, NULL, &error));
    store = open_store(path);
    g_assert_true(store_has(store, &digest, &scope_a));
    g_assert_true(store_has(store, &digest, &scope_b));
    g_assert_false(store_has(store, &digest, &SCOPE_OPEN));
    store_close(store);
    remove_tree(path);
}

/* What one node reads out the other puts in, without touching it. */
static void
test_stored_from_store_to_store(void)
{
    g_autofree char *from_path = temporary_folder(), *to_path = temporary_folder();
    g_autoptr(Store) from = open_store(from_path), to = open_store(to_path);
    g_autoptr(StoreWriter) writer = open_writer(to, &SCOPE_OPEN);

    fill_store(from, &SCOPE_OPEN, 0, 20, 3000);
    fill_store(from, &SCOPE_OPEN, 20, 20, 3001);
    for (guint i = 0; i < 40; i++) {
        g_autoptr(GError) error = NULL;
        Digest digest;
        g_autoptr(GBytes) want = object(i, i < 20 ? 3000 : 3001, &digest);
        g_autoptr(GBytes) plain = NULL;
        StoredObject got;
        gsize size;
        const void *data;

        g_assert_true(store_get_stored(from, &digest, &SCOPE_OPEN, &got, &error));
        g_assert_cmpint(got.codec, ==, i < 20 ? CODEC_ZSTD : CODEC_STORED);
        data = g_bytes_get_data(got.stored, &size);
        plain = stored_object_open(&digest, got.codec, got.plain_size, data, size, &error);
        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(plain, want));
        g_assert_true(store_writer_put_stored(writer, got.kind, &digest, got.codec, plain, data, size, NULL, &error));
        stored_object_clear(&got);
    }
    commit(writer);
    for (guint i = 0; i < 40; i++)
        assert_get(to, i, i < 20 ? 3000 : 3001);
    g_assert_cmpuint(totals_of(to).objects, ==, 40);
    remove_tree(from_path);
    remove_tree(to_path);
}

/* ---- what a peer sent ---- */

typedef struct {
    const char *name;
    Codec codec;
    guint32 plain_size;
    gssize stored_size;      /* -1: all of it */
    gboolean zstd;           /* the bytes are compressed ones */
    gboolean wrong_digest;
    ChamaError code;
} OpenCase;

static void
test_open_refuses(void)
{
    static const OpenCase cases[] = {
        { "P14 other bytes, stored", CODEC_STORED, 5000, -1, FALSE, TRUE, CHAMA_ERROR_VERIFY },
        { "P14 other bytes, zstd", CODEC_ZSTD, 5000, -1, TRUE, TRUE, CHAMA_ERROR_VERIFY },
        { "P13 bomb", CODEC_ZSTD, 4999, -1, TRUE, FALSE, CHAMA_ERROR_LIMIT },
        { "P13 too little", CODEC_ZSTD, 5001, -1, TRUE, FALSE, CHAMA_ERROR_VERIFY },
        { "P13 cut off", CODEC_ZSTD, 5000, 100, TRUE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P13 not zstd", CODEC_ZSTD, 5000, 1000, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P13 nothing", CODEC_ZSTD, 5000, 0, TRUE, FALSE, CHAMA_ERROR_VERIFY },
        { "P12 stored, more than stated", CODEC_STORED, 4999, -1, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P12 stored, less than stated", CODEC_STORED, 5001, -1, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P12 zstd that does not save", CODEC_ZSTD, 5000, -1, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P12 unknown codec", (Codec)3, 5000, -1, TRUE, FALSE, CHAMA_ERROR_UNSUPPORTED },
        { "P12 unknown codec", (Codec)255, 5000, -1, TRUE, FALSE, CHAMA_ERROR_UNSUPPORTED },
        { "P11 too large", CODEC_ZSTD, OBJECT_SIZE_MAX + 1, -1, TRUE, FALSE, CHAMA_ERROR_LIMIT },
        { "P11 far too large", CODEC_ZSTD, G_MAXUINT32, -1, TRUE, FALSE, CHAMA_ERROR_LIMIT },
    };
    Digest digest, other = { { 1 } };
    g_autoptr(GBytes) plain = object(1, 5000, &digest);
    guint8 packed[6000];
    gsize packed_size = ZSTD_compress(packed, sizeof packed, g_bytes_get_data(plain, NULL), 5000, 1);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const OpenCase *c = &cases[i];
        const void *stored = c->zstd ? packed : g_bytes_get_data(plain, NULL);
        gsize size = c->stored_size >= 0 ? (gsize)c->stored_size : c->zstd ? packed_size : 5000;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", c->name);
        g_assert_null(stored_object_open(c->wrong_digest ? &other : &digest, c->codec, c->plain_size, stored, size, &error));
        g_assert_error(error, CHAMA_ERROR, (int)c->code);
    }
}

static void
test_put_refuses(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) bytes = object(1, OBJECT_SIZE_MAX + 2, &digest);
    const void *data = g_bytes_get_data(bytes, NULL);
    g_autoptr(GBytes) plain = g_bytes_new_from_bytes(bytes, 0, 100);

    g_assert_false(store_writer_put(writer, OBJECT_CHUNK, &digest, data, OBJECT_SIZE_MAX + 2, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_false(store_writer_put_stored(writer, OBJECT_CHUNK, &digest, CODEC_ZSTD, plain, data, 100, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_false(store_writer_put_stored(writer, OBJECT_CHUNK, &digest, (Codec)3, plain, data, 90, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    /* and the writer goes on */
    put(writer, 2, 100);
    commit(writer);
    assert_get(store, 2, 100);
    remove_tree(path);
}

/* I5: wrong bytes under a right digest are never given out, though their frame is whole. */
static void
test_get_hashes(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    g_autoptr(GError) error = NULL;
    Digest digest, other;
    g_autoptr(GBytes) bytes = object(1, 1001, &digest), wrong = object(2, 1001, &other);

    g_assert_true(store_writer_put(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(wrong, NULL), 1001, NULL, &error));
    commit(writer);
    assert_no_get(store, 1, 1001, CHAMA_ERROR_DAMAGED);
    remove_tree(path);
}

/* ---- many at once ---- */

typedef struct {
    Store *store;
    StoreWriter *writer;
    guint first;
} Worker;

static gpointer
work(gpointer data)
{
    Worker *worker = data;

    for (guint i = 0; i < 400; i++) {
        Digest digest = put(worker->writer, worker->first + i, 2000);

        /* Whatever another thread commits meanwhile. */
        g_assert_true(store_writer_has(worker->writer, &digest));
        if (i % 100 == 99)
            commit(worker->writer);
    }
    return NULL;
}

static void
test_threads(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    Worker workers[4];
    GThread *threads[4];

    for (guint i = 0; i < 4; i++) {
        workers[i] = (Worker){ store, writer, i * 200 };
        threads[i] = g_thread_new("put", work, &workers[i]);
    }
    for (guint i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    for (guint i = 0; i < 1000; i++)
        assert_get(store, i, 2000);
    g_assert_cmpuint(totals_of(store).objects, ==, 1000);
    remove_tree(path);
}

/* P16: a writer commits by itself, so that memory is bounded; while the put goes on. */
static void
test_commits_by_itself(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

    for (guint i = 0; i < 65537; i++)
        put(writer, i, 9);
    for (guint i = 0; i < 1000 && totals_of(store).objects == 0; i++)
        g_usleep(10000);
    g_assert_cmpuint(totals_of(store).objects, ==, 65536);
    commit(writer);
    g_assert_cmpuint(totals_of(store).objects, ==, 65537);
    remove_tree(path);
}

static gpointer
put_many(gpointer data)
{
    Worker *worker = data;

    for (guint i = 0; i < 50000; i++) {
        Digest digest = put(worker->writer, worker->first + i, 9);

        /* Also while it goes from what is pending to the index. */
        g_assert_true(store_writer_has(worker->writer, &digest));
    }
    return NULL;
}

static void
test_commits_meanwhile(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    Worker workers[4];
    GThread *threads[4];

    for (guint i = 0; i < 4; i++) {
        workers[i] = (Worker){ store, writer, i * 40000 };
        threads[i] = g_thread_new("put", put_many, &workers[i]);
    }
    for (guint i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    commit(writer);
    g_assert_cmpuint(totals_of(store).objects, ==, 170000);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* Who lets go of a writer while it commits waits for that, and what was appended after it began is left for salvage. */
static void
test_freed_meanwhile(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    StoreWriter *writer = open_writer(store, &SCOPE_OPEN);

    for (guint i = 0; i < 65600; i++)
        put(writer, i, 9);
    store_writer_free(writer);
    g_assert_cmpuint(totals_of(store).objects, ==, 65536);
    store_close(store);
    store = open_store(path);
    g_assert_cmpuint(totals_of(store).objects, ==, 65600);
    store_close(store);
    remove_tree(path);
}

/* A store cannot be made where a file is. */
static void
test_open_refuses_place(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *file = g_build_filename(path, "file", NULL), *below = g_build_filename(file, "store", NULL);
    g_autofree char *nowhere = g_build_filename(path, "a", "b", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_null(store_open(below, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_null(store_open(nowhere, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/put-and-get", test_put_and_get);
    g_test_add_func("/store/opened-again", test_opened_again);
    g_test_add_func("/store/I1-invisible-before-commit", test_invisible_before_commit);
    g_test_add_func("/store/I1-read-before-commit", test_read_before_commit);
    g_test_add_func("/store/stored-once", test_stored_once);
    g_test_add_func("/store/no-empty-packs", test_no_empty_packs);
    g_test_add_func("/store/P15-scopes", test_scopes);
    g_test_add_func("/store/P9-marks", test_marks);
    g_test_add_func("/store/stored-from-store-to-store", test_stored_from_store_to_store);
    g_test_add_func("/store/P11-P14-open-refuses", test_open_refuses);
    g_test_add_func("/store/P11-P12-put-refuses", test_put_refuses);
    g_test_add_func("/store/I5-get-hashes", test_get_hashes);
    g_test_add_func("/store/threads", test_threads);
    g_test_add_func("/store/P16-commits-by-itself", test_commits_by_itself);
    g_test_add_func("/store/P16-commits-meanwhile", test_commits_meanwhile);
    g_test_add_func("/store/P16-freed-meanwhile", test_freed_meanwhile);
    g_test_add_func("/store/open-refuses-place", test_open_refuses_place);
    return g_test_run();
}
