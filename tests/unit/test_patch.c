/* The bytes of a patch, and patches from peers: P13, P25 to P28 of manifests/FORMAT.md. */
#include "tests/unit/patch_fixture.h"

/* ---- bytes ---- */

static void
test_parse(void)
{
    static const struct {
        const char *name;
        guint8 reach, count;
        gsize size;
        int code;       /* -1: none */
    } cases[] = {
        { "P25 nothing", 1, 1, 0, CHAMA_ERROR_MALFORMED },
        { "P25 half a head", 1, 1, 1, CHAMA_ERROR_MALFORMED },
        { "P25 no base", 1, 0, 100, CHAMA_ERROR_MALFORMED },
        { "P25 no base, no reach", 0, 0, 100, CHAMA_ERROR_MALFORMED },
        { "P25 five bases", 5, 5, 400, CHAMA_ERROR_MALFORMED },
        { "P25 255 bases", 30, 255, 9000, CHAMA_ERROR_MALFORMED },
        { "P25 no digest", 1, 1, 2, CHAMA_ERROR_MALFORMED },
        { "P25 half a digest", 1, 1, 20, CHAMA_ERROR_MALFORMED },
        { "P25 no frame", 1, 1, 34, CHAMA_ERROR_MALFORMED },
        { "P25 three of four digests", 4, 4, 2 + 3 * 32 + 10, CHAMA_ERROR_MALFORMED },
        { "P25 no frame after four", 4, 4, 2 + 4 * 32, CHAMA_ERROR_MALFORMED },
        { "P26 no reach", 0, 1, 100, CHAMA_ERROR_LIMIT },
        { "P26 less reach than bases", 3, 4, 200, CHAMA_ERROR_LIMIT },
        { "P26 too much reach", 31, 1, 100, CHAMA_ERROR_LIMIT },
        { "P26 most reach", 255, 1, 100, CHAMA_ERROR_LIMIT },
        { "one", 1, 1, 35, -1 },
        { "four", 4, 4, 2 + 4 * 32 + 1, -1 },
        { "a long way", 30, 1, 100, -1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        /* of its own size, so that a byte too far is seen */
        g_autofree guint8 *bytes = g_malloc0(cases[i].size);
        Patch patch;

        g_test_message("%s", cases[i].name);
        if (cases[i].size > 0)
            bytes[0] = cases[i].reach;
        if (cases[i].size > 1)
            bytes[1] = cases[i].count;
        g_assert_cmpint(patch_parse(bytes, cases[i].size, &patch, &error), ==, cases[i].code < 0);
        if (cases[i].code >= 0) {
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
            continue;
        }
        g_assert_cmpuint(patch.reach, ==, cases[i].reach);
        g_assert_cmpuint(patch.base_count, ==, cases[i].count);
        g_assert_true(patch.delta + patch.delta_size == bytes + cases[i].size);
    }
}

static void
test_head(void)
{
    Digest bases[PATCH_BASES_MAX], read[PATCH_BASES_MAX];
    guint8 bytes[PATCH_HEAD_SIZE + sizeof bases + 3] = { 0 };
    g_autoptr(GError) error = NULL;
    guint count;

    for (guint n = 1; n <= PATCH_BASES_MAX; n++) {
        digest_of(&n, sizeof n, &bases[n - 1]);
        patch_head_format(bases, n, 7, bytes);
        g_assert_true(stored_patch_bases(bytes, patch_head_size(n) + 3, read, &count, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(count, ==, n);
        g_assert_cmpmem(read, n * sizeof *read, bases, n * sizeof *bases);
    }
    g_assert_false(stored_patch_bases(bytes, patch_head_size(PATCH_BASES_MAX), read, &count, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

typedef struct {
    Digest digest;
    GBytes *base, *plain;
    guint8 *delta;
    gsize size;
} Delta;

static Delta
make_delta(void)
{
    Delta delta = { 0 };
    gsize size;

    delta.base = table_version(0, &delta.digest);
    delta.plain = table_version(1, &delta.digest);
    size = g_bytes_get_size(delta.plain);
    delta.delta = g_malloc(size);
    delta.size = codec_patch(g_bytes_get_data(delta.base, NULL), g_bytes_get_size(delta.base), g_bytes_get_data(delta.plain, NULL), size,
                             delta.delta, size);
    g_assert_cmpuint(delta.size, >, 0);
    return delta;
}

static void
delta_clear(Delta *delta)
{
    g_bytes_unref(delta->base);
    g_bytes_unref(delta->plain);
    g_free(delta->delta);
}

/* As @said plain bytes, from @size bytes of delta; -1 or the code of the error. */
static int
expand(const Delta *delta, const guint8 *bytes, gsize size, guint32 said)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *room = g_malloc(said + 1);
    gsize base_size;
    const void *base = g_bytes_get_data(delta->base, &base_size);
    gboolean ok = codec_expand_patch(&delta->digest, base, base_size, said, bytes, size, room, &error);

    g_assert_cmpint(ok, ==, !error);
    if (ok)
        g_assert_true(codec_prove(&delta->digest, room, said, NULL));
    return ok ? -1 : error->code;
}

static void
test_expand(void)
{
    Delta delta = make_delta();
    guint32 size = (guint32)g_bytes_get_size(delta.plain);
    g_autofree guint8 *twice = g_malloc(2 * delta.size);

    g_assert_cmpint(expand(&delta, delta.delta, delta.size, size), ==, -1);
    /* P13: more than stated is a bomb, less is another object */
    g_assert_cmpint(expand(&delta, delta.delta, delta.size, size - 1), ==, CHAMA_ERROR_LIMIT);
    g_assert_cmpint(expand(&delta, delta.delta, delta.size, 1), ==, CHAMA_ERROR_LIMIT);
    g_assert_cmpint(expand(&delta, delta.delta, delta.size, 0), ==, CHAMA_ERROR_LIMIT);
    g_assert_cmpint(expand(&delta, delta.delta, delta.size, size + 1), ==, CHAMA_ERROR_VERIFY);
    /* P25: one frame, whole */
    for (gsize cut = 0; cut < delta.size; cut++) {
        g_autofree guint8 *part = g_memdup2(delta.delta, cut);

        g_assert_cmpint(expand(&delta, part, cut, size), ==, CHAMA_ERROR_MALFORMED);
    }
    memcpy(twice, delta.delta, delta.size);
    memcpy(twice + delta.size, delta.delta, delta.size);
    g_assert_cmpint(expand(&delta, twice, 2 * delta.size, 2 * size), ==, CHAMA_ERROR_MALFORMED);
    g_assert_cmpint(expand(&delta, twice, delta.size + 1, size), ==, CHAMA_ERROR_MALFORMED);
    twice[0] ^= 1;
    g_assert_cmpint(expand(&delta, twice, delta.size, size), ==, CHAMA_ERROR_MALFORMED);
    /* a patch leaves nothing behind in the context */
    g_assert_cmpint(expand(&delta, delta.delta, delta.size, size), ==, -1);
    delta_clear(&delta);
}

/* The prefix is plain bytes, also where they look like a dictionary of zstd's. */
static void
test_dictionary(void)
{
    guint8 base[4096] = { 0x37, 0xa4, 0x30, 0xec, 1, 0, 0, 0 }, plain[4000], room[4000], delta[4000];
    g_autoptr(GError) error = NULL;
    Digest digest;
    gsize size;

    for (guint i = 8; i < sizeof base; i++)
        base[i] = (guint8)(i * 2654435761u >> 13);
    memcpy(plain, base + 96, sizeof plain);
    digest_of(plain, sizeof plain, &digest);
    size = codec_patch(base, sizeof base, plain, sizeof plain, delta, sizeof delta);
    g_assert_cmpuint(size, >, 0);
    g_assert_cmpuint(size, <, 100);
    g_assert_true(codec_expand_patch(&digest, base, sizeof base, sizeof plain, delta, size, room, &error));
    g_assert_cmpmem(room, sizeof room, plain, sizeof plain);
    /* and none of it is for the next frame */
    g_assert_false(codec_expand(&digest, CODEC_ZSTD, sizeof plain, delta, size, room, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_false(codec_expand(&digest, CODEC_PATCH, sizeof plain, delta, size, room, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
}

/* ---- from a peer ---- */

/* Version @version from a peer for @owner: -1 if it is taken, else the code of the error. */
static int
receive(Store *store, const Scope *owner, guint version, GBytes *stored, gint64 more)
{
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) want = table_version(version, &digest), plain = NULL;
    gsize size;
    const void *data = g_bytes_get_data(stored, &size);

    plain = store_open_received(store, owner, &digest, CODEC_PATCH, (guint32)((gint64)g_bytes_get_size(want) + more), data, size, &error);
    if (!plain) {
        g_test_message("%s", error->message);
        return error->code;
    }
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(want, plain));
    return -1;
}

static int
receive_against(Store *store, const Scope *owner, guint version, guint base)
{
    g_autoptr(GBytes) stored = patch_by_hand(version, &base, 1, 1);

    return receive(store, owner, version, stored, 0);
}

/* P28: whether what belongs to another is here cannot be found out. */
static void
test_received_scopes(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_whole_version(store, &scope_a, 1);
    g_assert_cmpint(receive_against(store, &SCOPE_OPEN, 5, 0), ==, -1);
    g_assert_cmpint(receive_against(store, &scope_a, 5, 0), ==, -1);
    g_assert_cmpint(receive_against(store, &scope_a, 5, 1), ==, -1);
    g_assert_cmpint(receive_against(store, &scope_b, 5, 1), ==, CHAMA_ERROR_VERIFY);
    g_assert_cmpint(receive_against(store, &SCOPE_OPEN, 5, 1), ==, CHAMA_ERROR_VERIFY);
    g_assert_cmpint(receive_against(store, &SCOPE_OPEN, 5, 2), ==, CHAMA_ERROR_VERIFY);
    /* one of two is not */
    {
        g_autoptr(GBytes) both = patch_by_hand(5, (const guint[]){ 0, 1 }, 2, 2);

        g_assert_cmpint(receive(store, &SCOPE_OPEN, 5, both, 0), ==, CHAMA_ERROR_VERIFY);
        g_assert_cmpint(receive(store, &scope_a, 5, both, 0), ==, -1);
    }
    /* a mark is enough */
    put_whole_version(store, &scope_b, 1);
    g_assert_cmpint(receive_against(store, &scope_b, 5, 1), ==, -1);
    /* and the bases of a base that is held are nobody's question */
    put_version_like(store, &scope_b, 2, 1);
    g_assert_cmpint(entry_of(store, 2).codec, ==, CODEC_PATCH);
    g_assert_cmpint(receive_against(store, &scope_b, 5, 2), ==, -1);
    remove_tree(path);
}

static void
test_received_refusals(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    guint base = 0;
    g_autoptr(GBytes) good = patch_by_hand(1, &base, 1, 1), other = patch_by_hand(2, &base, 1, 1);
    Digest digest;
    g_autoptr(GBytes) whole = table_version(1, &digest);
    gsize size = g_bytes_get_size(good), plain = g_bytes_get_size(whole);
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(good, 0, size - 1), head = g_bytes_new_from_bytes(good, 0, 34),
                      short_head = g_bytes_new_from_bytes(good, 0, 33);
    g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(good, NULL), size);

    put_whole_version(store, &SCOPE_OPEN, 0);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, good, 0), ==, -1);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, other, 0), ==, CHAMA_ERROR_VERIFY);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, good, -1), ==, CHAMA_ERROR_LIMIT);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, good, 1), ==, CHAMA_ERROR_VERIFY);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, good, OBJECT_SIZE_MAX), ==, CHAMA_ERROR_LIMIT);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, cut, 0), ==, CHAMA_ERROR_MALFORMED);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, head, 0), ==, CHAMA_ERROR_MALFORMED);
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, short_head, 0), ==, CHAMA_ERROR_MALFORMED);
    /* P12: not less than the plain bytes */
    g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, good, -(gint64)(plain - size)), ==, CHAMA_ERROR_MALFORMED);
    memset(bytes + 34, 0x5a, size - 34);
    {
        g_autoptr(GBytes) no_zstd = g_bytes_new(bytes, size);

        g_assert_cmpint(receive(store, &SCOPE_OPEN, 1, no_zstd, 0), ==, CHAMA_ERROR_MALFORMED);
    }
    /* no part of which was taken */
    g_assert_cmpuint(totals_of(store).objects, ==, 1);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* P25: no base of more than 256 KiB; of which the peer is told, not that something here is damaged. */
