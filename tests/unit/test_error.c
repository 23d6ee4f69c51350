#include <errno.h>

#include <glib.h>

#include "keys/error.h"

static void
test_meanings(void)
{
    static const struct {
        ChamaError code;
        const char *name;
        int exit_status;
        int http_status;
    } cases[] = {
        { CHAMA_ERROR_FAILED, "failed", 1, 500 },
        { CHAMA_ERROR_USAGE, "usage", 2, 400 },
        { CHAMA_ERROR_NOT_FOUND, "not-found", 1, 404 },
        { CHAMA_ERROR_EXISTS, "exists", 1, 409 },
        { CHAMA_ERROR_MALFORMED, "malformed", 3, 400 },
        { CHAMA_ERROR_LIMIT, "limit", 3, 413 },
        { CHAMA_ERROR_UNSUPPORTED, "unsupported", 3, 400 },
        { CHAMA_ERROR_VERIFY, "verify", 3, 400 },
        { CHAMA_ERROR_DAMAGED, "damaged", 3, 500 },
        { CHAMA_ERROR_FORK, "fork", 3, 409 },
        { CHAMA_ERROR_DENIED, "denied", 4, 404 },
        { CHAMA_ERROR_UNREACHABLE, "unreachable", 5, 503 },
        { CHAMA_ERROR_NO_SPACE, "no-space", 1, 507 },
        { CHAMA_ERROR_CANCELLED, "cancelled", 1, 499 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(chama_error(&error, cases[i].code, "x"));
        g_assert_error(error, CHAMA_ERROR, (gint)cases[i].code);
        g_assert_cmpstr(chama_error_name(error), ==, cases[i].name);
        g_assert_cmpint(chama_error_exit_status(error), ==, cases[i].exit_status);
        g_assert_cmpint(chama_error_http_status(error), ==, cases[i].http_status);
    }
}

static void
test_strangers_count_as_failed(void)
{
    g_autoptr(GError) foreign = g_error_new(G_FILE_ERROR, G_FILE_ERROR_PERM, "x");
    g_autoptr(GError) beyond = g_error_new(CHAMA_ERROR, CHAMA_ERROR_CANCELLED + 1, "x");
    g_autoptr(GError) below = g_error_new(CHAMA_ERROR, -1, "x");

    g_assert_cmpstr(chama_error_name(foreign), ==, "failed");
    g_assert_cmpint(chama_error_exit_status(beyond), ==, 1);
    g_assert_cmpint(chama_error_http_status(below), ==, 500);
}

static void
test_errno(void)
{
    static const struct {
        int errnum;
        ChamaError code;
    } cases[] = {
        { ENOSPC, CHAMA_ERROR_NO_SPACE },
        { EDQUOT, CHAMA_ERROR_NO_SPACE },
        { ENOENT, CHAMA_ERROR_NOT_FOUND },
        { EACCES, CHAMA_ERROR_FAILED },
        { EIO, CHAMA_ERROR_FAILED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *expected = g_strdup_printf("a/b: cannot open: %s", g_strerror(cases[i].errnum));

        g_assert_false(chama_error_errno(&error, cases[i].errnum, "%s: cannot open", "a/b"));
        g_assert_error(error, CHAMA_ERROR, (gint)cases[i].code);
        g_assert_cmpstr(error->message, ==, expected);
    }
}

/* What a peer wrote into a name must not break a log line or drive a terminal. */
static void
test_message_is_one_line(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) broken = NULL;

    g_assert_null(chama_error_null(&error, CHAMA_ERROR_MALFORMED, "%s: 森林", "a\nb\033[2Jc\177\xc2\x85"));
    g_assert_cmpstr(error->message, ==, "a?b?[2Jc??: 森林");
    chama_error(&broken, CHAMA_ERROR_MALFORMED, "%s", "a\xff");
    g_assert_true(g_utf8_validate(broken->message, -1, NULL));
}

static void
test_nobody_asks(void)
{
    g_assert_false(chama_error(NULL, CHAMA_ERROR_FAILED, "%s", "x"));
    g_assert_null(chama_error_null(NULL, CHAMA_ERROR_FAILED, "%s", "x"));
    g_assert_false(chama_error_errno(NULL, ENOENT, "%s", "x"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/meanings", test_meanings);
    g_test_add_func("/error/strangers-count-as-failed", test_strangers_count_as_failed);
    g_test_add_func("/error/errno", test_errno);
    g_test_add_func("/error/message-is-one-line", test_message_is_one_line);
    g_test_add_func("/error/nobody-asks", test_nobody_asks);
    return g_test_run();
}
