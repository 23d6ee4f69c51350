/* Trees that no writer makes: what shows only where pages meet, and what the writer itself refuses. */
#include "page_pool.h"

#include "manifests/listing/compare.h"

/* Items of a leaf, in a line each: a letter for the kind ('p' part, 'f' file, 'd' folder), a path, and for parts and files the numbers of
 * their chunks (each of as many bytes as its number says) and a size. */
typedef struct {
    char kind;
    const char *path;
    guint8 chunks[3];
    guint64 size;
} Line;

typedef struct {
    Line lines[4];
} Leaf;

static void
add_line(PageBuilder *builder, const Line *line)
{
    ChunkRef chunks[3];
    Item item = { .kind = line->kind == 'p' ? ITEM_PART : line->kind == 'f' ? ITEM_FILE : ITEM_FOLDER, .path = line->path, .size = line->size,
                  .chunks = chunks };

    for (; item.chunk_count < 3 && line->chunks[item.chunk_count] > 0; item.chunk_count++) {
        guint8 number = line->chunks[item.chunk_count];

        chunks[item.chunk_count] = (ChunkRef){ .digest = digest_of_number(number), .size = number, .run = 1 };
    }
    item.digest = item.chunk_count == 1 ? chunks[0].digest : digest_of_number(1000);
    g_assert_true(page_builder_add_item(builder, &item));
}

/* Takes the page out of @builder into the pool. */
static PageRef
put(Pool *pool, PageBuilder *builder)
{
    PageRef reference;
    g_autoptr(GBytes) page = page_builder_take(builder, &reference);

    pool_put(pool, page, &reference.digest, NULL);
    return reference;
}

static PageRef
put_leaf(Pool *pool, const Leaf *leaf)
{
    g_autoptr(PageBuilder) builder = page_builder_new(0);

    for (guint i = 0; i < G_N_ELEMENTS(leaf->lines) && leaf->lines[i].kind; i++)
        add_line(builder, &leaf->lines[i]);
    return put(pool, builder);
}

static PageRef
put_above(Pool *pool, guint level, const PageRef *children, guint count)
{
    g_autoptr(PageBuilder) builder = page_builder_new(level);

    for (guint i = 0; i < count; i++)
        g_assert_true(page_builder_add_child(builder, &children[i]));
    return put(pool, builder);
}

static void
walk(Pool *pool, const Digest *root, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(ListingCursor) cursor = listing_cursor_new(root, pool_get, pool, &failure);
    const Item *item;

    while (cursor && listing_cursor_next(cursor, &item, NULL, NULL, &failure))
        ;
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
}

static void
assert_refused(Pool *pool, const Digest *root, ChamaError code, const char *rule)
{
    g_autoptr(GError) error = NULL;

    walk(pool, root, &error);
    g_assert_error(error, CHAMA_ERROR, (int)code);
    if (!strstr(error->message, rule))
        g_error("want %s, have \"%s\"", rule, error->message);
}

