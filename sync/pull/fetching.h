/*
 * fetching: the chunks of one version, asked for batch by batch and handed to the intake.  If one batch is not all, a thread with a connection of its own
 * asks for them while the walk through the listing gathers the next (and asks for further pages).
 */
#ifndef CHAMA_SYNC_PULL_FETCHING_H
#define CHAMA_SYNC_PULL_FETCHING_H

#include "sync/pull/plan.h"
#include "sync/pull/transfer.h"

typedef struct Fetching Fetching;
Fetching *fetching_new(Transfer *transfer);
/* Breaks off what is under way. */
void fetching_free(Fetching *fetching);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fetching, fetching_free)

/* Takes over a batch that is full; waits while another one waits.  FALSE with the first error of any batch. */
gboolean fetching_add(Fetching *fetching, ChunkBatch *batch, GError **error);
/* Takes over the last batch, which may be empty, and waits until all is stored. */
gboolean fetching_finish(Fetching *fetching, ChunkBatch *last, GError **error);
/* Is it asked for by a batch that was added not long ago? */
gboolean fetching_asks(Fetching *fetching, const Digest *digest);

/* What was stored, once it is finished, also without success: objects and bytes as sent; and what the peer said it does not have. */
guint64 fetching_objects(const Fetching *fetching);
guint64 fetching_bytes(const Fetching *fetching);
guint64 fetching_absent(const Fetching *fetching);

#endif