static void
test_received_large_base(void)
{
    static const gsize sizes[] = { PATCH_BASE_SIZE_MAX - 1, PATCH_BASE_SIZE_MAX + 1 };

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        g_autoptr(GError) error = NULL;
        Digest base_digest, digest;
        g_autoptr(GBytes) base = object(1, sizes[i], &base_digest), plain = NULL, opened = NULL;
        guint8 stored[2000];
        gsize delta;

        fill_store(store, &SCOPE_OPEN, 1, 1, sizes[i]);
        /* a copy: zstd takes no prefix that lies where the bytes do */
        plain = g_bytes_new((const guint8 *)g_bytes_get_data(base, NULL) + 10, 50000);
        digest_of(g_bytes_get_data(plain, NULL), 50000, &digest);
        patch_head_format(&base_digest, 1, 1, stored);
        delta = codec_patch(g_bytes_get_data(base, NULL), sizes[i], g_bytes_get_data(plain, NULL), 50000, stored + 34, sizeof stored - 34);
        g_assert_cmpuint(delta, >, 0);
        opened = store_open_received(store, &SCOPE_OPEN, &digest, CODEC_PATCH, 50000, stored, 34 + delta, &error);
        if (i == 0)
            g_assert_true(g_bytes_equal(plain, opened));
        else
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
        remove_tree(path);
    }
}

