/* Errors as RFC 9457 problem documents, and back; W7. */
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "sync/names.h"
#include "sync/wire.h"

#define DETAIL_MAX 512

/* W7, and I4: what is refused and what is not there answer alike; what broke here is for this node's own log. */
static const char *
detail_of(const GError *error)
{
    switch (chama_error_http_status(error)) {
    case 404:
        return "no such thing here";
    case 500:
        return "this node could not do it: its own log says why";
    default:
        return error->message;
    }
}

static const char *
title_of(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return "Internal Server Error";
    }
}

GBytes *
problem_format(const GError *error)
{
    int status = chama_error_http_status(error);
    GError shown = { .domain = error->domain, .code = error->code };
    const char *text = detail_of(error);
    g_autofree char *detail = name_printable(text, strlen(text), DETAIL_MAX);
    g_autoptr(json_t) root = NULL;

    if (status == 404)
        shown = (GError){ .domain = CHAMA_ERROR, .code = CHAMA_ERROR_NOT_FOUND };
    root = json_pack("{s:s, s:s, s:i, s:s, s:s}", "code", chama_error_name(&shown), "detail", detail, "status", status, "title", title_of(status),
                     "type", "about:blank");
    return canonical_format(root, NULL);
}

/* What a status alone says. */
static ChamaError
code_of_status(int status)
{
    static const struct {
        int status;
        ChamaError code;
    } codes[] = {
        { 400, CHAMA_ERROR_MALFORMED },   { 404, CHAMA_ERROR_NOT_FOUND },   { 409, CHAMA_ERROR_EXISTS },
        { 413, CHAMA_ERROR_LIMIT },       { 429, CHAMA_ERROR_UNREACHABLE }, { 502, CHAMA_ERROR_UNREACHABLE },
        { 503, CHAMA_ERROR_UNREACHABLE }, { 504, CHAMA_ERROR_UNREACHABLE }, { 507, CHAMA_ERROR_NO_SPACE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].status == status)
            return codes[i].code;
    return CHAMA_ERROR_FAILED;
}

/* The error of that name if it answers with @status, so that a peer cannot say one thing and answer another. */
static ChamaError
code_of(const char *name, int status)
{
    for (int code = CHAMA_ERROR_FAILED; name && code <= CHAMA_ERROR_CANCELLED; code++) {
        GError probe = { .domain = CHAMA_ERROR, .code = code };

        if (chama_error_http_status(&probe) == status && strcmp(chama_error_name(&probe), name) == 0)
            return (ChamaError)code;
    }
    return code_of_status(status);
}

void
problem_read(GBytes *body, int status, GError **error)
{
    gsize size = 0;
    const void *data = body ? g_bytes_get_data(body, &size) : NULL;
    g_autoptr(json_t) root = size > 0 ? canonical_parse(data, size, WIRE_PROBLEM_MAX, "problem", NULL) : NULL;
    const char *name = NULL, *detail = NULL;
    g_autofree char *shown = NULL;

    if (root && json_is_object(root)) {
        name = json_string_value(json_object_get(root, "code"));
        detail = json_string_value(json_object_get(root, "detail"));
    }
    if (!detail) {
        chama_error(error, code_of(NULL, status), "the peer answers with status %d", status);
        return;
    }
    shown = name_printable(detail, strlen(detail), DETAIL_MAX);
    chama_error(error, code_of(name, status), "the peer answers: %s", shown);
}
