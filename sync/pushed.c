#include "sync/pushed.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "sync/wire_private.h"

#define NAME_MAX_BYTES 32
#define EXIT_MAX 5

static const char type[] = "pushed/1", what[] = "pushed";

/* One header line, without its end, says that @name has the one @value. */
static gboolean
line_says(const char *line, gsize size, const char *name, const char *value)
{
    g_autofree char *text = g_strndup(line, size);
    char *colon = strchr(text, ':');

    if (!colon)
        return FALSE;
    *colon = '\0';
    return g_ascii_strcasecmp(text, name) == 0 && strcmp(g_strstrip(colon + 1), value) == 0;
}

/* "HTTP/1.1 101 ..." */
static gboolean
read_status(const char *head, gsize size, guint *status)
{
    static const char version[] = "HTTP/1.1 ";
    gsize at = sizeof version - 1;

    if (size < at + 4 || strncmp(head, version, at) != 0 || (head[at + 3] != ' ' && head[at + 3] != '\r'))
        return FALSE;
    *status = 0;
    for (gsize i = at; i < at + 3; i++) {
        if (!g_ascii_isdigit(head[i]))
            return FALSE;
        *status = *status * 10 + (guint)(head[i] - '0');
    }
    return *status >= 101;
}

gboolean
push_head_parse(const char *head, gsize size, guint *status, GError **error)
{
    gboolean agreed = FALSE;
    guint found = 0;

    if (size > PUSH_HEAD_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "push: PS4: want an answer's head of at most %d bytes", PUSH_HEAD_MAX);
    if (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0 || memchr(head, '\0', size) || !read_status(head, size, &found))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "push: PS4: want an answer of HTTP/1.1, have something else");
    for (const char *line = head, *end; line < head + size; line = end + 2) {
        end = g_strstr_len(line, head + size - line, "\r\n");
        agreed = agreed || line_says(line, (gsize)(end - line), "Upgrade", PUSH_PROTOCOL);
    }
    if (found == 101 && !agreed)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "push: PS4: want Upgrade: %s beside status 101, have none", PUSH_PROTOCOL);
    *status = found;
    return TRUE;
}

static const char *
name_of(int code)
{
    const GError named = { .domain = CHAMA_ERROR, .code = code };

    return chama_error_name(&named);
}

GBytes *
pushed_format(const Pushed *pushed)
{
    g_autoptr(json_t) root = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "records", (json_int_t)pushed->records, "versions", (json_int_t)pushed->versions, "chunks",
                                       (json_int_t)pushed->chunks, "bytes", (json_int_t)pushed->bytes, "refused", (json_int_t)pushed->refused, "problems",
                                       (json_int_t)pushed->problems, "exit", (json_int_t)pushed->exit_status, "type", type);

    if (pushed->has_failed)
        json_object_set_new(root, "failed", json_string(name_of(pushed->failed)));
    return wire_format(root, what, NULL);
}

/* A name that is not known is a failure, too. */
static gboolean
read_failed(const json_t *root, Pushed *pushed, GError **error)
{
    const char *name;

    pushed->has_failed = member_has(root, "failed");
    pushed->failed = CHAMA_ERROR_FAILED;
    if (!pushed->has_failed)
        return TRUE;
    if (!member_string(root, what, "failed", NAME_MAX_BYTES, &name, error))
        return FALSE;
    for (int code = CHAMA_ERROR_FAILED; code <= CHAMA_ERROR_CANCELLED; code++) {
        if (strcmp(name_of(code), name) == 0)
            pushed->failed = code;
    }
    return TRUE;
}

gboolean
pushed_parse(GBytes *bytes, Pushed *pushed, GError **error)
{
    g_autoptr(json_t) root = wire_parse(bytes, PUSHED_MAX, type, what, error);
    Pushed read = { 0 };
    gint64 status;

    if (!root || !wire_read_size(root, what, "records", &read.records, error) || !wire_read_size(root, what, "versions", &read.versions, error) ||
        !wire_read_size(root, what, "chunks", &read.chunks, error) || !wire_read_size(root, what, "bytes", &read.bytes, error) ||
        !wire_read_size(root, what, "refused", &read.refused, error) || !wire_read_size(root, what, "problems", &read.problems, error) ||
        !member_integer(root, what, "exit", 0, EXIT_MAX, &status, error) || !read_failed(root, &read, error))
        return FALSE;
    read.exit_status = (guint)status;
    *pushed = read;
    return TRUE;
}
