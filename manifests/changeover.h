/*
 * changeover: the files of a node's keys while a rotation changes them (manifests/FORMAT.md, part 10, H6).
 *
 * The new keys are made in keys/rotating/ before the rotation is in the ledger, and take their places after it, so that at every instant the keys that the
 * ledger names have a file, and none that might still be needed has lost its last one.  What a killed rotation left is finished, if the ledger has the
 * rotation, or made anew.
 */
#ifndef CHAMA_MANIFESTS_CHANGEOVER_H
#define CHAMA_MANIFESTS_CHANGEOVER_H

#include "manifests/home.h"

/* keys/rotating/plan: what is being changed to. */
typedef struct {
    PublicKey signing;       /* the one revealed */
    Digest next;             /* the commitment to the new next key */
    Digest revealed;         /* of the file that held the key revealed: keys/next.key must not stay the same bytes */
} Changeover;

/* The plan of a rotation that is under way or was killed: FALSE without an error if there is none. */
gboolean changeover_read(Home *home, Changeover *changeover, GError **error);

/* Makes the folder and writes the plan, after removing what was left of another. */
gboolean changeover_begin(Home *home, const Changeover *changeover, GError **error);
/* Where a new key waits: "signing.key", "log.key", "encryption.key", "next.key" (only if it is to be kept in the home).  The caller's. */
char *changeover_file(Home *home, const char *name);

/* If a plan is there and its signing key is the one of the ledger: all takes its place, and the keys before go to keys/retired/.  May be called by any process, at
 * any time. */
gboolean changeover_settle(Home *home, GError **error);

#endif
