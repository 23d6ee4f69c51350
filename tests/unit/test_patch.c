/* Objects stored as patches against others: P25 to P28 of manifests/FORMAT.md. */
#include "manifests/store/patch.h"
#include "manifests/store/store_private.h"

#include "tests/unit/store_fixture.h"

#define VERSION_SIZE 100000

/* A table of numbers in which version @version has other values in a hundredth of its rows than the one before. */
static GBytes *
table_version(guint version, Digest *digest)
{
    GString *text = g_string_new(NULL);

    for (guint row = 0; text->len < VERSION_SIZE; row++) {
        guint changed = 0;

        for (guint v = 1; v <= version; v++)
            if ((row * 2654435761u ^ v * 40503u) % 100 == 0)
                changed = v;
        g_string_append_printf(text, "%u,station-%u,%u\n", row, row * 7919 % 500, (row + 1) * (changed + 1) * 2246822519u);
    }
    digest_of(text->str, text->len, digest);
    return g_string_free_to_bytes(text);
}

typedef struct {
    guint count, asked;
    Digest bases[PATCH_BASES_MAX];
} Likeness;

static guint
say_likeness(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX])
{
    Likeness *likeness = data;

    likeness->asked++;
    memcpy(bases, likeness->bases, sizeof likeness->bases);
    return attempt == 0 ? likeness->count : 0;
}

/* Puts version @version, as a patch against the one before if there is one; returns by how much the store grew. */
static guint64
put_version(Store *store, guint version)
{
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    g_autoptr(GError) error = NULL;
    Likeness likeness = { .count = version > 0 };
    guint64 grown = 0;
    Digest digest;
    g_autoptr(GBytes) bytes = table_version(version, &digest);

    if (version > 0)
        g_bytes_unref(table_version(version - 1, &likeness.bases[0]));
    store_writer_put_like(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), say_likeness, &likeness, &grown,
                          &error);
    g_assert_no_error(error);
    commit(writer);
    return grown;
}

static void
assert_version(Store *store, guint version)
{
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) want = table_version(version, &digest);
    g_autoptr(GBytes) have = store_get(store, &digest, &error);

    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(want, have));
}

static IndexEntry
entry_of(Store *store, guint version)
{
    IndexEntry entry;
    Digest digest;

    g_bytes_unref(table_version(version, &digest));
    g_assert_true(store_locate(store, &digest, &entry));
    return entry;
}

static void
test_small(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    guint64 whole = put_version(store, 0), patch = put_version(store, 1);

    g_assert_cmpuint(patch, <, whole / 20);
    g_assert_cmpint(entry_of(store, 0).codec, ==, CODEC_ZSTD);
    g_assert_cmpint(entry_of(store, 1).codec, ==, CODEC_PATCH);
    g_assert_cmpint(entry_of(store, 1).reach, ==, 1);
    assert_version(store, 1);
    store_close(store);
    store = open_store(path);
    assert_version(store, 1);
    assert_version(store, 0);
    g_assert_cmpint(problems(store), ==, 0);
    store_close(store);
    remove_tree(path);
}

/* P26: however many versions, none needs more than PATCH_REACH_MAX others, and none takes what it would whole. */
static void
test_many_versions(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    guint64 whole = put_version(store, 0);

    for (guint version = 1; version < 50; version++)
        g_assert_cmpuint(put_version(store, version), <, whole / 2);
    store_close(store);
    store = open_store(path);
    for (guint version = 0; version < 50; version++) {
        g_assert_cmpint(entry_of(store, version).reach, <=, PATCH_REACH_MAX);
        assert_version(store, version);
    }
    g_assert_cmpint(problems(store), ==, 0);
    store_close(store);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patch/small", test_small);
    g_test_add_func("/patch/many-versions", test_many_versions);
    return g_test_run();
}
