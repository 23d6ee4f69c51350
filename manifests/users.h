/*
 * users: which versions known here were made from a version, as far as what they say of it can be read here; and what of all that was withdrawn since.
 */
#ifndef CHAMA_MANIFESTS_USERS_H
#define CHAMA_MANIFESTS_USERS_H

#include "manifests/home.h"
#include "manifests/withdrawal.h"

/* What @manifest was made from, of an open version as its manifest says, else as its details do if they are here; array of Input*, the caller's. */
GPtrArray *version_inputs(Home *home, const Manifest *manifest);

/* The versions that name @source among their inputs: open ones by node and number, then those of others that are held here; at most 1000.  Array of
 * Manifest*. */
GPtrArray *version_users(Home *home, const Digest *source, GError **error);

/* A version that was withdrawn and is still of consequence here: its content is held, or the newest version of a dataset of this node was made from it. */
typedef struct {
    Manifest *manifest;
    Withdrawal *withdrawal;
    gboolean held;              /* of another node's */
    GPtrArray *users;           /* of Manifest*, this node's */
} WithdrawnInUse;
void withdrawn_in_use_free(WithdrawnInUse *in_use);
/* By node and number of the withdrawal; array of WithdrawnInUse*. */
GPtrArray *withdrawn_in_use(Home *home, GError **error);

#endif
