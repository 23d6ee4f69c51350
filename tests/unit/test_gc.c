#include "manifests/store/maintain.h"

#include "tests/unit/store_fixture.h"

typedef struct {
    guint first, count;
    gsize size;
    guint fresh;
    gboolean fail;
} Live;

static gboolean
mark_live(GcMarks *marks, gpointer data, GError **error)
{
    Live *live = data;

    for (guint round = 0; round < 2; round++)
        for (guint i = 0; i < live->count; i++) {
            gboolean fresh;
            Digest digest;
            g_autoptr(GBytes) bytes = object(live->first + i, live->size, &digest);

            if (!gc_mark_add(marks, &digest, &fresh, error))
                return FALSE;
            live->fresh += fresh;
        }
    return !live->fail || chama_error(error, CHAMA_ERROR_CANCELLED, "stop");
}

static GcTotals
gc(Store *store, Live *live, gboolean dry_run)
{
    g_autoptr(GError) error = NULL;
    GcTotals totals;

    store_gc(store, dry_run, mark_live, live, NULL, &totals, &error);
    g_assert_no_error(error);
    return totals;
}

static void
test_frees_what_is_not_marked(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Live live = { .first = 50, .count = 30, .size = 1001 };
    guint64 before;
    GcTotals dry, totals;

    fill_store(store, &SCOPE_OPEN, 0, 100, 1001);
    before = totals_of(store).pack_bytes;
    dry = gc(store, &live, TRUE);
    g_assert_cmpuint(totals_of(store).pack_bytes, ==, before);
    g_assert_cmpuint(live.fresh, ==, 30);
    totals = gc(store, &live, FALSE);
    g_assert_cmpuint(totals.objects_freed, ==, 70);
    g_assert_cmpuint(totals.packs_rewritten, ==, 1);
    g_assert_cmpuint(dry.objects_freed, ==, 70);
    g_assert_cmpuint(dry.bytes_freed, ==, totals.bytes_freed);
    g_assert_cmpuint(totals.bytes_kept, ==, 64 + 30 * 1057);
    g_assert_cmpuint(totals_of(store).objects, ==, 30);
    g_assert_cmpuint(totals_of(store).packs, ==, 1);
    for (guint i = 0; i < 100; i++) {
        if (i >= 50 && i < 80)
            assert_get(store, i, 1001);
        else
            assert_no_get(store, i, 1001, CHAMA_ERROR_NOT_FOUND);
    }
    g_assert_cmpint(problems(store), ==, 0);
    g_clear_pointer(&store, store_close);
    g_assert_cmpint(rebuild(path), ==, 0);
    store = open_store(path);
    g_assert_cmpuint(totals_of(store).objects, ==, 30);
    remove_tree(path);
}

static void
test_nothing_live(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GPtrArray) packs = NULL;
    Live live = { 0 };
    GcTotals totals;

    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    fill_store(store, &scope_a, 5, 10, 1001);
    totals = gc(store, &live, FALSE);
    g_assert_cmpuint(totals.packs_removed, ==, 2);
    g_assert_cmpuint(totals.objects_freed, ==, 15);
    g_assert_cmpuint(totals.bytes_kept, ==, 0);
    packs = pack_paths(path);
    g_assert_cmpuint(packs->len, ==, 0);
    g_assert_cmpint(problems(store), ==, 0);
    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    assert_get(store, 3, 1001);
    remove_tree(path);
}

static void
test_all_live(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autofree char *before = NULL, *after = NULL;
    Live live = { .count = 10, .size = 1001 };
    GcTotals totals;

    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    before = only_pack(path);
    totals = gc(store, &live, FALSE);
    after = only_pack(path);
    g_assert_cmpuint(totals.objects_freed + totals.bytes_freed + totals.packs_rewritten + totals.packs_removed, ==, 0);
    g_assert_cmpstr(before, ==, after);
    remove_tree(path);
}

