/*
 * cutter: files as streams of bytes, cut into chunks that are hashed and stored on all cores, while one more thread makes the digest of each
 * whole file.  For what is read in one place: big files and archives.
 *
 * Bytes go into segments of 2 MiB, of which a bounded number is in flight (I6); a segment may hold many small files.  What comes out is
 * told in order, from within the calls below.
 */
#ifndef CHAMA_MANIFESTS_INGEST_CUTTER_H
#define CHAMA_MANIFESTS_INGEST_CUTTER_H

#include "manifests/ingest/alignment.h"
#include "manifests/ingest/sink.h"

typedef struct {
    gboolean (*chunk)(gpointer data, const ChunkRef *chunk, GError **error);
    /* All chunks of the file were told. */
    gboolean (*file)(gpointer data, guint64 size, const Digest *digest, GError **error);
    gpointer data;
} CutterTold;

typedef struct Cutter Cutter;
Cutter *cutter_new(Sink *sink, const CutterTold *told);
void cutter_free(Cutter *cutter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cutter, cutter_free)

/* Before the first byte of a file: what its chunks may be small changes of (may be NULL); a reference is taken. */
void cutter_align(Cutter *cutter, Alignment *alignment);
/* Room for the next bytes of the file, at least one; then how many were put there. */
guint8 *cutter_room(Cutter *cutter, gsize *size);
gboolean cutter_filled(Cutter *cutter, gsize size, GError **error);
/* How many of the bytes given so far are not yet in a chunk: fewer than CHUNK_SIZE_LIMIT. */
gsize cutter_pending(const Cutter *cutter);
/* Instead of the pending bytes, @count chunks of zeros, each of zeros_cut() bytes. */
gboolean cutter_zeros(Cutter *cutter, guint64 count, GError **error);
/* The file is whole; the next bytes begin another. */
gboolean cutter_end(Cutter *cutter, GError **error);
/* Waits until all is told. */
gboolean cutter_drain(Cutter *cutter, GError **error);

#endif
