/*
 * sealing: this node's own statements of which only a salted digest stands in its ledger (manifests/FORMAT.md, part 3, S9, S10).
 */
#ifndef CHAMA_MANIFESTS_SEALING_H
#define CHAMA_MANIFESTS_SEALING_H

#include "manifests/home.h"

/* States @body (canonical JSON with `type` and `node`, of a type that catalogue_learn_opening() knows) under a new salt: its opening lies durable in
 * sealed/ before the record is committed.  The sealed/1 record is the caller's. */
Record *sealing_state(Home *home, GBytes *body, GError **error);
/* The same for many, in one commit: @build adds bodies (GBytes*) with the ledger's lock held, at most LEDGER_BATCH_MAX; none: nothing is stated.  @before
 * (may be NULL) gets the records while nothing is committed.  *@stated is how many were. */
typedef gboolean (*SealingBuild)(gpointer data, Home *home, GPtrArray *bodies, GError **error);
gboolean sealing_state_many(Home *home, SealingBuild build, HomeBeforeMany before, gpointer data, guint *stated, GError **error);

#endif
