/*
 * entries: the records of a log that is only seen by its tiles, verified one by one as they come, and not kept (manifests/FORMAT.md, part 15, AU10).
 */
#ifndef CHAMA_SYNC_AUDIT_ENTRIES_H
#define CHAMA_SYNC_AUDIT_ENTRIES_H

#include "sync/audit/remote.h"

/* How far it is: what the next record must continue.  The identity is owned. */
typedef struct {
    guint64 size;
    Digest head;
    Identity *identity;
} EntriesPosition;

/* Called in order for each record that holds; then, from time to time and at the end, @keep, with all before @position verified. */
typedef struct {
    LedgerVisit visit;
    gboolean (*keep)(gpointer data, const EntriesPosition *position, GError **error);
    gpointer data;
} EntriesEvents;

/* Verifies the records from @position to the end of the tree of @size leaves, and moves it as far as they hold.  VERIFY or MALFORMED names what does not;
 * NOT_FOUND or DENIED: the next ones are withheld. */
gboolean entries_verify(Remote *remote, TileTree *tree, guint64 size, EntriesPosition *position, const EntriesEvents *events, GError **error);

#endif
