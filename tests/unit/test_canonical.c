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
test_vector(void)
{
    const char *text = jcs("key_order_is_utf16");
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) root = parse(text, &error);
    g_autoptr(GBytes) bytes = NULL;
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    g_assert_no_error(error);
    bytes = canonical_format(root, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), text, strlen(text));
    digest_of_bytes(bytes, &digest);
    g_assert_cmpstr(digest_format_hex(&digest, hex), ==, jcs("sha256"));
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

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    vectors = json_load_file("tests/vectors.json", 0, NULL);
    g_assert_nonnull(vectors);
    g_test_add_func("/canonical/vector", test_vector);
    g_test_add_func("/canonical/vector/reject", test_vector_rejects);
    status = g_test_run();
    json_decref(vectors);
    return status;
}