/* A base that cannot be read here is this node's trouble, and the peer can send it whole. */
static void
test_received_damaged_base(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);

    put_whole_version(store, &SCOPE_OPEN, 0);
    damage(store, path, 0);
    g_assert_cmpint(receive_against(store, &SCOPE_OPEN, 1, 0), ==, CHAMA_ERROR_DAMAGED);
    remove_tree(path);
}

/* ---- storing what a peer sent ---- */

static void
put_received(Store *store, guint version, GBytes *stored)
{
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) plain = table_version(version, &digest);
    gsize size;
    const void *data = g_bytes_get_data(stored, &size);

    g_assert_cmpint(receive(store, &SCOPE_OPEN, version, stored, 0), ==, -1);
    store_writer_put_stored(writer, OBJECT_CHUNK, &digest, CODEC_PATCH, plain, data, size, NULL, &error);
    g_assert_no_error(error);
    commit(writer);
}

/* P26: what a peer says of reach is true of its store at most. */
static void
test_reach_counted_anew(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);

    put_whole_version(store, &SCOPE_OPEN, 0);
    for (guint version = 1; version < 4; version++) {
        g_autoptr(GBytes) stored = patch_by_hand(version, (const guint[]){ version - 1 }, 1, version == 1 ? 30 : 1);

        put_received(store, version, stored);
        g_assert_cmpint(entry_of(store, version).codec, ==, CODEC_PATCH);
        g_assert_cmpint(entry_of(store, version).reach, ==, version);
    }
    {
        g_autoptr(GBytes) stored = patch_by_hand(9, (const guint[]){ 3, 0, 2, 3 }, 4, 4);

        put_received(store, 9, stored);
        g_assert_cmpint(entry_of(store, 9).reach, ==, 4 + 3 + 0 + 2 + 3);
    }
    store_close(store);
    store = open_store(path);
    for (guint version = 0; version < 4; version++)
        assert_version(store, version);
    assert_version(store, 9);
    g_assert_cmpint(problems(store), ==, 0);
    store_close(store);
    g_assert_cmpint(rebuild(path), ==, 0);
    store = open_store(path);
    g_assert_cmpint(entry_of(store, 9).reach, ==, 12);
    assert_version(store, 9);
    store_close(store);
    remove_tree(path);
}

