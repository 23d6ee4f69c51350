/*
 * givers: how much each source gave in a session, and why one was dropped (sync/PROTOCOL.md, PU44).  One thread.
 */
#ifndef CHAMA_SYNC_PULL_GIVERS_H
#define CHAMA_SYNC_PULL_GIVERS_H

#include "sync/peers.h"

typedef struct {
    char node[NODE_ID_SIZE];
    char *alias;                 /* NULL: none */
    guint64 chunks, bytes;       /* stored; bytes as they were sent */
    char *dropped;               /* why; NULL: it was not */
} Giver;

/* Array of Giver*, in the order in which they were first added. */
GPtrArray *givers_new(void);
/* So much more from @peer; @dropped may be NULL, and the first reason counts. */
void givers_add(GPtrArray *givers, const Peer *peer, guint64 chunks, guint64 bytes, const GError *dropped);
/* "forestry 12.3 MiB, tourism 11.9 MiB", the caller's; NULL if fewer than two gave. */
char *givers_tell(const GPtrArray *givers);

#endif
