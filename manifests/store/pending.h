/*
 * pending: what was appended to a pack and is not yet in the index, found by digest.  Not thread-safe.  Private to manifests/store.
 */
#ifndef CHAMA_MANIFESTS_STORE_PENDING_H
#define CHAMA_MANIFESTS_STORE_PENDING_H

#include "manifests/store/pack.h"

/* P16: a writer commits by itself at these, so that its memory and what a crash can undo are bounded. */
#define PENDING_MAX 65536
#define PENDING_BYTES_MAX (256 * 1024 * 1024)

typedef struct {
    PackPiece *pieces;       /* without their bytes; room for PENDING_MAX */
    guint count;
    guint64 bytes;           /* of their frames */
    GHashTable *digests;     /* those that lie in the pieces */
} Pending;

Pending *pending_new(void);
void pending_free(Pending *pending);
/* The piece that pending_add() takes in once it is filled. */
PackPiece *pending_next(Pending *pending);
void pending_add(Pending *pending);
gboolean pending_has(const Pending *pending, const Digest *digest);
/* Borrowed; NULL if there is none. */
const PackPiece *pending_find(const Pending *pending, const Digest *digest);
void pending_clear(Pending *pending);

/* Of const PackPiece *, in the order of their digests, which is that of the index; the caller's. */
const PackPiece **pending_sorted(const Pending *pending);

#endif
