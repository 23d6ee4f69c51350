/*
 * batch: files of ordinary size, links and empty folders that follow each other in a listing, read by one thread; many batches are
 * read at once, and written to the listing in order.
 */
#ifndef CHAMA_MANIFESTS_INGEST_BATCH_H
#define CHAMA_MANIFESTS_INGEST_BATCH_H

#include <sys/stat.h>

#include "manifests/ingest/sink.h"

/* Files from this size on are read by all threads together (big.h). */
#define BATCH_FILE_MAX (16 * 1024 * 1024)

typedef struct Batch Batch;
Batch *batch_new(Sink *sink, int root);
void batch_free(Batch *batch);

/* @source is where to read it, below the root; @path as it stands in the listing. */
void batch_add(Batch *batch, const char *path, const char *source, mode_t mode, guint64 size);
/* It holds as much as one thread should be given at a time. */
gboolean batch_is_full(const Batch *batch);

/* Any thread: reads all; what goes wrong is told by batch_write(). */
void batch_read(Batch *batch);
gboolean batch_write(Batch *batch, ListingWriter *listing, GError **error);

#endif
