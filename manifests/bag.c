#include "manifests/bag.h"

#include <string.h>

#include "keys/error.h"

#define HEX (DIGEST_HEX_SIZE - 1)
#define SEPARATOR "  "

/* RFC 8493, 2.1.3: these, and only these, would break a line or be taken for what they are not. */
static gboolean
is_escaped(char byte)
{
    return byte == '\n' || byte == '\r' || byte == '%';
}

gboolean
bag_line_append(GString *text, const Digest *digest, const char *path, GError **error)
{
    char hex[DIGEST_HEX_SIZE];

    if (!g_utf8_validate(path, -1, NULL)) {
        g_autofree char *shown = path_display(path);

        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: EX8: want a name in UTF-8, which a bag can hold, have other bytes", shown);
    }
    g_string_append(text, digest_format_hex(digest, hex));
    g_string_append(text, SEPARATOR);
    for (; *path; path++) {
        if (is_escaped(*path))
            g_string_append_printf(text, "%%%02X", (guint)(guchar)*path);
        else
            g_string_append_c(text, *path);
    }
    g_string_append_c(text, '\n');
    return TRUE;
}

static gboolean
malformed_line(GError **error)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "a line of a bag's manifest: EX8: want a SHA-256 in hex, two spaces and a path, have another");
}

/* "%0A" at @at, and nothing that stands for itself. */
static gboolean
unescape(const char *at, const char *end, char *byte)
{
    gint high = end - at > 2 ? g_ascii_xdigit_value(at[1]) : -1, low = high >= 0 ? g_ascii_xdigit_value(at[2]) : -1;

    if (low < 0 || g_ascii_islower(at[1]) || g_ascii_islower(at[2]))
        return FALSE;
    *byte = (char)(high << 4 | low);
    return is_escaped(*byte);
}

static char *
parse_path(const char *at, const char *end, GError **error)
{
    g_autoptr(GString) path = g_string_sized_new((gsize)(end - at));

    if (!g_utf8_validate_len(at, (gsize)(end - at), NULL)) {
        malformed_line(error);
        return NULL;
    }
    for (; at < end; at++) {
        char byte = *at;

        if (is_escaped(byte) && (byte != '%' || !unescape(at, end, &byte))) {
            malformed_line(error);
            return NULL;
        }
        at += *at == '%' ? 2 : 0;
        g_string_append_c(path, byte);
    }
    return path_check(g_str_has_prefix(path->str, BAG_PAYLOAD) ? path->str + strlen(BAG_PAYLOAD) : path->str, error)
               ? g_string_free(g_steal_pointer(&path), FALSE)
               : NULL;
}

gboolean
bag_line_parse(const char *line, gsize size, Digest *digest, char **path, GError **error)
{
    char hex[DIGEST_HEX_SIZE] = "";
    char *parsed;

    if (size > BAG_LINE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "a line of a bag's manifest: EX8: want at most %d bytes, have %" G_GSIZE_FORMAT, BAG_LINE_MAX, size);
    if (size <= HEX + 2 || memchr(line, 0, size) || memcmp(line + HEX, SEPARATOR, 2) != 0)
        return malformed_line(error);
    memcpy(hex, line, HEX);
    if (!digest_parse_hex(hex, digest, NULL))
        return malformed_line(error);
    parsed = parse_path(line + HEX + 2, line + size, error);
    if (parsed)
        *path = parsed;
    return parsed != NULL;
}

gboolean
bag_declaration_check(const void *bytes, gsize size, GError **error)
{
    return (size == strlen(BAG_DECLARATION) && memcmp(bytes, BAG_DECLARATION, size) == 0) ||
           chama_error(error, CHAMA_ERROR_MALFORMED, BAG_DECLARATION_NAME ": EX7: want the declaration of BagIt 1.0 in UTF-8, have another");
}

void
bag_info_append(GString *text, const char *label, const char *value)
{
    if (!value || !*value)
        return;
    g_string_append_printf(text, "%s: ", label);
    for (; *value; value++)
        g_string_append_c(text, g_ascii_iscntrl(*value) ? ' ' : *value);
    g_string_append_c(text, '\n');
}

static gboolean
malformed_info(GError **error)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, BAG_INFO_NAME ": EX9: want lines of a label, a colon, a space and a value, have another");
}

/* Label, colon, space and at least one more byte. */
static gboolean
parse_element(const char *line, const char *end, const char **value)
{
    const char *colon = memchr(line, ':', (gsize)(end - line));

    if (!colon || colon == line || end - colon < 3 || colon[1] != ' ')
        return FALSE;
    for (const char *at = line; at < end; at++)
        if (g_ascii_iscntrl(*at))
            return FALSE;
    *value = colon + 2;
    return TRUE;
}

char *
bag_info_get(const char *text, gsize size, const char *label, GError **error)
{
    g_autofree char *found = NULL;
    const char *value, *end = text + size;

    if (size > BAG_INFO_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, BAG_INFO_NAME ": EX9: want at most %d bytes, have %" G_GSIZE_FORMAT, BAG_INFO_SIZE_MAX, size);
    for (const char *line = text, *line_end; line < end; line = line_end + 1) {
        line_end = memchr(line, '\n', (gsize)(end - line));
        if (!line_end || !g_utf8_validate_len(line, (gsize)(line_end - line), NULL) || !parse_element(line, line_end, &value)) {
            malformed_info(error);
            return NULL;
        }
        if (!found && (gsize)(value - 2 - line) == strlen(label) && memcmp(line, label, strlen(label)) == 0)
            found = g_strndup(value, (gsize)(line_end - value));
    }
    return found ? g_steal_pointer(&found) : chama_error_null(error, CHAMA_ERROR_NOT_FOUND, BAG_INFO_NAME ": want %s, have none", label);
}