/* A mark that fails (a listing that cannot be read) frees nothing. */
static void
test_failed_mark(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GError) error = NULL;
    Live live = { .fail = TRUE };

    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    g_assert_false(store_gc(store, FALSE, mark_live, &live, NULL, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    for (guint i = 0; i < 10; i++)
        assert_get(store, i, 1001);
    remove_tree(path);
}

/* P19: scopes outlive a rewrite: those of packs, and those of marks. */
static void
test_keeps_scopes(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Live live = { .first = 8, .count = 4, .size = 1001 };

    fill_store(store, &scope_a, 0, 20, 1001);
    fill_store(store, &scope_b, 10, 20, 1001);
    gc(store, &live, FALSE);
    g_assert_cmpuint(totals_of(store).objects, ==, 4);
    for (int round = 0; round < 2; round++) {
        for (guint i = 8; i < 12; i++) {
            Digest digest;
            g_autoptr(GBytes) bytes = object(i, 1001, &digest);

            g_assert_true(store_has(store, &digest, &scope_a));
            g_assert_cmpint(store_has(store, &digest, &scope_b), ==, i >= 10);
            g_assert_false(store_has(store, &digest, &SCOPE_OPEN));
        }
        g_assert_cmpint(problems(store), ==, 0);
        g_clear_pointer(&store, store_close);
        g_assert_cmpint(rebuild(path), ==, 0);
        store = open_store(path);
    }
    remove_tree(path);
}

/* Two writers that put the same at once: a copy is dead weight, but says for whom it is held. */
static void
test_copies(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Live live = { .count = 10, .size = 1001 };
    Digest digest;

    {
        g_autoptr(StoreWriter) a = open_writer(store, &scope_a), b = open_writer(store, &scope_b);

        for (guint i = 0; i < 10; i++) {
            put(a, i, 1001);
            digest = put(b, i, 1001);
        }
        commit(a);
        commit(b);
    }
    g_assert_cmpuint(totals_of(store).objects, ==, 10);
    g_assert_cmpint(problems(store), ==, 0);
    gc(store, &live, FALSE);
    g_assert_cmpuint(totals_of(store).pack_bytes, ==, 64 + 10 * 1057 + 64 + 10 * 56);
    g_assert_true(store_has(store, &digest, &scope_a));
    g_assert_true(store_has(store, &digest, &scope_b));
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* Many small packs become one. */
static void
test_joins_small_packs(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Live live = { .count = 20, .size = 1001 };

    for (guint i = 0; i < 20; i++)
        fill_store(store, &SCOPE_OPEN, i, 1, 1001);
    g_assert_cmpuint(totals_of(store).packs, ==, 20);
    gc(store, &live, FALSE);
    g_assert_cmpuint(totals_of(store).packs, ==, 1);
    for (guint i = 0; i < 20; i++)
        assert_get(store, i, 1001);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* A pack of which a live object cannot be read stays; one of which only dead ones cannot be read goes. */
static void
test_damaged(void)
{
    for (guint damaged = 0; damaged < 2; damaged++) {
        g_autofree char *path = temporary_folder();
        g_autofree char *pack = NULL;
        g_autoptr(Store) store = open_store(path);
        Live live = { .first = 0, .count = 1, .size = 1001 };

        {
            g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

            for (guint i = 0; i < 4; i++)
                put(writer, i, 1001);
            commit(writer);
        }
        pack = only_pack(path);
        flip_bit(pack, 64 + 1057 * damaged + 100, 0);
        gc(store, &live, FALSE);
        if (damaged == 0) {
            g_assert_cmpint(size_of(pack), ==, 64 + 4 * 1057);
            assert_no_get(store, 0, 1001, CHAMA_ERROR_DAMAGED);
            assert_get(store, 2, 1001);
        } else {
            g_assert_cmpint(problems(store), ==, 0);
            g_assert_cmpuint(totals_of(store).objects, ==, 1);
            assert_get(store, 0, 1001);
        }
        remove_tree(path);
    }
}

static gint waited;

static void
waiting(void)
{
    g_atomic_int_set(&waited, 1);
}

static gpointer
release_later(gpointer hold)
{
    while (!g_atomic_int_get(&waited))
        g_usleep(1000);
    store_release(hold);
    return NULL;
}

/* P17: gc waits for those who hold the store. */
static void
test_waits(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GError) error = NULL;
    Live live = { 0 };
    StoreHold *hold = store_hold(store, &error);
    GThread *thread;

    g_assert_no_error(error);
    thread = g_thread_new("release", release_later, hold);
    g_assert_true(store_gc(store, FALSE, mark_live, &live, waiting, NULL, &error));
    g_thread_join(thread);
    g_assert_true(g_atomic_int_get(&waited));
    remove_tree(path);
}

/* P19: what lies there after a crash between the steps of gc. */
static void
test_crash_before_removal(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autofree char *pack = NULL, *content = NULL;
    gsize size;
    Live live = { .count = 2, .size = 1001 };

    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    pack = only_pack(path);
    g_assert_true(g_file_get_contents(pack, &content, &size, NULL));
    gc(store, &live, FALSE);
    /* the old pack is back, as if its removal had not reached the disk */
    g_assert_true(g_file_set_contents(pack, content, (gssize)size, NULL));
    g_clear_pointer(&store, store_close);
    store = open_store(path);
    g_assert_cmpint(problems(store), ==, 0);
    assert_get(store, 1, 1001);
    gc(store, &live, FALSE);
    g_assert_cmpuint(totals_of(store).objects, ==, 2);
    g_assert_cmpuint(totals_of(store).packs, ==, 1);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gc/P19-frees-what-is-not-marked", test_frees_what_is_not_marked);
    g_test_add_func("/gc/P19-nothing-live", test_nothing_live);
    g_test_add_func("/gc/P19-all-live", test_all_live);
    g_test_add_func("/gc/P19-failed-mark", test_failed_mark);
    g_test_add_func("/gc/P19-keeps-scopes", test_keeps_scopes);
    g_test_add_func("/gc/P22-copies", test_copies);
    g_test_add_func("/gc/P19-joins-small-packs", test_joins_small_packs);
    g_test_add_func("/gc/P19-damaged", test_damaged);
    g_test_add_func("/gc/P17-waits", test_waits);
    g_test_add_func("/gc/P19-crash-before-removal", test_crash_before_removal);
    return g_test_run();
}
