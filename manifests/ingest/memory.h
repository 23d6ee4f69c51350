/*
 * memory: what a node remembers of a folder or file since it published it last: which files have the stamps of then, so that their entries are
 * copied from that version's listing and they are not read (AR9, AR10).
 *
 * It is only ever a shortcut: where anything about it is wrong, files count as unknown.  Unless it says that all is held, what it recalls says nothing of whether the
 * chunks are still in the store: the caller looks.  One thread.
 */
#ifndef CHAMA_MANIFESTS_INGEST_MEMORY_H
#define CHAMA_MANIFESTS_INGEST_MEMORY_H

#include "manifests/listing/listing.h"
#include "manifests/tree/stamp.h"

typedef struct {
    const char *file;          /* where it is kept */
    Digest key;                /* of what: node, dataset and place */
    gboolean anew;             /* nothing is recalled (--rehash) */
    gint64 begun;              /* when the look at the files begins: stamp_now() */
    ListingGet get;            /* pages of the listing of then */
    gpointer get_data;
    Digest state;              /* of the store (store_writer_state()); all zero: not known */
} MemoryPlace;

typedef struct Memory Memory;
Memory *memory_open(const MemoryPlace *place);
void memory_free(Memory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Memory, memory_free)

/* Nothing was changed in the store since all of what it recalls was held. */
gboolean memory_is_held(const Memory *memory);

/* Is the regular file @path the one of then?  Paths in ascending order. */
gboolean memory_recalls(Memory *memory, const char *path, const Stamp *stamp);
/* Once after memory_recalls() said so: its chunks to @take, then its digest. FALSE if @take says so or the listing cannot be read: then it is not recalled. */
typedef gboolean (*MemoryTake)(gpointer data, const ChunkRef *chunk);
gboolean memory_tell(Memory *memory, MemoryTake take, gpointer data, Digest *digest);

/* The stamp of the next file, in the order of the listing; of one that was read, from before it was read.  NULL: of a file system that cannot be trusted. */
void memory_add(Memory *memory, const Stamp *stamp);
/* The version of that listing is committed.  @state of the store, where nobody can have taken away anything of it since.  What cannot be written is not kept, which is no error. */
void memory_keep(Memory *memory, const Digest *root, const Digest *state);

#endif