/* Two leaves below one root. */
static const struct {
    const char *name;
    ChamaError code;        /* 0: it is accepted */
    const char *rule;
    Leaf leaves[2];
} meetings[] = {
    { "good", 0, NULL, {{{ { 'd', "a" }, { 'p', "b", { 7 } } }}, {{ { 'f', "b", { 8 }, 15 }, { 'd', "c" } }}} },
    { "good-parts", 0, NULL, {{{ { 'p', "b", { 7 } }, { 'p', "b", { 8 } } }}, {{ { 'f', "b", { 7 }, 22 } }}} },
    { "descending", CHAMA_ERROR_MALFORMED, "L14:", {{{ { 'd', "a" }, { 'd', "c" } }}, {{ { 'd', "b" } }}} },
    { "twice", CHAMA_ERROR_MALFORMED, "L14:", {{{ { 'd', "a" }, { 'd', "b" } }}, {{ { 'd', "b" } }}} },
    { "file-twice", CHAMA_ERROR_MALFORMED, "L14:", {{{ { 'd', "a" }, { 'f', "b", { 7 }, 7 } }}, {{ { 'f', "b", { 7 }, 7 } }}} },
    { "part-alone", CHAMA_ERROR_MALFORMED, "L14:", {{{ { 'd', "a" }, { 'p', "b", { 7 } } }}, {{ { 'd', "c" } }}} },
    { "folder-after-part", CHAMA_ERROR_MALFORMED, "L14:", {{{ { 'd', "a" }, { 'p', "b", { 7 } } }}, {{ { 'd', "b" } }}} },
    { "ends-with-a-part", CHAMA_ERROR_MALFORMED, "L14:", {{{ { 'd', "a" } }}, {{ { 'd', "b" }, { 'p', "c", { 7 } } }}} },
    { "below", CHAMA_ERROR_MALFORMED, "L15:", {{{ { 'd', "a" }, { 'd', "b" } }}, {{ { 'd', "b/c" } }}} },
    { "same-chunk", CHAMA_ERROR_MALFORMED, "L17:", {{{ { 'd', "a" }, { 'p', "b", { 7 } } }}, {{ { 'f', "b", { 7, 8 }, 22 } }}} },
    { "size-too-large", CHAMA_ERROR_VERIFY, "L19:", {{{ { 'd', "a" }, { 'p', "b", { 7 } } }}, {{ { 'f', "b", { 8 }, 16 } }}} },
    { "continued-from-nothing", CHAMA_ERROR_VERIFY, "L19:", {{{ { 'f', "a", { 8 }, 16 } }}, {{ { 'd', "b" } }}} },
};

static void
test_meetings(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(meetings); i++) {
        g_autoptr(GError) error = NULL;
        PageRef leaves[2], root;
        g_auto(Pool) pool;

        pool_init(&pool);
        for (guint k = 0; k < 2; k++)
            leaves[k] = put_leaf(&pool, &meetings[i].leaves[k]);
        root = put_above(&pool, 1, leaves, 2);
        if (meetings[i].rule)
            assert_refused(&pool, &root.digest, meetings[i].code, meetings[i].rule);
        else
            walk(&pool, &root.digest, &error);
        g_assert_no_error(error);
        for (guint k = 0; k < 2; k++)
            page_ref_clear(&leaves[k]);
        page_ref_clear(&root);
    }
}

static void
test_root_leaf_ends_with_part_L14(void)
{
    static const Leaf leaf = {{ { 'd', "a" }, { 'p', "b", { 7 } } }};
    g_auto(Pool) pool;
    PageRef root;

    pool_init(&pool);
    root = put_leaf(&pool, &leaf);
    assert_refused(&pool, &root.digest, CHAMA_ERROR_MALFORMED, "L14:");
    page_ref_clear(&root);
}

typedef struct {
    Pool pool;
    PageRef leaves[4];
} Four;

static void
four_init(Four *four)
{
    static const Leaf leaf[] = { {{ { 'd', "a" } }}, {{ { 'd', "b" }, { 'f', "c", { 7 }, 7 } }}, {{ { 'd', "d" } }}, {{ { 'd', "e" } }} };

    pool_init(&four->pool);
    for (guint i = 0; i < 4; i++)
        four->leaves[i] = put_leaf(&four->pool, &leaf[i]);
}

static void
four_clear(Four *four)
{
    for (guint i = 0; i < 4; i++)
        page_ref_clear(&four->leaves[i]);
    pool_clear(&four->pool);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Four, four_clear)

/* L24: what a reference says is what the page is. */
static void
test_reference_L24(void)
{
    g_auto(Four) four;
    PageRef root, lies[5];

    four_init(&four);
    for (guint i = 0; i < G_N_ELEMENTS(lies); i++) {
        PageRef pair[2] = { four.leaves[0], four.leaves[1] };

        pair[1].items += i == 0;
        pair[1].files -= i == 1;
        pair[1].positions += i == 2;
        pair[1].bytes += i == 3;
        pair[1].path = i == 4 ? "bb" : pair[1].path;
        pair[1].positions += i < 2;
        root = put_above(&four.pool, 1, pair, 2);
        assert_refused(&four.pool, &root.digest, CHAMA_ERROR_VERIFY, "L24:");
        page_ref_clear(&root);
    }
    root = put_above(&four.pool, 2, four.leaves, 2); /* leaves where pages of level 1 should be */
    assert_refused(&four.pool, &root.digest, CHAMA_ERROR_VERIFY, "L24:");
    page_ref_clear(&root);
}

