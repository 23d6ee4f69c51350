#include "keys/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "keys/error.h"

#define INTEGER_MAX G_GINT64_CONSTANT(9007199254740991)

/* Writing a value: where it goes, how, and what was met on the way. */
typedef struct {
    GString *out;
    gboolean pretty;
    guint depth;
    guint members;
    GError **error;
} Writer;

static gboolean write_value(Writer *writer, const json_t *value);

/* C8: UTF-8 sorts by code point, UTF-16 by code unit: they differ in that surrogates (what UTF-8 begins with F0-F4) come before
 * U+E000-U+FFFF (EE, EF).  Where two strings first differ, either both bytes begin a character or neither does. */
static guint
utf16_rank(guint8 byte)
{
    return byte == 0xee || byte == 0xef ? byte + 0x10u : byte;
}

static int
compare_names(const void *a, const void *b)
{
    const guint8 *left = *(const guint8 *const *)a, *right = *(const guint8 *const *)b;

    while (*left && *left == *right) {
        left++;
        right++;
    }
    return (int)utf16_rank(*left) - (int)utf16_rank(*right);
}

static void
write_escaped(GString *out, guint8 byte)
{
    static const char *const short_escapes[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
    };

    if (short_escapes[byte])
        g_string_append(out, short_escapes[byte]);
    else
        g_string_append_printf(out, "\\u%04x", byte);
}

