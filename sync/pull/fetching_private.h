/*
 * fetching_private: what fetching.c (the walk, and who is asked) and lane.c (asking one of them) share.  Not for others.
 *
 * The mutex is held by who calls, unless it is said otherwise.
 */
#ifndef CHAMA_SYNC_PULL_FETCHING_PRIVATE_H
#define CHAMA_SYNC_PULL_FETCHING_PRIVATE_H

#include "sync/pull/fetching.h"
#include "sync/pull/portions.h"
#include "sync/pull/sources.h"

#define FETCHING_TICK (100 * 1000)             /* microseconds between two looks at how it goes */

/* Who gives: a lane of the portions, used by one thread. */
typedef struct {
    Fetching *fetching;
    guint number;
    Source *source;             /* NULL: the session's peer */
    Transport *own, *transport; /* its own, or (@own NULL) the session's */
    GThread *thread;            /* NULL: the session's own */
    gint stopped;               /* breaks off the request under way */
    gboolean ended, silent;
    GError *error;              /* why it ended before all was there */
    guint64 objects, bytes;     /* that it gave and that were stored; bytes as sent */
} Lane;

struct Fetching {
    Transfer *transfer;
    guint64 unchecked;          /* plain bytes added since the room on the disk was looked at */
    guint next_source;
    GMutex mutex;               /* what follows, and the portions */
    GCond changed;
    Portions *portions;
    Lane lanes[LANES_MAX];
    guint lane_count, idle;     /* and how many of them have nothing to do */
    gboolean complete;          /* nothing is added any more */
    gboolean over;              /* nothing is asked any more */
    gboolean whole;             /* all that was missing came */
    gint64 looked;
    GError *error;              /* of what is not the fault of one who gives */
};

/* Nothing is asked any more, and what is under way is broken off. */
void fetching_end(Fetching *fetching);
/* The same with a reason, which is taken. */
void fetching_fail(Fetching *fetching, GError *error);

/* Asks for a portion in this thread, without the mutex meanwhile.  FALSE if there is none for this lane now. */
gboolean lane_ask(Lane *lane);
/* The lane's thread, which takes the mutex: asks until all is over or the lane was dropped. */
gpointer lane_work(gpointer lane);
/* It gives no more.  Takes @error; the first reason counts. */
void lane_drop(Lane *lane, GError *error);
/* An IntakeFor.told, whose data is the fetching; takes the mutex. */
void lane_told(gpointer fetching, gpointer object, const GError *refused);

#endif
