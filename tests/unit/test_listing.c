#include "page_pool.h"

/* Chunks of a file as the cursor gives them, joined over its items. */
typedef struct {
    GArray *chunks;
    guint64 bytes, position;
} Walk;

static void
append_joined(GArray *chunks, const ChunkRef *chunk)
{
    ChunkRef *last = chunks->len > 0 ? &g_array_index(chunks, ChunkRef, chunks->len - 1) : NULL;

    if (last && digest_equal(&last->digest, &chunk->digest))
        last->run += chunk->run;
    else
        g_array_append_val(chunks, *chunk);
}

static void
assert_same_chunks(const GArray *have, const GArray *plain)
{
    g_autoptr(GArray) want = g_array_new(FALSE, FALSE, sizeof(ChunkRef));

    for (guint i = 0; i < plain->len; i++)
        append_joined(want, &g_array_index(plain, ChunkRef, i));
    g_assert_cmpuint(have->len, ==, want->len);
    for (guint i = 0; i < want->len; i++) {
        const ChunkRef *a = &g_array_index(have, ChunkRef, i), *b = &g_array_index(want, ChunkRef, i);

        g_assert_true(digest_equal(&a->digest, &b->digest));
        g_assert_cmpuint(a->size, ==, b->size);
        g_assert_cmpuint(a->run, ==, b->run);
    }
}

static void
walk_item(Walk *walk, const Item *item, guint64 position, guint64 offset)
{
    g_assert_cmpuint(position, ==, walk->position);
    g_assert_cmpuint(offset, ==, walk->bytes);
    for (guint i = 0; i < item->chunk_count; i++) {
        /* L17: nothing is left to join */
        guint before = walk->chunks->len;

        append_joined(walk->chunks, &item->chunks[i]);
        g_assert_cmpuint(walk->chunks->len, ==, before + 1);
        walk->bytes += item->chunks[i].size * item->chunks[i].run;
    }
    walk->position += item->chunk_count;
}

static void
assert_entry(Walk *walk, const Item *item, const Entry *entry)
{
    g_assert_cmpstr(item->path, ==, entry->path);
    g_assert_cmpint(item->kind, ==, entry->kind);
    g_assert_cmpstr(item->target, ==, entry->target);
    if (entry->chunks) {
        g_assert_cmpuint(item->size, ==, entry->size);
        g_assert_cmpuint(walk->bytes, ==, entry->size);
        g_assert_true(digest_equal(&item->digest, &entry->digest));
        assert_same_chunks(walk->chunks, entry->chunks);
    }
    g_array_set_size(walk->chunks, 0);
    walk->bytes = 0;
}

/* The cursor gives exactly @entries. */
static void
assert_listing(Pool *pool, const ListingTotals *totals, GPtrArray *entries)
{
    g_autoptr(GArray) chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    g_autoptr(GError) error = NULL;
    g_autoptr(ListingCursor) cursor = listing_cursor_new(&totals->root, pool_get, pool, &error);
    Walk walk = { .chunks = chunks };
    guint64 position, offset, items = 0;
    const Item *item;
    guint next = 0;

    g_assert_no_error(error);
    for (; listing_cursor_next(cursor, &item, &position, &offset, &error); items++) {
        walk_item(&walk, item, position, offset);
        if (item->kind != ITEM_PART)
            assert_entry(&walk, item, entries->pdata[next++]);
    }
    g_assert_no_error(error);
    g_assert_cmpuint(next, ==, entries->len);
    g_assert_cmpuint(items, ==, totals->items);
    g_assert_cmpuint(walk.position, ==, totals->positions);
    g_assert_false(listing_cursor_next(cursor, &item, NULL, NULL, &error));
    g_assert_no_error(error);
}

static void
test_model(void)
{
    for (guint32 seed = 1; seed <= 12; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autoptr(GPtrArray) entries = entries_random(random, 1u << seed);
        g_auto(Pool) pool;
        ListingTotals totals;

        pool_init(&pool);
        totals = pool_write(&pool, entries);
        assert_listing(&pool, &totals, entries);
        g_assert_cmpuint(totals.files + totals.links + totals.folders, ==, entries->len);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listing/model", test_model);
    return g_test_run();
}