static void
test_one_child_L23(void)
{
    g_auto(Four) four;
    g_autoptr(GError) error = NULL;
    PageRef single, pair, both[2], root;

    four_init(&four);
    single = put_above(&four.pool, 1, four.leaves, 1);
    assert_refused(&four.pool, &single.digest, CHAMA_ERROR_MALFORMED, "L23:");

    pair = put_above(&four.pool, 1, four.leaves + 1, 2);
    both[0] = single;
    both[1] = pair;
    root = put_above(&four.pool, 2, both, 2);
    assert_refused(&four.pool, &root.digest, CHAMA_ERROR_MALFORMED, "L23:");
    page_ref_clear(&root);
    page_ref_clear(&single);
    page_ref_clear(&pair);

    /* the last of a level may have one */
    both[0] = pair = put_above(&four.pool, 1, four.leaves, 2);
    both[1] = single = put_above(&four.pool, 1, four.leaves + 2, 1);
    root = put_above(&four.pool, 2, both, 2);
    walk(&four.pool, &root.digest, &error);
    g_assert_no_error(error);
    page_ref_clear(&root);
    page_ref_clear(&single);
    page_ref_clear(&pair);
}

static void
test_missing_and_broken(void)
{
    g_auto(Four) four;
    g_autoptr(GError) error = NULL;
    Digest nowhere = digest_of_number(1), broken;
    PageRef pair[2], root;

    four_init(&four);
    assert_refused(&four.pool, &nowhere, CHAMA_ERROR_NOT_FOUND, "page");
    broken = pool_add(&four.pool, "chl1 and more", 13);
    assert_refused(&four.pool, &broken, CHAMA_ERROR_LIMIT, "L8:");
    pair[0] = four.leaves[0];
    pair[1] = four.leaves[1];
    pair[1].digest = broken;
    root = put_above(&four.pool, 1, pair, 2);
    assert_refused(&four.pool, &root.digest, CHAMA_ERROR_LIMIT, "L8:");
    g_assert_null(listing_compare(&four.leaves[0].digest, &root.digest, FALSE, pool_get, &four.pool, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_null(listing_compare(&nowhere, &root.digest, FALSE, pool_get, &four.pool, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    page_ref_clear(&root);
}

static void
test_compare_refuses_disorder_L14(void)
{
    static const Leaf leaf[] = { {{ { 'd', "a" }, { 'd', "c" } }}, {{ { 'd', "b" } }} };
    g_autoptr(GError) error = NULL;
    PageRef leaves[2], root;
    g_auto(Pool) pool;

    pool_init(&pool);
    leaves[0] = put_leaf(&pool, &leaf[0]);
    leaves[1] = put_leaf(&pool, &leaf[1]);
    root = put_above(&pool, 1, leaves, 2);
    g_assert_null(listing_compare(NULL, &root.digest, FALSE, pool_get, &pool, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_nonnull(strstr(error->message, "L14:"));
    page_ref_clear(&leaves[0]);
    page_ref_clear(&leaves[1]);
    page_ref_clear(&root);
}

/* A tree with damaged pages under their old names: refused or read, but always ended, by every way of reading. */
static void
damage(Pool *damaged, const Pool *pool, GRand *random)
{
    GHashTableIter iter;
    gpointer key, value;

    pool_init(damaged);
    g_hash_table_iter_init(&iter, pool->pages);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        gsize size;
        const guint8 *data = g_bytes_get_data(value, &size);
        guint8 *copy = g_memdup2(data, size);

        if (g_rand_int_range(random, 0, 3) == 0)
            copy[g_rand_int_range(random, 0, (gint32)size)] ^= (guint8)(1 << g_rand_int_range(random, 0, 8));
        g_hash_table_replace(damaged->pages, g_memdup2(key, DIGEST_SIZE), g_bytes_new_take(copy, size));
    }
}

static gboolean
visit_nothing(gpointer data, const Digest *digest, const Page *page, guint64 first_item, GError **error)
{
    return TRUE;
}

static void
test_damaged_trees(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(99);
    g_autoptr(GPtrArray) entries = entries_random(random, 600), others = entries_random(random, 600);
    g_auto(Pool) pool;
    ListingTotals one, two;
    guint refused = 0;

    pool_init(&pool);
    one = pool_write(&pool, entries);
    two = pool_write(&pool, others);
    for (guint i = 0; i < 100; i++) {
        g_autoptr(GError) error = NULL, ignored = NULL, failed = NULL;
        g_autoptr(GPtrArray) changes = NULL;
        g_autoptr(ListingCursor) cursor = NULL;
        g_auto(Pool) damaged;
        const Item *item;

        damage(&damaged, &pool, random);
        walk(&damaged, &one.root, &error);
        refused += error != NULL;
        changes = listing_compare(&one.root, &two.root, TRUE, pool_get, &damaged, &failed);
        g_assert_cmpint(changes == NULL, ==, failed != NULL);
        listing_foreach_page(&one.root, pool_get, &damaged, visit_nothing, NULL, &ignored);
        g_clear_error(&ignored);
        cursor = listing_cursor_new(&one.root, pool_get, &damaged, NULL);
        if (cursor && listing_cursor_seek_position(cursor, g_rand_int(random) % one.positions, NULL))
            listing_cursor_next(cursor, &item, NULL, NULL, NULL);
    }
    g_assert_cmpuint(refused, >, 50);
}

/* What a writer is told to write, a step a letter: 'b'egin, 'c'hunk, 'e'nd (of as many as chunks came), 'E'nd with a wrong size,
 * 'D' end with a wrong digest, 'z' an empty chunk, 'l' an empty link, 'd' a folder, '.' finish. */
typedef struct {
    const char *rule;
    ChamaError code;
    const char *steps;
    const char *paths[4];
    ChunkRef chunk;
} Script;

static gboolean
run_step(ListingWriter *writer, const Script *script, char step, const char *path, guint *chunks, GError **error)
{
    Digest digest = *chunks == 1 && step != 'D' ? digest_of_number(5) : digest_of_number(6);
    ChunkRef chunk = { .digest = digest_of_number(5), .size = 5, .run = 1 };
    ListingTotals totals;

    if (*chunks == 0 && step == 'e')
        digest_of("", 0, &digest);
    switch (step) {
    case 'b':
        *chunks = 0;
        return listing_writer_begin_file(writer, path, error);
    case 'c':
        *chunks += 1;
        return listing_writer_chunk(writer, script->chunk.size ? &script->chunk : &chunk, error);
    case 'z':
        return listing_writer_chunk(writer, &(ChunkRef){ .run = 1 }, error);
    case 'l':
        return listing_writer_link(writer, path, "", error);
    case 'd':
        return listing_writer_folder(writer, path, error);
    case '.':
        return listing_writer_finish(writer, &totals, error);
    default:
        return listing_writer_end_file(writer, FALSE, *chunks * 5 + (step == 'E'), &digest, error);
    }
}

static void
test_writer_refuses(void)
{
    static const Script scripts[] = {
        { "L3:", CHAMA_ERROR_MALFORMED, "d", { "" } },
        { "L4:", CHAMA_ERROR_MALFORMED, "b", { "/a" } },
        { "L6:", CHAMA_ERROR_MALFORMED, "d", { "a/.." } },
        { "L14:", CHAMA_ERROR_MALFORMED, "dd", { "b", "a" } },
        { "L14:", CHAMA_ERROR_MALFORMED, "dd", { "b", "b" } },
        { "L15:", CHAMA_ERROR_MALFORMED, "dd", { "b", "b/a" } },
        { "L15:", CHAMA_ERROR_MALFORMED, "beb", { "b", "", "b/a" } },
        { "L16:", CHAMA_ERROR_LIMIT, "bz", { "b" } },
        { "L16:", CHAMA_ERROR_LIMIT, "bc", { "b" }, { .size = CHUNK_SIZE_MAX + 1, .run = 1 } },
        { "L16:", CHAMA_ERROR_LIMIT, "bc", { "b" }, { .size = 1, .run = CHUNK_RUN_MAX + 1 } },
        { "L16:", CHAMA_ERROR_LIMIT, "bc", { "b" }, { .size = CHUNK_SIZE_MAX, .run = CHUNK_RUN_MAX } },
        { "L16:", CHAMA_ERROR_LIMIT, "bcc", { "b" }, { .size = 1, .run = CHUNK_RUN_MAX } },
        { "L22:", CHAMA_ERROR_LIMIT, "bcc", { "b" }, { .size = 16384, .run = (G_GUINT64_CONSTANT(1) << 39) - 1 } },
        { "L19:", CHAMA_ERROR_MALFORMED, "bcE", { "b" } },
        { "L19:", CHAMA_ERROR_MALFORMED, "bcD", { "b" } },
        { "L19:", CHAMA_ERROR_MALFORMED, "bD", { "b" } },
        { "L20:", CHAMA_ERROR_MALFORMED, "l", { "b" } },
        { "end of a file", CHAMA_ERROR_FAILED, "bb", { "b", "c" } },
        { "end of a file", CHAMA_ERROR_FAILED, "b.", { "b" } },
        { "begin of a file", CHAMA_ERROR_FAILED, "e", { "b" } },
        { "only in a file", CHAMA_ERROR_FAILED, "c", { "b" } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(scripts); i++) {
        g_auto(Pool) pool;
        g_autoptr(ListingWriter) writer = listing_writer_new(pool_put, &pool);
        g_autoptr(GError) error = NULL;
        guint chunks = 0, last = (guint)strlen(scripts[i].steps) - 1;

        pool_init(&pool);
        for (guint k = 0; k <= last; k++)
            g_assert_cmpint(run_step(writer, &scripts[i], scripts[i].steps[k], scripts[i].paths[MIN(k, 3)], &chunks, &error), ==, k < last);
        g_assert_error(error, CHAMA_ERROR, (int)scripts[i].code);
        if (!strstr(error->message, scripts[i].rule))
            g_error("want %s, have \"%s\"", scripts[i].rule, error->message);
    }
}

static gboolean
put_fails(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    return chama_error(error, CHAMA_ERROR_NO_SPACE, "disk: want room, have none");
}

static void
test_writer_put_fails(void)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_fails, NULL);
    g_autoptr(GPtrArray) entries = entries_small(2000);
    g_autoptr(GError) error = NULL;
    guint i = 0;

    while (i < entries->len && entry_write(writer, entries->pdata[i], &error))
        i++;
    g_assert_cmpuint(i, <, entries->len);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NO_SPACE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listing/hostile/meetings-L14-L15-L17-L19", test_meetings);
    g_test_add_func("/listing/hostile/root-leaf-ends-with-part-L14", test_root_leaf_ends_with_part_L14);
    g_test_add_func("/listing/hostile/reference-L24", test_reference_L24);
    g_test_add_func("/listing/hostile/one-child-L23", test_one_child_L23);
    g_test_add_func("/listing/hostile/missing-and-broken", test_missing_and_broken);
    g_test_add_func("/listing/hostile/compare-refuses-disorder-L14", test_compare_refuses_disorder_L14);
    g_test_add_func("/listing/hostile/damaged-trees", test_damaged_trees);
    g_test_add_func("/listing/writer/refuses", test_writer_refuses);
    g_test_add_func("/listing/writer/put-fails", test_writer_put_fails);
    return g_test_run();
}