static gboolean
write_string(Writer *writer, const char *text, gsize size)
{
    gsize plain = 0;

    /* g_utf8_validate_len() refuses NUL and surrogates too. */
    if (!g_utf8_validate_len(text, size, NULL))
        return chama_error(writer->error, CHAMA_ERROR_MALFORMED, "C7: want UTF-8 without NUL, have other bytes in a string");
    g_string_append_c(writer->out, '"');
    for (gsize i = 0; i < size; i++) {
        guint8 byte = (guint8)text[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        g_string_append_len(writer->out, text + plain, (gssize)(i - plain));
        write_escaped(writer->out, byte);
        plain = i + 1;
    }
    g_string_append_len(writer->out, text + plain, (gssize)(size - plain));
    g_string_append_c(writer->out, '"');
    return TRUE;
}

static gboolean
write_integer(Writer *writer, json_int_t number)
{
    if (number > INTEGER_MAX || number < -INTEGER_MAX)
        return chama_error(writer->error, CHAMA_ERROR_MALFORMED, "C4: want an integer within 2^53-1, have %" JSON_INTEGER_FORMAT,
                           number);
    g_string_append_printf(writer->out, "%" JSON_INTEGER_FORMAT, number);
    return TRUE;
}

static gboolean
enter(Writer *writer, gsize members)
{
    if (++writer->depth > CANONICAL_DEPTH_MAX)
        return chama_error(writer->error, CHAMA_ERROR_LIMIT, "C2: want a depth of at most %d, have more", CANONICAL_DEPTH_MAX);
    if (members > CANONICAL_MEMBERS_MAX - writer->members)
        return chama_error(writer->error, CHAMA_ERROR_LIMIT, "C3: want at most %d members, have more", CANONICAL_MEMBERS_MAX);
    writer->members += (guint)members;
    return TRUE;
}

static void
begin_line(Writer *writer)
{
    if (!writer->pretty)
        return;
    g_string_append_c(writer->out, '\n');
    for (guint i = 0; i < writer->depth; i++)
        g_string_append(writer->out, "  ");
}

static void
leave(Writer *writer, gsize members, char bracket)
{
    writer->depth--;
    if (members > 0)
        begin_line(writer);
    g_string_append_c(writer->out, bracket);
}

static gboolean
write_array(Writer *writer, const json_t *array)
{
    gsize size = json_array_size(array);

    if (!enter(writer, size))
        return FALSE;
    g_string_append_c(writer->out, '[');
    for (gsize i = 0; i < size; i++) {
        if (i > 0)
            g_string_append_c(writer->out, ',');
        begin_line(writer);
        if (!write_value(writer, json_array_get(array, i)))
            return FALSE;
    }
    leave(writer, size, ']');
    return TRUE;
}

/* The names of @object in canonical order, borrowed from it; NULL for one that no C string can hold. */
static const char **
sorted_names(const json_t *object)
{
    json_t *readable = (json_t *)object;
    g_autofree const char **names = g_new(const char *, json_object_size(object) + 1);
    gsize count = 0;

    for (void *at = json_object_iter(readable); at; at = json_object_iter_next(readable, at)) {
        names[count] = json_object_iter_key(at);
        if (strlen(names[count++]) != json_object_iter_key_len(at))
            return NULL;
    }
    qsort(names, count, sizeof *names, compare_names);
    return g_steal_pointer(&names);
}

static gboolean
write_member(Writer *writer, const json_t *object, const char *name)
{
    begin_line(writer);
    if (!write_string(writer, name, strlen(name)))
        return FALSE;
    g_string_append(writer->out, writer->pretty ? ": " : ":");
    return write_value(writer, json_object_get(object, name));
}

static gboolean
write_object(Writer *writer, const json_t *object)
{
    gsize size = json_object_size(object);
    g_autofree const char **names = NULL;

    if (!enter(writer, size))
        return FALSE;
    names = sorted_names(object);
    if (!names)
        return chama_error(writer->error, CHAMA_ERROR_MALFORMED, "C7: want a name without NUL, have one with");
    g_string_append_c(writer->out, '{');
    for (gsize i = 0; i < size; i++) {
        if (i > 0)
            g_string_append_c(writer->out, ',');
        if (!write_member(writer, object, names[i]))
            return FALSE;
    }
    leave(writer, size, '}');
    return TRUE;
}

static gboolean
write_value(Writer *writer, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(writer, value);
    case JSON_ARRAY:
        return write_array(writer, value);
    case JSON_STRING:
        return write_string(writer, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return write_integer(writer, json_integer_value(value));
    case JSON_TRUE:
        g_string_append(writer->out, "true");
        return TRUE;
    case JSON_FALSE:
        g_string_append(writer->out, "false");
        return TRUE;
    case JSON_REAL:
        return chama_error(writer->error, CHAMA_ERROR_MALFORMED, "C4: want integers only, have %g", json_real_value(value));
    case JSON_NULL:
        break;
    }
    return chama_error(writer->error, CHAMA_ERROR_MALFORMED, "C5: want no null, have one");
}

/* The text of @value, or NULL. */
static GString *
write_document(const json_t *value, gboolean pretty, gsize expected, GError **error)
{
    Writer writer = { .out = g_string_sized_new(expected), .pretty = pretty, .error = error };

    if (write_value(&writer, value))
        return writer.out;
    g_string_free(writer.out, TRUE);
    return NULL;
}

GBytes *
canonical_format(const json_t *value, GError **error)
{
    GString *text = write_document(value, FALSE, 512, error);

    if (!text)
        return g_prefix_error(error, "canonical JSON: "), NULL;
    return g_string_free_to_bytes(text);
}

char *
canonical_format_pretty(const json_t *value)
{
    GString *text = write_document(value, TRUE, 512, NULL);

    if (!text)
        return NULL;
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

/* The index of the quote that ends the string which begins at @at, or @size. */
static gsize
end_of_string(const char *text, gsize size, gsize at)
{
    for (gsize i = at + 1; i < size; i++) {
        if (text[i] == '"')
            return i;
        if (text[i] == '\\')
            i++;
    }
    return size;
}

/* C2, C3: before anything is built, in one pass without allocations, so that a small hostile document cannot become a large tree.
 * Members are counted by their commas and, of each container that is not empty, the first one: right for what is canonical. */
static gboolean
scan(const char *text, gsize size, const char *what, GError **error)
{
    gsize members = 0;
    int depth = 0;

    for (gsize i = 0; i < size; i++) {
        switch (text[i]) {
        case '"':
            i = end_of_string(text, size, i);
            break;
        case '{':
        case '[':
            if (++depth > CANONICAL_DEPTH_MAX)
                return chama_error(error, CHAMA_ERROR_LIMIT, "%s: C2: want a depth of at most %d, have more",
                                   what, CANONICAL_DEPTH_MAX);
            members += i + 1 < size && text[i + 1] != '}' && text[i + 1] != ']';
            break;
        case '}':
        case ']':
            depth--;
            break;
        case ',':
            members++;
            break;
        default:
            break;
        }
    }
    if (members > CANONICAL_MEMBERS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: C3: want at most %d members, have %zu",
                           what, CANONICAL_MEMBERS_MAX, members);
    return TRUE;
}

static const char *
rule_of(const json_error_t *problem)
{
    switch (json_error_code(problem)) {
    case json_error_numeric_overflow:
        return "C4";
    case json_error_duplicate_key:
        return "C6";
    case json_error_invalid_utf8:
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "C7";
    default:
        return "C1";
    }
}

static json_t *
load(const char *text, gsize size, const char *what, GError **error)
{
    json_error_t problem;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);

    if (!root)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: %s: want JSON, have at byte %d: %s",
                                what, rule_of(&problem), problem.position, problem.text);
    return root;
}

json_t *
canonical_parse(const void *data, gsize size, gsize limit, const char *what, GError **error)
{
    g_autoptr(json_t) root = NULL;
    GString *again;
    gboolean same;

    if (size > limit)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "%s: C1: want at most %zu bytes, have %zu", what, limit, size);
    if (!scan(data, size, what, error))
        return NULL;
    root = load(data, size, what, error);
    if (!root)
        return NULL;
    again = write_document(root, FALSE, size + 1, error);
    if (!again)
        return g_prefix_error(error, "%s: ", what), NULL;
    same = again->len == size && memcmp(again->str, data, size) == 0;
    g_string_free(again, TRUE);
    if (!same)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: C8: want the canonical spelling (RFC 8785), have another", what);
    return g_steal_pointer(&root);
}
