/*
 * sightings_private: what sightings.c and sightings_judged.c share.  Not for others.
 */
#ifndef CHAMA_MANIFESTS_SIGHTINGS_PRIVATE_H
#define CHAMA_MANIFESTS_SIGHTINGS_PRIVATE_H

#include "manifests/sightings.h"

/* state.sqlite with the tables checkpoint and cosignature; borrowed. */
Database *sightings_tables(Home *home, GError **error);
/* The newest key state of a node, as its ledger here says: by its log key it signs checkpoints and cosigns.  NOT_FOUND.  The caller's. */
Identity *sightings_identity(Home *home, const char *node, GError **error);

#endif
