/*
 * portions: the chunks of one version that are still to come, and which source is asked for which of them next (sync/PROTOCOL.md, PU41-PU43).  Pure: no I/O,
 * no clock (times are given, in microseconds), no lock (whoever shares it between threads has one).
 *
 * A piece is a chunk that is wanted, at its first position.  It is in one place at a time: waiting, in the portion that one source is asked for, given (it
 * arrived, and is being verified and stored), or gone.  So none is asked of two.
 */
#ifndef CHAMA_SYNC_PULL_PORTIONS_H
#define CHAMA_SYNC_PULL_PORTIONS_H

#include "manifests/listing/page.h"
#include "sync/wire.h"

#define LANES_MAX 8                                  /* sources of one version, one after the other and at once */
#define PORTION_POSITIONS_MAX 65536
#define PORTION_BYTES_MAX (64 * 1024 * 1024)
#define PORTION_BYTES_FIRST (4 * 1024 * 1024)        /* so that something comes soon */
#define PORTION_POSITIONS_FIRST 4096
#define PORTION_BYTES_MIN (256 * 1024)
#define PORTION_SECONDS 2                            /* how long one of several sources is to be busy with one request */
#define WAITING_BYTES_MAX (128 * 1024 * 1024)        /* plain; the walk through the listing waits while so many wait */
#define WAITING_PIECES_MAX (64 * 1024)
#define STALL_SECONDS 5                              /* without a byte, while others flow */
#define MORE_TIME (3 * G_USEC_PER_SEC / 10)             /* to come, at the rate so far, or in which nothing came: further sources are worth their connections */

typedef struct {
    Digest digest;
    guint32 size;               /* plain */
    guint64 position;
    gint64 stands;              /* bytes of the version that are here once it is */
    guint lane;                 /* in whose portion it is, or who gave it */
    guint32 stored_size;        /* as it came */
    guint32 lacking;            /* a bit for each lane that does not have it */
    gboolean given;
    gboolean patch;             /* it came as one (W15) */
} Piece;

typedef struct Portions Portions;
Portions *portions_new(void);
void portions_free(Portions *portions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Portions, portions_free)

/* Another position of the walk; a digest that is known counts once.  Returns how many bytes of the version are here already because of it. */
gint64 portions_add(Portions *portions, guint64 position, const ChunkRef *chunk);
gboolean portions_know(const Portions *portions, const Digest *digest);
/* Do so many wait that the walk should?  Is there enough for a first portion? */
gboolean portions_are_full(const Portions *portions);
gboolean portions_fill_one(const Portions *portions);

/* A source begins; @rate: bytes a second, as measured before; 0: not known.  And ends: what its portion lacks waits again. */
void portions_join(Portions *portions, guint lane, guint64 rate);
void portions_leave(Portions *portions, guint lane);
guint64 portions_rate(const Portions *portions, guint lane);

/* What the lane, which has no portion, is to be asked for: array of Piece* in order of their positions, borrowed until portions_done().  NULL: nothing now. */
const GPtrArray *portions_take(Portions *portions, guint lane, gint64 now);
GBytes *portion_request(const GPtrArray *portion);
/* Plain bytes that portions under way may still bring. */
guint64 portions_under_way(const Portions *portions);

/* The answer for piece @index of the lane's portion is here.  NULL: it is no longer the lane's, so the rest need not be read. */
const Piece *portions_expect(const Portions *portions, guint lane, guint index);
/* It came, and is handed on; until portions_resume() the lane is not to blame for silence. */
Piece *portions_give(Portions *portions, guint lane, guint index, guint32 stored_size, gint64 now);
void portions_resume(Portions *portions, guint lane, gint64 now);
/* The source does not have it. */
void portions_lack(Portions *portions, guint lane, guint index, gint64 now);
/* The request is over, well or not: what did not come waits again, and the rate is known. */
void portions_done(Portions *portions, guint lane, gint64 now);

/* A piece that was given is stored, and gone; or is not what it should be, and waits for others. */
void portions_stored(Portions *portions, Piece *piece);
void portions_refuse(Portions *portions, Piece *piece);

/* For a lane with nothing to do: takes what a slow one will not have brought by the time that the two could together.  TRUE if something waits now. */
gboolean portions_relieve(Portions *portions, guint lane, gint64 now);
/* Has all of its portion been taken like that?  Then its request is to be broken off. */
gboolean portions_is_cut(const Portions *portions, guint lane);
/* A lane that is silent while others flow, or -1. */
gint portions_stalled(const Portions *portions, gint64 now);
/* Would a further source pay? */
gboolean portions_want_more(const Portions *portions, gint64 now);

/* Nothing is under way, and nothing waits for a source that is there. */
gboolean portions_are_quiet(const Portions *portions);
/* What waits is given up, for nobody is left who has it: it is forgotten, and only counted, so that the walk can go on to what somebody may have.  Comes the same chunk again, it is asked
 * for, and counted, again. */
void portions_forgo(Portions *portions);
/* How many pieces are not gone, with those that were given up. */
guint portions_left(const Portions *portions);

/* How many plain bytes one request is for. */
typedef struct {
    guint lanes;                /* sources at work */
    guint before;               /* requests that the source was asked before */
    guint64 rate, rates;        /* its own, and of all; 0: not known */
    guint64 waiting;            /* bytes */
} PortionFacts;
guint64 portion_measure(const PortionFacts *facts);

#endif
