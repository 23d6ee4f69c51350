/* What travels when a node pushes: PS4 and PS7 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/pushed.h"

static void
test_heads(void)
{
    static const struct {
        const char *head;
        guint status;      /* 0: refused */
    } cases[] = {
        { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chama/1\r\n\r\n", 101 },
        { "HTTP/1.1 101 x\r\nDate: y\r\nuPGRADE:   chama/1 \r\nA: b\r\n\r\n", 101 },
        { "HTTP/1.1 404 Not Found\r\n\r\n", 404 },
        { "HTTP/1.1 409\r\n\r\n", 409 },
        { "HTTP/1.1 101 Switching Protocols\r\n\r\n", 0 },
        { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chama/2\r\n\r\n", 0 },
        { "HTTP/1.1 101 Switching Protocols\r\nX-Upgrade: chama/1\r\n\r\n", 0 },
        { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chama/1\r\n", 0 },
        { "HTTP/1.0 101 Switching Protocols\r\nUpgrade: chama/1\r\n\r\n", 0 },
        { "HTTP/1.1 099 x\r\n\r\n", 0 },
        { "HTTP/1.1 1o1 x\r\nUpgrade: chama/1\r\n\r\n", 0 },
        { "HTTP/1.1 1011 x\r\nUpgrade: chama/1\r\n\r\n", 0 },
        { "GET / HTTP/1.1\r\n\r\n", 0 },
        { "\r\n\r\n", 0 },
        { "", 0 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        guint status = 7;

        g_assert_cmpint(push_head_parse(cases[i].head, strlen(cases[i].head), &status, &error), ==, cases[i].status != 0);
        g_assert_cmpuint(status, ==, cases[i].status ? cases[i].status : 7);
        if (!cases[i].status)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_long_head(void)
{
    g_autofree char *many = g_strnfill(PUSH_HEAD_MAX, 'x');
    g_autofree char *head = g_strdup_printf("HTTP/1.1 404 Not Found\r\nA: %s\r\n\r\n", many);
    g_autoptr(GError) error = NULL;
    guint status;

    g_assert_false(push_head_parse(head, strlen(head), &status, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

static void
test_result(void)
{
    const Pushed some = { .records = 1, .versions = 2, .chunks = 3, .bytes = 4, .refused = 5, .problems = 6, .exit_status = 3 };
    Pushed failed = some, read;
    g_autoptr(GBytes) bytes = pushed_format(&some), other = NULL;

    g_assert_true(pushed_parse(bytes, &read, NULL));
    g_assert_cmpmem(&read, sizeof read, &some, sizeof some);
    for (int code = CHAMA_ERROR_FAILED; code <= CHAMA_ERROR_CANCELLED; code++) {
        failed.has_failed = TRUE;
        failed.failed = code;
        g_clear_pointer(&other, g_bytes_unref);
        other = pushed_format(&failed);
        g_assert_true(pushed_parse(other, &read, NULL));
        g_assert_true(read.has_failed);
        g_assert_cmpint(read.failed, ==, code);
    }
}

static void
test_bad_results(void)
{
#define REST "\"problems\":0,\"records\":0,\"refused\":0,\"type\":\"pushed/1\",\"versions\":0}"
    static const struct {
        const char *text;
        ChamaError code;
    } cases[] = {
        { "", CHAMA_ERROR_MALFORMED },
        { "{}", CHAMA_ERROR_MALFORMED },
        { "{\"bytes\":-1,\"chunks\":0,\"exit\":0," REST, CHAMA_ERROR_MALFORMED },
        { "{\"bytes\":0,\"chunks\":0,\"exit\":6," REST, CHAMA_ERROR_MALFORMED },
        { "{\"bytes\":0,\"chunks\":0,\"exit\":0,\"failed\":1," REST, CHAMA_ERROR_MALFORMED },
        { "{\"bytes\":\"0\",\"chunks\":0,\"exit\":0," REST, CHAMA_ERROR_MALFORMED },
        { "{\"bytes\":0,\"chunks\":0,\"exit\":0,\"type\":\"pushed/2\"}", CHAMA_ERROR_UNSUPPORTED },
    };
    Pushed read = { .records = 7 };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(cases[i].text, strlen(cases[i].text));
        g_autoptr(GError) error = NULL;

        g_assert_false(pushed_parse(bytes, &read, &error));
        g_assert_error(error, CHAMA_ERROR, (gint)cases[i].code);
        g_assert_cmpuint(read.records, ==, 7);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pushed/PS4-heads", test_heads);
    g_test_add_func("/pushed/PS4-long-head", test_long_head);
    g_test_add_func("/pushed/PS7-result", test_result);
    g_test_add_func("/pushed/PS7-bad-results", test_bad_results);
    return g_test_run();
}
