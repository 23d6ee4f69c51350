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

static void
write_file(ListingWriter *writer, const char *path, gboolean executable, const void *data, gsize size, gsize chunk)
{
    g_autoptr(GError) error = NULL;
    Digest digest;

    listing_writer_begin_file(writer, path, &error);
    for (gsize at = 0; at < size; at += chunk) {
        ChunkRef reference = { .size = (guint32)MIN(chunk, size - at), .run = 1 };

        digest_of((const guint8 *)data + at, reference.size, &reference.digest);
        listing_writer_chunk(writer, &reference, &error);
        g_assert_no_error(error);
    }
    digest_of(data, size, &digest);
    listing_writer_end_file(writer, executable, size, &digest, &error);
    g_assert_no_error(error);
}

/* The example of manifests/FORMAT.md, part 4. */
static void
test_example(void)
{
    static const char want[] =
        "63686c3100010502000762696e2f72756e0a0114a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e330"
        "5abf01000a646174612f656d7074790000010508686f6c652e696d67848020028180208a39d2abd3999ab73c34db2476849c"
        "ddf303ce389b35826850f9a700589b4a90000848332fe667bc51ac4a51ba0efe734441c90def55c60a26d7db275ecbbcf42f"
        "154714b0c2644a19a683f6c5ae078cfee907ba595cc4494549d2600a880d3287260305066c617465737408686f6c652e696d"
        "670400036f6c64";
    g_auto(Pool) pool;
    g_autoptr(ListingWriter) writer = listing_writer_new(pool_put, &pool);
    g_autofree guint8 *hole = g_malloc0(2 * CHUNK_SIZE_MAX + 4);
    g_autoptr(GError) error = NULL;
    GString *have = g_string_new(NULL);
    ListingTotals totals;
    const guint8 *bytes;
    gsize size;

    pool_init(&pool);
    memcpy(hole + 2 * CHUNK_SIZE_MAX, "end\n", 4);
    write_file(writer, "bin/run", TRUE, "#!/bin/sh\n", 10, CHUNK_SIZE_MAX);
    write_file(writer, "data/empty", FALSE, "", 0, CHUNK_SIZE_MAX);
    write_file(writer, "data/hole.img", FALSE, hole, 2 * CHUNK_SIZE_MAX + 4, CHUNK_SIZE_MAX);
    g_assert_true(listing_writer_link(writer, "data/latest", "hole.img", &error));
    g_assert_true(listing_writer_folder(writer, "old", &error));
    g_assert_true(listing_writer_finish(writer, &totals, &error));
    bytes = g_bytes_get_data(g_hash_table_lookup(pool.pages, &totals.root), &size);
    for (gsize i = 0; i < size; i++)
        g_string_append_printf(have, "%02x", bytes[i]);
    g_assert_cmpstr(have->str, ==, want);
    g_string_free(have, TRUE);
    g_assert_cmpuint(totals.files, ==, 3);
    g_assert_cmpuint(totals.links, ==, 1);
    g_assert_cmpuint(totals.folders, ==, 1);
}

static void
assert_root(Pool *pool, GPtrArray *entries, const char *want)
{
    ListingTotals totals = pool_write(pool, entries);
    char hex[DIGEST_HEX_SIZE];

    g_assert_cmpstr(digest_format_hex(&totals.root, hex), ==, want);
}

/* A file of @count chunks, without the one at @missing. */
static Entry *
entry_long(guint count, guint missing)
{
    Entry *entry = entry_small("long", 0, 4096);

    entry->digest = digest_of_number(missing);
    for (guint i = 1; i < count; i++) {
        ChunkRef chunk = { .digest = digest_of_number(i), .size = 4096 + i % 1000, .run = 1 };

        if (i == missing)
            continue;
        g_array_append_val(entry->chunks, chunk);
        entry->size += chunk.size;
    }
    return entry;
}

