/*
 * print: results for people and scripts, on stdout.  Columns align by display width (Chinese characters are two wide).
 */
#ifndef CHAMA_NODE_PRINT_H
#define CHAMA_NODE_PRINT_H

#include <glib.h>
#include <jansson.h>

#include "keys/digest.h"

/* Prints and frees @root, indented, members in the order in which they were set, UTF-8 as it is. */
void print_json(json_t *root);
/* A digest, a time, a count, for json_object_set_new(); a NULL text becomes no member at all in json_set_text(). */
json_t *json_digest(const Digest *digest);
json_t *json_time(gint64 seconds);
void json_set_text(json_t *object, const char *name, const char *text);
/* A path under @name: as it is if it is UTF-8, else as path_display() shows it, with the bytes in @name_base64. */
void json_set_path(json_t *object, const char *name, const char *path);

/* "1.2 MiB"; the caller's. */
char *size_display(guint64 bytes);

/* A table: rows of cells, then printed at once. Cells are copied; columns are separated by two spaces; the last is not padded. */
typedef struct Table Table;
Table *table_new(guint columns);
void table_add(Table *table, ...) G_GNUC_NULL_TERMINATED;
/* Right-aligns a column (numbers). */
void table_align_right(Table *table, guint column);
void table_print(Table *table);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

#endif
