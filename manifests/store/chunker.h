/*
 * chunker: content-defined cutting, "fastcdc/1" (manifests/FORMAT.md, part 5): FastCDC with normalised chunking, minimum 16 KiB, average
 * 64 KiB, maximum 256 KiB; gear table from a stated seed.  Each file is cut by itself.  Pure.
 */
#ifndef CHAMA_MANIFESTS_STORE_CHUNKER_H
#define CHAMA_MANIFESTS_STORE_CHUNKER_H

#include <glib.h>

#define CHUNK_SIZE_MIN (16 * 1024)
#define CHUNK_SIZE_AVERAGE (64 * 1024)
#define CHUNK_SIZE_LIMIT (256 * 1024)

/* The length of the first chunk of the @size bytes at @data.  Give at least CHUNK_SIZE_LIMIT bytes unless the file ends
 * earlier.  Never 0 for @size > 0. */
gsize chunker_cut(const guint8 *data, gsize size);

#endif