/* Roots that a second writer, made from the document alone, gave for the same entries. */
static void
test_known_roots_L25_L26(void)
{
    g_autoptr(GPtrArray) small = entries_small(30000), one = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    g_auto(Pool) pool;

    pool_init(&pool);
    assert_root(&pool, small, "10a0ec59d970aea3fc4a0eb69258bfd33f324fc9202594a85586c72b3d57e099");
    g_ptr_array_add(one, entry_long(60000, 0));
    assert_root(&pool, one, "8595f5a8547a9a81af7290aa914e6fd0df86c90c90382b3a21bbce3414fca722");
}

/* I9: the same files, the same root, however their runs of chunks were told. */
static void
test_same_root_I9(void)
{
    for (guint32 seed = 1; seed <= 4; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autoptr(GPtrArray) entries = entries_random(random, 500);
        g_auto(Pool) pool;
        ListingTotals one, two;

        pool_init(&pool);
        one = pool_write(&pool, entries);
        for (guint i = 0; i < entries->len; i++) {
            Entry *entry = entries->pdata[i];
            g_autoptr(GArray) single = g_array_new(FALSE, FALSE, sizeof(ChunkRef));

            for (guint k = 0; entry->chunks && k < entry->chunks->len; k++) {
                ChunkRef chunk = g_array_index(entry->chunks, ChunkRef, k);
                guint64 run = chunk.run;

                for (chunk.run = 1; run > 0; run--)
                    g_array_append_val(single, chunk);
            }
            if (entry->chunks) {
                g_array_unref(entry->chunks);
                entry->chunks = g_steal_pointer(&single);
            }
        }
        two = pool_write(&pool, entries);
        g_assert_true(digest_equal(&one.root, &two.root));
        g_assert_cmpmem(&one, sizeof one, &two, sizeof two);
    }
}

/* A change touches one page a level, wherever it is; an insertion a few. */
static void
test_change_is_local_L26(void)
{
    g_autoptr(GPtrArray) entries = entries_small(100000);
    g_auto(Pool) pool;
    guint sum = 0;

    pool_init(&pool);
    pool_write(&pool, entries);
    for (guint i = 0; i < 4; i++) {
        Entry *entry = entries->pdata[777 + i * 30011];

        entry->digest = g_array_index(entry->chunks, ChunkRef, 0).digest = digest_of_number(5000000 + i);
        pool.fresh = 0;
        pool_write(&pool, entries);
        g_assert_cmpuint(pool.fresh, <=, 3);
    }
    for (guint i = 0; i < 4; i++) {
        g_autofree char *path = g_strdup_printf("county-%04u/parcel-%02ub.csv", 17 + i * 222, i * 21);

        g_ptr_array_insert(entries, (gint)((17 + i * 222) * 100 + i * 22 + 1), entry_small(path, 6000000 + i, 500));
        pool.fresh = 0;
        pool_write(&pool, entries);
        sum += pool.fresh;
    }
    g_assert_cmpuint(sum, <=, 4 * 5);
}

/* L25: what follows a change within a long file keeps its pages. */
static void
test_long_file_L25(void)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    g_auto(Pool) pool;
    ListingTotals totals;
    guint all;

    pool_init(&pool);
    g_ptr_array_add(entries, entry_long(60000, 0));
    totals = pool_write(&pool, entries);
    assert_listing(&pool, &totals, entries);
    all = pool.fresh;
    g_assert_cmpuint(all, >, 100);

    for (guint missing = 10000; missing < 60000; missing += 20000) {
        g_ptr_array_set_size(entries, 0);
        g_ptr_array_add(entries, entry_long(60000, missing));
        pool.fresh = 0;
        pool_write(&pool, entries);
        g_assert_cmpuint(pool.fresh, <=, 6); /* the page of the change, the last (its digest), and those above */
    }
}

