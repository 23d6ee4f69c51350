#include "node/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "manifests/listing/page.h"

void
print_json(json_t *root)
{
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    fputc('\n', stdout);
    json_decref(root);
}

json_t *
json_digest(const Digest *digest)
{
    char text[DIGEST_TEXT_SIZE];

    return json_string(digest_format(digest, text));
}

json_t *
json_time(gint64 seconds)
{
    char text[TIME_TEXT_SIZE];

    return json_string(time_format(seconds, text));
}

void
json_set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

void
json_set_path(json_t *object, const char *name, const char *path)
{
    g_autofree char *shown = NULL, *base64 = NULL, *exact = NULL;

    if (g_utf8_validate(path, -1, NULL)) {
        json_object_set_new(object, name, json_string(path));
        return;
    }
    shown = path_display(path);
    base64 = base64_format(path, strlen(path));
    exact = g_strconcat(name, "_base64", NULL);
    json_object_set_new(object, name, json_string(shown));
    json_object_set_new(object, exact, json_string(base64));
}

char *
size_display(guint64 bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double size = (double)bytes;
    guint unit = 0;

    while (size >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
        size /= 1024;
        unit++;
    }
    return unit == 0 ? g_strdup_printf("%" G_GUINT64_FORMAT " B", bytes) : g_strdup_printf("%.1f %s", size, units[unit]);
}

struct Table {
    guint columns;
    guint right;           /* bit set of columns */
    GPtrArray *cells;      /* of char*, row by row */
};

Table *
table_new(guint columns)
{
    Table *table = g_new0(Table, 1);

    table->columns = columns;
    table->cells = g_ptr_array_new_with_free_func(g_free);
    return table;
}

void
table_free(Table *table)
{
    g_ptr_array_unref(table->cells);
    g_free(table);
}

void
table_align_right(Table *table, guint column)
{
    table->right |= 1u << column;
}

void
table_add(Table *table, ...)
{
    va_list cells;
    const char *cell;
    guint before = table->cells->len;

    va_start(cells, table);
    while ((cell = va_arg(cells, const char *)))
        g_ptr_array_add(table->cells, g_strdup(cell));
    va_end(cells);
    while (table->cells->len < before + table->columns)
        g_ptr_array_add(table->cells, g_strdup(""));
}

static guint
display_width(const char *text)
{
    guint width = 0;

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

static void
print_cell(const Table *table, const char *cell, guint column, guint width)
{
    int pad = (int)(width - display_width(cell));

    if (table->right & (1u << column))
        printf("%*s%s", pad, "", cell);
    else if (column + 1 == table->columns)
        fputs(cell, stdout);
    else
        printf("%s%*s", cell, pad, "");
    fputs(column + 1 == table->columns ? "\n" : "  ", stdout);
}

void
table_print(Table *table)
{
    g_autofree guint *widths = g_new0(guint, table->columns);

    for (guint i = 0; i < table->cells->len; i++)
        widths[i % table->columns] = MAX(widths[i % table->columns], display_width(g_ptr_array_index(table->cells, i)));
    for (guint i = 0; i < table->cells->len; i++)
        print_cell(table, g_ptr_array_index(table->cells, i), i % table->columns, widths[i % table->columns]);
}
