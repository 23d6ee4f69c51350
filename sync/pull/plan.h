/*
 * plan: what a sync does with what it has learned, facts in, verdict out.  Pure: no I/O, no clock.
 */
#ifndef CHAMA_SYNC_PULL_PLAN_H
#define CHAMA_SYNC_PULL_PLAN_H

#include "manifests/listing/page.h"
#include "manifests/manifest.h"
#include "sync/pull.h"
#include "sync/wire.h"

/* PU5: what an offered checkpoint, verified, means beside the ledger held. */
typedef struct {
    guint64 held, offered;      /* records */
    gboolean roots_agree;       /* offered <= held: the ledger held had the offered root at that size */
    gboolean from_owner;        /* the peer asked is the ledger's own node */
    guint64 fork;               /* PU23: two histories are known that differ within the first so many records; 0: none */
} OfferFacts;
typedef enum {
    OFFER_LONGER,               /* fetch the records that are new */
    OFFER_SAME,                 /* at most the checkpoint is fresher */
    OFFER_STALE,                /* a mirror that is behind */
    OFFER_ROLLBACK,             /* its owner has fewer records than it signed before (I3) */
    OFFER_FORK,                 /* two histories (I3) */
    OFFER_DISPUTED,             /* one of two known histories, and nothing held says which to go on with */
} OfferVerdict;
OfferVerdict plan_offer(const OfferFacts *facts);

/* May the ledger be taken at all?  LIMIT, naming the quota. */
typedef struct {
    gboolean relayed;           /* of a third party: neither the peer asked nor a node accepted here */
    gboolean new_ledger;        /* nothing of it is held yet */
    guint64 ledgers;            /* relayed ledgers that this peer brought so far */
    guint64 records;            /* that the ledger would have */
} QuotaFacts;
gboolean plan_quota(const QuotaFacts *facts, const PullOptions *options, GError **error);

/* How many bytes of records may still come: of this ledger, and of third parties from this peer. */
guint64 plan_quota_bytes(gboolean relayed, guint64 ledger_bytes, guint64 peer_bytes, const PullOptions *options);

/* PU10: is the content of a version to be asked of this peer? */
typedef struct {
    gboolean followed, held;
    gboolean ended;             /* its owner has withdrawn or erased it, or this node erased it */
    Share share;                /* in force */
    gboolean grant;             /* a grant to this node, in force */
    gboolean from_owner;
    gboolean refused;           /* this peer did not give it, not long ago */
} WantFacts;
typedef enum {
    WANT_ASK,
    WANT_NOT,                   /* not followed, held already, not shared with anyone, or taken back */
    WANT_NO_GRANT,              /* conditional, and no grant is known here: asking would only be refused */
    WANT_LATER,                 /* refused not long ago */
} WantVerdict;
WantVerdict plan_want(const WantFacts *facts);

/* NO_SPACE unless @want bytes fit and @reserve stay free. */
gboolean plan_space(guint64 available, guint64 reserve, guint64 want, GError **error);

/* One request for chunks, being gathered in listing order: each distinct digest once, within what one request may hold.  The first requests of a version
 * hold less, so that something comes soon. */
#define BATCH_POSITIONS_MAX 65536
#define BATCH_BYTES_MAX (64 * 1024 * 1024)
typedef struct {
    Digest digest;
    guint32 size;
} Wanted;
typedef struct {
    GArray *ranges;             /* of PositionRange */
    GArray *wanted;             /* of Wanted, one a position */
    GHashTable *seen;           /* digests in @wanted */
    guint64 bytes;              /* plain */
    guint64 bytes_max;
    guint positions_max;
    gsize text;                 /* bytes of the request's body, at most */
} ChunkBatch;
/* @before: how many requests were made before. */
ChunkBatch *chunk_batch_new(guint before);
void chunk_batch_free(ChunkBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChunkBatch, chunk_batch_free)
/* FALSE if the batch is full.  What is in it already is passed over. */
gboolean chunk_batch_add(ChunkBatch *batch, guint64 position, const ChunkRef *chunk);
gboolean chunk_batch_asks(const ChunkBatch *batch, const Digest *digest);

#endif
