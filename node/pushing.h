/*
 * pushing: one push to one peer, for the command and the daemon (sync/PROTOCOL.md, part 12): dials it, and answers what it asks until it is done.
 */
#ifndef CHAMA_NODE_PUSHING_H
#define CHAMA_NODE_PUSHING_H

#include "node/config.h"
#include "sync/push.h"

/* @limits of what is served, may be NULL; @progress: bytes sent, and cancelled.  *@pushed: what the peer says it took, also where it says that it failed: then the error has its code.  Else
 * as push_open(); UNREACHABLE: it went before it said what came of it.  EXISTS: one
 * is under way here, or the peer syncs with this node.  Notes what came of it (sync/push_contacts.h), if it was neither the former nor cancelled. */
gboolean pushing_run(Home *home, const Peer *peer, const Config *config, Limits *limits, Progress *progress, Pushed *pushed, GError **error);

#endif
