/* A store in a temporary folder, objects to put into it, and ways to harm it.  For the tests of the store. */
#ifndef CHAMA_TESTS_UNIT_STORE_FIXTURE_H
#define CHAMA_TESTS_UNIT_STORE_FIXTURE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/store/maintain.h"
#include "manifests/store/store.h"

static const Scope scope_a = { { 'a' } }, scope_b = { { 'b' } };

static inline int
remove_one(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
    return remove(path);
}

static inline void
remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline char *
temporary_folder(void)
{
    char *path = g_dir_make_tmp("chama-store-XXXXXX", NULL);

    g_assert_nonnull(path);
    return path;
}

static inline Store *
open_store(const char *path)
{
    g_autoptr(GError) error = NULL;
    Store *store = store_open(path, &error);

    g_assert_no_error(error);
    return store;
}

static inline StoreWriter *
open_writer(Store *store, const Scope *scope)
{
    g_autoptr(GError) error = NULL;
    StoreWriter *writer = store_writer_new(store, scope, &error);

    g_assert_no_error(error);
    return writer;
}

/* Object @number: @size bytes that compress (@size even) or do not (odd). */
static inline GBytes *
object(guint number, gsize size, Digest *digest)
{
    guint8 *data = g_malloc(size + 1);
    guint64 x = number * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15) + 1;

    for (gsize i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = size % 2 ? (guint8)x : (guint8)('a' + x % 4);
    }
    digest_of(data, size, digest);
    return g_bytes_new_take(data, size);
}

static inline Digest
put(StoreWriter *writer, guint number, gsize size)
{
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) bytes = object(number, size, &digest);

    store_writer_put(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(bytes, NULL), size, NULL, &error);
    g_assert_no_error(error);
    return digest;
}

static inline void
commit(StoreWriter *writer)
{
    g_autoptr(GError) error = NULL;

    store_writer_commit(writer, &error);
    g_assert_no_error(error);
}

/* @count objects from number @first on, committed, under @scope. */
static inline void
fill_store(Store *store, const Scope *scope, guint first, guint count, gsize size)
{
    g_autoptr(StoreWriter) writer = open_writer(store, scope);

    for (guint i = 0; i < count; i++)
        put(writer, first + i, size);
    commit(writer);
}

static inline void
assert_get(Store *store, guint number, gsize size)
{
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) want = object(number, size, &digest);
    g_autoptr(GBytes) have = store_get(store, &digest, &error);

    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(want, have));
}

static inline void
assert_no_get(Store *store, guint number, gsize size, ChamaError code)
{
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) want = object(number, size, &digest);

    g_assert_null(store_get(store, &digest, &error));
    g_assert_error(error, CHAMA_ERROR, (int)code);
}

/* Paths of the pack files, in the order of their names. */
static inline GPtrArray *
pack_paths(const char *store)
{
    g_autofree char *folder = g_build_filename(store, "packs", NULL);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    g_dir_close(dir);
    return paths;
}

static inline char *
only_pack(const char *store)
{
    g_autoptr(GPtrArray) paths = pack_paths(store);

    g_assert_cmpuint(paths->len, ==, 1);
    return g_strdup(paths->pdata[0]);
}

static inline gint64
size_of(const char *path)
{
    struct stat about;

    g_assert_cmpint(stat(path, &about), ==, 0);
    return about.st_size;
}

static inline void
flip_bit(const char *path, gint64 offset, guint bit)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    guint8 byte;

    g_assert_cmpint(pread(fd, &byte, 1, offset), ==, 1);
    byte ^= (guint8)(1 << bit);
    g_assert_cmpint(pwrite(fd, &byte, 1, offset), ==, 1);
    close(fd);
}

static inline void
count_report(gpointer data, const Digest *digest, const char *message)
{
    if (g_test_verbose())
        g_test_message("%s", message);
    g_atomic_int_inc((gint *)data);
}

/* How many things store_check() tells. */
static inline gint
problems(Store *store)
{
    g_autoptr(GError) error = NULL;
    gint count = 0;

    store_check(store, count_report, &count, NULL, &error);
    g_assert_no_error(error);
    return count;
}

/* The same of store_rebuild_index(). */
static inline gint
rebuild(const char *path)
{
    g_autoptr(GError) error = NULL;
    gint count = 0;

    store_rebuild_index(path, count_report, &count, &error);
    g_assert_no_error(error);
    return count;
}

static inline StoreTotals
totals_of(Store *store)
{
    g_autoptr(GError) error = NULL;
    StoreTotals totals;

    store_totals(store, &totals, &error);
    g_assert_no_error(error);
    return totals;
}

#endif
