/*
 * segments: the bytes of one big file, opened by all threads a segment at a time, while the caller's makes the digest of the whole.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_SEGMENTS_H
#define CHAMA_MANIFESTS_CHECKOUT_SEGMENTS_H

#include "manifests/listing/page.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

/* Bytes that lie at @offset of the file.  Any thread, any order; nothing is proven of them before segments_end(). */
typedef gboolean (*SegmentVisit)(gpointer data, guint64 offset, const guint8 *bytes, gsize size, GError **error);

typedef struct Segments Segments;
/* @visit and @progress may be NULL; progress gets the bytes. */
Segments *segments_new(Store *store, Progress *progress, SegmentVisit visit, gpointer visit_data);
void segments_free(Segments *segments);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Segments, segments_free)

gboolean segments_add(Segments *segments, const ChunkRef *chunks, guint count, GError **error);
/* Once all are added: size and digest of all of it. */
gboolean segments_end(Segments *segments, guint64 *size, Digest *digest, GError **error);

#endif
