/*
 * big: one big file, read and cut by the calling thread, hashed and stored by all cores; holes are not read.
 */
#ifndef CHAMA_MANIFESTS_INGEST_BIG_H
#define CHAMA_MANIFESTS_INGEST_BIG_H

#include <sys/types.h>

#include "manifests/ingest/memory.h"
#include "manifests/ingest/sink.h"
#include "manifests/tree/look.h"
#include "manifests/tree/spool.h"

/* What a listing says of the file, known only once it stood still until its end; its chunks wait in @chunks, as ChunkRef. */
typedef struct {
    Spool *chunks;
    guint64 size;
    Digest digest;
    gboolean executable;
    Stamp stamp;               /* of what was read */
} BigFile;

void big_file_clear(BigFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BigFile, big_file_clear)

/* @path is for messages.  FAILED if it changed each time that it was read. */
gboolean big_file_read(BigFile *file, Sink *sink, int root, const char *source, const char *path, GError **error);
/* Instead of reading it: TRUE if @memory recalls it as it was @found, and all of its chunks are still in the store. */
gboolean big_file_recall(BigFile *file, Memory *memory, const Sink *sink, const char *path, const Found *found);
gboolean big_file_write(const BigFile *file, const char *path, ListingWriter *listing, GError **error);

/* @count chunks from the spool, from the one numbered @first on, to the listing. */
gboolean spooled_chunks_write(Spool *chunks, guint64 first, guint64 count, ListingWriter *listing, GError **error);

#endif
