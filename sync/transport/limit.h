/*
 * limit: no more than so many bytes a second, of all who share it (sync/PROTOCOL.md, PU50).  Who has taken bytes is told how long to rest before it takes more, and
 * rests itself: so what is limited is what a program reads, and the sender's own window does the rest.
 *
 * Bytes are paid for one after the other, each by 1/rate of a second; who has not used its time keeps LIMIT_BURST of it.  A limit may have another one above it
 * (of all peers): what is taken counts for both.  Thread-safe.
 */
#ifndef CHAMA_SYNC_TRANSPORT_LIMIT_H
#define CHAMA_SYNC_TRANSPORT_LIMIT_H

#include "sync/transport/rate.h"

#define LIMIT_BURST (G_USEC_PER_SEC / 4)   /* microseconds of unused time that are kept */

typedef struct Limit Limit;

/* @above may be NULL; it is kept as long as this one. */
Limit *limit_new(const Rate *rate, Limit *above);
Limit *limit_ref(Limit *limit);
void limit_unref(Limit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Limit, limit_unref)

/* @bytes were taken at @now (microseconds of any clock that only goes forward), in that minute of the day: microseconds to rest, 0 for none. */
gint64 limit_charge(Limit *limit, guint64 bytes, gint64 now, guint minute);
/* The same by the clocks of this machine; @limit NULL: 0. */
gint64 limit_take(Limit *limit, guint64 bytes);
/* Rests so long, in small steps: FALSE if *@cancelled (may be NULL) was set. */
gboolean limit_rest(gint64 microseconds, const gint *cancelled);

/* The limits of a node: one of all it fetches (or serves), below it one for each peer that has its own. */
typedef struct Limits Limits;
Limits *limits_new(const Rate *all);
void limits_free(Limits *limits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Limits, limits_free)
/* Before there are threads. */
void limits_set(Limits *limits, const char *peer, const Rate *rate);
/* Has any peer one of its own? */
gboolean limits_tells_apart(const Limits *limits);
/* That of @peer (its alias; NULL: none), or that of all.  Borrowed; NULL for @limits NULL. */
Limit *limits_of(Limits *limits, const char *peer);

#endif
