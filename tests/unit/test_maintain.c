#include "manifests/store/maintain.h"

#include "manifests/store/pack.h"
#include "tests/unit/store_fixture.h"

/* What store_check() tells, in lines. */
static gint
problems(Store *store)
{
    g_autoptr(GError) error = NULL;
    gint count = 0;
    gint64 bytes = 0;

    store_check(store, count_report, &count, &bytes, &error);
    g_assert_no_error(error);
    return count;
}

static gint
rebuild(const char *path)
{
    g_autoptr(GError) error = NULL;
    gint count = 0;

    store_rebuild_index(path, count_report, &count, &error);
    g_assert_no_error(error);
    return count;
}

/* ---- checking ---- */

static void
test_check_clean(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);

    g_assert_cmpint(problems(store), ==, 0);
    fill_store(store, &SCOPE_OPEN, 0, 300, 3000);
    fill_store(store, &scope_a, 200, 300, 3000);
    fill_store(store, &scope_b, 100, 300, 3001);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* P7, P2: a flipped bit anywhere in a pack is told, and the index made anew leaves out what it hit and no more. */
static void
test_check_tells_every_bit_of_a_pack(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *pack = NULL;
    gint64 size;

    {
        g_autoptr(Store) store = open_store(path);

        fill_store(store, &scope_a, 0, 3, 101);
        fill_store(store, &scope_a, 3, 1, 100);
    }
    {
        g_autoptr(GPtrArray) packs = pack_paths(path);

        pack = g_strdup(size_of(packs->pdata[0]) > size_of(packs->pdata[1]) ? packs->pdata[0] : packs->pdata[1]);
    }
    size = size_of(pack);
    g_assert_cmpint(size, ==, 64 + 3 * (56 + 101));
    for (gint64 at = 0; at < size; at++) {
        g_autoptr(Store) store = open_store(path);

        flip_bit(pack, at, (guint)at % 8);
        g_assert_cmpint(problems(store), >, 0);
        flip_bit(pack, at, (guint)at % 8);
    }
    {
        g_autoptr(Store) store = open_store(path);

        g_assert_cmpint(problems(store), ==, 0);
    }
    remove_tree(path);
}

/* P18: a frame that is damaged does not hide those behind it. */
static void
test_damage_does_not_spread(void)
{
    /* in the header of the second frame: magic, header length, stored length; then in its bytes */
    static const gint64 places[] = { 0, 6, 8, 9, 10, 20, 50, 70 };

    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = temporary_folder();
        g_autofree char *pack = NULL;
        g_autoptr(Store) store = open_store(path);

        fill_store(store, &SCOPE_OPEN, 0, 0, 0);
        {
            g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

            for (guint number = 0; number < 5; number++)
                put(writer, number, 1001);
            commit(writer);
        }
        pack = only_pack(path);
        flip_bit(pack, 64 + 1057 + places[i], 1);
        g_assert_cmpint(problems(store), ==, 1);
        assert_no_get(store, 1, 1001, CHAMA_ERROR_DAMAGED);
        g_clear_pointer(&store, store_close);
        g_assert_cmpint(rebuild(path), ==, 1);
        store = open_store(path);
        assert_no_get(store, 1, 1001, CHAMA_ERROR_NOT_FOUND);
        for (guint number = 0; number < 5; number++)
            if (number != 1)
                assert_get(store, number, 1001);
        g_assert_cmpint(problems(store), ==, 0);
        remove_tree(path);
    }
}

/* P18: an object that is damaged can be stored anew, and then the store is sound. */
static void
test_repair(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *pack = NULL;
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GError) error = NULL;
    Digest digests[3];

    for (guint i = 0; i < 3; i++)
        g_bytes_unref(object(i, 1001, &digests[i]));
    fill_store(store, &SCOPE_OPEN, 0, 3, 1001);
    pack = only_pack(path);
    flip_bit(pack, 64 + 1057 + 500, 3);
    for (guint i = 0; i < 3; i++)
        g_assert_true(store_forget(store, &digests[i], &error));
    g_assert_cmpint(store_has(store, &digests[0], NULL) + store_has(store, &digests[1], NULL) + store_has(store, &digests[2], NULL), ==, 2);
    fill_store(store, &SCOPE_OPEN, 0, 3, 1001);
    for (guint i = 0; i < 3; i++)
        assert_get(store, i, 1001);
    g_assert_cmpint(problems(store), ==, 0);
    g_assert_cmpuint(totals_of(store).objects, ==, 3);
    remove_tree(path);
}