static void
test_huge_run(void)
{
    g_auto(Pool) pool;
    g_autoptr(ListingWriter) writer = listing_writer_new(pool_put, &pool);
    g_autoptr(GError) error = NULL;
    const ChunkRef hole = { .digest = digest_of_number(0), .size = CHUNK_SIZE_MAX, .run = 1 };
    const guint64 size = G_GUINT64_CONSTANT(5) << 30;
    Digest digest = digest_of_number(5);
    ListingTotals totals;

    pool_init(&pool);
    g_assert_true(listing_writer_begin_file(writer, "disk.img", &error));
    for (guint64 at = 0; at < size; at += CHUNK_SIZE_MAX)
        g_assert_true(listing_writer_chunk(writer, &hole, &error));
    g_assert_true(listing_writer_end_file(writer, FALSE, size, &digest, &error));
    g_assert_true(listing_writer_finish(writer, &totals, &error));
    g_assert_cmpuint(totals.items, ==, 1);
    g_assert_cmpuint(totals.positions, ==, 1);
    g_assert_cmpuint(totals.bytes, ==, size);
    g_assert_cmpuint(g_bytes_get_size(g_hash_table_lookup(pool.pages, &totals.root)), <, 100);
}

static void
test_empty(void)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(ListingCursor) cursor = NULL;
    char hex[DIGEST_HEX_SIZE];
    g_auto(Pool) pool;
    ListingTotals totals;

    pool_init(&pool);
    totals = pool_write(&pool, entries);
    assert_listing(&pool, &totals, entries);
    g_assert_cmpstr(digest_format_hex(&totals.root, hex), ==, "2fb072edf5c93e5be753c07e9ebc5fc095256b0e2ad688d4c106de7ab5e72836");
    cursor = listing_cursor_new(&totals.root, pool_get, &pool, &error);
    g_assert_true(listing_cursor_seek_path(cursor, "a", &error));
    g_assert_false(listing_cursor_seek_position(cursor, 0, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

/* An item as a walk gives it. */
typedef struct {
    char *path;
    ItemKind kind;
    guint64 position, offset;
    guint chunks;
} Seen;

static void
seen_clear(gpointer seen)
{
    g_free(((Seen *)seen)->path);
}

static GArray *
walk_all(ListingCursor *cursor)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Seen));
    g_autoptr(GError) error = NULL;
    const Item *item;
    Seen seen;

    g_array_set_clear_func(all, seen_clear);
    while (listing_cursor_next(cursor, &item, &seen.position, &seen.offset, &error)) {
        seen.path = g_strdup(item->path);
        seen.kind = item->kind;
        seen.chunks = item->chunk_count;
        g_array_append_val(all, seen);
    }
    g_assert_no_error(error);
    return all;
}

/* The next items are those of @all from @index on. */
static void
assert_goes_on(ListingCursor *cursor, const GArray *all, guint index)
{
    g_autoptr(GError) error = NULL;
    guint64 position, offset;
    const Item *item;

    for (guint i = index; i < MIN(index + 3, all->len); i++) {
        const Seen *seen = &g_array_index(all, Seen, i);

        g_assert_true(listing_cursor_next(cursor, &item, &position, &offset, &error));
        g_assert_cmpstr(item->path, ==, seen->path);
        g_assert_cmpint(item->kind, ==, seen->kind);
        g_assert_cmpuint(position, ==, seen->position);
        g_assert_cmpuint(offset, ==, seen->offset);
    }
    if (index == all->len)
        g_assert_false(listing_cursor_next(cursor, &item, NULL, NULL, &error));
    g_assert_no_error(error);
}

static guint
first_not_before(const GArray *all, const char *path)
{
    guint index = 0;

    while (index < all->len && path_compare(g_array_index(all, Seen, index).path, path) < 0)
        index++;
    return index;
}

