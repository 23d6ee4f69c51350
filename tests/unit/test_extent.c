/* Stored bytes of many objects, read straight to where they are wanted. */
#include "manifests/store/extent.h"

#include "tests/unit/store_fixture.h"

#define COUNT 600   /* more than one read brings */

/* Of all kinds: small and large, compressed and as they are. */
static gsize
size_number(guint number)
{
    return number % 50 == 7 ? 200000 + number : 10 + 97 * number % 3000;
}

static Store *
filled_store(const char *path)
{
    Store *store = open_store(path);

    for (guint half = 0; half < 2; half++) {
        g_autoptr(StoreWriter) writer = open_writer(store, half ? &scope_a : &SCOPE_OPEN);

        for (guint i = 0; i < COUNT / 2; i++)
            put(writer, half * COUNT / 2 + i, size_number(half * COUNT / 2 + i));
        commit(writer);
    }
    return store;
}

static gboolean
find(Store *store, guint number, const Scope *owner, StoreExtent *extent)
{
    Digest digest;

    g_bytes_unref(object(number, size_number(number), &digest));
    return store_find_extent(store, &digest, owner, extent);
}

/* All of them, at each @stride-th place. */
static gboolean
read_all(Store *store, guint stride)
{
    g_autofree StoreExtent *extents = g_new(StoreExtent, COUNT);
    g_autoptr(GPtrArray) rooms = g_ptr_array_new_with_free_func(g_free);
    gboolean good;

    for (guint i = 0; i < COUNT; i++) {
        g_assert_true(find(store, i * stride % COUNT, &scope_a, &extents[i]));
        g_ptr_array_add(rooms, g_malloc(extents[i].stored_size));
    }
    good = store_read_extents(store, extents, (guint8 **)rooms->pdata, COUNT);
    for (guint i = 0; i < COUNT && good; i++) {
        StoredObject want = { 0 };

        g_assert_true(store_get_stored(store, &extents[i].digest, &scope_a, &want, NULL));
        g_assert_cmpmem(rooms->pdata[i], extents[i].stored_size, g_bytes_get_data(want.stored, NULL), g_bytes_get_size(want.stored));
        stored_object_clear(&want);
    }
    return good;
}

static void
test_orders(void)
{
    static const guint strides[] = { 1, 2, 7, COUNT - 1 };
    g_autofree char *path = temporary_folder();
    Store *store = filled_store(path);

    for (gsize i = 0; i < G_N_ELEMENTS(strides); i++)
        g_assert_true(read_all(store, strides[i]));
    store_close(store);
    remove_tree(path);
}

static void
test_scopes(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = filled_store(path);
    StoreExtent extent;

    g_assert_true(find(store, 1, &scope_b, &extent));
    g_assert_true(find(store, COUNT - 1, &scope_a, &extent));
    g_assert_false(find(store, COUNT - 1, &scope_b, &extent));
    g_assert_false(find(store, COUNT, &scope_a, &extent));
    store_close(store);
    remove_tree(path);
}

/* P5, P7, P21: a bit of a header or of the bytes; a pack that is cut; another that is gone. */
static void
test_damage(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = filled_store(path);
    StoreExtent extent;

    for (guint place = 0; place < 4; place++) {
        static const gint64 at[] = { 0, 20, 50, FRAME_HEADER_SIZE + 3 };
        char name[PACK_NAME_SIZE];
        g_autofree char *pack = NULL;

        g_assert_true(find(store, 100, &scope_a, &extent));
        pack = g_build_filename(path, "packs", pack_name_format(extent.pack, name), NULL);
        flip_bit(pack, (gint64)extent.offset + at[place], 3);
        g_assert_false(read_all(store, 1));
        flip_bit(pack, (gint64)extent.offset + at[place], 3);
        g_assert_true(read_all(store, 1));
        if (place < 3)
            continue;
        g_assert_cmpint(truncate(pack, (off_t)extent.offset + 10), ==, 0);
        g_assert_false(read_all(store, 1));
    }
    store_close(store);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/extent/orders", test_orders);
    g_test_add_func("/extent/scopes", test_scopes);
    g_test_add_func("/extent/damage-P5-P7-P21", test_damage);
    return g_test_run();
}
