/*
 * heard: checkpoints of others' ledgers that a peer told of and that could not be compared with what is held, in state.sqlite, until someone can tell
 * (PU27).  At most 16 of a node and 512 in all; the oldest give way.  Each was signed by the owner's log key.
 */
#ifndef CHAMA_SYNC_PULL_HEARD_H
#define CHAMA_SYNC_PULL_HEARD_H

#include "manifests/home.h"

typedef enum { HEARD_NOT, HEARD_OPEN, HEARD_SETTLED } HeardState;
gboolean heard_state(Home *home, const char *node, const Checkpoint *checkpoint, HeardState *state, GError **error);
/* Settled ones are remembered, so that who tells of them again is not asked again. */
gboolean heard_keep(Home *home, const char *node, const char *note, const Checkpoint *checkpoint, gboolean settled, GError **error);
gboolean heard_forget(Home *home, const char *node, const Checkpoint *checkpoint, GError **error);

typedef struct {
    char *node, *note;
} Heard;
/* Array of Heard*: those that are open. */
GPtrArray *heard_open(Home *home, GError **error);

#endif
