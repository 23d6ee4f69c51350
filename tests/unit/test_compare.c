#include "page_pool.h"

#include "manifests/listing/compare.h"

static GPtrArray *
compare(Pool *pool, const Digest *old_root, const Digest *new_root, gboolean renames)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *changes;

    pool->gets = 0;
    changes = listing_compare(old_root, new_root, renames, pool_get, pool, &error);
    g_assert_no_error(error);
    return changes;
}

/* The changes as lines, for comparing with what is wanted. */
static char *
describe(GPtrArray *changes)
{
    static const char *const signs[] = { "+", "-", "~", ">" };
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < changes->len; i++) {
        const Change *change = changes->pdata[i];

        g_string_append_printf(text, "%s%s%s%s\n", signs[change->kind], change->old_path ? change->old_path : "", change->old_path ? ">" : "", change->path);
    }
    return g_string_free(text, FALSE);
}

/* What listing_compare() must say, by comparing all entries. */
static gboolean
entry_differs(const Entry *a, const Entry *b)
{
    if (a->kind != b->kind)
        return TRUE;
    if (a->kind == ITEM_LINK)
        return strcmp(a->target, b->target) != 0;
    return a->kind != ITEM_FOLDER && (a->size != b->size || !digest_equal(&a->digest, &b->digest));
}

static char *
describe_model(GPtrArray *before, GPtrArray *after)
{
    GString *text = g_string_new(NULL);
    guint i = 0, k = 0;

    while (i < before->len || k < after->len) {
        const Entry *a = i < before->len ? before->pdata[i] : NULL, *b = k < after->len ? after->pdata[k] : NULL;
        int order = !a ? 1 : !b ? -1 : path_compare(a->path, b->path);

        if (order < 0)
            g_string_append_printf(text, "-%s\n", a->path);
        else if (order > 0)
            g_string_append_printf(text, "+%s\n", b->path);
        else if (entry_differs(a, b))
            g_string_append_printf(text, "~%s\n", b->path);
        i += order <= 0;
        k += order >= 0;
    }
    return g_string_free(text, FALSE);
}

static void
assert_compare(Pool *pool, GPtrArray *before, GPtrArray *after)
{
    ListingTotals one = pool_write(pool, before), two = pool_write(pool, after);
    g_autoptr(GPtrArray) changes = compare(pool, &one.root, &two.root, FALSE);
    g_autofree char *have = describe(changes), *want = describe_model(before, after);

    g_assert_cmpstr(have, ==, want);
}

static void
test_model(void)
{
    for (guint32 seed = 1; seed <= 24; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autoptr(GPtrArray) before = entries_random(random, 1u << (seed % 12));
        g_autoptr(GPtrArray) after = entries_random(random, 1u << (seed % 11));
        g_auto(Pool) pool;

        pool_init(&pool);
        assert_compare(&pool, before, after);
        for (guint i = before->len; i > 0; i--) { /* a few removed, so that most pages are the same */
            if (g_rand_int_range(random, 0, 50) == 0)
                g_ptr_array_remove_index(before, i - 1);
        }
        g_ptr_array_unref(g_steal_pointer(&after));
        g_rand_set_seed(random, seed);
        after = entries_random(random, 1u << (seed % 12));
        assert_compare(&pool, before, after);
        assert_compare(&pool, after, before);
    }
}

/* The cost follows the change, not the size. */
static void
test_cost(void)
{
    g_autoptr(GPtrArray) entries = entries_small(100000);
    g_autoptr(GPtrArray) changes = NULL, none = NULL, all = NULL;
    g_auto(Pool) pool;
    ListingTotals before, after;

    pool_init(&pool);
    before = pool_write(&pool, entries);
    for (guint i = 0; i < 10; i++) {
        Entry *entry = entries->pdata[i * 9973];

        entry->digest = g_array_index(entry->chunks, ChunkRef, 0).digest = digest_of_number(1000000 + i);
    }
    after = pool_write(&pool, entries);
    changes = compare(&pool, &before.root, &after.root, TRUE);
    g_assert_cmpuint(changes->len, ==, 10);
    g_assert_cmpuint(pool.gets, <=, 2 * (10 + 10 + 1)); /* a leaf, the page above and the root, on both sides */
    none = compare(&pool, &before.root, &before.root, TRUE);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_cmpuint(pool.gets, ==, 0);
    all = compare(&pool, NULL, &before.root, TRUE);
    g_assert_cmpuint(all->len, ==, 100000);
}

