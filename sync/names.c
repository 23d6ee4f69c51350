#include <string.h>

#include "keys/error.h"
#include "manifests/text.h"
#include "sync/names.h"

char *
name_slug(const char *name)
{
    g_autoptr(GString) slug = g_string_new(NULL);

    for (const char *p = name ? name : ""; *p && slug->len < ALIAS_MAX; p++) {
        if (g_ascii_isalnum(*p))
            g_string_append_c(slug, g_ascii_tolower(*p));
        else if (slug->len > 0 && slug->str[slug->len - 1] != '-')
            g_string_append_c(slug, '-');
    }
    while (slug->len > 0 && slug->str[slug->len - 1] == '-')
        g_string_truncate(slug, slug->len - 1);
    /* "self" is this node's own word (NM4) */
    if (slug->len == 0 || strcmp(slug->str, "self") == 0)
        g_string_assign(slug, "node");
    return g_string_free(g_steal_pointer(&slug), FALSE);
}

gboolean
alias_check(const char *alias, GError **error)
{
    gsize size = strlen(alias);

    if (size == 0 || size > ALIAS_MAX || !g_ascii_isalnum(alias[0]) ||
        strspn(alias, "abcdefghijklmnopqrstuvwxyz0123456789._-") != size)
        return chama_error(error, CHAMA_ERROR_USAGE, "alias: NM1: want 1 to %d of a-z 0-9 . _ -, beginning with a letter or digit, have \"%s\"", ALIAS_MAX, alias);
    if (strcmp(alias, "self") == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "alias: NM1: \"self\" means this node itself");
    return TRUE;
}

char *
name_printable(const char *text, gsize size, gsize max)
{
    GString *out = g_string_new(NULL);

    for (const char *p = text, *end = text + size; p < end;) {
        gunichar c = g_utf8_get_char_validated(p, end - p);
        gboolean whole = c != (gunichar)-1 && c != (gunichar)-2;
        gsize length = whole ? (gsize)(g_utf8_next_char(p) - p) : 1;
        char one[7] = "";

        if (out->len + length > max)
            break;
        memcpy(one, p, length);
        if (whole && c != 0 && text_shows(one, FALSE))
            g_string_append_len(out, p, (gssize)length);
        else
            g_string_append_c(out, '?');
        p += length;
    }
    return g_string_free(out, FALSE);
}

char *
name_of_profile(const Profile *profile)
{
    return g_strdup(profile->name_en ? profile->name_en : profile->name_zh);
}
