/*
 * content: the bytes of one file of a listing, chunk by chunk, and the check that they are what the listing says of the whole file.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_CONTENT_H
#define CHAMA_MANIFESTS_CHECKOUT_CONTENT_H

#include "manifests/listing/page.h"
#include "manifests/store/store.h"

/* The chunk, of the size that the reference states (VERIFY), or what store_get() says.  The caller's. */
GBytes *content_chunk(Store *store, const ChunkRef *chunk, GError **error);

/* VERIFY naming @path unless what was read is what was wanted. */
gboolean content_check(const char *path, guint64 want_size, guint64 size, const Digest *want, const Digest *digest, GError **error);

#endif
