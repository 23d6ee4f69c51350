#include "node/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "keys/canonical.h"

struct Journal {
    GMutex lock;
    gboolean json;
};

Journal *
journal_new(gboolean json)
{
    Journal *journal = g_new0(Journal, 1);

    journal->json = json;
    g_mutex_init(&journal->lock);
    return journal;
}

void
journal_free(Journal *journal)
{
    g_mutex_clear(&journal->lock);
    g_free(journal);
}

void
journal_set_json(Journal *journal, gboolean json)
{
    g_mutex_lock(&journal->lock);
    journal->json = json;
    g_mutex_unlock(&journal->lock);
}

/* A value that could be mistaken for more fields is quoted. */
static void
append_text(GString *line, const char *name, const char *value)
{
    gboolean quote = !*value || strpbrk(value, " \"=\t\n") != NULL;
    g_autofree char *valid = g_utf8_make_valid(value, -1);

    g_string_append_printf(line, " %s=%s", name, quote ? "\"" : "");
    for (const char *p = valid; *p; p++) {
        if ((guchar)*p < 0x20 || *p == 0x7f)
            g_string_append_printf(line, "\\x%02x", (guchar)*p);
        else
            g_string_append_printf(line, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
    }
    g_string_append(line, quote ? "\"" : "");
}

static char *
format_text(const char *time, const char *event, va_list pairs)
{
    GString *line = g_string_new(time);
    const char *name;

    g_string_append_printf(line, " %s", event);
    while ((name = va_arg(pairs, const char *)))
        append_text(line, name, va_arg(pairs, const char *));
    return g_string_free(line, FALSE);
}

static char *
format_json(const char *time, const char *event, va_list pairs)
{
    g_autoptr(json_t) root = json_pack("{s:s, s:s}", "time", time, "event", event);
    const char *name;

    while ((name = va_arg(pairs, const char *))) {
        g_autofree char *valid = g_utf8_make_valid(va_arg(pairs, const char *), -1);

        json_object_set_new(root, name, json_string(valid));
    }
    return json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
}

void
journal_write(Journal *journal, const char *event, ...)
{
    char time[TIME_TEXT_SIZE];
    char *line;
    va_list pairs;

    time_format(g_get_real_time() / G_USEC_PER_SEC, time);
    g_mutex_lock(&journal->lock);
    va_start(pairs, event);
    line = journal->json ? format_json(time, event, pairs) : format_text(time, event, pairs);
    va_end(pairs);
    fprintf(stderr, "%s\n", line);
    g_mutex_unlock(&journal->lock);
    free(line);
}
