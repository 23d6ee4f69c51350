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

/* The two steps of opening, for all codecs that need no other object: to plain bytes in @room of at least @plain_size bytes (P13: MALFORMED, LIMIT,
 * VERIFY), and P14: are they what @digest names (VERIFY)? */
gboolean codec_expand(const Digest *digest, guint codec, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room, GError **error);
gboolean codec_prove(const Digest *digest, const void *plain, gsize plain_size, GError **error);
/* Both. */
gboolean codec_open(const Digest *digest, guint codec, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room, GError **error);

/* P25: a zstd frame that says @data by reference to @prefix, which lies elsewhere, into @room: its size, or 0 if that takes more than @room_size bytes. */
gsize codec_patch(const void *prefix, gsize prefix_size, const void *data, gsize size, void *room, gsize room_size);
/* P13, P25: the way back. */
gboolean codec_expand_patch(const Digest *digest, const void *prefix, gsize prefix_size, guint32 plain_size, const void *delta, gsize delta_size,
                            guint8 *room, GError **error);

#endif
