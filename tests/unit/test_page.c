#include <string.h>

#include "keys/error.h"
#include "manifests/listing/format.h"
#include "page_pool.h"

/*
 * Pages are written here as words: two hex digits are a byte, 'text' is that text, @N is a digest of 32 bytes N (one hex digit twice),
 * and | is only there to be read.
 */
static GBytes *
page_of(const char *words)
{
    g_auto(GStrv) word = g_strsplit(words, " ", -1);
    GByteArray *page = g_byte_array_new();

    for (guint i = 0; word[i]; i++) {
        guint8 bytes[DIGEST_SIZE];

        if (word[i][0] == '\'') {
            g_byte_array_append(page, (const guint8 *)word[i] + 1, (guint)strlen(word[i]) - 2);
        } else if (word[i][0] == '@') {
            memset(bytes, g_ascii_xdigit_value(word[i][1]) * 0x11, sizeof bytes);
            g_byte_array_append(page, bytes, sizeof bytes);
        } else if (word[i][0] != '|' && word[i][0] != '\0') {
            bytes[0] = (guint8)(g_ascii_xdigit_value(word[i][0]) << 4 | g_ascii_xdigit_value(word[i][1]));
            g_byte_array_append(page, bytes, 1);
        }
    }
    return g_byte_array_free_to_bytes(page);
}

/* What was parsed, built again: there is one spelling. */
static GBytes *
rebuild(const Page *page)
{
    g_autoptr(PageBuilder) builder = page_builder_new(page_level(page));
    PageRef totals;
    GBytes *bytes;

    for (guint i = 0; i < page_count(page); i++) {
        if (page_level(page) == 0)
            g_assert_true(page_builder_add_item(builder, page_item(page, i)));
        else
            g_assert_true(page_builder_add_child(builder, page_child(page, i)));
    }
    bytes = page_builder_take(builder, &totals);
    page_ref_clear(&totals);
    return bytes;
}

#define LEAF "'chl1' 00 01 "
#define UPPER "'chl1' 01 01 "

