/*
 * push: both sides of a push, where the node that opens the connection is the one that is asked (sync/PROTOCOL.md, part 12).  It is for a node that can dial and cannot be dialled:
 * all that a sync can do goes along the connection that it opened.
 */
#ifndef CHAMA_SYNC_PUSH_H
#define CHAMA_SYNC_PUSH_H

#include "sync/claim.h"
#include "sync/pull.h"
#include "sync/pushed.h"

/* ---- the node that pushes ---- */

/* PS6: whoever pushes to @peer holds this: a second push would end the first one there.  EXISTS: one is under way here. */
Claim *push_claim(Home *home, const Peer *peer, GError **error);

typedef struct Push Push;
/* Dials the peer's addresses in turn, and asks it to take what it wants (PS3).  UNREACHABLE; VERIFY: a key that is not pinned; DENIED: this node is no accepted peer there, and has
 * introduced itself (PS8); EXISTS: too
 * many there have not ended yet; what else it answered; CANCELLED.  @slowest as in TransportOptions. */
Push *push_open(Home *home, const Peer *peer, guint64 slowest, Progress *progress, GError **error);
/* Cuts it. */
void push_close(Push *push);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Push, push_close)
/* Where the peer asks now, in HTTP/1.1: a stream socket, until push_close(). */
int push_descriptor(const Push *push);
const char *push_url(const Push *push);
/* What cut it, once it has ended: UNREACHABLE; FALSE: nothing that is known. */
gboolean push_trouble(Push *push, GError **error);

/* ---- the node that takes ---- */

/* Takes over @fd, at whose other end @node, an accepted peer, answers; takes what it wants, as pull_over() does, and tells what came of it.  One of @node that is under way here, in whatever
 * process, is cancelled (PS6).  @options has a progress.  EXISTS: that one has not ended. */
gboolean push_take(Home *home, const char *node, int fd, const PullOptions *options, PullResult *result, GError **error);

#endif
