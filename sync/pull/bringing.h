/*
 * bringing (W25): a peer that cannot reach this node is brought, over the connection that this node opened, what it would fetch: records of this node's own ledger and
 * openings for it; and the other side of that.
 */
#ifndef CHAMA_SYNC_PULL_BRINGING_H
#define CHAMA_SYNC_PULL_BRINGING_H

#include "sync/pull/session.h"

/* A step of a sync: brings what the peer asked to be brought (W22) and has not yet.  That the peer does not take it is no trouble of this sync. */
gboolean pull_bring(Session *session, GError **error);

/* The other side: reads what the session's peer brought (W23) into session->reply, with nothing but what is its own, and a transport that gives its records. */
gboolean bringing_read(Session *session, GBytes *body, GError **error);

#endif
