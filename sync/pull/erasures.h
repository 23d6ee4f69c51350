/*
 * erasures (PU28): what the owners of versions have erased is erased here, too, and this node says so in its own ledger.
 */
#ifndef CHAMA_SYNC_PULL_ERASURES_H
#define CHAMA_SYNC_PULL_ERASURES_H

#include "sync/pull/session.h"

/* After the ledgers, before content. */
gboolean pull_erasures(Session *session, GError **error);

#endif