static void
test_accepts(void)
{
    static const char *const cases[] = {
        LEAF "00",                                                              /* the empty listing */
        LEAF "01 | 01 00 01 'a' 03 01 06 @1",                                   /* one chunk: the digest is implied */
        LEAF "01 | 02 00 01 'a' 00 00",                                         /* empty, executable */
        LEAF "01 | 01 00 01 'a' 06 01 07 @1 00 @2",                             /* a run of two */
        LEAF "01 | 01 00 01 'a' 07 02 06 @1 08 @2 @3",
        LEAF "01 | 01 00 01 'a' 07 01 06 @1 @3",                                /* goes on from an earlier page */
        LEAF "02 | 00 00 01 'a' 01 06 @1 | 01 01 00 07 01 08 @2 @3",            /* a part and its file */
        LEAF "02 | 00 00 01 'a' 01 06 @1 | 00 01 00 01 08 @2",                  /* parts only */
        LEAF "02 | 03 00 01 'a' 02 '..' | 04 00 01 'b'",
        LEAF "02 | 04 00 03 'a/b' | 04 01 01 2d",                               /* '/' is below '-' */
        UPPER "01 | @1 00 01 'a' 01 01 00 00",
        UPPER "02 | @1 00 01 'a' 05 04 09 ff 01 | @2 00 01 'b' 01 01 00 00",
        UPPER "02 | @1 00 01 'a' 02 00 02 09 | @2 01 00 01 01 00 00",           /* parts, then the same path */
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = page_of(cases[i]), again = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(Page) page = page_parse(bytes, &error);

        g_assert_no_error(error);
        again = rebuild(page);
        g_assert_cmpmem(g_bytes_get_data(again, NULL), g_bytes_get_size(again), g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    }
}

typedef struct {
    const char *rule, *why;
    ChamaError code;
    const char *words;
} Refusal;

static const Refusal refusals[] = {
    { "L3", "empty-path", CHAMA_ERROR_MALFORMED, LEAF "01 | 04 00 00 'a'" },
    { "L4", "absolute", CHAMA_ERROR_MALFORMED, LEAF "01 | 04 00 02 '/a'" },
    { "L4", "trailing-slash", CHAMA_ERROR_MALFORMED, LEAF "01 | 04 00 02 'a/'" },
    { "L6", "dot-dot", CHAMA_ERROR_MALFORMED, LEAF "01 | 04 00 04 '../a'" },
    { "L6", "dot-dot-over-a-prefix", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 03 'a/.' | 04 03 01 '.'" },
    { "L7", "nul", CHAMA_ERROR_MALFORMED, LEAF "01 | 04 00 03 'a' 00 'b'" },
    { "L8", "magic", CHAMA_ERROR_MALFORMED, "'xhl1' 00 01 00" },
    { "L8", "next-version", CHAMA_ERROR_UNSUPPORTED, "'chl2' 00 01 00" },
    { "L8", "chunker", CHAMA_ERROR_UNSUPPORTED, "'chl1' 00 02 00" },
    { "L8", "level", CHAMA_ERROR_LIMIT, "'chl1' 10 01 00" },
    { "L9", "long-number", CHAMA_ERROR_MALFORMED, LEAF "80 00" },
    { "L9", "long-size", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' 83 00 01 06 @1" },
    { "L9", "cut-number", CHAMA_ERROR_MALFORMED, LEAF "81" },
    { "L9", "large-number", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' ff ff ff ff ff ff ff 10 00" },
    { "L9", "ten-bytes", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' ff ff ff ff ff ff ff ff ff 01 00" },
    { "L10", "empty", CHAMA_ERROR_MALFORMED, "" },
    { "L10", "cut-magic", CHAMA_ERROR_MALFORMED, "'chl'" },
    { "L10", "cut-head", CHAMA_ERROR_MALFORMED, "'chl1' 00" },
    { "L10", "count-over-bytes", CHAMA_ERROR_MALFORMED, LEAF "ff ff ff 7f | 04 00 01 'a'" },
    { "L10", "count-over-items", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 05 'a-b-c'" },
    { "L10", "cut-path", CHAMA_ERROR_MALFORMED, LEAF "01 | 04 00 05 'a'" },
    { "L10", "cut-digest", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' 03 01 06 11 11 11" },
    { "L10", "trailing", CHAMA_ERROR_MALFORMED, LEAF "00 00" },
    { "L10", "implied-digest-written", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' 03 01 06 @1 @1" },
    { "L11", "first-with-prefix", CHAMA_ERROR_MALFORMED, LEAF "01 | 04 01 01 'a'" },
    { "L11", "prefix-over-path", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 01 'a' | 04 02 01 'b'" },
    { "L11", "short-prefix", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 02 'ab' | 04 00 02 'ac'" },
    { "L13", "kind", CHAMA_ERROR_MALFORMED, LEAF "01 | 05 00 01 'a'" },
    { "L14", "descending", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 01 'b' | 04 00 01 'a'" },
    { "L14", "prefix-of-the-one-before", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 02 'ab' | 04 01 00" },
    { "L14", "slash-is-lowest", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 02 'a-' | 04 01 02 '/b'" },
    { "L14", "twice", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 01 'a' | 04 01 00 00" },
    { "L14", "file-twice", CHAMA_ERROR_MALFORMED, LEAF "02 | 01 00 01 'a' 00 00 | 01 01 00 00 00" },
    { "L14", "folder-after-part", CHAMA_ERROR_MALFORMED, LEAF "02 | 00 00 01 'a' 01 06 @1 | 04 01 00 00" },
    { "L14", "part-alone", CHAMA_ERROR_MALFORMED, LEAF "02 | 00 00 01 'a' 01 06 @1 | 04 00 01 'b'" },
    { "L15", "below-a-file", CHAMA_ERROR_MALFORMED, LEAF "02 | 01 00 01 'a' 00 00 | 04 01 02 '/b'" },
    { "L15", "below-a-link", CHAMA_ERROR_MALFORMED, LEAF "02 | 03 00 01 'a' 01 'b' | 04 01 02 '/b'" },
    { "L15", "below-a-folder", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 01 'a' | 04 01 02 '/b'" },
    { "L15", "below-the-first-of-a-child", CHAMA_ERROR_MALFORMED, UPPER "02 | @1 00 01 'a' 01 01 00 00 | @2 01 02 '/b' 01 01 00 00" },
    { "L16", "empty-chunk", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' 00 01 00 @1" },
    { "L16", "large-chunk", CHAMA_ERROR_LIMIT, LEAF "01 | 01 00 01 'a' 81 80 10 01 82 80 20 @1" },
    { "L16", "long-run", CHAMA_ERROR_LIMIT, LEAF "01 | 01 00 01 'a' 01 01 03 @1 ff ff ff ff ff 1f @2" },
    { "L17", "same-chunk", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' 06 02 06 @1 06 @1 @2" },
    { "L17", "same-chunk-over-parts", CHAMA_ERROR_MALFORMED, LEAF "02 | 00 00 01 'a' 01 06 @1 | 01 01 00 06 01 06 @1 @2" },
    { "L18", "empty-part", CHAMA_ERROR_MALFORMED, LEAF "01 | 00 00 01 'a' 00" },
    { "L18", "file-without-chunks", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' 05 00 @1" },
    { "L18", "too-many-chunks", CHAMA_ERROR_LIMIT, LEAF "01 | 00 00 01 'a' 81 08" },
    { "L19", "more-than-its-size", CHAMA_ERROR_MALFORMED, LEAF "01 | 01 00 01 'a' 02 01 06 @1 @2" },
    { "L19", "less-than-its-size", CHAMA_ERROR_MALFORMED, LEAF "02 | 04 00 01 'a' | 01 00 01 'b' 07 01 06 @1 @2" },
    { "L20", "empty-link", CHAMA_ERROR_MALFORMED, LEAF "01 | 03 00 01 'a' 00" },
    { "L20", "nul-in-link", CHAMA_ERROR_MALFORMED, LEAF "01 | 03 00 01 'a' 02 'b' 00" },
    { "L21", "no-items", CHAMA_ERROR_MALFORMED, UPPER "01 | @1 00 01 'a' 00 00 00 00" },
    { "L21", "more-files-than-items", CHAMA_ERROR_MALFORMED, UPPER "01 | @1 00 01 'a' 01 02 00 00" },
    { "L21", "parts-without-positions", CHAMA_ERROR_MALFORMED, UPPER "01 | @1 00 01 'a' 02 01 00 00" },
    { "L21", "positions-without-bytes", CHAMA_ERROR_MALFORMED, UPPER "01 | @1 00 01 'a' 01 01 02 01" },
    { "L21", "bytes-without-positions", CHAMA_ERROR_MALFORMED, UPPER "01 | @1 00 01 'a' 01 01 00 01" },
    { "L22", "bytes-of-one-run", CHAMA_ERROR_LIMIT, LEAF "01 | 01 00 01 'a' 01 01 81 80 20 @1 ff ff ff ff 7f @2" },
    { "L22", "bytes-of-two-files", CHAMA_ERROR_LIMIT,
      UPPER "02 | @1 00 01 'a' 01 01 01 ff ff ff ff ff ff ff 0f | @2 00 01 'b' 01 01 01 01" },
    { "L22", "files", CHAMA_ERROR_LIMIT, UPPER "01 | @1 00 01 'a' 81 c2 d7 2f 81 c2 d7 2f 00 00" },
    { "L22", "items", CHAMA_ERROR_LIMIT, UPPER "01 | @1 00 01 'a' 81 94 eb dc 03 01 81 94 eb dc 03 81 94 eb dc 03" },
    { "L23", "no-children", CHAMA_ERROR_MALFORMED, UPPER "00" },
    { "L23", "descending-children", CHAMA_ERROR_MALFORMED, UPPER "02 | @1 00 01 'b' 01 01 00 00 | @2 00 01 'a' 01 01 00 00" },
    { "L23", "same-path-after-a-file", CHAMA_ERROR_MALFORMED, UPPER "02 | @1 00 01 'a' 01 01 00 00 | @2 01 00 01 01 00 00" },
    { "L23", "other-path-after-parts", CHAMA_ERROR_MALFORMED, UPPER "02 | @1 00 01 'a' 01 00 01 01 | @2 00 01 'b' 01 01 00 00" },
};

static void
assert_refused(GBytes *bytes, ChamaError code, const char *rule)
{
    g_autofree char *mark = g_strdup_printf(" %s: ", rule);
    g_autoptr(GError) error = NULL;
    g_autoptr(Page) page = page_parse(bytes, &error);

    g_assert_null(page);
    g_assert_error(error, CHAMA_ERROR, (int)code);
    if (!strstr(error->message, mark))
        g_error("want%s, have \"%s\"", mark, error->message);
}

static void
test_refuses(gconstpointer data)
{
    const Refusal *refusal = data;
    g_autoptr(GBytes) bytes = page_of(refusal->words);

    assert_refused(bytes, refusal->code, refusal->rule);
}

static void
test_L1_size(void)
{
    g_autofree guint8 *zeros = g_malloc0(PAGE_SIZE_MAX + 1);
    g_autoptr(GBytes) bytes = g_bytes_new(zeros, PAGE_SIZE_MAX + 1), whole = g_bytes_new(zeros, PAGE_SIZE_MAX);

    assert_refused(bytes, CHAMA_ERROR_LIMIT, "L1");
    assert_refused(whole, CHAMA_ERROR_MALFORMED, "L8");
}

/* A page of @count folders: a prefix of 1000 bytes, then the number in two bytes of base 128. */
static GBytes *
page_of_long_paths(guint count)
{
    const guint8 head[] = { 'c', 'h', 'l', '1', 0, 1, (guint8)(0x80 | (count & 0x7f)), (guint8)(count >> 7) };
    g_autofree char *prefix = g_strnfill(1000, 'x');
    GByteArray *page = g_byte_array_new();

    for (guint i = 200; i < 1000; i += 200)
        prefix[i] = '/';
    g_byte_array_append(page, head, sizeof head);
    g_byte_array_append(page, (const guint8 *)"\x04\x00\xea\x07", 4); /* the first: nothing shared, 1002 bytes */
    g_byte_array_append(page, (const guint8 *)prefix, 1000);
    for (guint i = 0; i < count; i++) {
        const guint8 number[] = { (guint8)(0x80 + i / 128), (guint8)(0x80 + i % 128) };
        guint own = i % 128 == 0 ? 2 : 1;
        const guint8 start[] = { 4, (guint8)(0xea - own), 0x07, (guint8)own };

        g_byte_array_append(page, start, i == 0 ? 0 : sizeof start);
        g_byte_array_append(page, number + 2 - own, own);
    }
    return g_byte_array_free_to_bytes(page);
}

static void
test_L12_paths(void)
{
    g_autoptr(GBytes) bytes = page_of_long_paths(1000), bomb = page_of_long_paths(1100);
    g_autoptr(GError) error = NULL;
    g_autoptr(Page) page = page_parse(bytes, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(page_count(page), ==, 1000);
    assert_refused(bomb, CHAMA_ERROR_LIMIT, "L12");
}

static void
test_builder_is_bounded(void)
{
    g_autoptr(PageBuilder) builder = page_builder_new(0);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Page) page = NULL;
    PageRef reference;
    guint count = 0;
    char path[16];

    for (gboolean room = TRUE; room; ) {
        Item item = { .kind = ITEM_LINK, .path = path, .target = "some/where/else" };

        g_snprintf(path, sizeof path, "%08u", count);
        room = page_builder_add_item(builder, &item);
        count += room;
        g_assert_cmpuint(page_builder_size(builder), <=, PAGE_SIZE_MAX);
        g_assert_cmpuint(page_builder_count(builder), ==, count);
    }
    bytes = page_builder_take(builder, &reference);
    g_assert_cmpuint(g_bytes_get_size(bytes), >, PAGE_SIZE_MAX - 64);
    g_assert_cmpstr(reference.path, ==, "00000000");
    g_assert_cmpuint(reference.files, ==, count);
    g_assert_cmpuint(page_builder_count(builder), ==, 0);
    page = page_parse(bytes, &error);
    g_assert_no_error(error);
    page_ref_clear(&reference);
}

/* Whatever bytes are accepted, there is no other spelling of what they say. */
static void
assert_one_spelling(GBytes *bytes)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Page) page = page_parse(bytes, &error);
    g_autoptr(GBytes) again = NULL;

    g_assert_cmpint(page == NULL, ==, error != NULL);
    if (!page)
        return;
    again = rebuild(page);
    g_assert_cmpmem(g_bytes_get_data(again, NULL), g_bytes_get_size(again), g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static void
test_mutations(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(14);
    g_autoptr(GPtrArray) entries = entries_random(random, 2000);
    g_auto(Pool) pool;
    GHashTableIter iter;
    gpointer value;

    pool_init(&pool);
    pool_write(&pool, entries);
    g_hash_table_iter_init(&iter, pool.pages);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        gsize size;
        const guint8 *data = g_bytes_get_data(value, &size);

        assert_one_spelling(value);
        for (guint i = 0; i < 60; i++) {
            g_autofree guint8 *copy = g_memdup2(data, size);
            gsize cut = g_rand_int_range(random, 0, 4) == 0 ? (gsize)g_rand_int_range(random, 0, (gint32)size) : size;
            g_autoptr(GBytes) bytes = NULL;

            for (int k = g_rand_int_range(random, 1, 4); k > 0; k--)
                copy[g_rand_int_range(random, 0, (gint32)MIN(size, 200))] ^= (guint8)(1 << g_rand_int_range(random, 0, 8));
            bytes = g_bytes_new(copy, cut);
            assert_one_spelling(bytes);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page/accepts", test_accepts);
    for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *name = g_strdup_printf("/page/refuses/%s-%s", refusals[i].rule, refusals[i].why);

        g_test_add_data_func(name, &refusals[i], test_refuses);
    }
    g_test_add_func("/page/refuses/L1-size", test_L1_size);
    g_test_add_func("/page/refuses/L12-paths", test_L12_paths);
    g_test_add_func("/page/builder-is-bounded", test_builder_is_bounded);
    g_test_add_func("/page/mutations", test_mutations);
    return g_test_run();
}