static void
test_missing_pack(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *pack = NULL;
    g_autoptr(Store) store = open_store(path);

    fill_store(store, &SCOPE_OPEN, 0, 3, 1001);
    pack = only_pack(path);
    unlink(pack);
    /* the pack, and each object */
    g_assert_cmpint(problems(store), ==, 4);
    assert_no_get(store, 0, 1001, CHAMA_ERROR_DAMAGED);
    g_clear_pointer(&store, store_close);
    g_assert_cmpint(rebuild(path), ==, 0);
    store = open_store(path);
    g_assert_cmpint(problems(store), ==, 0);
    assert_no_get(store, 0, 1001, CHAMA_ERROR_NOT_FOUND);
    remove_tree(path);
}

static void
test_cut_pack(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *pack = NULL;
    g_autoptr(Store) store = open_store(path);

    fill_store(store, &SCOPE_OPEN, 0, 3, 1001);
    pack = only_pack(path);
    g_assert_cmpint(truncate(pack, 64 + 1057 + 60), ==, 0);
    g_assert_cmpint(problems(store), >=, 2);
    assert_no_get(store, 2, 1001, CHAMA_ERROR_DAMAGED);
    remove_tree(path);
}

/* P1: strange files are told, and left alone. */
static void
test_strange_files(void)
{
    static const char *const names[] = { "notes.txt", "0123456789abcdef.pack", "0123456789ABCDEF.pack", "0123.pack" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = temporary_folder();
        g_autofree char *file = g_build_filename(path, "packs", names[i], NULL);
        g_autofree char *content = g_strnfill(200, 'x');
        g_autoptr(Store) store = open_store(path);

        fill_store(store, &SCOPE_OPEN, 0, 3, 1001);
        g_assert_true(g_file_set_contents(file, content, 200, NULL));
        g_assert_cmpint(problems(store), ==, 1);
        g_assert_cmpint(size_of(file), ==, 200);
        remove_tree(path);
    }
}

/* ---- the index ---- */

/* Nothing that lies in the index's file may crash anyone, or go unnoticed where it matters: told by opening or checking, or everything
 * still reads and writes as before. */
static void
check_with_harmed_index(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(path, &error);

    if (!store) {
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
        return;
    }
    if (problems(store) > 0)
        return;
    for (guint i = 0; i < 400; i++)
        assert_get(store, i, 90);
    fill_store(store, &SCOPE_OPEN, 1000, 20, 91);
    g_assert_cmpint(problems(store), ==, 0);
}

static void
test_every_part_of_the_index(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *data = g_build_filename(path, "index", "data.mdb", NULL);
    g_autofree char *good = NULL;
    gsize size;

    {
        g_autoptr(Store) store = open_store(path);

        for (guint i = 0; i < 4; i++)
            fill_store(store, i % 2 ? &scope_a : &SCOPE_OPEN, i * 100, 110, 90);
    }
    g_assert_true(g_file_get_contents(data, &good, &size, NULL));
    for (guint round = 0; round < 200; round++) {
        /* every second one among the first 64 bytes of a page, where it hurts most */
        gint64 at = (gint64)(round * G_GUINT64_CONSTANT(2654435761) % size);

        at = round % 2 ? at : at / 4096 * 4096 + at % 64;
        flip_bit(data, at, round % 8);
        check_with_harmed_index(path);
        g_assert_true(g_file_set_contents(data, good, (gssize)size, NULL));
    }
    g_assert_cmpint(rebuild(path), ==, 0);
    {
        g_autoptr(Store) store = open_store(path);

        g_assert_cmpint(problems(store), ==, 0);
    }
    remove_tree(path);
}

