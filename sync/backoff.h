/*
 * backoff: how long to leave alone who did not answer (sync/PROTOCOL.md, W20, PU52).  Pure.
 */
#ifndef CHAMA_SYNC_BACKOFF_H
#define CHAMA_SYNC_BACKOFF_H

#include <glib.h>

#define BACKOFF_FIRST 60    /* seconds after one failure; twice as many after each further one, */
#define BACKOFF_MOST 3600   /* and at most so many */

/* Seconds after so many failures in a row: 0 after none. */
guint backoff_pause(guint failures, guint first, guint most);
/* @pause, shorter or longer by up to a quarter as @chance (0 to 1) says, so that those who failed together do not come back together. */
guint backoff_spread(guint pause, double chance);
/* Seconds until the next session with a peer that is synced with every @interval seconds; 0 for @interval 0: there is none planned. */
guint backoff_next(guint failures, guint interval, double chance);

#endif
