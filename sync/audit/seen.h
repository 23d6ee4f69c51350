/*
 * seen: what this auditor saw last of a log that it asked for over the network (manifests/FORMAT.md, part 15, AU9): the newest checkpoint that held, and
 * how far its records were verified.  Kept in state.sqlite.
 */
#ifndef CHAMA_SYNC_AUDIT_SEEN_H
#define CHAMA_SYNC_AUDIT_SEEN_H

#include "manifests/home.h"

typedef struct {
    char *note;           /* NULL: nothing was seen yet */
    guint64 size;         /* of the note */
    Digest root;
    gint64 time;          /* when it was seen, by the clock here */
    guint64 verified;     /* records of which signature, chain and rules held: at most @size */
    Digest head;          /* address of the last of them */
} Seen;
void seen_clear(Seen *seen);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Seen, seen_clear)

gboolean seen_get(Home *home, const char *node, Seen *seen, GError **error);
/* Durable on return. */
gboolean seen_set(Home *home, const char *node, const Seen *seen, GError **error);

#endif