/* One file removed and one added move cuts at most nearby. */
static void
test_cost_of_moves(void)
{
    g_autoptr(GPtrArray) entries = entries_small(30000);
    g_auto(Pool) pool;
    ListingTotals before;

    pool_init(&pool);
    before = pool_write(&pool, entries);
    for (guint i = 1000; i < 29000; i += 2711) {
        g_autoptr(GPtrArray) changes = NULL;
        ListingTotals after;
        Entry *moved = g_ptr_array_steal_index(entries, i);

        after = pool_write(&pool, entries);
        changes = compare(&pool, &before.root, &after.root, TRUE);
        g_assert_cmpuint(changes->len, ==, 1);
        g_assert_cmpuint(pool.gets, <=, 16);
        g_ptr_array_insert(entries, (int)i, moved);
    }
}

/* Of a changed long file only the pages that differ are opened, if any. */
static void
write_long(Pool *pool, guint changed, ListingTotals *totals)
{
    g_autoptr(GPtrArray) entries = entries_small(300);
    Entry *entry = entry_small("a/long", 1, 1000);

    for (guint i = 0; i < 60000; i++) {
        ChunkRef chunk = { .digest = digest_of_number(i == changed ? 99999999 : i + 100), .size = 65536, .run = 1 };

        g_array_append_val(entry->chunks, chunk);
        entry->size += chunk.size;
    }
    entry->digest = digest_of_number(changed);
    g_ptr_array_insert(entries, 0, entry);
    *totals = pool_write(pool, entries);
}

static void
test_cost_of_a_long_file(void)
{
    g_autoptr(GPtrArray) changes = NULL;
    g_autofree char *text = NULL;
    g_auto(Pool) pool;
    ListingTotals before, after;

    pool_init(&pool);
    write_long(&pool, 20000, &before);
    write_long(&pool, 40000, &after);
    changes = compare(&pool, &before.root, &after.root, TRUE);
    text = describe(changes);
    g_assert_cmpstr(text, ==, "~a/long\n");
    g_assert_cmpuint(pool.gets, <=, 8);
}

/* Paths with content, as "path=content,path=content". */
static GPtrArray *
entries_of(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);

    for (guint i = 0; parts[i] && *parts[i]; i++) {
        g_auto(GStrv) pair = g_strsplit(parts[i], "=", 2);
        guint64 content = g_ascii_strtoull(pair[1], NULL, 10);
        Entry *entry = entry_small(pair[0], content, 100);

        if (content == 0) {
            entry->size = 0;
            g_array_set_size(entry->chunks, 0);
            digest_of("", 0, &entry->digest);
        }
        g_ptr_array_add(entries, entry);
    }
    return entries;
}

static void
test_renames(void)
{
    static const struct {
        const char *before, *after, *want;
    } cases[] = {
        { "a=1", "b=1", ">a>b\n" },
        { "a=1,b=1", "c=1", "-b\n>a>c\n" },           /* each removed path once, in path order */
        { "a=1", "b=1,c=1", ">a>b\n+c\n" },
        { "a=1,b=1", "c=1,d=1", ">a>c\n>b>d\n" },
        { "a=0", "b=0", "-a\n+b\n" },                 /* empty files are not the same file */
        { "a=1,b=2", "a=2", "~a\n-b\n" },             /* only what was added can be the new name */
        { "a=1", "a=2", "~a\n" },
        { "", "a=1", "+a\n" },
        { "a=1", "", "-a\n" },
        { "", "", "" },
        { "a/b=1", "a=1", ">a/b>a\n" },
        { "a/b=1", "a=2", "+a\n-a/b\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) before = entries_of(cases[i].before), after = entries_of(cases[i].after), changes = NULL;
        g_autofree char *have = NULL;
        g_auto(Pool) pool;
        ListingTotals one, two;

        pool_init(&pool);
        one = pool_write(&pool, before);
        two = pool_write(&pool, after);
        changes = compare(&pool, &one.root, &two.root, TRUE);
        have = describe(changes);
        g_assert_cmpstr(have, ==, cases[i].want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/compare/model", test_model);
    g_test_add_func("/compare/cost", test_cost);
    g_test_add_func("/compare/cost-of-moves", test_cost_of_moves);
    g_test_add_func("/compare/cost-of-a-long-file", test_cost_of_a_long_file);
    g_test_add_func("/compare/renames", test_renames);
    return g_test_run();
}
