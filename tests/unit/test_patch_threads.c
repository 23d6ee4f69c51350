/* Patches read, made, moved and checked by several threads at once, with more bases than the store keeps open; run it under ThreadSanitizer, too. */
#include "tests/unit/patch_fixture.h"

#define BASES 90     /* more than what base_cache.c keeps */
#define SIZE 6001
#define READERS 4
#define ROUNDS 400

typedef struct {
    Store *store;
    StoreWriter *writer;
    guint number;
} Worker;

/* Object @base with one byte other, which @change says. */
static GBytes *
changed(guint base, guint change, Digest *digest)
{
    g_autoptr(GBytes) bytes = object(base, SIZE, digest);
    guint8 *data = g_memdup2(g_bytes_get_data(bytes, NULL), SIZE);

    data[change % SIZE] ^= 0x55;
    digest_of(data, SIZE, digest);
    return g_bytes_new_take(data, SIZE);
}

static void
put_changed(StoreWriter *writer, guint base, guint change)
{
    Digest digest, bases[2];
    g_autoptr(GBytes) bytes = changed(base, change, &digest);

    g_bytes_unref(object(base, SIZE, &bases[0]));
    /* every second one with another, so that the prefix is put together */
    g_bytes_unref(object((base + 1) % BASES, SIZE, &bases[1]));
    put_like(writer, bytes, &digest, bases, 1 + change % 2);
}

static gpointer
reader(gpointer data)
{
    const Worker *worker = data;

    for (guint i = 0; i < ROUNDS; i++) {
        guint base = (i * 37 + worker->number * 11) % BASES;
        Digest digest;
        g_autoptr(GBytes) want = changed(base, i % 2, &digest);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) have = store_get(worker->store, &digest, &error);

        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(want, have));
    }
    return NULL;
}

/* Two of them put the same objects. */
static gpointer
putter(gpointer data)
{
    const Worker *worker = data;

    for (guint i = 0; i < ROUNDS; i++) {
        put_changed(worker->writer, (i * 13) % BASES, 100 + i);
        if (i % 100 == worker->number)
            commit(worker->writer);
    }
    return NULL;
}

static gpointer
checker(gpointer data)
{
    const Worker *worker = data;

    for (guint i = 0; i < 3; i++)
        g_assert_cmpint(problems(worker->store), ==, 0);
    return NULL;
}

static gboolean
mark_live(GcMarks *marks, gpointer data, GError **error)
{
    for (guint base = 0; base < BASES; base++)
        for (guint change = 0; change < 2; change++) {
            Digest digest;

            g_bytes_unref(changed(base, change, &digest));
            if (!gc_mark_add(marks, &digest, NULL, error))
                return FALSE;
        }
    return TRUE;
}

static gpointer
collector(gpointer data)
{
    const Worker *worker = data;
    g_autoptr(GError) error = NULL;

    store_gc(worker->store, FALSE, mark_live, NULL, NULL, NULL, &error);
    g_assert_no_error(error);
    return NULL;
}

static Store *
make_store(const char *path)
{
    Store *store = open_store(path);
    g_autoptr(StoreWriter) writer = NULL;

    fill_store(store, &SCOPE_OPEN, 0, BASES, SIZE);
    writer = open_writer(store, &SCOPE_OPEN);
    for (guint base = 0; base < BASES; base++)
        for (guint change = 0; change < 2; change++)
            put_changed(writer, base, change);
    commit(writer);
    return store;
}

static void
run(Store *store, const GThreadFunc *others, guint other_count, StoreWriter *writer)
{
    GThread *threads[READERS + 4];
    Worker workers[READERS + 4];

    for (guint i = 0; i < READERS + other_count; i++) {
        workers[i] = (Worker){ .store = store, .writer = writer, .number = i };
        threads[i] = g_thread_new("worker", i < READERS ? reader : others[i - READERS], &workers[i]);
    }
    for (guint i = 0; i < READERS + other_count; i++)
        g_thread_join(threads[i]);
}

static void
test_reading_and_putting(void)
{
    static const GThreadFunc others[] = { putter, putter, checker };
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = make_store(path);
    StoreWriter *writer = open_writer(store, &scope_a);

    run(store, others, G_N_ELEMENTS(others), writer);
    commit(writer);
    store_writer_free(writer);
    for (guint i = 0; i < ROUNDS; i++) {
        Digest digest;

        g_bytes_unref(changed((i * 13) % BASES, 100 + i, &digest));
        g_assert_cmpint(entry_of_digest(store, &digest).codec, ==, CODEC_PATCH);
        assert_object(store, &digest);
    }
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* What gc leaves can be read while it moves, and afterwards. */
static void
test_reading_while_moved(void)
{
    static const GThreadFunc others[] = { collector };
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = make_store(path);

    fill_store(store, &SCOPE_OPEN, 1000, 50, 501);
    run(store, others, G_N_ELEMENTS(others), NULL);
    g_assert_cmpuint(totals_of(store).objects, ==, 3 * BASES);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patch-threads/reading-and-putting", test_reading_and_putting);
    g_test_add_func("/patch-threads/P27-reading-while-moved", test_reading_while_moved);
    return g_test_run();
}
