#include "manifests/store/maintain.h"

#include "manifests/store/pack.h"
#include "tests/unit/store_fixture.h"

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
    return g_test_run();
}
