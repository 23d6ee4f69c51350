/*
 * cosigning (PU21): cosignatures that come with checkpoints, this node's own cosignature of what it holds whole and has verified, and handing it to the owner.
 */
#ifndef CHAMA_SYNC_PULL_COSIGNING_H
#define CHAMA_SYNC_PULL_COSIGNING_H

#include "sync/pull/session.h"

/* T10: keeps a verified checkpoint of a ledger with its owner's line alone: nobody has verified the others yet. */
gboolean cosigning_keep_checkpoint(Ledger *ledger, const char *note, GError **error);

/* @note was offered for @node's ledger, which is held here whole: if it agrees with it, its cosignatures are learned, and if the ledger is another's it is cosigned.  FORK if what this node cosigned before says otherwise. */
gboolean cosigning_take(Session *session, const char *node, const char *note, GError **error);

/* A step of a sync: gives the peer the cosignature of its own checkpoint, if it was made in this session.  One that the peer does not take is no trouble of this sync. */
gboolean pull_cosignatures(Session *session, GError **error);

#endif
