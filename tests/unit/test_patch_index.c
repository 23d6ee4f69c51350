/* The index where objects are patches, made anew from packs in whatever order, and what fsck tells: P18, P22, P23, P26, P27 of manifests/FORMAT.md. */
#include "tests/unit/patch_fixture.h"

/* ---- in any order ---- */

static guint64
next_id(guint64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* P22: of copies the one of less reach counts wherever it lies, and each is held for the scope of each pack that has it. */
static void
test_copies_in_any_order(void)
{
    guint64 seed = 1;

    for (guint round = 0; round < 24; round++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = NULL;
        RawPack whole = raw_pack(next_id(&seed), &SCOPE_OPEN), a = raw_pack(next_id(&seed), &scope_a), b = raw_pack(next_id(&seed), &scope_b),
                c = raw_pack(next_id(&seed), &SCOPE_OPEN);
        Digest one = digest_of_version(1), two = digest_of_version(2);

        raw_pack_add(&whole, 0, CODEC_STORED, NULL);
        raw_pack_add(&whole, 1, CODEC_STORED, NULL);
        raw_pack_add_patch(&a, 1, 0, 1);
        raw_pack_add_patch(&a, 2, 1, 2);
        raw_pack_add_patch(&b, 2, 0, 1);
        raw_pack_add_patch(&b, 1, 2, 2);
        /* in one pack, either before the other */
        raw_pack_add_patch(&c, 2, 1, round % 2 ? 1 : 3);
        raw_pack_add_patch(&c, 2, 1, round % 2 ? 3 : 1);
        raw_pack_write(&whole, path);
        raw_pack_write(&a, path);
        raw_pack_write(&b, path);
        raw_pack_write(&c, path);
        if (round % 3)
            g_assert_cmpint(rebuild(path), ==, 0);
        store = open_store(path);
        g_assert_cmpint(entry_of(store, 1).codec, ==, CODEC_STORED);
        g_assert_cmpint(entry_of(store, 2).reach, ==, 1);
        for (guint version = 0; version < 3; version++)
            assert_version(store, version);
        g_assert_true(store_has(store, &one, &scope_a) && store_has(store, &one, &scope_b) && store_has(store, &one, &SCOPE_OPEN));
        g_assert_true(store_has(store, &two, &scope_a) && store_has(store, &two, &scope_b) && store_has(store, &two, &SCOPE_OPEN));
        g_assert_cmpint(problems(store), ==, 0);
        g_assert_cmpuint(totals_of(store).objects, ==, 3);
        remove_tree(path);
    }
}

/* P22: an object that is held as a patch for one owner, then whole for another, is held for both and for nobody else. */
static void
test_superseded_scope(void)
{
    for (guint order = 0; order < 2; order++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = NULL;
        RawPack base = raw_pack(9, &SCOPE_OPEN), patch = raw_pack(order ? 1 : 2, &scope_a), whole = raw_pack(order ? 2 : 1, &scope_b);
        Digest digest = digest_of_version(1);

        raw_pack_add(&base, 0, CODEC_STORED, NULL);
        raw_pack_add_patch(&patch, 1, 0, 1);
        raw_pack_add(&whole, 1, CODEC_STORED, NULL);
        raw_pack_write(&base, path);
        raw_pack_write(&patch, path);
        raw_pack_write(&whole, path);
        store = open_store(path);
        for (guint round = 0; round < 2; round++) {
            g_assert_cmpint(entry_of(store, 1).codec, ==, CODEC_STORED);
            g_assert_true(store_has(store, &digest, &scope_a));
            g_assert_true(store_has(store, &digest, &scope_b));
            g_assert_false(store_has(store, &digest, &SCOPE_OPEN));
            g_assert_cmpint(problems(store), ==, 0);
            g_clear_pointer(&store, store_close);
            g_assert_cmpint(rebuild(path), ==, 0);
            store = open_store(path);
        }
        remove_tree(path);
    }
}

/* The same among writers that live: the second to commit has the whole object, or the first. */
static void
test_superseded_while_writing(void)
{
    for (guint order = 0; order < 2; order++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        Digest digest = digest_of_version(1), base = digest_of_version(0);
        g_autoptr(GBytes) bytes = table_version(1, &digest);

        put_whole_version(store, &SCOPE_OPEN, 0);
        {
            g_autoptr(StoreWriter) patch = open_writer(store, &scope_a), whole = open_writer(store, &scope_b);

            put_like(patch, bytes, &digest, &base, 1);
            put_like(whole, bytes, &digest, &base, 0);
            commit(order ? patch : whole);
            g_assert_cmpint(entry_of(store, 1).codec, ==, order ? CODEC_PATCH : CODEC_ZSTD);
            commit(order ? whole : patch);
        }
        g_assert_cmpint(entry_of(store, 1).codec, ==, CODEC_ZSTD);
        g_assert_true(store_has(store, &digest, &scope_a) && store_has(store, &digest, &scope_b));
        g_assert_cmpuint(totals_of(store).objects, ==, 2);
        g_assert_cmpint(problems(store), ==, 0);
        assert_version(store, 1);
        remove_tree(path);
    }
}

/* P26: what no order of packs explains is damage, and nothing that anyone waits for. */
static void
test_circles(void)
{
    guint64 seed = 77;

    for (guint round = 0; round < 6; round++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = NULL;
        RawPack a = raw_pack(next_id(&seed), &SCOPE_OPEN), b = raw_pack(next_id(&seed), &SCOPE_OPEN);

        raw_pack_add_patch(&a, 0, 1, 1 + round % 3);
        raw_pack_add_patch(&b, 1, 0, 1 + round / 3);
        raw_pack_write(&a, path);
        raw_pack_write(&b, path);
        store = open_store(path);
        assert_no_version(store, 0, CHAMA_ERROR_DAMAGED);
        assert_no_version(store, 1, CHAMA_ERROR_DAMAGED);
        g_assert_cmpint(problems(store), ==, 2);
        /* one of them stored anew, and both can be read */
        {
            g_autoptr(GError) error = NULL;
            Digest digest = digest_of_version(0);

            g_assert_true(store_forget(store, &digest, &error));
            put_version_like(store, &SCOPE_OPEN, 0, 1);
            assert_version(store, 0);
            assert_version(store, 1);
            g_assert_cmpint(problems(store), ==, 0);
        }
        remove_tree(path);
    }
}

/* Against itself, and with four bases that are all itself. */
static void
test_itself(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = NULL;
    RawPack pack = raw_pack(5, &SCOPE_OPEN);
    g_autoptr(GBytes) four = patch_by_hand(1, (const guint[]){ 1, 1, 1, 1 }, 4, 30);

    raw_pack_add_patch(&pack, 0, 0, 1);
    raw_pack_add(&pack, 1, CODEC_PATCH, four);
    raw_pack_write(&pack, path);
    store = open_store(path);
    assert_no_version(store, 0, CHAMA_ERROR_DAMAGED);
    assert_no_version(store, 1, CHAMA_ERROR_DAMAGED);
    g_assert_cmpint(problems(store), ==, 2);
    remove_tree(path);
}

/* ---- salvage ---- */

/* P18: what a writer left that died: patches, one of them torn, one that is no patch, one of which nobody has the base. */
static void
test_salvage(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    RawPack pack = raw_pack(5, &SCOPE_OPEN);
    g_autoptr(GBytes) no_patch = g_bytes_new_static("\0\0no patch at all, though its checksum holds", 44);
    guint whole;

    put_whole_version(store, &SCOPE_OPEN, 0);
    g_clear_pointer(&store, store_close);
    raw_pack_add_patch(&pack, 1, 0, 1);
    raw_pack_add_patch(&pack, 2, 1, 2);
    raw_pack_add(&pack, 3, CODEC_PATCH, no_patch);
    raw_pack_add_patch(&pack, 4, 30, 1);
    raw_pack_add_patch(&pack, 5, 0, 1);
    whole = pack.bytes->len;
    raw_pack_add_patch(&pack, 6, 0, 1);
    g_byte_array_set_size(pack.bytes, (whole + pack.bytes->len) / 2);
    raw_pack_write(&pack, path);
    store = open_store(path);
    for (guint version = 0; version < 3; version++)
        assert_version(store, version);
    g_assert_cmpint(entry_of(store, 2).reach, ==, 2);
    assert_no_version(store, 3, CHAMA_ERROR_NOT_FOUND);
    /* P27: or nobody would bring it again */
    assert_no_version(store, 4, CHAMA_ERROR_NOT_FOUND);
    assert_version(store, 5);
    assert_no_version(store, 6, CHAMA_ERROR_NOT_FOUND);
    /* the one that is no patch */
    g_assert_cmpint(problems(store), ==, 1);
    g_assert_cmpuint(totals_of(store).objects, ==, 4);
    g_clear_pointer(&store, store_close);
    g_assert_cmpint(rebuild(path), ==, 2);
    store = open_store(path);
    assert_version(store, 5);
    assert_no_version(store, 4, CHAMA_ERROR_NOT_FOUND);
    /* the base comes, and is all that was wanting */
    put_whole_version(store, &SCOPE_OPEN, 30);
    g_clear_pointer(&store, store_close);
    g_assert_cmpint(rebuild(path), ==, 1);
    store = open_store(path);
    assert_version(store, 4);
    remove_tree(path);
}

/* P27: a base that an index made anew leaves out takes with it what was made against it, and what was made against that. */
static void
test_rebuild_without_a_base(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_whole_version(store, &SCOPE_OPEN, 60);
    put_version_like(store, &SCOPE_OPEN, 1, 0);
    put_version_like(store, &scope_a, 2, 1);
    put_version_like(store, &SCOPE_OPEN, 61, 60);
    damage(store, path, 0);
    store_close(store);
    g_assert_cmpint(rebuild(path), >=, 3);
    store = open_store(path);
    for (guint version = 0; version < 3; version++)
        assert_no_version(store, version, CHAMA_ERROR_NOT_FOUND);
    assert_version(store, 61);
    put_whole_version(store, &SCOPE_OPEN, 1);
    assert_version(store, 1);
    store_close(store);
    remove_tree(path);
}

/* ---- fsck ---- */

/* P27: a base that is damaged, or is not here any more, is told for each object that needs it. */
static void
test_told_for_each(void)
{
    for (guint kind = 0; kind < 2; kind++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        g_autoptr(GError) error = NULL;
        Digest base = digest_of_version(0);

        put_whole_version(store, &SCOPE_OPEN, 0);
        put_whole_version(store, &SCOPE_OPEN, 60);
        put_version_like(store, &SCOPE_OPEN, 1, 0);
        put_version_like(store, &scope_a, 2, 1);
        put_version_like(store, &SCOPE_OPEN, 3, 0);
        put_version_like(store, &SCOPE_OPEN, 61, 60);
        for (guint version = 0; version < 4; version++)
            assert_version(store, version);
        damage(store, path, 0);
        if (kind == 1)
            g_assert_true(store_forget(store, &base, &error));
        /* also by who had read it before */
        g_assert_cmpint(problems(store), ==, 4 - (gint)kind);
        g_clear_pointer(&store, store_close);
        store = open_store(path);
        g_assert_cmpint(problems(store), ==, 4 - (gint)kind);
        for (guint version = 1; version < 4; version++)
            assert_no_version(store, version, CHAMA_ERROR_DAMAGED);
        assert_version(store, 61);
        remove_tree(path);
    }
}

/* Each byte of a patch. */
static void
test_every_bit(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    char name[PACK_NAME_SIZE];
    g_autofree char *pack = NULL;
    IndexEntry entry;

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_version_like(store, &SCOPE_OPEN, 1, 0);
    entry = entry_of(store, 1);
    pack = g_build_filename(path, "packs", pack_name_format(entry.pack, name), NULL);
    for (gint64 at = 0; at < FRAME_HEADER_SIZE + 2 + 32 + 40; at++) {
        flip_bit(pack, (gint64)entry.offset + at, (guint)at % 8);
        g_assert_cmpint(problems(store), ==, 1);
        assert_no_version(store, 1, CHAMA_ERROR_DAMAGED);
        flip_bit(pack, (gint64)entry.offset + at, (guint)at % 8);
    }
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* P21: another reach in the index than in the patch. */
static void
test_wrong_reach(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GError) error = NULL;
    IndexEntry entry;

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_version_like(store, &SCOPE_OPEN, 1, 0);
    put_version_like(store, &SCOPE_OPEN, 2, 1);
    entry = entry_of(store, 1);
    {
        g_autoptr(Index) index = store_index(store);
        g_autoptr(IndexChange) change = index_change_begin(index, &error);
        PackPiece piece = {
            .offset = entry.offset,
            .frame = { .kind = entry.kind, .codec = entry.codec, .stored_size = entry.stored_size, .plain_size = entry.plain_size,
                       .digest = entry.digest, .reach = 7 },
        };
        PackHeader header = { .id = entry.pack };
        IndexPack pack;

        g_assert_true(index_change_remove(change, &entry.digest, &error));
        g_assert_true(index_change_open_pack(change, &header, &pack, &error));
        g_assert_true(index_change_add(change, &pack, &piece, 0, &error));
        g_assert_true(index_change_put_pack(change, &pack, &error));
        g_assert_true(index_change_commit(change, &error));
        g_assert_no_error(error);
    }
    g_assert_cmpint(entry_of(store, 1).reach, ==, 7);
    g_clear_pointer(&store, store_close);
    store = open_store(path);
    assert_no_version(store, 1, CHAMA_ERROR_DAMAGED);
    g_assert_cmpint(problems(store), ==, 2);
    g_clear_pointer(&store, store_close);
    g_assert_cmpint(rebuild(path), ==, 0);
    store = open_store(path);
    assert_version(store, 2);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patch-index/P22-copies-in-any-order", test_copies_in_any_order);
    g_test_add_func("/patch-index/P22-superseded-scope", test_superseded_scope);
    g_test_add_func("/patch-index/P22-superseded-while-writing", test_superseded_while_writing);
    g_test_add_func("/patch-index/P26-circles", test_circles);
    g_test_add_func("/patch-index/P26-itself", test_itself);
    g_test_add_func("/patch-index/P18-salvage", test_salvage);
    g_test_add_func("/patch-index/P27-rebuild-without-a-base", test_rebuild_without_a_base);
    g_test_add_func("/patch-index/P27-told-for-each", test_told_for_each);
    g_test_add_func("/patch-index/P7-every-bit", test_every_bit);
    g_test_add_func("/patch-index/P21-wrong-reach", test_wrong_reach);
    return g_test_run();
}
