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

/* I1: nothing is visible before the commit, but to the writer itself. */
static void
test_invisible_before_commit(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    Digest digest = put(writer, 1, 1000);

    g_assert_false(store_has(store, &digest, NULL));
    assert_no_get(store, 1, 1000, CHAMA_ERROR_NOT_FOUND);
    g_assert_true(store_writer_has(writer, &digest));
    commit(writer);
    g_assert_true(store_has(store, &digest, NULL));
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
        g_assert_true(store_writer_put_stored(writer, got.kind, &digest, got.codec, got.plain_size, data, size, NULL, &error));
        stored_object_clear(&got);
    }
    commit(writer);
    for (guint i = 0; i < 40; i++)
        assert_get(to, i, i < 20 ? 3000 : 3001);
    g_assert_cmpuint(totals_of(to).objects, ==, 40);
    remove_tree(from_path);
    remove_tree(to_path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/put-and-get", test_put_and_get);
    g_test_add_func("/store/opened-again", test_opened_again);
    g_test_add_func("/store/I1-invisible-before-commit", test_invisible_before_commit);
    g_test_add_func("/store/stored-once", test_stored_once);
    g_test_add_func("/store/no-empty-packs", test_no_empty_packs);
    g_test_add_func("/store/P15-scopes", test_scopes);
    g_test_add_func("/store/P9-marks", test_marks);
    g_test_add_func("/store/stored-from-store-to-store", test_stored_from_store_to_store);
    return g_test_run();
}