static void
test_seek(void)
{
    for (guint32 seed = 3; seed <= 11; seed += 2) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autoptr(GPtrArray) entries = entries_random(random, 1u << seed);
        g_autoptr(GArray) all = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(ListingCursor) cursor = NULL;
        g_auto(Pool) pool;
        ListingTotals totals;

        pool_init(&pool);
        totals = pool_write(&pool, entries);
        cursor = listing_cursor_new(&totals.root, pool_get, &pool, &error);
        all = walk_all(cursor);
        for (guint i = 0; i < 300; i++) {
            guint index = (guint)g_rand_int_range(random, 0, (gint32)all->len);
            const Seen *seen = &g_array_index(all, Seen, index);
            Entry *other = random_entry(random);

            if (seen->chunks > 0) {
                g_assert_true(listing_cursor_seek_position(cursor, seen->position + (guint64)g_rand_int_range(random, 0, (gint32)seen->chunks), &error));
                assert_goes_on(cursor, all, index);
            }
            g_assert_true(listing_cursor_seek_path(cursor, seen->path, &error));
            assert_goes_on(cursor, all, first_not_before(all, seen->path));
            g_assert_true(listing_cursor_seek_path(cursor, other->path, &error));
            assert_goes_on(cursor, all, first_not_before(all, other->path));
            entry_free(other);
        }
        g_assert_false(listing_cursor_seek_position(cursor, totals.positions, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
}

typedef struct {
    ListingPages *places;
    guint pages, wrong;
    guint only_above;        /* levels below are not wanted */
} Visit;

static gboolean
visit_page(gpointer data, const Digest *digest, const Page *page, guint64 first_item, GError **error)
{
    Visit *visit = data;
    g_autoptr(GError) failure = NULL;
    Digest found;

    visit->pages++;
    g_assert_true(listing_pages_find(visit->places, page_level(page), first_item, &found, &failure));
    g_assert_no_error(failure);
    g_assert_true(digest_equal(&found, digest));
    if (page_count(page) > 1) { /* no page begins within it on its level */
        g_assert_false(listing_pages_find(visit->places, page_level(page), first_item + 1, &found, &failure));
        g_assert_error(failure, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
    return page_level(page) > visit->only_above;
}

static void
test_pages(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(5);
    g_autoptr(GPtrArray) entries = entries_random(random, 3000);
    g_autoptr(GError) error = NULL;
    g_autoptr(ListingPages) places = NULL;
    g_auto(Pool) pool;
    ListingTotals totals;
    Visit visit = { 0 };
    Digest digest;

    pool_init(&pool);
    totals = pool_write(&pool, entries);
    visit.places = places = listing_pages_new(&totals.root, pool_get, &pool, &error);
    g_assert_true(listing_foreach_page(&totals.root, pool_get, &pool, visit_page, &visit, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(visit.pages, ==, pool.puts);
    g_assert_cmpuint(visit.pages, >, 30);

    visit = (Visit){ .places = places, .only_above = PAGE_LEVEL_MAX };
    g_assert_true(listing_foreach_page(&totals.root, pool_get, &pool, visit_page, &visit, &error));
    g_assert_cmpuint(visit.pages, ==, 1);

    g_assert_false(listing_pages_find(places, 9, 0, &digest, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static gboolean
visit_and_fail(gpointer data, const Digest *digest, const Page *page, guint64 first_item, GError **error)
{
    return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
}

static void
test_pages_failures(void)
{
    g_autoptr(GPtrArray) entries = entries_small(2000);
    g_autoptr(GError) error = NULL;
    g_auto(Pool) pool;
    ListingTotals totals;
    g_autoptr(ListingPages) places = NULL;
    Visit visit = { 0 };
    Digest leaf;

    pool_init(&pool);
    totals = pool_write(&pool, entries);
    visit.places = places = listing_pages_new(&totals.root, pool_get, &pool, &error);
    g_assert_false(listing_foreach_page(&totals.root, pool_get, &pool, visit_and_fail, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    g_clear_error(&error);

    g_assert_true(listing_pages_find(places, 0, 0, &leaf, &error));
    g_hash_table_remove(pool.pages, &leaf);
    g_assert_false(listing_foreach_page(&totals.root, pool_get, &pool, visit_page, &visit, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listing/model", test_model);
    g_test_add_func("/listing/example", test_example);
    g_test_add_func("/listing/known-roots-L25-L26", test_known_roots_L25_L26);
    g_test_add_func("/listing/same-root-I9", test_same_root_I9);
    g_test_add_func("/listing/change-is-local-L26", test_change_is_local_L26);
    g_test_add_func("/listing/long-file-L25", test_long_file_L25);
    g_test_add_func("/listing/huge-run", test_huge_run);
    g_test_add_func("/listing/empty", test_empty);
    g_test_add_func("/listing/seek", test_seek);
    g_test_add_func("/listing/pages", test_pages);
    g_test_add_func("/listing/pages-failures", test_pages_failures);
    return g_test_run();
}
