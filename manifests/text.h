/*
 * text: the words of a document that people will read: titles, messages, labels (manifests/FORMAT.md, rule M6).
 *
 * A title ends up on the terminal of an auditor who did not write it.  So text is valid UTF-8 without anything that moves the
 * cursor, turns the direction of writing or cannot be seen.  Readers and writers of members that hold text, for parsers only.
 */
#ifndef CHAMA_MANIFESTS_TEXT_H
#define CHAMA_MANIFESTS_TEXT_H

#include <glib.h>
#include <jansson.h>

/* TRUE if @text may be shown as it is; @lines: line feeds are allowed. */
gboolean text_shows(const char *text, gboolean lines);

/* Member @name of @object: text of 1 to @max bytes, copied to *@text (what was there is freed).  @what and @rule go into the error. */
gboolean text_read(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **text, GError **error);
/* The same, in which lines may be broken. */
gboolean text_read_lines(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **text, GError **error);
/* The same; *@text is left as it is if there is no such member. */
gboolean text_read_optional(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **text, GError **error);

/* An object of zh, en or both, each at most @max bytes. */
gboolean text_read_names(const json_t *object, const char *what, const char *rule, const char *name, gsize max, char **zh, char **en, GError **error);

/* An array of 1 to @count texts, added to @list (of char*); nothing is added if there is no such member. */
gboolean text_read_list(const json_t *object, const char *what, const char *rule, const char *name, guint count, gsize max, GPtrArray *list, GError **error);

/* Set member @name; NULL and an empty list set nothing.  What they write is checked by reading it again. */
void text_write(json_t *object, const char *name, const char *text);
void text_write_names(json_t *object, const char *name, const char *zh, const char *en);
void text_write_list(json_t *object, const char *name, const GPtrArray *list);

#endif
