#include "manifests/text.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"

/* M6: a fixed table and not a property of some version of Unicode, so that all nodes refuse the same.  U+200C and U+200D (joiners)
 * are left in: scripts written in Yunnan and around it need them. */
static const struct {
    gunichar first, last;
} unseen[] = {
    { 0x0000, 0x001f },   /* control */
    { 0x007f, 0x009f },   /* delete, control */
    { 0x061c, 0x061c },   /* direction */
    { 0x180e, 0x180e },   /* no width */
    { 0x200b, 0x200b },   /* no width */
    { 0x200e, 0x200f },   /* direction */
    { 0x2028, 0x202e },   /* line and paragraph separators, direction */
    { 0x2060, 0x206f },   /* no width, direction */
    { 0xfeff, 0xfeff },   /* byte order mark */
    { 0xfff9, 0xfffb },   /* annotations */
    { 0xe0000, 0xe007f }, /* tags */
};

static gboolean
character_shows(gunichar c)
{
    for (guint i = 0; i < G_N_ELEMENTS(unseen) && c >= unseen[i].first; i++)
        if (c <= unseen[i].last)
            return FALSE;
    return TRUE;
}

gboolean
text_shows(const char *text, gboolean lines)
{
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *p = text; *p; p = g_utf8_next_char(p))
        if (!character_shows(g_utf8_get_char(p)) && !(lines && *p == '\n'))
            return FALSE;
    return TRUE;
}

static gboolean
check(const char *text, gboolean lines, const char *what, const char *rule, const char *name, GError **error)
{
    if (*text == '\0')
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want %s absent or with text, have it empty", what, rule, name);
    if (!text_shows(text, lines))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M6: want text in %s, have characters that do not show", what, name);
    return TRUE;
}

static gboolean
read_member(const json_t *object, const char *what, const char *rule, const char *name, gsize max, gboolean lines, char **text, GError **error)
{
    const char *value;

    if (!member_string(object, what, name, max, &value, error) || !check(value, lines, what, rule, name, error))
        return FALSE;
    g_free(*text);
    *text = g_strdup(value);
    return TRUE;
}

gboolean
text_read(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **text, GError **error)
{
    return read_member(object, what, rule, name, max, FALSE, text, error);
}

gboolean
text_read_lines(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **text, GError **error)
{
    return read_member(object, what, rule, name, max, TRUE, text, error);
}

gboolean
text_read_optional(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **text, GError **error)
{
    return !member_has(object, name) || text_read(object, what, rule, name, max, text, error);
}

gboolean
text_read_names(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **zh, char **en, GError **error)
{
    static const char *const known[] = { "zh", "en", NULL };
    const json_t *names;

    if (!member_object(object, what, name, &names, error) || !member_only(names, what, known, error) ||
        !text_read_optional(names, what, rule, "zh", max, zh, error) || !text_read_optional(names, what, rule, "en", max, en, error))
        return FALSE;
    if (!*zh && !*en)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want zh or en in %s, have neither", what, rule, name);
    return TRUE;
}

gboolean
text_read_list(const json_t *object, const char *what, const char *rule, const char *name, guint count, gsize max, GPtrArray *list, GError **error)
{
    const json_t *array;

    if (!member_has(object, name))
        return TRUE;
    if (!member_array(object, what, name, count, &array, error))
        return FALSE;
    if (json_array_size(array) == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M16: want %s absent or with entries, have it empty", what, name);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);

        if (!json_is_string(item) || json_string_length(item) > max || strlen(json_string_value(item)) != json_string_length(item))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want strings of at most %" G_GSIZE_FORMAT " bytes in %s", what, rule, max, name);
        if (!check(json_string_value(item), FALSE, what, rule, name, error))
            return FALSE;
        g_ptr_array_add(list, g_strdup(json_string_value(item)));
    }
    return TRUE;
}

/* Unchecked, because json_string() gives nothing for what is not UTF-8 and the member would silently be missing. */
void
text_write(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new_nocheck(object, name, json_string_nocheck(text));
}

void
text_write_names(json_t *object, const char *name, const char *zh, const char *en)
{
    json_t *names;

    if (!zh && !en)
        return;
    names = json_object();
    text_write(names, "zh", zh);
    text_write(names, "en", en);
    json_object_set_new(object, name, names);
}

void
text_write_list(json_t *object, const char *name, const GPtrArray *list)
{
    json_t *array;

    if (!list || list->len == 0)
        return;
    array = json_array();
    for (guint i = 0; i < list->len; i++)
        json_array_append_new(array, json_string_nocheck(g_ptr_array_index(list, i)));
    json_object_set_new(object, name, array);
}
