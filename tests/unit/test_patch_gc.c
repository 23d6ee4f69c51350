/* Garbage collection where objects are patches: P19 and P27 of manifests/FORMAT.md. */
#include "tests/unit/patch_fixture.h"

/* Versions that are named as live, in this order; which of them were fresh. */
typedef struct {
    guint count, versions[8];
    gboolean fresh[8];
} Live;

static gboolean
mark_live(GcMarks *marks, gpointer data, GError **error)
{
    Live *live = data;

    for (guint i = 0; i < live->count; i++) {
        Digest digest = digest_of_version(live->versions[i]);

        if (!gc_mark_add(marks, &digest, &live->fresh[i], error))
            return FALSE;
    }
    return TRUE;
}

static GcTotals
gc(Store *store, Live *live, gboolean dry_run)
{
    g_autoptr(GError) error = NULL;
    GcTotals totals;

    store_gc(store, dry_run, mark_live, live, NULL, &totals, &error);
    g_assert_no_error(error);
    return totals;
}

/* Version 0 whole, each other one against the one before, each in a pack of its own with something that nobody wants. */
static void
put_chain(Store *store, guint count)
{
    for (guint version = 0; version < count; version++) {
        g_autoptr(StoreWriter) writer = open_writer(store, version % 2 ? &scope_a : &SCOPE_OPEN);
        Digest digest, base = digest_of_version(version > 0 ? version - 1 : 0);
        g_autoptr(GBytes) bytes = table_version(version, &digest);

        put(writer, version, 1001);
        put_like(writer, bytes, &digest, &base, version > 0);
        commit(writer);
    }
}

/* The versions in the bits of @here can be read, and no other is there; also after the store was closed, and its index made anew. */
static void
assert_held(Store **store, const char *path, guint count, guint here)
{
    for (guint round = 0; round < 3; round++) {
        for (guint version = 0; version < count; version++) {
            if (here >> version & 1)
                assert_version(*store, version);
            else
                assert_no_version(*store, version, CHAMA_ERROR_NOT_FOUND);
        }
        g_assert_cmpint(problems(*store), ==, 0);
        g_clear_pointer(store, store_close);
        if (round == 1)
            g_assert_cmpint(rebuild(path), ==, 0);
        *store = open_store(path);
    }
}

/* P27: bases live as long as what is made against them, though nobody names them; then they go. */
static void
test_chain(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Live last = { 1, { 5 } }, middle = { 1, { 2 } }, none = { 0 };
    GcTotals dry, totals;

    put_chain(store, 7);
    dry = gc(store, &last, TRUE);
    for (guint version = 0; version < 7; version++)
        assert_version(store, version);
    totals = gc(store, &last, FALSE);
    g_assert_cmpuint(totals.objects_freed, ==, 7 + 1);
    g_assert_cmpuint(dry.objects_freed, ==, totals.objects_freed);
    g_assert_cmpuint(dry.bytes_freed, ==, totals.bytes_freed);
    g_assert_cmpuint(dry.packs_rewritten, ==, totals.packs_rewritten);
    g_assert_cmpuint(totals.packs_rewritten, ==, 6);
    g_assert_cmpuint(totals.packs_removed, ==, 1);
    assert_held(&store, path, 7, 0x3f);
    totals = gc(store, &middle, FALSE);
    g_assert_cmpuint(totals.objects_freed, ==, 3);
    assert_held(&store, path, 7, 0x07);
    totals = gc(store, &none, FALSE);
    g_assert_cmpuint(totals.objects_freed, ==, 3);
    g_assert_cmpuint(totals.bytes_kept, ==, 0);
    assert_held(&store, path, 7, 0);
    remove_tree(path);
}

/* A base of several, and several bases of one. */
static void
test_shared_bases(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Digest digest, bases[2] = { digest_of_version(0), digest_of_version(50) };
    g_autoptr(GBytes) bytes = table_version(1, &digest);
    Live both = { 2, { 1, 2 } }, two = { 1, { 2 } };

    put_whole_version(store, &SCOPE_OPEN, 0);
    put_whole_version(store, &scope_b, 50);
    put_object_like(store, &SCOPE_OPEN, bytes, &digest, bases, 2);
    put_version_like(store, &scope_a, 2, 0);
    gc(store, &both, FALSE);
    assert_version(store, 50);
    assert_held(&store, path, 3, 0x7);
    gc(store, &two, FALSE);
    assert_no_version(store, 50, CHAMA_ERROR_NOT_FOUND);
    assert_held(&store, path, 3, 0x5);
    remove_tree(path);
}

