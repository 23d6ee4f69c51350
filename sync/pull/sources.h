/*
 * sources: the other peers of a session, who may hold what it fetches, too (sync/PROTOCOL.md, PU40): accepted ones with an address.  One thread.
 */
#ifndef CHAMA_SYNC_PULL_SOURCES_H
#define CHAMA_SYNC_PULL_SOURCES_H

#include "sync/peers.h"

#define SOURCES_MAX 4           /* peers that are asked for chunks of one version at the same time */

typedef struct {
    Peer *peer;
    guint64 rate;               /* bytes a second, when it was asked last; 0: not known */
    gboolean dropped;           /* it is not asked again in this session */
} Source;

/* Array of Source*, without @own and this node: those with whom the last contact went well come first. */
GPtrArray *sources_of(Home *home, const Peer *own, GError **error);
/* The next one from *@next on that was not dropped, or NULL after the last. */
Source *sources_next(const GPtrArray *sources, guint *next);

#endif
