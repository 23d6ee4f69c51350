/*
 * granting: this node's own grants, stated in its ledger and ended there (manifests/FORMAT.md, part 3).
 */
#ifndef CHAMA_MANIFESTS_GRANTING_H
#define CHAMA_MANIFESTS_GRANTING_H

#include "manifests/home.h"
#include "manifests/statement.h"

/* States @grant (owner: this node), sealed unless @public: then only the salted hash of its body stands in the ledger, and the body lies durable in
 * sealed/ before the record is committed.  The record is the caller's. */
Record *granting_state(Home *home, const Grant *grant, gboolean public, GError **error);

/* Ends one grant with a revocation/1, which is always public and names only the record. */
gboolean granting_revoke(Home *home, const GrantRow *row, GError **error);

#endif
