#include "keys/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* What a code means to the shell, to HTTP and to a reader of JSON. */
static const struct {
    const char *name;
    int exit_status;
    int http_status;
} meanings[] = {
    [CHAMA_ERROR_FAILED] = { "failed", 1, 500 },
    [CHAMA_ERROR_USAGE] = { "usage", 2, 400 },
    [CHAMA_ERROR_NOT_FOUND] = { "not-found", 1, 404 },
    [CHAMA_ERROR_EXISTS] = { "exists", 1, 409 },
    [CHAMA_ERROR_MALFORMED] = { "malformed", 3, 400 },
    [CHAMA_ERROR_LIMIT] = { "limit", 3, 413 },
    [CHAMA_ERROR_UNSUPPORTED] = { "unsupported", 3, 400 },
    [CHAMA_ERROR_VERIFY] = { "verify", 3, 400 },
    [CHAMA_ERROR_DAMAGED] = { "damaged", 3, 500 },
    [CHAMA_ERROR_FORK] = { "fork", 3, 409 },
    [CHAMA_ERROR_DENIED] = { "denied", 4, 404 },
    [CHAMA_ERROR_UNREACHABLE] = { "unreachable", 5, 503 },
    [CHAMA_ERROR_NO_SPACE] = { "no-space", 1, 507 },
    [CHAMA_ERROR_CANCELLED] = { "cancelled", 1, 499 },
};

G_DEFINE_QUARK(chama-error-quark, chama_error)

/* A message may quote what a peer sent: whatever that was, it is one line of valid UTF-8 without control characters. */
static char *
one_line(const char *format, va_list arguments)
{
    g_autofree char *raw = g_strdup_vprintf(format, arguments);
    g_autofree char *valid = g_utf8_make_valid(raw, -1);
    GString *line = g_string_sized_new(strlen(valid));

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        g_string_append_unichar(line, g_unichar_iscntrl(c) ? '?' : c);
    }
    return g_string_free(line, FALSE);
}

static void
set_error(GError **error, ChamaError code, const char *format, va_list arguments)
{
    g_autofree char *message = error ? one_line(format, arguments) : NULL;

    if (message)
        g_set_error_literal(error, CHAMA_ERROR, code, message);
}

gboolean
chama_error(GError **error, ChamaError code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_error(error, code, format, arguments);
    va_end(arguments);
    return FALSE;
}

void *
chama_error_null(GError **error, ChamaError code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_error(error, code, format, arguments);
    va_end(arguments);
    return NULL;
}

static ChamaError
code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return CHAMA_ERROR_NO_SPACE;
    case ENOENT:
        return CHAMA_ERROR_NOT_FOUND;
    default:
        return CHAMA_ERROR_FAILED;
    }
}

gboolean
chama_error_errno(GError **error, int errnum, const char *format, ...)
{
    g_autofree char *subject = NULL;
    va_list arguments;

    va_start(arguments, format);
    subject = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return chama_error(error, code_of_errno(errnum), "%s: %s", subject, g_strerror(errnum));
}

static ChamaError
code_of(const GError *error)
{
    if (error->domain != CHAMA_ERROR || error->code < 0 || (gsize)error->code >= G_N_ELEMENTS(meanings))
        return CHAMA_ERROR_FAILED;
    return error->code;
}

int
chama_error_exit_status(const GError *error)
{
    return meanings[code_of(error)].exit_status;
}

int
chama_error_http_status(const GError *error)
{
    return meanings[code_of(error)].http_status;
}

const char *
chama_error_name(const GError *error)
{
    return meanings[code_of(error)].name;
}
