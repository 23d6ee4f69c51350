/*
 * evidence (PU7): two statements of one node that cannot both be true, as canonical JSON that anyone can check with the node's keys (I3):
 * {"checkpoints":["<note>",...],"kind":"fork","node":"...","records":["<log entry>",...],"type":"evidence/1"}.
 */
#ifndef CHAMA_SYNC_PULL_EVIDENCE_H
#define CHAMA_SYNC_PULL_EVIDENCE_H

#include "manifests/home.h"

#define EVIDENCE_FORK "fork"             /* two records of one number, or two roots of one size */
#define EVIDENCE_ROLLBACK "rollback"     /* an owner with fewer records than it signed before */
#define EVIDENCE_OWN_FORK "own-fork"     /* of this node itself: it must not sign again before people decide */

/* What contradicts; each may be NULL. */
typedef struct {
    const char *held_checkpoint, *offered_checkpoint;   /* notes */
    const Record *held_record, *offered_record;
} Contradiction;

/* Keeps it, once for each node and kind: the first proof is proof enough, and a peer that forks daily must not fill the table. */
gboolean evidence_keep(Home *home, const char *node, const char *kind, const Contradiction *contradiction, GError **error);

#endif
