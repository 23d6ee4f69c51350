/* Nothing stays of what nobody names: P29 of manifests/FORMAT.md. */
#include "tests/unit/patch_fixture.h"

typedef struct {
    guint count;
    Digest digests[512];
    guint calls;
} Named;

static void
name(Named *named, const Digest *digest)
{
    named->digests[named->count++] = *digest;
}

static Named
versions_named(guint bits)
{
    Named named = { 0 };

    for (guint version = 0; version < 32; version++)
        if (bits >> version & 1) {
            Digest digest = digest_of_version(version);

            name(&named, &digest);
        }
    return named;
}

static gboolean
mark_named(GcMarks *marks, gpointer data, GError **error)
{
    Named *named = data;

    named->calls++;
    for (guint i = 0; i < named->count; i++)
        if (!gc_mark_add(marks, &named->digests[i], NULL, error))
            return FALSE;
    return TRUE;
}

static GcTotals
purge(Store *store, Named *named)
{
    g_autoptr(GError) error = NULL;
    GcTotals totals;

    store_purge(store, mark_named, named, NULL, NULL, &totals, &error);
    g_assert_no_error(error);
    return totals;
}

/* How often @needle lies in the packs, as it is. */
static guint
count_raw(const char *path, const void *needle, gsize size)
{
    g_autofree char *folder = g_build_filename(path, "packs", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;
    guint count = 0;

    while (dir && (file = g_dir_read_name(dir))) {
        g_autofree char *pack = g_build_filename(folder, file, NULL);
        g_autofree char *bytes = NULL;
        gsize length;

        g_assert_true(g_file_get_contents(pack, &bytes, &length, NULL));
        for (const char *at = bytes; (at = memmem(at, length - (gsize)(at - bytes), needle, size)); at++)
            count++;
    }
    return count;
}

/* How often it lies in the index, in whatever page. */
static guint
count_in_index(const char *path, const Digest *digest)
{
    g_autofree char *file = g_build_filename(path, "index", "data.mdb", NULL);
    g_autofree char *bytes = NULL;
    guint count = 0;
    gsize length;

    g_assert_true(g_file_get_contents(file, &bytes, &length, NULL));
    for (const char *at = bytes; (at = memmem(at, length - (gsize)(at - bytes), digest->bytes, DIGEST_SIZE)); at++)
        count++;
    return count;
}

static void
assert_only(Store **store, const char *path, guint count, guint bits)
{
    for (guint round = 0; round < 3; round++) {
        guint held = 0;

        for (guint version = 0; version < count; version++) {
            Digest digest = digest_of_version(version);

            if (bits >> version & 1) {
                assert_version(*store, version);
                g_assert_cmpuint(count_in_index(path, &digest), >=, 1);
                held++;
                continue;
            }
            assert_no_version(*store, version, CHAMA_ERROR_NOT_FOUND);
            g_assert_cmpuint(count_raw(path, digest.bytes, DIGEST_SIZE), ==, 0);
            g_assert_cmpuint(count_in_index(path, &digest), ==, 0);
        }
        g_assert_cmpuint(totals_of(*store).objects, ==, held);
        g_assert_cmpint(problems(*store), ==, 0);
        g_clear_pointer(store, store_close);
        if (round == 1)
            g_assert_cmpint(rebuild(path), ==, 0);
        *store = open_store(path);
    }
}

static void
put_chain(Store *store, guint count)
{
    put_whole_version(store, &SCOPE_OPEN, 0);
    for (guint version = 1; version < count; version++)
        put_version_like(store, version % 2 ? &scope_a : &SCOPE_OPEN, version, version - 1);
}

/* Which versions of a chain are named, and how many of these must be made whole for it. */
static void
test_chain(void)
{
    static const struct {
        guint bits, whole;
    } cases[] = {
        { 0x7f, 0 }, { 0x01, 0 }, { 0x02, 1 }, { 0x20, 1 }, { 0x24, 2 }, { 0x06, 1 }, { 0x7e, 1 }, { 0x3b, 1 }, { 0x55, 3 }, { 0x00, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        Named named = versions_named(cases[i].bits);
        GcTotals totals;

        put_chain(store, 7);
        totals = purge(store, &named);
        g_assert_cmpuint(named.calls, ==, 2);
        g_assert_cmpuint(totals.made_whole, ==, cases[i].whole);
        g_assert_cmpuint(totals.packs_left, ==, 0);
        assert_only(&store, path, 7, cases[i].bits);
        /* once more has nothing to do */
        totals = purge(store, &named);
        g_assert_cmpuint(totals.made_whole + totals.packs_rewritten + totals.packs_removed, ==, 0);
        remove_tree(path);
    }
}

/* P15: what is made whole is held for whom it was held, and for nobody else. */
static void
test_scopes(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Named named = versions_named(0x06);
    Digest first = digest_of_version(1), second = digest_of_version(2);

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_version_like(store, &scope_a, 1, 0);
    put_version_like(store, &scope_b, 2, 0);
    purge(store, &named);
    assert_only(&store, path, 3, 0x06);
    g_assert_true(store_has(store, &first, &scope_a));
    g_assert_false(store_has(store, &first, &scope_b));
    g_assert_false(store_has(store, &first, &SCOPE_OPEN));
    g_assert_true(store_has(store, &second, &scope_b));
    g_assert_false(store_has(store, &second, &scope_a));
    remove_tree(path);
}

/* A base of several, several bases of one, and a patch against one that stays and one that goes. */
static void
test_shared_bases(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Digest digest, bases[2] = { digest_of_version(0), digest_of_version(2) };
    g_autoptr(GBytes) bytes = table_version(1, &digest);
    Named named = versions_named(0x0e);
    GcTotals totals;

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_whole_version(store, &SCOPE_OPEN, 2);
    put_object_like(store, &SCOPE_OPEN, bytes, &digest, bases, 2);
    put_version_like(store, &SCOPE_OPEN, 3, 2);
    totals = purge(store, &named);
    g_assert_cmpuint(totals.made_whole, ==, 1);
    g_assert_cmpuint(entry_of(store, 3).codec, ==, CODEC_PATCH);
    assert_only(&store, path, 4, 0x0e);
    remove_tree(path);
}

static void
noise(guint seed, guint8 bytes[100000], Digest *digest)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    for (guint i = 0; i < 100000; i += 4) {
        guint32 word = g_rand_int(random);

        memcpy(bytes + i, &word, 4);
    }
    digest_of(bytes, 100000, digest);
}

static void
put_noise(StoreWriter *writer, guint seed)
{
    g_autofree guint8 *bytes = g_malloc(100000);
    g_autoptr(GError) error = NULL;
    Digest digest;

    noise(seed, bytes, &digest);
    store_writer_put(writer, OBJECT_CHUNK, &digest, bytes, 100000, NULL, &error);
    g_assert_no_error(error);
}

/* P19 would leave a large pack with little in it that is dead as it is; here not a byte stays. */
static void
test_large_pack(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autofree guint8 *bytes = g_malloc(100000);
    g_autoptr(GError) error = NULL;
    Named named = { 0 };
    GcTotals totals;
    Digest digest;

    {
        g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

        for (guint i = 0; i < 200; i++)
            put_noise(writer, i);
        commit(writer);
    }
    for (guint i = 1; i < 200; i++) {
        noise(i, bytes, &digest);
        name(&named, &digest);
    }
    noise(0, bytes, &digest);
    g_assert_true(store_gc(store, FALSE, mark_named, &named, NULL, &totals, &error));
    g_assert_cmpuint(count_raw(path, bytes + 1000, 64), ==, 1);
    totals = purge(store, &named);
    g_assert_cmpuint(totals.objects_freed, ==, 1);
    g_assert_cmpuint(count_raw(path, bytes + 1000, 64), ==, 0);
    g_assert_cmpuint(count_raw(path, digest.bytes, DIGEST_SIZE), ==, 0);
    g_assert_cmpuint(totals_of(store).objects, ==, 199);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* P22: two writers stored the same; the copy that does not count goes, too, though the object itself stays. */
static void
test_copies(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autofree guint8 *bytes = g_malloc(100000);
    Named named = { 0 }, none = { 0 };
    Digest digest;

    {
        g_autoptr(StoreWriter) one = open_writer(store, &SCOPE_OPEN), two = open_writer(store, &scope_a);

        put_noise(one, 7);
        put_noise(two, 7);
        commit(one);
        commit(two);
    }
    noise(7, bytes, &digest);
    name(&named, &digest);
    g_assert_cmpuint(count_raw(path, bytes, 64), ==, 2);
    purge(store, &named);
    g_assert_cmpuint(count_raw(path, bytes, 64), ==, 1);
    g_assert_true(store_has(store, &digest, &scope_a));
    g_assert_true(store_has(store, &digest, &SCOPE_OPEN));
    assert_object(store, &digest);
    purge(store, &none);
    g_assert_cmpuint(count_raw(path, bytes, 64), ==, 0);
    remove_tree(path);
}

/* Whoever reads or writes is waited for, or left in peace. */
static void
test_busy(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreHold) hold = NULL;
    g_autoptr(GError) error = NULL;
    Named none = { 0 };
    gboolean busy;
    GcTotals totals;

    put_whole_version(store, &SCOPE_OPEN, 0);
    hold = store_hold(store, &error);
    g_assert_no_error(error);
    g_assert_true(store_purge(store, mark_named, &none, &busy, NULL, &totals, &error));
    g_assert_true(busy);
    g_assert_cmpuint(none.calls, ==, 0);
    assert_version(store, 0);
    g_clear_pointer(&hold, store_release);
    g_assert_true(store_purge(store, mark_named, &none, &busy, NULL, &totals, &error));
    g_assert_false(busy);
    assert_no_version(store, 0, CHAMA_ERROR_NOT_FOUND);
    remove_tree(path);
}

/* What cannot be read any more is lost with or without its bases: it keeps nothing alive. */
static void
test_damaged_patch(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Named named = versions_named(0x06);
    GcTotals totals;

    put_chain(store, 3);
    damage(store, path, 1);
    totals = purge(store, &named);
    g_assert_cmpuint(totals.made_whole, ==, 0);
    g_assert_cmpuint(totals.packs_left, ==, 0);
    assert_no_version(store, 0, CHAMA_ERROR_NOT_FOUND);
    assert_no_version(store, 1, CHAMA_ERROR_DAMAGED);
    remove_tree(path);
}

/* A pack that cannot be read to its end stays, and that is said. */
static void
test_damaged_pack(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autofree guint8 *bytes = g_malloc(100000);
    Named named = { 0 };
    Digest digest;
    char pack[PACK_NAME_SIZE];
    g_autofree char *file = NULL;
    IndexEntry entry;

    {
        g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

        put_noise(writer, 1);
        put_noise(writer, 2);
        commit(writer);
    }
    noise(2, bytes, &digest);
    name(&named, &digest);
    entry = entry_of_digest(store, &digest);
    file = g_build_filename(path, "packs", pack_name_format(entry.pack, pack), NULL);
    flip_bit(file, (gint64)entry.offset + FRAME_HEADER_SIZE + 100, 1);
    g_assert_cmpuint(purge(store, &named).packs_left, ==, 1);
    noise(1, bytes, &digest);
    g_assert_cmpuint(count_raw(path, bytes, 64), ==, 1);
    remove_tree(path);
}

static gboolean
refuse(GcMarks *marks, gpointer data, GError **error)
{
    return chama_error(error, CHAMA_ERROR_DAMAGED, "no listing");
}

/* If what lives cannot be told, nothing goes. */
static void
test_refused(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GError) error = NULL;
    GcTotals totals;

    put_chain(store, 3);
    g_assert_false(store_purge(store, refuse, NULL, NULL, NULL, &totals, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    for (guint version = 0; version < 3; version++)
        assert_version(store, version);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/purge/P29/chain", test_chain);
    g_test_add_func("/purge/P29/scopes", test_scopes);
    g_test_add_func("/purge/P29/shared-bases", test_shared_bases);
    g_test_add_func("/purge/P29/large-pack", test_large_pack);
    g_test_add_func("/purge/P29/copies", test_copies);
    g_test_add_func("/purge/P29/busy", test_busy);
    g_test_add_func("/purge/P29/damaged-patch", test_damaged_patch);
    g_test_add_func("/purge/P29/damaged-pack", test_damaged_pack);
    g_test_add_func("/purge/P29/refused", test_refused);
    return g_test_run();
}
