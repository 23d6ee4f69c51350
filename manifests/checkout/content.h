/*
 * content: the bytes of one file of a listing, chunk by chunk, and the check that they are what the listing says of the whole file.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_CONTENT_H
#define CHAMA_MANIFESTS_CHECKOUT_CONTENT_H

#include "manifests/listing/page.h"
#include "manifests/store/reading.h"

/* A chunk by itself, of the size that the reference states (VERIFY), or what store_get() says.  The caller's. */
GBytes *content_chunk(Store *store, const ChunkRef *chunk, GError **error);

/* Is the file nothing but one chunk?  Then the chunk's digest is the file's; of others the parts need not be hashed one by one as well, for the
 * listing names the digest of the whole. */
gboolean content_is_one_chunk(const ChunkRef *chunks, guint count);

/* The next chunk of @reading, which is @chunk; it has the size that the reference states, else VERIFY.  Until the next call. */
const guint8 *content_next(StoreReading *reading, const ChunkRef *chunk, ReadingProof proof, GError **error);

/* VERIFY naming @path unless what was read is what was wanted. */
gboolean content_check(const char *path, guint64 want_size, guint64 size, const Digest *want, const Digest *digest, GError **error);
/* What was read is not what was wanted: was it a chunk?  TRUE if each of these is right by itself, else what store_get() says of the first that is not. */
gboolean content_chunks_are_right(Store *store, const ChunkRef *chunks, guint count, GError **error);
/* The same of the file at @path of @listing. */
gboolean content_file_is_right(Store *store, const Digest *listing, const char *path, GError **error);

#endif
