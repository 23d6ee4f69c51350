/* Making patches: P26 and P28 of manifests/FORMAT.md. */
#include "tests/unit/patch_fixture.h"

static void
test_small(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    guint64 whole = put_whole_version(store, &SCOPE_OPEN, 0), patch = put_version_like(store, &SCOPE_OPEN, 1, 0);

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
    guint64 whole = put_whole_version(store, &SCOPE_OPEN, 0);

    for (guint version = 1; version < 50; version++)
        g_assert_cmpuint(put_version_like(store, &SCOPE_OPEN, version, version - 1), <, whole / 2);
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

/* ---- several bases ---- */

#define PART 20001

/* Objects @first to @first + @count - 1, one after the other, and a bit more. */
static GBytes *
joined(guint first, guint count, Digest *digest)
{
    g_autoptr(GByteArray) all = g_byte_array_new();

    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) bytes = object(first + i, PART, digest);

        g_byte_array_append(all, g_bytes_get_data(bytes, NULL), PART);
    }
    g_byte_array_append(all, (const guint8 *)"more", 4);
    digest_of(all->data, all->len, digest);
    return g_byte_array_free_to_bytes(g_steal_pointer(&all));
}

/* P25: the bases are the prefix in the order in which they stand. */
static void
test_several_bases(void)
{
    for (guint count = 1; count <= PATCH_BASES_MAX; count++) {
        g_autofree char *path = temporary_folder();
        Store *store = open_store(path);
        Digest bases[PATCH_BASES_MAX], digest;
        g_autoptr(GBytes) all = joined(10, count, &digest);
        guint64 grown;

        fill_store(store, &SCOPE_OPEN, 10, count, PART);
        /* the last first */
        for (guint i = 0; i < count; i++)
            g_bytes_unref(object(10 + count - 1 - i, PART, &bases[i]));
        grown = put_object_like(store, &SCOPE_OPEN, all, &digest, bases, count);
        g_assert_cmpint(entry_of_digest(store, &digest).codec, ==, CODEC_PATCH);
        g_assert_cmpint(entry_of_digest(store, &digest).reach, ==, count);
        g_assert_cmpuint(grown, <, FRAME_HEADER_SIZE + patch_head_size(count) + 100);
        store_close(store);
        store = open_store(path);
        assert_object(store, &digest);
        g_assert_cmpint(problems(store), ==, 0);
        store_close(store);
        remove_tree(path);
    }
}

