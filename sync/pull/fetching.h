/*
 * fetching: the chunks of one version that are missing, asked for portion by portion (portions.h) and handed to the intake.  If one portion is not all, threads ask, each of one
 * source with a connection of its own, while the walk through the listing gathers further chunks (and asks for further pages): the session's peer, and where that pays others
 * who may have the version (sync/PROTOCOL.md, PU40-PU43).
 */
#ifndef CHAMA_SYNC_PULL_FETCHING_H
#define CHAMA_SYNC_PULL_FETCHING_H

#include "sync/pull/transfer.h"

typedef struct Fetching Fetching;
Fetching *fetching_new(Transfer *transfer);
/* Breaks off what is under way. */
void fetching_free(Fetching *fetching);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fetching, fetching_free)

/* Another position of the walk, of a chunk that is not held; waits while many wait.  FALSE with an error that ends the fetching. */
gboolean fetching_add(Fetching *fetching, guint64 position, const ChunkRef *chunk, GError **error);
/* The same for a chunk that was added already and is not held yet: FALSE if it is none. */
gboolean fetching_adds_to(Fetching *fetching, guint64 position, const ChunkRef *chunk);
/* The walk is over: waits until all is stored that anybody gives.  @walked FALSE: it failed, and what is under way is broken off.  What went wrong with further sources
 * is told of as problems of the session. */
gboolean fetching_finish(Fetching *fetching, gboolean walked, GError **error);

/* Adds up what was stored, once it is finished, also without success, and who gave it (PU44). */
void fetching_count(const Fetching *fetching, PullResult *result);
/* What nobody has who was asked. */
guint64 fetching_absent(const Fetching *fetching);

#endif
