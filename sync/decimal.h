/*
 * decimal: numbers as the protocol writes them: decimal digits, no sign, no leading zero, at most 2^53-1 (sync/PROTOCOL.md, W8).  Pure.
 */
#ifndef CHAMA_SYNC_DECIMAL_H
#define CHAMA_SYNC_DECIMAL_H

#include <glib.h>

#define DECIMAL_MAX ((G_GUINT64_CONSTANT(1) << 53) - 1)

/* Reads the number that *@cursor begins with and moves *@cursor behind it; FALSE (nothing moved) if there is none, or it is above @max. */
gboolean decimal_read(const char **cursor, guint64 max, guint64 *value);
/* The same, and @text must end there. */
gboolean decimal_parse(const char *text, guint64 max, guint64 *value);

#endif
