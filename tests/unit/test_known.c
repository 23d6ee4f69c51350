/* What two listings have in common is left out of the walk of the second, and nothing that the rules refuse is let through by that. */
#include "page_pool.h"

#include "manifests/listing/known.h"

typedef struct {
    gboolean refused;
    char *message;
    guint items;
    guint64 positions, offset;   /* of the last item */
} Walked;

static void
walked_clear(Walked *walked)
{
    g_clear_pointer(&walked->message, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walked, walked_clear)

/* @known NULL: all of it. */
static Walked
walk(Pool *pool, const Digest *root, KnownPages *known)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(ListingCursor) cursor = listing_cursor_new(root, pool_get, pool, &failure);
    Walked walked = { 0 };
    const Item *item;

    if (known && cursor)
        listing_cursor_leave_out(cursor, known_pages_knows, known);
    while (cursor && listing_cursor_next(cursor, &item, &walked.positions, &walked.offset, &failure))
        walked.items++;
    walked.refused = failure != NULL;
    walked.message = failure ? g_strdup(failure->message) : NULL;
    return walked;
}

static void
learn(KnownPages *known, Pool *pool, const Digest *root)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(known_pages_add(known, root, pool_get, pool, &error));
    g_assert_no_error(error);
}

static void
test_small_change(void)
{
    g_autoptr(GPtrArray) entries = entries_small(60000);
    g_autoptr(KnownPages) known = known_pages_new();
    g_auto(Pool) pool;
    ListingTotals before, after;
    guint all, gets;

    pool_init(&pool);
    before = pool_write(&pool, entries);
    all = pool.puts;
    learn(known, &pool, &before.root);
    g_assert_cmpuint(pool.gets, <, all / 20);
    g_assert_true(known_pages_has_root(known, &before.root));

    g_ptr_array_remove_index(entries, 30000);
    entry_free(entries->pdata[100]);
    entries->pdata[100] = entry_small("county-0001/parcel-00.csv", 999999, 1000);
    after = pool_write(&pool, entries);
    g_assert_false(known_pages_has_root(known, &after.root));
    gets = pool.gets;
    g_auto(Walked) walked = walk(&pool, &after.root, known);
    g_assert_false(walked.refused);
    g_assert_cmpuint(walked.items, >, 0);
    g_assert_cmpuint(walked.items, <, 60000 / 20);
    g_assert_cmpuint(pool.gets - gets, <, all / 10);
}

static void
test_random_changes(void)
{
    for (guint seed = 0; seed < 25; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autoptr(GPtrArray) entries = entries_random(random, 2500);
        g_autoptr(KnownPages) known = known_pages_new();
        g_auto(Pool) pool;
        ListingTotals totals;

        pool_init(&pool);
        for (guint version = 0; version < 4; version++) {
            totals = pool_write(&pool, entries);
            g_auto(Walked) whole = walk(&pool, &totals.root, NULL), part = walk(&pool, &totals.root, known);

            g_assert_false(whole.refused || part.refused);
            g_assert_cmpuint(part.items, <=, whole.items);
            if (part.items == whole.items) {
                g_assert_cmpuint(part.positions, ==, whole.positions);
                g_assert_cmpuint(part.offset, ==, whole.offset);
            }
            learn(known, &pool, &totals.root);
            for (guint i = 0; i < 5 && entries->len > 1; i++)
                g_ptr_array_remove_index(entries, (guint)g_rand_int_range(random, 0, (gint32)entries->len));
        }
    }
}

/* Leaves from which trees are put together in every way.  A letter for the kind ('p' part, 'f' file, 'd' folder), a path, the number of a chunk (of as many
 * bytes), the size of a file. */
typedef struct {
    char kind;
    const char *path;
    guint8 chunk, size;
} Line;

static const Line leaves[][3] = {
    { { 'd', "a" }, { 'f', "b", 7, 7 } },
    { { 'd', "a" }, { 'p', "b", 7 } },
    { { 'f', "a", 3, 3 }, { 'p', "b", 8 } },
    { { 'f', "b", 8, 15 }, { 'd', "c" } },
    { { 'f', "b", 9, 17 }, { 'd', "c" } },
    { { 'f', "b", 8, 8 }, { 'd', "c" } },
    { { 'f', "b", 9, 17 }, { 'p', "c", 5 } },
    { { 'f', "c", 5, 5 }, { 'd', "d" } },
    { { 'f', "c", 6, 11 }, { 'd', "e" } },
    { { 'd', "c/x" }, { 'd', "e" } },
    { { 'd', "d" }, { 'p', "e", 4 } },
    { { 'f', "e", 6, 10 }, { 'd', "g" } },
    { { 'd', "d" }, { 'd', "f" } },
    { { 'd', "A" }, { 'p', "a", 2 } },
    { { 'f', "a", 3, 5 }, { 'p', "b", 7 } },
};

static PageRef
put(Pool *pool, PageBuilder *builder)
{
    PageRef reference;
    g_autoptr(GBytes) page = page_builder_take(builder, &reference);

    pool_put(pool, page, &reference.digest, NULL);
    return reference;
}