/* Whoever names a page looks below it unless it was named before: to live as a base is not to be named. */
static void
test_base_is_fresh(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Live live = { 6, { 2, 1, 1, 0, 2, 0 } };

    put_chain(store, 3);
    gc(store, &live, FALSE);
    for (guint i = 0; i < 6; i++)
        g_assert_cmpint(live.fresh[i], ==, i == 0 || i == 1 || i == 3);
    remove_tree(path);
}

/* Small packs are put together, and what lies in them finds its bases where they are now. */
static void
test_joined_packs(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    Live live = { 1, { 24 } };

    put_chain(store, 25);
    gc(store, &live, FALSE);
    g_assert_cmpuint(totals_of(store).packs, ==, 2);
    g_assert_cmpuint(totals_of(store).objects, ==, 25);
    assert_held(&store, path, 25, 0x1ffffff);
    remove_tree(path);
}

/* A patch that is damaged needs nothing any more, and is no reason to stop; one of which the base is damaged still has the rest. */
static void
test_damaged(void)
{
    for (guint damaged = 0; damaged < 3; damaged++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        Live live = { 1, { 2 } };

        for (guint version = 0; version < 3; version++) {
            if (version == 0)
                put_whole_version(store, &SCOPE_OPEN, version);
            else
                put_version_like(store, &SCOPE_OPEN, version, version - 1);
        }
        damage(store, path, damaged);
        g_clear_pointer(&store, store_close);
        store = open_store(path);
        gc(store, &live, FALSE);
        assert_no_version(store, 2, CHAMA_ERROR_DAMAGED);
        if (damaged == 2)
            assert_no_version(store, 1, CHAMA_ERROR_NOT_FOUND);
        else if (damaged == 0)
            assert_no_version(store, 1, CHAMA_ERROR_DAMAGED);
        if (damaged > 0)
            assert_no_version(store, 0, CHAMA_ERROR_NOT_FOUND);
        g_assert_cmpint(problems(store), ==, 3 - damaged);
        remove_tree(path);
    }
}

/* P26: a base that was lost and came again may be a patch itself, with more reach than there was.  All can still be read, in whatever order they are
 * named to gc. */
static void
test_more_reach_than_before(void)
{
    static const Live orders[] = { { 2, { 2, 1 } }, { 2, { 1, 2 } }, { 1, { 2 } } };

    for (guint i = 0; i < G_N_ELEMENTS(orders); i++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        g_autoptr(GError) error = NULL;
        Digest lost = digest_of_version(1);
        Live live = orders[i];

        put_whole_version(store, &SCOPE_OPEN, 0);
        put_whole_version(store, &SCOPE_OPEN, 1);
        put_version_like(store, &SCOPE_OPEN, 2, 1);
        damage(store, path, 1);
        g_assert_true(store_forget(store, &lost, &error));
        assert_no_version(store, 2, CHAMA_ERROR_DAMAGED);
        put_version_like(store, &SCOPE_OPEN, 1, 0);
        g_assert_cmpint(entry_of(store, 1).reach, ==, 1);
        g_assert_cmpint(entry_of(store, 2).reach, ==, 1);
        assert_version(store, 2);
        gc(store, &live, FALSE);
        assert_held(&store, path, 3, 0x7);
        remove_tree(path);
    }
}

/* The index says where it lies, and another is there: no step of gc goes round for ever. */
static void
test_circle(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = NULL;
    RawPack pack = raw_pack(1, &SCOPE_OPEN);
    Live live = { 2, { 0, 1 } };

    raw_pack_add_patch(&pack, 0, 1, 1);
    raw_pack_add_patch(&pack, 1, 2, 1);
    raw_pack_add_patch(&pack, 2, 0, 1);
    raw_pack_write(&pack, path);
    store = open_store(path);
    for (guint version = 0; version < 3; version++)
        assert_no_version(store, version, CHAMA_ERROR_DAMAGED);
    g_assert_cmpint(problems(store), ==, 3);
    gc(store, &live, FALSE);
    g_assert_cmpuint(totals_of(store).objects, ==, 3);
    /* nor does anything new come to depend on it */
    put_version_like(store, &SCOPE_OPEN, 4, 0);
    g_assert_cmpint(entry_of(store, 4).codec, ==, CODEC_ZSTD);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patch-gc/P27-chain", test_chain);
    g_test_add_func("/patch-gc/P27-shared-bases", test_shared_bases);
    g_test_add_func("/patch-gc/P27-base-is-fresh", test_base_is_fresh);
    g_test_add_func("/patch-gc/P19-joined-packs", test_joined_packs);
    g_test_add_func("/patch-gc/P27-damaged", test_damaged);
    g_test_add_func("/patch-gc/P26-more-reach-than-before", test_more_reach_than_before);
    g_test_add_func("/patch-gc/P26-circle", test_circle);
    return g_test_run();
}
