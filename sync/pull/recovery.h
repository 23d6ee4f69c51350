/*
 * recovery: a node that was restored from a backup signs nothing before all of its peers have said what they hold of its ledger (manifests/FORMAT.md, H8): one alone
 * may have been away since before the backup was made.
 */
#ifndef CHAMA_SYNC_PULL_RECOVERY_H
#define CHAMA_SYNC_PULL_RECOVERY_H

#include "sync/pull/session.h"

/* The session's peer has said what it holds of this node's ledger, and that is here now.  Noted in the file `recovering`, which goes with the last of them. */
gboolean recovery_heard(Session *session, GError **error);

#endif
