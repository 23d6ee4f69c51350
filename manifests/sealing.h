/*
 * sealing: this node's own statements of which only a salted digest stands in its ledger (manifests/FORMAT.md, part 3, S9, S10).
 */
#ifndef CHAMA_MANIFESTS_SEALING_H
#define CHAMA_MANIFESTS_SEALING_H

#include "manifests/home.h"

/* States @body (canonical JSON with `type` and `node`, of a type that catalogue_learn_opening() knows) under a new salt: its opening lies durable in
 * sealed/ before the record is committed.  The sealed/1 record is the caller's. */
Record *sealing_state(Home *home, GBytes *body, GError **error);

#endif
