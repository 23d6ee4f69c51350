#include "manifests/listing/page.h"

#include <string.h>

#include "keys/error.h"

/* L2: the end of a path is below '/', and '/' below every other byte. */
static guint
rank(guint8 byte)
{
    if (byte == '\0')
        return 0;
    return byte == '/' ? 1 : byte + 1u;
}

int
path_compare(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return (int)rank((guint8)*a) - (int)rank((guint8)*b);
}

gboolean
path_is_below(const char *below, const char *path)
{
    gsize size = strlen(path);

    return strncmp(below, path, size) == 0 && below[size] == '/';
}

static gboolean
refuse(const char *path, const char *rule, const char *want, GError **error)
{
    g_autofree char *shown = path_display(path);

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want %s", shown, rule, want);
}

static gboolean
check_component(const char *path, const char *component, gsize size, GError **error)
{
    if (size == 0)
        return refuse(path, "L4", "a path without empty components, have a '/' at its begin or end, or two in a row", error);
    if (size > PATH_COMPONENT_MAX)
        return refuse(path, "L5", "components of at most " G_STRINGIFY(PATH_COMPONENT_MAX) " bytes, have a longer one", error);
    if (component[0] == '.' && (size == 1 || (size == 2 && component[1] == '.')))
        return refuse(path, "L6", "a path without the components '.' and '..', have one", error);
    return TRUE;
}

gboolean
path_check(const char *path, GError **error)
{
    gsize size = strnlen(path, PATH_SIZE_MAX + 1);
    const char *end = path + size;

    if (size == 0 || size > PATH_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "path: L3: want 1 to %d bytes, have %s", PATH_SIZE_MAX, size == 0 ? "none" : "more");
    for (const char *component = path; ; ) {
        const char *slash = memchr(component, '/', (gsize)(end - component));
        const char *stop = slash ? slash : end;

        if (!check_component(path, component, (gsize)(stop - component), error))
            return FALSE;
        if (!slash)
            return TRUE;
        component = slash + 1;
    }
}

/* Control characters, and what turns the direction of text or breaks lines: a path must not lie about itself on a terminal. */
static gboolean
is_control(gunichar c)
{
    return g_unichar_iscntrl(c) || c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void
append_escaped(GString *text, const char *bytes, gsize size)
{
    for (gsize i = 0; i < size; i++)
        g_string_append_printf(text, "\\x%02x", (guint8)bytes[i]);
}

char *
path_display(const char *path)
{
    GString *text = g_string_new(NULL);

    while (*path) {
        gunichar c = g_utf8_get_char_validated(path, -1);
        gboolean valid = c != (gunichar)-1 && c != (gunichar)-2;
        gsize size = valid ? (gsize)g_utf8_skip[(guint8)*path] : 1;

        if (!valid || is_control(c))
            append_escaped(text, path, size);
        else if (c == '\\')
            g_string_append(text, "\\\\");
        else
            g_string_append_len(text, path, (gssize)size);
        path += size;
    }
    return g_string_free(text, FALSE);
}
