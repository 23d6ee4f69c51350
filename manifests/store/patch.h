/*
 * patch: the stored bytes of an object under codec 2 (manifests/FORMAT.md, P25-P28): its difference from up to four other objects, its bases.
 * Pure: finding and opening the bases is bases.h's.
 */
#ifndef CHAMA_MANIFESTS_STORE_PATCH_H
#define CHAMA_MANIFESTS_STORE_PATCH_H

#include "manifests/store/store.h"

#define PATCH_HEAD_SIZE 2
#define PATCH_BASE_SIZE_MAX (256 * 1024)                        /* P25: plain bytes of a base */
#define PATCH_PREFIX_MAX (PATCH_BASES_MAX * PATCH_BASE_SIZE_MAX)

typedef struct {
    guint reach;             /* P26: how many other objects are opened to read this one, those that its bases need counted */
    guint base_count;
    Digest bases[PATCH_BASES_MAX];
    const guint8 *delta;     /* a zstd frame, within the bytes that were parsed */
    gsize delta_size;
} Patch;

/* P25, P26: MALFORMED or LIMIT.  Says nothing of the zstd frame. */
gboolean patch_parse(const void *stored, gsize size, Patch *patch, GError **error);

/* Bytes before the zstd frame of a patch with so many bases. */
static inline gsize patch_head_size(guint base_count)
{
    return PATCH_HEAD_SIZE + (gsize)base_count * DIGEST_SIZE;
}
/* Writes them: patch_head_size() bytes at @room. */
void patch_head_format(const Digest *bases, guint base_count, guint reach, guint8 *room);

#endif