static PageRef
put_leaf(Pool *pool, const Line lines[3])
{
    g_autoptr(PageBuilder) builder = page_builder_new(0);

    for (guint i = 0; i < 3 && lines[i].kind; i++) {
        ChunkRef chunk = { .digest = digest_of_number(lines[i].chunk), .size = lines[i].chunk, .run = 1 };
        Item item = { .kind = lines[i].kind == 'p' ? ITEM_PART : lines[i].kind == 'f' ? ITEM_FILE : ITEM_FOLDER, .path = lines[i].path,
                      .size = lines[i].size, .digest = chunk.digest, .chunks = &chunk, .chunk_count = lines[i].chunk ? 1 : 0 };

        g_assert_true(page_builder_add_item(builder, &item));
    }
    return put(pool, builder);
}

static PageRef
put_root(Pool *pool, const PageRef *const *children, guint count)
{
    g_autoptr(PageBuilder) builder = page_builder_new(1);

    for (guint i = 0; i < count; i++)
        g_assert_true(page_builder_add_child(builder, children[i]));
    return put(pool, builder);
}

#define LEAVES G_N_ELEMENTS(leaves)
#define TREES (LEAVES * LEAVES + LEAVES * LEAVES * LEAVES)

/* Every tree of two or three of the leaves; those that a whole walk accepts are good. */
static guint
put_trees(Pool *pool, PageRef pages[LEAVES], Digest roots[TREES], gboolean good[TREES])
{
    guint count = 0;

    for (guint i = 0; i < LEAVES; i++)
        pages[i] = put_leaf(pool, leaves[i]);
    for (guint i = 0; i < LEAVES; i++) {
        for (guint k = 0; k < LEAVES; k++) {
            for (guint l = 0; l <= LEAVES; l++) {
                const PageRef *const children[] = { &pages[i], &pages[k], l < LEAVES ? &pages[l] : NULL };
                PageRef root = put_root(pool, children, l < LEAVES ? 3 : 2);
                g_auto(Walked) walked = walk(pool, &root.digest, NULL);

                roots[count] = root.digest;
                good[count++] = !walked.refused;
                page_ref_clear(&root);
            }
        }
    }
    return count;
}

/* L14, L15, L17, L19: whatever good trees are known, a tree is refused if and only if a whole walk refuses it. */
static void
test_refuses_the_same_L14_L15_L19(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    g_autofree Digest *roots = g_new(Digest, TREES);
    g_autofree gboolean *good = g_new(gboolean, TREES);
    PageRef pages[LEAVES];
    g_auto(Pool) pool;
    guint count, accepted = 0;

    pool_init(&pool);
    count = put_trees(&pool, pages, roots, good);
    for (guint i = 0; i < count; i++)
        accepted += good[i];
    g_assert_cmpuint(accepted, >, 10);
    for (guint round = 0; round < 60; round++) {
        g_autoptr(KnownPages) known = known_pages_new();
        guint learnt = (guint)g_rand_int_range(random, 1, 5);

        for (guint i = 0; i < learnt;) {
            guint tree = (guint)g_rand_int_range(random, 0, (gint32)count);

            if (!good[tree])
                continue;
            learn(known, &pool, &roots[tree]);
            i++;
        }
        for (guint tree = 0; tree < count; tree++) {
            g_auto(Walked) walked = walk(&pool, &roots[tree], known);

            if (walked.refused == good[tree])
                g_error("round %u, tree %u: want it %s, have %s", round, tree, good[tree] ? "accepted" : "refused", walked.message ? walked.message : "it accepted");
        }
    }
    for (guint i = 0; i < LEAVES; i++)
        page_ref_clear(&pages[i]);
}

/* L24: a page that is known under other counts or another path is not known. */
static void
test_another_reference_L24(void)
{
    g_autoptr(KnownPages) known = known_pages_new();
    g_auto(Pool) pool;
    PageRef pages[2], root, changed;

    pool_init(&pool);
    pages[0] = put_leaf(&pool, leaves[0]);
    pages[1] = put_leaf(&pool, leaves[7]);
    root = put_root(&pool, (const PageRef *const[]){ &pages[0], &pages[1] }, 2);
    learn(known, &pool, &root.digest);
    g_assert_true(known_pages_has(known, 0, &pages[1]));
    g_assert_false(known_pages_has(known, 1, &pages[1]));
    for (guint i = 0; i < 5; i++) {
        changed = pages[1];
        changed.items += i == 0;
        changed.files += i == 1;
        changed.positions += i == 2;
        changed.bytes += i == 3;
        if (i == 4)
            changed.path = "cc";
        g_assert_false(known_pages_has(known, 0, &changed));
    }
    page_ref_clear(&pages[0]);
    page_ref_clear(&pages[1]);
    page_ref_clear(&root);
}

static void
test_missing_page(void)
{
    g_autoptr(GPtrArray) entries = entries_small(60000);
    g_autoptr(KnownPages) known = known_pages_new();
    g_autoptr(GError) error = NULL;
    g_auto(Pool) pool;
    ListingTotals totals;

    pool_init(&pool);
    totals = pool_write(&pool, entries);
    g_hash_table_remove(pool.pages, &totals.root);
    g_assert_false(known_pages_add(known, &totals.root, pool_get, &pool, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(known_pages_has_root(known, &totals.root));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/known/small-change", test_small_change);
    g_test_add_func("/known/random-changes", test_random_changes);
    g_test_add_func("/known/refuses-the-same-L14-L15-L19", test_refuses_the_same_L14_L15_L19);
    g_test_add_func("/known/another-reference-L24", test_another_reference_L24);
    g_test_add_func("/known/missing-page", test_missing_page);
    return g_test_run();
}