/* P26: what would need more than 30 is stored whole. */
static void
test_reach_spent(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);

    put_whole_version(store, &SCOPE_OPEN, 0);
    for (guint version = 1; version <= PATCH_REACH_MAX + 2; version++) {
        g_autoptr(GBytes) stored = patch_by_hand(version, (const guint[]){ version - 1 }, 1, 1);

        put_received(store, version, stored);
        g_assert_cmpint(entry_of(store, version).codec, ==, version == PATCH_REACH_MAX + 1 ? CODEC_ZSTD : CODEC_PATCH);
        g_assert_cmpint(entry_of(store, version).reach, ==, version % (PATCH_REACH_MAX + 1));
        assert_version(store, version);
    }
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* For a peer that has the bases, and for one that may not. */
static void
test_sent(void)
{
    g_autofree char *path = temporary_folder(), *other_path = temporary_folder();
    g_autoptr(Store) store = open_store(path), other = open_store(other_path);
    g_autoptr(GError) error = NULL;
    Digest digest, bases[PATCH_BASES_MAX + 1];
    g_autoptr(GBytes) plain = table_version(1, &digest), patch = NULL, opened = NULL;
    gsize size = g_bytes_get_size(plain);
    const void *data = g_bytes_get_data(plain, NULL);
    StoredObject object = { 0 };

    for (guint i = 0; i < G_N_ELEMENTS(bases); i++)
        bases[i] = digest_of_version(0);
    put_whole_version(store, &SCOPE_OPEN, 0);
    put_whole_version(other, &SCOPE_OPEN, 0);
    patch = store_make_patch(store, bases, 1, data, size);
    g_assert_nonnull(patch);
    g_assert_cmpuint(g_bytes_get_size(patch), <, size / 20);
    put_received(other, 1, patch);
    g_assert_cmpint(entry_of(other, 1).codec, ==, CODEC_PATCH);
    g_assert_null(store_make_patch(store, bases, 0, data, size));
    g_assert_null(store_make_patch(store, bases, PATCH_BASES_MAX + 1, data, size));
    g_assert_null(store_make_patch(store, bases, 1, data, 255));
    g_assert_null(store_make_patch(store, &digest, 1, data, size));

    g_assert_true(store_get_stored(other, &digest, &SCOPE_OPEN, &object, &error));
    g_assert_cmpint(object.codec, ==, CODEC_PATCH);
    g_assert_true(store_make_whole(other, &digest, &object, &error));
    g_assert_cmpint(object.codec, ==, CODEC_ZSTD);
    opened = stored_object_open(&digest, object.codec, object.plain_size, g_bytes_get_data(object.stored, NULL), g_bytes_get_size(object.stored),
                                &error);
    g_assert_true(g_bytes_equal(plain, opened));
    stored_object_clear(&object);
    /* nor a patch by itself, whatever else is here */
    g_clear_pointer(&opened, g_bytes_unref);
    opened = stored_object_open(&digest, CODEC_PATCH, (guint32)size, g_bytes_get_data(patch, NULL), g_bytes_get_size(patch), &error);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    remove_tree(path);
    remove_tree(other_path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patch/P25-P26-parse", test_parse);
    g_test_add_func("/patch/P25-head", test_head);
    g_test_add_func("/patch/P13-P25-expand", test_expand);
    g_test_add_func("/patch/P25-dictionary", test_dictionary);
    g_test_add_func("/patch/P28-received-scopes", test_received_scopes);
    g_test_add_func("/patch/P13-P28-received-refusals", test_received_refusals);
    g_test_add_func("/patch/P25-received-large-base", test_received_large_base);
    g_test_add_func("/patch/P27-received-damaged-base", test_received_damaged_base);
    g_test_add_func("/patch/P26-reach-counted-anew", test_reach_counted_anew);
    g_test_add_func("/patch/P26-reach-spent", test_reach_spent);
    g_test_add_func("/patch/P28-sent", test_sent);
    return g_test_run();
}
