/*
 * anchoring: when a node states anchor/1 (manifests/FORMAT.md, part 3, S30): in the batch of each version that it publishes, and daily; only of ledgers that
 * grew since it last did.
 */
#ifndef CHAMA_MANIFESTS_ANCHORING_H
#define CHAMA_MANIFESTS_ANCHORING_H

#include "manifests/anchor.h"
#include "manifests/home.h"

#define ANCHORING_EVERY (24 * 3600)

/* Ledgers held whole that grew since this node's last anchor of them: array of Anchored, by node id; of more than ANCHOR_LEDGERS_MAX those
 * that were anchored longest ago.  One that cannot be read is left out. */
GArray *anchoring_due(Home *home, GError **error);

/* States an anchor if the last one is older than @age seconds.  NULL without an error if it is not, if nothing grew, or if the key is under a passphrase that
 * nobody is there to give.  The caller's. */
Record *anchoring_state(Home *home, gint64 age, GError **error);

#endif
