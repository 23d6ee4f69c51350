#include "manifests/tree/patterns.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/tree/glob.h"

typedef struct {
    Glob *glob;
    char *plain;           /* the pattern itself if it holds no wildcard: most do not */
    gboolean takes_back, folders_only, tied;
} Pattern;

struct Patterns {
    GPtrArray *list;
};

static void
pattern_free(gpointer data)
{
    Pattern *pattern = data;

    glob_free(pattern->glob);
    g_free(pattern->plain);
    g_free(pattern);
}

Patterns *
patterns_new(void)
{
    Patterns *patterns = g_new0(Patterns, 1);

    patterns->list = g_ptr_array_new_with_free_func(pattern_free);
    return patterns;
}

void
patterns_free(Patterns *patterns)
{
    if (!patterns)
        return;
    g_ptr_array_unref(patterns->list);
    g_free(patterns);
}

/* Trailing spaces count only after a backslash. */
static void
strip_end(char *line)
{
    gsize size = strlen(line);

    while (size > 0 && line[size - 1] == ' ' && !(size > 1 && line[size - 2] == '\\'))
        line[--size] = 0;
}

static gboolean
add_pattern(Patterns *patterns, const char *text, Pattern flags, GError **error)
{
    g_autoptr(Glob) glob = NULL;

    if (patterns->list->len >= PATTERNS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "patterns: want at most %d", PATTERNS_MAX);
    if (!(glob = glob_new(text, error)))
        return FALSE;
    Pattern *pattern = g_new0(Pattern, 1);

    *pattern = flags;
    pattern->glob = g_steal_pointer(&glob);
    pattern->plain = strpbrk(text, "*?[\\") ? NULL : g_strdup(text);
    g_ptr_array_add(patterns->list, pattern);
    return TRUE;
}

gboolean
patterns_add(Patterns *patterns, const char *line, GError **error)
{
    g_autofree char *copy = g_strdup(line);
    char *text = copy;
    Pattern flags = { 0 };

    strip_end(text);
    if (!*text || *text == '#')
        return TRUE;
    if (*text == '!') {
        flags.takes_back = TRUE;
        text++;
    }
    gsize size = strlen(text);

    if (size > 0 && text[size - 1] == '/') {
        flags.folders_only = TRUE;
        text[size - 1] = 0;
    }
    flags.tied = strchr(text, '/') != NULL;
    text += *text == '/';
    return !*text || add_pattern(patterns, text, flags, error);
}

gboolean
patterns_add_path(Patterns *patterns, const char *glob, GError **error)
{
    g_autofree char *text = g_strdup(*glob == '/' ? glob + 1 : glob);
    gsize size = strlen(text);
    Pattern flags = { .tied = *glob == '/' };

    if (size > 0 && text[size - 1] == '/') {
        flags.folders_only = TRUE;
        text[size - 1] = 0;
    }
    flags.tied = flags.tied || strchr(text, '/');
    if (!*text)
        return chama_error(error, CHAMA_ERROR_USAGE, "pattern: want a path or a glob, have \"%s\"", glob);
    return add_pattern(patterns, text, flags, error);
}

gboolean
patterns_add_text(Patterns *patterns, const char *text, gsize size, GError **error)
{
    const char *end = text + size;

    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while (text < end) {
        const char *feed = memchr(text, '\n', (gsize)(end - text)), *stop = feed ? feed : end;
        gsize length = (gsize)(stop - text);

        if (length > 0 && text[length - 1] == '\r')
            length--;
        g_autofree char *line = g_strndup(text, length);

        if (!patterns_add(patterns, line, error))
            return FALSE;
        text = stop + 1;
    }
    return TRUE;
}

static gboolean
pattern_match(const Pattern *pattern, const char *path, const char *name, gboolean is_folder)
{
    const char *subject = pattern->tied ? path : name;

    if (pattern->folders_only && !is_folder)
        return FALSE;
    return pattern->plain ? strcmp(pattern->plain, subject) == 0 : glob_match(pattern->glob, subject);
}

gboolean
patterns_match(const Patterns *patterns, const char *path, gboolean is_folder)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    for (guint i = patterns->list->len; i > 0; i--) {
        const Pattern *pattern = g_ptr_array_index(patterns->list, i - 1);

        if (pattern_match(pattern, path, name, is_folder))
            return !pattern->takes_back;
    }
    return FALSE;
}

gboolean
patterns_match_deep(const Patterns *patterns, const char *path, gboolean is_folder, gsize *matched)
{
    g_autofree char *prefix = NULL;

    if (patterns->list->len == 0)
        return FALSE;
    prefix = g_strdup(path);
    for (char *slash = strchr(prefix, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (patterns_match(patterns, prefix, TRUE)) {
            if (matched)
                *matched = (gsize)(slash - prefix);
            return TRUE;
        }
        *slash = '/';
    }
    if (!patterns_match(patterns, path, is_folder))
        return FALSE;
    if (matched)
        *matched = strlen(path);
    return TRUE;
}
