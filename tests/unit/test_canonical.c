#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"

static json_t *vectors;

static const char *
jcs(const char *name)
{
    return json_string_value(json_object_get(json_object_get(vectors, "jcs"), name));
}

static json_t *
parse(const char *text, GError **error)
{
    return canonical_parse(text, strlen(text), 32768, "record", error);
}

static void
assert_formats(const json_t *value, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = canonical_format(value, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), expected, strlen(expected));
}

static void
test_vector(void)
{
    const char *text = jcs("key_order_is_utf16");
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) root = parse(text, &error);
    g_autoptr(json_t) shuffled = json_object();
    const char *const names[] = { "\xef\xac\xb3", "😀", "s", "ö", "€", "1", "\r", "numbers", "\xc2\x80" };
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    g_assert_no_error(error);
    assert_formats(root, text);
    digest_of(text, strlen(text), &digest);
    g_assert_cmpstr(digest_format_hex(&digest, hex), ==, jcs("sha256"));
    /* The same members, put in another order. */
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (member_has(root, names[i]))
            json_object_set(shuffled, names[i], json_object_get(root, names[i]));
    }
    json_object_update_missing(shuffled, root);
    assert_formats(shuffled, text);
}

static void
test_vector_rejects(void)
{
    json_t *list = json_object_get(json_object_get(vectors, "jcs"), "reject"), *item;
    gsize i;

    g_assert_cmpint(json_array_size(list), >, 0);
    json_array_foreach(list, i, item) {
        g_autoptr(GError) error = NULL;

        g_assert_null(parse(json_string_value(item), &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_accepted(void)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "[[],{}]",
        "{\"\":\"\"}",
        "[true,false,0,-1]",
        "[9007199254740991,-9007199254740991]",
        "{\"a\":{\"b\":[{\"c\":1}]}}",
        "[\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\177\"]",
        "[\"\xe6\x98\x86\xe6\x98\x8e\xf0\x9f\x98\x80\xe2\x80\xa8\"]",
        "[\"{[,\",\"\\\\\",\"]\"]",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) root = parse(texts[i], &error);

        g_assert_no_error(error);
        assert_formats(root, texts[i]);
    }
}

static void
test_c1_to_c8_refused(void)
{
    static const struct {
        const char *text;
        const char *rule;
    } cases[] = {
        { "", "C1" },
        { "1", "C1" },
        { "\"a\"", "C1" },
        { "true", "C1" },
        { "null", "C1" },
        { "{", "C1" },
        { "{\"a\"", "C1" },
        { "{\"a\":}", "C1" },
        { "[1,]", "C1" },
        { "[1}", "C1" },
        { "{}{}", "C1" },
        { "{}x", "C1" },
        { "\xef\xbb\xbf{}", "C1" },
        { "[NaN]", "C1" },
        { "{a:1}", "C1" },
        { "{'a':1}", "C1" },
        { "[01]", "C1" },
        { "[+1]", "C1" },
        { "[0x10]", "C1" },
        { "[\"\\x\"]", "C1" },
        { "[\"\\ud800\"]", "C1" },
        { "[\"\\udc00\"]", "C1" },
        { "[\"\\ud800\\u0041\"]", "C1" },
        { "[\"a\nb\"]", "C1" },
        { "[1.0]", "C4" },
        { "[1e2]", "C4" },
        { "[-0.0]", "C4" },
        { "[9007199254740992]", "C4" },
        { "[-9007199254740992]", "C4" },
        { "[9223372036854775807]", "C4" },
        { "[-9223372036854775808]", "C4" },
        { "[9223372036854775808]", "C4" },
        { "[1e999]", "C4" },
        { "[null]", "C5" },
        { "{\"a\":null}", "C5" },
        { "{\"a\":1,\"a\":1}", "C6" },
        { "{\"a\":1,\"\\u0061\":2}", "C6" },
        { "[\"\\u0000\"]", "C7" },
        { "{\"\\u0000\":1}", "C7" },
        { "[\"\xff\"]", "C7" },
        { "[\"\xc0\x80\"]", "C7" },
        { "[\"\xed\xa0\x80\"]", "C7" },
        { "[\"\xf4\x90\x80\x80\"]", "C7" },
        { " {}", "C8" },
        { "{} ", "C8" },
        { "{}\n", "C8" },
        { "[1, 2]", "C8" },
        { "{\"a\" :1}", "C8" },
        { "{\"b\":1,\"a\":2}", "C8" },
        { "{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2}", "C8" }, /* sorted by code points */
        { "[-0]", "C8" },
        { "[\"\\/\"]", "C8" },
        { "[\"\\u0061\"]", "C8" },
        { "[\"\\u000a\"]", "C8" },
        { "[\"\\u001F\"]", "C8" },
        { "[\"\\u007f\"]", "C8" },
        { "[\"\\ud83d\\ude00\"]", "C8" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *expected = g_strconcat("record: ", cases[i].rule, ": ", NULL);
        json_t *root = parse(cases[i].text, &error);

        g_assert_null(root);
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        if (!g_str_has_prefix(error->message, expected))
            g_error("%s: want %s, have %s", cases[i].text, expected, error->message);
    }
}

static void
test_c7_raw_nul(void)
{
    static const char outside[] = "[1]\0", inside[] = "[\"\0\"]";
    g_autoptr(GError) after = NULL;
    g_autoptr(GError) within = NULL;
    g_autoptr(GError) nothing = NULL;

    g_assert_null(canonical_parse(outside, 4, 10, "record", &after));
    g_assert_error(after, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_null(canonical_parse(inside, 5, 10, "record", &within));
    g_assert_error(within, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_null(canonical_parse(NULL, 0, 10, "record", &nothing));
    g_assert_error(nothing, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static void
test_c1_size(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) exact = canonical_parse("[1,2]", 5, 5, "record", &error);

    g_assert_no_error(error);
    g_assert_null(canonical_parse("[1,2]", 5, 4, "record", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_assert_cmpstr(error->message, ==, "record: C1: want at most 4 bytes, have 5");
}

/* @depth arrays in each other. */
static char *
nested(gsize depth)
{
    g_autofree char *left = g_strnfill(depth, '[');
    g_autofree char *right = g_strnfill(depth, ']');

    return g_strconcat(left, right, NULL);
}

static void
test_c2_depth(void)
{
    g_autofree char *deepest = nested(CANONICAL_DEPTH_MAX);
    g_autofree char *deeper = nested(CANONICAL_DEPTH_MAX + 1);
    g_autofree char *abyss = g_strnfill(1000000, '[');
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) error2 = NULL;
    g_autoptr(json_t) root = parse(deepest, &error);
    g_autoptr(json_t) built = json_array();

    g_assert_no_error(error);
    g_assert_null(parse(deeper, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_assert_null(canonical_parse(abyss, 1000000, 1000000, "record", &error2));
    g_assert_error(error2, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    for (int i = 0; i < CANONICAL_DEPTH_MAX; i++) {
        json_t *outer = json_array();

        json_array_append_new(outer, g_steal_pointer(&built));
        built = outer;
    }
    g_assert_null(canonical_format(built, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

/* An array of @count zeros. */
static char *
zeros(gsize count)
{
    GString *text = g_string_new("[0");

    for (gsize i = 1; i < count; i++)
        g_string_append(text, ",0");
    g_string_append_c(text, ']');
    return g_string_free(text, FALSE);
}

static void
test_c3_members(void)
{
    g_autofree char *most = zeros(CANONICAL_MEMBERS_MAX);
    g_autofree char *more = zeros(CANONICAL_MEMBERS_MAX + 1);
    g_autofree char *half = zeros(CANONICAL_MEMBERS_MAX / 2);
    g_autofree char *halves = g_strdup_printf("[%s,%s]", half, half);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) error2 = NULL;
    g_autoptr(GError) error3 = NULL;
    g_autoptr(json_t) root = parse(most, &error);

    g_assert_no_error(error);
    g_assert_null(parse(more, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    /* Members of all containers count together: here two more than the limit. */
    g_assert_null(parse(halves, &error2));
    g_assert_error(error2, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    json_array_append_new(root, json_integer(0));
    g_assert_null(canonical_format(root, &error3));
    g_assert_error(error3, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

static void
test_format_refuses(void)
{
    json_t *const values[] = {
        json_null(),
        json_real(1.5),
        json_integer(G_GINT64_CONSTANT(9007199254740992)),
        json_stringn("a\0b", 3),
        json_string_nocheck("\xff"),
        json_string_nocheck("\xed\xa0\x80"),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autoptr(json_t) array = json_array();
        g_autoptr(GError) error = NULL;

        json_array_append_new(array, values[i]);
        g_assert_null(canonical_format(array, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_null(canonical_format_pretty(array));
    }
}

static void
test_c7_names_with_nul(void)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(json_object_setn_new(object, "a\0b", 3, json_true()), ==, 0);
    g_assert_null(canonical_format(object, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static void
test_indented(void)
{
    g_autoptr(json_t) root = parse("{\"a\":[1,{\"b\":\"x\\n\"}],\"c\":{},\"d\":[],\"\xf0\x9f\x98\x80\":true,\"\xef\xac\xb3\":false}", NULL);
    g_autofree char *text = canonical_format_pretty(root);
    g_autoptr(json_t) empty = json_object();
    g_autofree char *nothing = canonical_format_pretty(empty);

    g_assert_cmpstr(text, ==,
                    "{\n"
                    "  \"a\": [\n"
                    "    1,\n"
                    "    {\n"
                    "      \"b\": \"x\\n\"\n"
                    "    }\n"
                    "  ],\n"
                    "  \"c\": {},\n"
                    "  \"d\": [],\n"
                    "  \"\xf0\x9f\x98\x80\": true,\n"
                    "  \"\xef\xac\xb3\": false\n"
                    "}\n");
    g_assert_cmpstr(nothing, ==, "{}\n");
}

/* The example of keys/IDENTITY.md, part 2, in both forms. */
static void
test_example(void)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"x\\n\"}],\"name\":{\"en\":\"Forest cover\",\"zh\":\"森林覆盖\"},"
                               "\"seq\":7,\"😀\":true,\"！\":false}";
    g_autofree char *document = NULL;
    g_autofree char *expected = NULL;
    g_autofree char *indented = NULL;
    g_auto(GStrv) lines = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) root = parse(text, &error);
    char address[DIGEST_TEXT_SIZE];
    Digest digest;

    g_assert_no_error(error);
    digest_of(text, strlen(text), &digest);
    g_assert_true(g_file_get_contents("keys/IDENTITY.md", &document, NULL, NULL));
    g_assert_nonnull(strstr(document, text));
    g_assert_nonnull(strstr(document, digest_format(&digest, address)));
    indented = canonical_format_pretty(root);
    lines = g_strsplit(g_strchomp(indented), "\n", -1);
    expected = g_strjoinv("\n    ", lines);
    g_assert_nonnull(strstr(document, expected));
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    vectors = json_load_file("tests/vectors.json", 0, NULL);
    g_assert_nonnull(vectors);
    g_test_add_func("/canonical/vector", test_vector);
    g_test_add_func("/canonical/vector/reject", test_vector_rejects);
    g_test_add_func("/canonical/example", test_example);
    g_test_add_func("/canonical/accepted", test_accepted);
    g_test_add_func("/canonical/c1-to-c8-refused", test_c1_to_c8_refused);
    g_test_add_func("/canonical/c7-raw-nul", test_c7_raw_nul);
    g_test_add_func("/canonical/c1-size", test_c1_size);
    g_test_add_func("/canonical/c2-depth", test_c2_depth);
    g_test_add_func("/canonical/c3-members", test_c3_members);
    g_test_add_func("/canonical/format-refuses", test_format_refuses);
    g_test_add_func("/canonical/c7-names-with-nul", test_c7_names_with_nul);
    g_test_add_func("/canonical/indented", test_indented);
    status = g_test_run();
    json_decref(vectors);
    return status;
}