/* P23: the index can be made anew whatever lies in its place. */
static void
test_rebuild_over_anything(void)
{
    static const gssize sizes[] = { 0, 1, 100, 4096, 8192, 20000 };

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *path = temporary_folder();
        g_autofree char *data = g_build_filename(path, "index", "data.mdb", NULL);
        g_autofree char *content = g_strnfill((gsize)sizes[i], 'x');
        g_autoptr(Store) store = open_store(path);
        g_autoptr(GError) error = NULL;

        fill_store(store, &SCOPE_OPEN, 0, 20, 500);
        g_clear_pointer(&store, store_close);
        g_assert_true(g_file_set_contents(data, content, sizes[i], NULL));
        if (sizes[i] > 0) {
            g_assert_null(store_open(path, &error));
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
        }
        g_assert_cmpint(rebuild(path), ==, 0);
        store = open_store(path);
        g_assert_cmpuint(totals_of(store).objects, ==, 20);
        g_assert_cmpint(problems(store), ==, 0);
        remove_tree(path);
    }
}

/* I8: a store whose index was deleted makes it anew by itself. */
static void
test_deleted_index(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *index = g_build_filename(path, "index", NULL);
    g_autoptr(Store) store = open_store(path);

    fill_store(store, &SCOPE_OPEN, 0, 20, 500);
    fill_store(store, &scope_a, 10, 20, 500);
    g_clear_pointer(&store, store_close);
    remove_tree(index);
    store = open_store(path);
    g_assert_cmpuint(totals_of(store).objects, ==, 30);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* Another has made the index anew while this one has the store open. */
static void
test_rebuild_under_a_reader(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);

    fill_store(store, &SCOPE_OPEN, 0, 20, 500);
    g_assert_cmpint(rebuild(path), ==, 0);
    assert_get(store, 3, 500);
    fill_store(store, &SCOPE_OPEN, 20, 20, 500);
    {
        g_autoptr(Store) other = open_store(path);

        for (guint i = 0; i < 40; i++)
            assert_get(other, i, 500);
    }
    remove_tree(path);
}

/* ---- garbage collection ---- */

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
test_gc_frees_what_is_not_marked(void)
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
test_gc_nothing_live(void)
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
test_gc_all_live(void)
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
test_gc_failed_mark(void)
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
test_gc_keeps_scopes(void)
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
test_gc_copies(void)
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
test_gc_joins_small_packs(void)
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
test_gc_damaged(void)
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
test_gc_waits(void)
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
test_gc_crash_before_removal(void)
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
    g_test_add_func("/maintain/check-clean", test_check_clean);
    g_test_add_func("/maintain/P7-every-bit-of-a-pack", test_check_tells_every_bit_of_a_pack);
    g_test_add_func("/maintain/P18-damage-does-not-spread", test_damage_does_not_spread);
    g_test_add_func("/maintain/P18-repair", test_repair);
    g_test_add_func("/maintain/P4-missing-pack", test_missing_pack);
    g_test_add_func("/maintain/P4-cut-pack", test_cut_pack);
    g_test_add_func("/maintain/P1-strange-files", test_strange_files);
    g_test_add_func("/maintain/P24-every-part-of-the-index", test_every_part_of_the_index);
    g_test_add_func("/maintain/P23-rebuild-over-anything", test_rebuild_over_anything);
    g_test_add_func("/maintain/I8-deleted-index", test_deleted_index);
    g_test_add_func("/maintain/P23-rebuild-under-a-reader", test_rebuild_under_a_reader);
    g_test_add_func("/maintain/P19-frees-what-is-not-marked", test_gc_frees_what_is_not_marked);
    g_test_add_func("/maintain/P19-nothing-live", test_gc_nothing_live);
    g_test_add_func("/maintain/P19-all-live", test_gc_all_live);
    g_test_add_func("/maintain/P19-failed-mark", test_gc_failed_mark);
    g_test_add_func("/maintain/P19-keeps-scopes", test_gc_keeps_scopes);
    g_test_add_func("/maintain/P22-copies", test_gc_copies);
    g_test_add_func("/maintain/P19-joins-small-packs", test_gc_joins_small_packs);
    g_test_add_func("/maintain/P19-damaged", test_gc_damaged);
    g_test_add_func("/maintain/P17-waits", test_gc_waits);
    g_test_add_func("/maintain/P19-crash-before-removal", test_gc_crash_before_removal);
    return g_test_run();
}
