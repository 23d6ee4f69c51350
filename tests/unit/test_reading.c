/* Many objects read in the order in which they are wanted. */
#include "manifests/store/reading.h"

#include "tests/unit/store_fixture.h"

#define COUNT 400

/* Of all kinds: small and large, compressed and as they are. */
static gsize
size_number(guint number)
{
    return number % 50 == 7 ? 200000 + number : 10 + 97 * number % 3000;
}

static void
fill(Store *store)
{
    for (guint half = 0; half < 2; half++) {
        g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

        for (guint i = 0; i < COUNT / 2; i++)
            put(writer, half * COUNT / 2 + i, size_number(half * COUNT / 2 + i));
        commit(writer);
    }
}

static void
expect(StoreReading *reading, guint number)
{
    Digest digest;

    g_bytes_unref(object(number, size_number(number), &digest));
    store_reading_expect(reading, &digest);
}

static void
assert_next(StoreReading *reading, guint number, ReadingProof proof)
{
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) want = object(number, size_number(number), &digest);
    gsize size;
    const guint8 *have = store_reading_next(reading, proof, &size, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(have, size, g_bytes_get_data(want, NULL), g_bytes_get_size(want));
}

static void
assert_no_next(StoreReading *reading, ReadingProof proof, ChamaError code)
{
    g_autoptr(GError) error = NULL;
    gsize size;

    g_assert_null(store_reading_next(reading, proof, &size, &error));
    g_assert_error(error, CHAMA_ERROR, (int)code);
}

/* In their order, backwards, by leaps, each more than once; across packs; and with a reading that was used before. */
static void
test_orders(void)
{
    static const guint strides[] = { 1, COUNT - 1, 7, 171 };
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);

    fill(store);
    for (gsize s = 0; s < G_N_ELEMENTS(strides); s++) {
        g_autoptr(StoreReading) reading = store_reading_new(store);

        for (guint i = 0; i < COUNT; i++)
            expect(reading, i * strides[s] % COUNT);
        expect(reading, 3);
        expect(reading, 3);
        for (guint i = 0; i < COUNT; i++)
            assert_next(reading, i * strides[s] % COUNT, i % 2 ? READING_PROVEN : READING_STATED);
        assert_next(reading, 3, READING_PROVEN);
        assert_next(reading, 3, READING_PROVEN);
    }
    store_close(store);
    remove_tree(path);
}

static void
test_next_to(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree guint8 *room = g_malloc(300000);
    g_autoptr(GError) error = NULL;
    Store *store = open_store(path);
    StoreReading *reading = store_reading_new(store);
    guint numbers[] = { 7, 0, 1, 1 };

    fill(store);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        expect(reading, numbers[i]);
    for (gsize i = 0; i + 1 < G_N_ELEMENTS(numbers); i++) {
        Digest digest;
        g_autoptr(GBytes) want = object(numbers[i], size_number(numbers[i]), &digest);

        g_assert_true(store_reading_next_to(reading, READING_PROVEN, room, g_bytes_get_size(want), NULL));
        g_assert_cmpmem(room, g_bytes_get_size(want), g_bytes_get_data(want, NULL), g_bytes_get_size(want));
    }
    g_assert_false(store_reading_next_to(reading, READING_STATED, room, size_number(1) - 1, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    store_reading_free(reading);
    store_close(store);
    remove_tree(path);
}

/* What is damaged or absent is told as store_get() tells it, and spoils nothing beside it. */
static void
test_damage(void)
{
    g_autofree char *path = temporary_folder(), *pack = NULL;
    Store *store = open_store(path);
    StoreReading *reading = store_reading_new(store);

    fill_store(store, &SCOPE_OPEN, 0, 3, 1001);
    pack = only_pack(path);
    flip_bit(pack, size_of(pack) / 2, 3);
    for (guint i = 0; i < 4; i++) {
        Digest digest;

        g_bytes_unref(object(i, 1001, &digest));
        store_reading_expect(reading, &digest);
        store_reading_expect(reading, &digest);
    }
    for (guint i = 0; i < 2; i++)
        g_assert_nonnull(store_reading_next(reading, READING_PROVEN, &(gsize){ 0 }, NULL));
    assert_no_next(reading, READING_PROVEN, CHAMA_ERROR_DAMAGED);
    /* Stated or not, the checksum of what is stored holds or it is not given. */
    assert_no_next(reading, READING_STATED, CHAMA_ERROR_DAMAGED);
    for (guint i = 0; i < 2; i++)
        g_assert_nonnull(store_reading_next(reading, READING_PROVEN, &(gsize){ 0 }, NULL));
    assert_no_next(reading, READING_PROVEN, CHAMA_ERROR_NOT_FOUND);
    assert_no_next(reading, READING_STATED, CHAMA_ERROR_NOT_FOUND);
    store_reading_free(reading);
    store_close(store);
    remove_tree(path);
}

/* A pack that ends before the last of what is to be read with it. */
static void
test_cut(void)
{
    g_autofree char *path = temporary_folder(), *pack = NULL;
    Store *store = open_store(path);
    StoreReading *reading = store_reading_new(store);

    fill_store(store, &SCOPE_OPEN, 0, 3, 1001);
    pack = only_pack(path);
    g_assert_cmpint(truncate(pack, size_of(pack) - 1), ==, 0);
    for (guint i = 0; i < 3; i++) {
        Digest digest;

        g_bytes_unref(object(i, 1001, &digest));
        store_reading_expect(reading, &digest);
    }
    for (guint i = 0; i < 2; i++)
        g_assert_nonnull(store_reading_next(reading, READING_PROVEN, &(gsize){ 0 }, NULL));
    assert_no_next(reading, READING_PROVEN, CHAMA_ERROR_DAMAGED);
    store_reading_free(reading);
    store_close(store);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reading/orders", test_orders);
    g_test_add_func("/reading/next-to", test_next_to);
    g_test_add_func("/reading/damage", test_damage);
    g_test_add_func("/reading/cut", test_cut);
    return g_test_run();
}
