/*
 * alignment: which part of an earlier file a chunk of the file that took its place is likely to be a small change of.  The distance between the two places
 * is carried from chunk to chunk; where it is lost (something was put in or taken out), it is found again by anchors: places that only the bytes around them
 * choose, so that what was moved has them, too.  A wrong guess costs time and space, never truth.  Thread-safe.
 */
#ifndef CHAMA_MANIFESTS_INGEST_ALIGNMENT_H
#define CHAMA_MANIFESTS_INGEST_ALIGNMENT_H

#include "manifests/listing/page.h"
#include "manifests/store/store.h"

#define ALIGNMENT_CHUNKS_MAX 1000000   /* of the earlier file (I6): beyond, 64 GB and more, there is none */

typedef struct Alignment Alignment;
/* @chunks: ChunkRef of the earlier file, all of them in order; taken.  @size: of the new file, as far as is known. */
Alignment *alignment_new(Store *store, GArray *chunks, guint64 size);
Alignment *alignment_ref(Alignment *alignment);
void alignment_unref(Alignment *alignment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Alignment, alignment_unref)

/* A chunk of the new file. */
typedef struct {
    Alignment *alignment;
    guint64 offset;
} AlignedChunk;

/* A StoreLikeness: @data is an AlignedChunk. */
guint alignment_likeness(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX]);

#endif