/* One that is said twice counts once; one that is empty does no harm. */
static void
test_odd_bases(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Digest bases[PATCH_BASES_MAX], empty, digest;
    g_autoptr(GBytes) a = table_version(1, &digest), nothing = g_bytes_new_static("", 0), b = NULL;

    digest_of("", 0, &empty);
    put_object_like(store, &SCOPE_OPEN, nothing, &empty, &empty, 0);
    put_whole_version(store, &SCOPE_OPEN, 0);
    for (guint i = 0; i < PATCH_BASES_MAX; i++)
        bases[i] = digest_of_version(0);
    put_object_like(store, &SCOPE_OPEN, a, &digest, bases, PATCH_BASES_MAX);
    g_assert_cmpint(entry_of(store, 1).reach, ==, 1);
    b = table_version(2, &digest);
    bases[0] = empty;
    put_object_like(store, &SCOPE_OPEN, b, &digest, bases, 2);
    g_assert_cmpint(entry_of(store, 2).codec, ==, CODEC_PATCH);
    assert_version(store, 2);
    g_bytes_unref(b);
    b = table_version(3, &digest);
    put_object_like(store, &SCOPE_OPEN, b, &digest, &empty, 1);
    g_assert_cmpint(entry_of(store, 3).codec, ==, CODEC_ZSTD);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* P26: where what lies nearest is at its end, its own bases take its place; where those are too many, none does. */
static void
test_step_back(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Digest bases[PATCH_BASES_MAX], digest;

    for (guint first = 0; first < 2; first++) {
        put_whole_version(store, &SCOPE_OPEN, 100 * first);
        for (guint version = 1; version <= 20; version++)
            put_version_like(store, &SCOPE_OPEN, 100 * first + version, 100 * first + version - 1);
        g_assert_cmpint(entry_of(store, 100 * first + 20).reach, ==, 20);
        bases[first] = digest_of_version(100 * first + 20);
    }
    {
        g_autoptr(GBytes) bytes = table_version(21, &digest);

        put_object_like(store, &SCOPE_OPEN, bytes, &digest, bases, 2);
        g_assert_cmpint(entry_of(store, 21).codec, ==, CODEC_PATCH);
        /* 2 + 20 + 20 is too much, so is 2 + 19 + 19, and so on: 2 + 14 + 14 is not */
        g_assert_cmpint(entry_of(store, 21).reach, ==, 30);
        assert_version(store, 21);
    }
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* ---- a likeness that lies ---- */

static void
test_lies(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Digest digest, bases[2] = { digest_of_version(7), digest_of_version(0) };
    g_autoptr(GBytes) bytes = table_version(1, &digest), other = table_version(2, &digest), more = table_version(3, &digest);

    put_whole_version(store, &SCOPE_OPEN, 0);
    /* what is not here, alone or with what is */
    digest = digest_of_version(1);
    put_object_like(store, &SCOPE_OPEN, bytes, &digest, bases, 2);
    g_assert_cmpint(entry_of(store, 1).codec, ==, CODEC_ZSTD);
    /* itself */
    digest = digest_of_version(2);
    put_object_like(store, &SCOPE_OPEN, other, &digest, &digest, 1);
    g_assert_cmpint(entry_of(store, 2).codec, ==, CODEC_ZSTD);
    /* what has nothing to do with it */
    digest = digest_of_version(3);
    fill_store(store, &SCOPE_OPEN, 1, 1, 60001);
    g_bytes_unref(object(1, 60001, &bases[0]));
    put_object_like(store, &SCOPE_OPEN, more, &digest, bases, 1);
    g_assert_cmpint(entry_of(store, 3).codec, ==, CODEC_ZSTD);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

typedef struct {
    Store *store;
    Digest digest;
    GBytes *bytes;
} Rival;

/* While an object is being put, another writer stores and commits it. */
static guint
rival_likeness(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX])
{
    Rival *rival = data;

    put_object_like(rival->store, &SCOPE_OPEN, rival->bytes, &rival->digest, &rival->digest, 0);
    bases[0] = rival->digest;
    return 1;
}

/* P26: an object is never its own base, not even in a copy that nothing leads to. */
static void
test_not_against_itself(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    g_autoptr(GError) error = NULL;
    Rival rival = { .store = store };

    rival.bytes = table_version(1, &rival.digest);
    {
        g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

        g_assert_true(store_writer_put_like(writer, OBJECT_CHUNK, &rival.digest, g_bytes_get_data(rival.bytes, NULL),
                                            g_bytes_get_size(rival.bytes), rival_likeness, &rival, NULL, &error));
        g_assert_no_error(error);
        commit(writer);
    }
    {
        g_autoptr(GBytes) patch = patch_by_hand(1, (const guint[]){ 1 }, 1, 1), plain = NULL;

        plain = store_open_received(store, &SCOPE_OPEN, &rival.digest, CODEC_PATCH, (guint32)g_bytes_get_size(rival.bytes),
                                    g_bytes_get_data(patch, NULL), g_bytes_get_size(patch), &error);
        g_assert_null(plain);
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
    /* either copy alone is enough */
    damage(store, path, 1);
    store_close(store);
    g_assert_cmpint(rebuild(path), ==, 1);
    store = open_store(path);
    assert_version(store, 1);
    g_bytes_unref(rival.bytes);
    store_close(store);
    remove_tree(path);
}

/* P28: only what is committed is a base. */
static void
test_uncommitted(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    Digest digests[3];
    g_autoptr(GBytes) a = table_version(0, &digests[0]), b = table_version(1, &digests[1]), c = table_version(2, &digests[2]);

    put_like(writer, a, &digests[0], digests, 0);
    put_like(writer, b, &digests[1], &digests[0], 1);
    commit(writer);
    put_like(writer, c, &digests[2], &digests[1], 1);
    commit(writer);
    g_assert_cmpint(entry_of(store, 1).codec, ==, CODEC_ZSTD);
    g_assert_cmpint(entry_of(store, 2).codec, ==, CODEC_PATCH);
    assert_version(store, 2);
    remove_tree(path);
}

/* P28: what was read before may have been lost since; an object is not made against what needs that object itself. */
static void
test_lost_meanwhile(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GError) error = NULL;
    Digest lost = digest_of_version(0);

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_version_like(store, &SCOPE_OPEN, 1, 0);
    put_version_like(store, &SCOPE_OPEN, 2, 1);
    for (guint version = 0; version < 3; version++)
        assert_version(store, version);
    damage(store, path, 0);
    {
        g_autoptr(Store) other = open_store(path);

        g_assert_true(store_forget(other, &lost, &error));
        g_assert_no_error(error);
    }
    put_version_like(store, &SCOPE_OPEN, 0, 1);
    g_assert_cmpint(entry_of(store, 0).codec, ==, CODEC_ZSTD);
    for (guint version = 0; version < 3; version++)
        assert_version(store, version);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* ---- when it is worth it ---- */

/* @size bytes at random, of which some twentieth part, or @from on all, is other than in @number. */
static GBytes *
altered(guint number, gsize size, gsize from, Digest *digest)
{
    g_autoptr(GBytes) bytes = object(number, size, digest), others = object(number + 1, size, digest);
    guint8 *data = g_memdup2(g_bytes_get_data(bytes, NULL), size);

    memcpy(data + from, (const guint8 *)g_bytes_get_data(others, NULL) + from, size - from);
    digest_of(data, size, digest);
    return g_bytes_new_take(data, size);
}

/* P28: the sizes from which on an object is worth a patch, and what a patch must save of what does not compress. */
static void
test_worth(void)
{
    static const struct {
        gsize size, same;
        Codec codec;
    } cases[] = {
        { 255, 255 - 1, CODEC_STORED }, { 257, 257 - 1, CODEC_PATCH },   { 257, 150, CODEC_STORED },       { 40001, 40000, CODEC_PATCH },
        { 40001, 39000, CODEC_PATCH },  { 40001, 21000, CODEC_PATCH },   { 40001, 19000, CODEC_STORED },   { 40001, 0, CODEC_STORED },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        Digest base, digest;
        g_autoptr(GBytes) bytes = altered(1, cases[i].size, cases[i].same, &digest);

        g_bytes_unref(object(1, cases[i].size, &base));
        fill_store(store, &SCOPE_OPEN, 1, 1, cases[i].size);
        put_object_like(store, &SCOPE_OPEN, bytes, &digest, &base, 1);
        g_assert_cmpint(entry_of_digest(store, &digest).codec, ==, cases[i].codec);
        assert_object(store, &digest);
        remove_tree(path);
    }
}

/* What compresses well by itself is not made into a patch that saves little. */
static void
test_not_worth_it(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Digest base, digest;
    g_autoptr(GBytes) bytes = altered(1, 40000, 10000, &digest);

    g_bytes_unref(object(1, 40000, &base));
    fill_store(store, &SCOPE_OPEN, 1, 1, 40000);
    put_object_like(store, &SCOPE_OPEN, bytes, &digest, &base, 1);
    g_assert_cmpint(entry_of_digest(store, &digest).codec, ==, CODEC_ZSTD);
    remove_tree(path);
}

/* It is asked again while what it said was of little use, and the smaller patch is kept. */
static void
test_attempts(void)
{
    static const struct {
        gsize same[2];
        guint asked;
        int best;       /* -1: whole */
    } cases[] = {
        { { 40000, 0 }, 1, 0 }, { { 0, 40000 }, 2, 1 }, { { 25000, 30000 }, 2, 1 }, { { 30000, 25000 }, 2, 0 }, { { 0, 0 }, 2, -1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        g_autoptr(StoreWriter) writer = NULL;
        g_autoptr(GError) error = NULL;
        Likeness likeness = { .count = 1 };
        Digest digest;
        g_autoptr(GBytes) bytes = object(1, 40001, &digest);

        for (guint n = 0; n < 2; n++) {
            g_autoptr(GBytes) base = altered(1, 40001, cases[i].same[n], &likeness.bases[n][0]);

            put_object_like(store, &SCOPE_OPEN, base, &likeness.bases[n][0], likeness.bases[n], 0);
        }
        writer = open_writer(store, &SCOPE_OPEN);
        g_assert_true(store_writer_put_like(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(bytes, NULL), 40001, say_likeness, &likeness, NULL,
                                            &error));
        commit(writer);
        g_assert_cmpuint(likeness.asked, ==, cases[i].asked);
        g_assert_cmpint(entry_of_digest(store, &digest).codec, ==, cases[i].best < 0 ? CODEC_STORED : CODEC_PATCH);
        if (cases[i].best >= 0) {
            IndexEntry entry = entry_of_digest(store, &digest);
            g_autoptr(GBytes) stored = store_read_entry(store, &entry, &error);
            Digest bases[PATCH_BASES_MAX];
            guint count;

            g_assert_true(stored_patch_bases(g_bytes_get_data(stored, NULL), g_bytes_get_size(stored), bases, &count, &error));
            g_assert_true(digest_equal(&bases[0], &likeness.bases[cases[i].best][0]));
        }
        assert_object(store, &digest);
        remove_tree(path);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patching/small", test_small);
    g_test_add_func("/patching/P26-many-versions", test_many_versions);
    g_test_add_func("/patching/P25-several-bases", test_several_bases);
    g_test_add_func("/patching/P25-odd-bases", test_odd_bases);
    g_test_add_func("/patching/P26-step-back", test_step_back);
    g_test_add_func("/patching/P28-lies", test_lies);
    g_test_add_func("/patching/P26-not-against-itself", test_not_against_itself);
    g_test_add_func("/patching/P28-uncommitted", test_uncommitted);
    g_test_add_func("/patching/P28-lost-meanwhile", test_lost_meanwhile);
    g_test_add_func("/patching/P28-worth", test_worth);
    g_test_add_func("/patching/P28-not-worth-it", test_not_worth_it);
    g_test_add_func("/patching/P28-attempts", test_attempts);
    return g_test_run();
}
