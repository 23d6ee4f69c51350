/*
 * codec: plain bytes to stored bytes; the way back is stored_object_open() of store.h.  Contexts of zstd are kept one per thread.
 * Pure.
 */
#ifndef CHAMA_MANIFESTS_STORE_CODEC_H
#define CHAMA_MANIFESTS_STORE_CODEC_H

#include "manifests/store/store.h"

/* Compresses into @room (at least @size bytes).  CODEC_ZSTD and *@stored_size, or CODEC_STORED (then @room says nothing) if that would
 * save less than a thirty-second. */
Codec codec_compress(const void *data, gsize size, void *room, gsize *stored_size);

/* P12, P13: what the sizes of a codec must be, and that the codec is known: MALFORMED, LIMIT, UNSUPPORTED. */
gboolean codec_check(guint codec, guint64 plain_size, guint64 stored_size, GError **error);

/* A buffer of OBJECT_SIZE_MAX bytes that belongs to the calling thread. */
guint8 *codec_scratch(void);

/* stored_object_open() into @room of at least @plain_size bytes. */
gboolean codec_open(const Digest *digest, guint codec, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room,
                    GError **error);

#endif
