/*
 * bases: from stored bytes to plain bytes where other objects of the store are needed for it, and which objects a patch is made against
 * (manifests/FORMAT.md, P25-P28).  Thread-safe.  Private to manifests/store.
 */
#ifndef CHAMA_MANIFESTS_STORE_BASES_H
#define CHAMA_MANIFESTS_STORE_BASES_H

#include "manifests/store/patch.h"
#include "manifests/store/store_private.h"

/* Opens what lies at @entry, whatever its codec, into @room of at least entry->plain_size bytes, and compares its SHA-256: DAMAGED, saying what does
 * not hold, or FAILED if a base could not be read just now.  @stored is what store_read_entry() gave. */
gboolean store_open_entry(Store *store, const IndexEntry *entry, const void *stored, gsize stored_size, guint8 *room, GError **error);

/* The same but for the comparison: nothing of it is proven.  Why it cannot be opened. */
gboolean store_expand_entry(Store *store, const IndexEntry *entry, const void *stored, gsize stored_size, guint8 *room, GError **error);

/* What a patch would be made against. */
typedef struct {
    guint count, reach;
    Digest digests[PATCH_BASES_MAX];
    GBytes *plain[PATCH_BASES_MAX];
} Bases;
void bases_clear(Bases *bases);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bases, bases_clear)

/* The plain bytes of an object that a patch is made against; DAMAGED if it cannot be that.  The caller's. */
GBytes *store_open_base(Store *store, const Digest *digest, GError **error);
/* Opens the objects @digests; those whose reach is spent are replaced by what they were made against themselves (P26).  FALSE if that cannot be
 * done, which is no error: the object is then stored whole. */
gboolean store_bases_open(Store *store, const Digest *digests, guint count, Bases *bases);
/* Their plain bytes, one after the other: NULL only if there is nothing in them.  Valid in this thread until the next call. */
const guint8 *bases_prefix(const Bases *bases, gsize *size);

/* The stored bytes of a patch (P25) that says @data, the object @digest, by way of what @likeness knows: NULL if there is none of half its size.
 * *@surely: it is so small that it is worth it (P28); else what the object takes whole decides. */
GBytes *store_find_patch(Store *store, const Digest *digest, const void *data, gsize size, StoreLikeness likeness, gpointer likeness_data,
                         gboolean *surely);
/* What a peer sent as a patch, opened before, with the reach that it has here: *@patch NULL if that is too much (P26). */
gboolean store_measure_patch(Store *store, const void *stored, gsize stored_size, GBytes **patch, GError **error);

#endif
