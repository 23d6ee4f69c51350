/*
 * reveal: sealed statements whose opening a person of this node shows to a peer beyond their audience (manifests/FORMAT.md, S27; sync/PROTOCOL.md, E9, PU9).
 * Kept in state.sqlite: what is shown to whom, numbered, and up to which number what peers reveal to this node has been taken.
 */
#ifndef CHAMA_SYNC_REVEAL_H
#define CHAMA_SYNC_REVEAL_H

#include "manifests/home.h"

typedef struct {
    guint64 number;
    Digest record;
} Revelation;

/* *@added: it was not shown to @node before. */
gboolean reveal_add(Home *home, const char *node, const Digest *record, gboolean *added, GError **error);
/* What is shown to @node from @number on, at most @max; array of Revelation. */
GArray *reveal_for(Home *home, const char *node, guint64 number, guint max, GError **error);

/* From which number on @peer is asked for what it reveals. */
gboolean reveal_next(Home *home, const char *peer, guint64 *number, GError **error);
gboolean reveal_note_next(Home *home, const char *peer, guint64 number, GError **error);

#endif
