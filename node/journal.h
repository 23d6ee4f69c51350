/*
 * journal: the daemon's log on stderr, a line an event, as text or JSON.
 */
#ifndef CHAMA_NODE_JOURNAL_H
#define CHAMA_NODE_JOURNAL_H

#include <glib.h>

typedef struct Journal Journal;
Journal *journal_new(gboolean json);
void journal_free(Journal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Journal, journal_free)
void journal_set_json(Journal *journal, gboolean json);

/* @event ("request", "sync"), then pairs of name and value, NULL.  Thread-safe; control characters in values are escaped. */
void journal_write(Journal *journal, const char *event, ...) G_GNUC_NULL_TERMINATED;

#endif
