#include <string.h>

#include "keys/digest.h"
#include "keys/error.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
assert_hex(const Digest *digest, const char *expected)
{
    char hex[DIGEST_HEX_SIZE];

    g_assert_cmpstr(digest_format_hex(digest, hex), ==, expected);
}

static void
test_known_answers(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static("abc", 3);
    char text[DIGEST_TEXT_SIZE];
    Digest digest;

    digest_of("", 0, &digest);
    assert_hex(&digest, EMPTY);
    digest_of(NULL, 0, &digest);
    assert_hex(&digest, EMPTY);
    digest_of_bytes(bytes, &digest);
    assert_hex(&digest, ABC);
    g_assert_cmpstr(digest_format(&digest, text), ==, "sha256:" ABC);
}

static void
test_stream(void)
{
    DigestStream *stream = digest_stream_new();
    g_autoptr(DigestStream) abandoned = digest_stream_new();
    Digest digest;

    digest_stream_update(stream, "a", 1);
    digest_stream_update(stream, "", 0);
    digest_stream_update(stream, "bc", 2);
    digest_stream_reset(stream, &digest);
    assert_hex(&digest, ABC);
    digest_stream_reset(stream, &digest);
    assert_hex(&digest, EMPTY);
    digest_stream_update(stream, "abc", 3);
    digest_stream_finish(stream, &digest);
    assert_hex(&digest, ABC);
    digest_stream_update(abandoned, "abc", 3);
    digest_stream_free(NULL);
}

static gpointer
hash_many(gpointer data)
{
    guint wrong = 0;

    for (int i = 0; i < 2000; i++) {
        char hex[DIGEST_HEX_SIZE];
        Digest digest;

        digest_of("abc", 3, &digest);
        wrong += strcmp(digest_format_hex(&digest, hex), ABC) != 0;
    }
    return GUINT_TO_POINTER(wrong);
}

static void
test_threads(void)
{
    GThread *threads[4];

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("hash", hash_many, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), ==, 0);
}

static void
test_d1_d2_parse(void)
{
    static const struct {
        const char *text;
        int code; /* -1: good */
    } cases[] = {
        { "sha256:" ABC, -1 },
        { "", CHAMA_ERROR_MALFORMED },
        { "sha256", CHAMA_ERROR_MALFORMED },
        { "sha256:", CHAMA_ERROR_MALFORMED },
        { ABC, CHAMA_ERROR_MALFORMED },
        { "sha256:" ABC "0", CHAMA_ERROR_MALFORMED },
        { "sha256:" ABC "\n", CHAMA_ERROR_MALFORMED },
        { " sha256:" ABC, CHAMA_ERROR_UNSUPPORTED },
        { "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", CHAMA_ERROR_MALFORMED },
        { "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", CHAMA_ERROR_MALFORMED },
        { "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", CHAMA_ERROR_MALFORMED },
        { "SHA256:" ABC, CHAMA_ERROR_UNSUPPORTED },
        { "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", CHAMA_ERROR_UNSUPPORTED },
        { ":" ABC, CHAMA_ERROR_UNSUPPORTED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        Digest digest = { { 1 } }, before = digest;

        if (cases[i].code < 0) {
            g_assert_true(digest_parse(cases[i].text, &digest, &error));
            assert_hex(&digest, ABC);
            continue;
        }
        g_assert_false(digest_parse(cases[i].text, &digest, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_true(digest_equal(&digest, &before));
    }
}

static void
test_d2_names_the_algorithm(void)
{
    g_autoptr(GError) error = NULL;
    Digest digest;

    g_assert_false(digest_parse("sm3:00", &digest, &error));
    g_assert_nonnull(strstr(error->message, "D2"));
    g_assert_nonnull(strstr(error->message, "\"sm3\""));
}

static void
test_table_functions(void)
{
    Digest a = { { 1, 2 } }, b = { { 1, 3 } }, c = a;

    g_assert_true(digest_equal(&a, &c));
    g_assert_false(digest_equal(&a, &b));
    g_assert_cmpuint(digest_hash(&a), ==, digest_hash(&c));
    g_assert_cmpuint(digest_hash(&a), !=, digest_hash(&b));
    g_assert_cmpint(digest_compare(&a, &b), <, 0);
    g_assert_cmpint(digest_compare(&b, &a), >, 0);
    g_assert_cmpint(digest_compare(&a, &c), ==, 0);
}

static void
test_d3_d4_base64(void)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused with @code */
        ChamaError code;
    } cases[] = {
        { "", "", 0 },
        { "YQ==", "a", 0 },
        { "YWI=", "ab", 0 },
        { "YWJj", "abc", 0 },
        { "+/+/", "\xfb\xff\xbf", 0 },
        { "YR==", NULL, CHAMA_ERROR_MALFORMED },      /* unused bits set */
        { "YQ=", NULL, CHAMA_ERROR_MALFORMED },
        { "YQ", NULL, CHAMA_ERROR_MALFORMED },
        { "YQ===", NULL, CHAMA_ERROR_MALFORMED },
        { "Y Q==", NULL, CHAMA_ERROR_MALFORMED },
        { "YQ==\n", NULL, CHAMA_ERROR_MALFORMED },
        { "-_-_", NULL, CHAMA_ERROR_MALFORMED },      /* the URL alphabet */
        { "YQ==YQ==", NULL, CHAMA_ERROR_MALFORMED },
        { "=", NULL, CHAMA_ERROR_MALFORMED },
        { "YWJjZA==", "abcd", 0 },
        { "YWJjZGU=", NULL, CHAMA_ERROR_LIMIT },      /* five bytes, of four */
        { "YWJjZGVmZ2hp", NULL, CHAMA_ERROR_LIMIT },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = base64_parse(cases[i].text, strlen(cases[i].text), 4, &error);
        g_autofree char *again = NULL;

        if (!cases[i].bytes) {
            g_assert_null(bytes);
            g_assert_error(error, CHAMA_ERROR, (gint)cases[i].code);
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), cases[i].bytes, strlen(cases[i].bytes));
        again = base64_format(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        g_assert_cmpstr(again, ==, cases[i].text);
    }
}

/* The text need not end in NUL, and may contain it. */
static void
test_d3_base64_is_bounded_by_its_size(void)
{
    static const char text[] = { 'Y', 'Q', '=', '=', 'Y', 'W', '\0', 'I', '=' };
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = base64_parse(text, 4, 16, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, 1);
    g_assert_null(base64_parse(text + 4, 5, 16, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/digest/known-answers", test_known_answers);
    g_test_add_func("/digest/stream", test_stream);
    g_test_add_func("/digest/threads", test_threads);
    g_test_add_func("/digest/d1-d2-parse", test_d1_d2_parse);
    g_test_add_func("/digest/d2-names-the-algorithm", test_d2_names_the_algorithm);
    g_test_add_func("/digest/table-functions", test_table_functions);
    g_test_add_func("/digest/d3-d4-base64", test_d3_d4_base64);
    g_test_add_func("/digest/d3-base64-is-bounded-by-its-size", test_d3_base64_is_bounded_by_its_size);
    return g_test_run();
}
