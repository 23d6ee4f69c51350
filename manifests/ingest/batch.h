/*
 * batch: files of ordinary size, links and empty folders that follow each other in a listing, read by one thread; many batches are
 * read at once, and written to the listing in order.
 */
#ifndef CHAMA_MANIFESTS_INGEST_BATCH_H
#define CHAMA_MANIFESTS_INGEST_BATCH_H

#include "manifests/ingest/memory.h"
#include "manifests/ingest/sink.h"
#include "manifests/tree/look.h"

typedef struct Batch Batch;
Batch *batch_new(Sink *sink, int root);
void batch_free(Batch *batch);

/* @path as it stands in the listing; @found says where and what it is below the root.  A file that @memory (may be NULL) recalls will not be read if its chunks are still
 * in the store. */
void batch_add(Batch *batch, const char *path, const Found *found, Memory *memory);
/* It holds as much as one thread should be given at a time. */
gboolean batch_is_full(const Batch *batch);

/* Any thread: reads all; what goes wrong is told by batch_write(). */
void batch_read(Batch *batch);
/* @memory (may be NULL) takes note of the stamps. */
gboolean batch_write(Batch *batch, ListingWriter *listing, Memory *memory, GError **error);
/* Once read: how many files were recalled. */
guint64 batch_recalled(const Batch *batch);

#endif
