/*
 * verified: which ledgers were found good by an audit of this home, so that the next one need not check the same signatures (manifests/FORMAT.md, part 15,
 * AU11).  Kept in state.sqlite.
 */
#ifndef CHAMA_SYNC_AUDIT_VERIFIED_H
#define CHAMA_SYNC_AUDIT_VERIFIED_H

#include "manifests/home.h"

/* Goes up with every change of what a verification looks at. */
#define VERIFIED_RULES 1

/* Size 0, and no error, if nothing is remembered that this program's rules found. */
gboolean verified_get(Home *home, const char *node, LedgerVerified *verified, GError **error);
/* Durable on return. */
gboolean verified_set(Home *home, const char *node, const LedgerVerified *verified, GError **error);

#endif
