/*
 * gc_private: what the parts of gc share: gc_marks.c says what lives, gc_empty.c empties a pack, gc.c decides which.
 */
#ifndef CHAMA_MANIFESTS_STORE_GC_PRIVATE_H
#define CHAMA_MANIFESTS_STORE_GC_PRIVATE_H

#include "manifests/store/store_private.h"

typedef struct {
    IndexPack record;
    guint64 first_bit;     /* of its frame 0 */
    guint64 live_bytes;    /* frames, with headers */
    guint32 live_objects;
    gboolean empty_it;
} GcPack;

struct GcMarks {
    Store *store;
    Index *index;
    GArray *records;       /* IndexPack */
    GcPack *packs;
    guint pack_count;
    GHashTable *by_id;     /* id -> GcPack */
    guint8 *live, *named;  /* one bit for each frame number of each pack: wanted; named by gc_mark_add() itself */
    GArray *bases;         /* Digest: of patches that were marked, not looked at yet */
    gboolean purge;        /* P29: what is not named is dead, and each pack with something dead is emptied */
};

GcMarks *gc_marks_new(Store *store, Index *index, gboolean purge, GError **error);
void gc_marks_free(GcMarks *marks);
/* Once all is marked: the bytes and objects of each pack that live. */
gboolean gc_marks_weigh(GcMarks *marks, GError **error);
/* Of an object of the index, and of one by its digest.  What lies in packs that came after the marks lives: gc copied it there. */
gboolean gc_is_live(const GcMarks *marks, const IndexEntry *entry);
gboolean gc_digest_is_live(const GcMarks *marks, const Digest *digest);
/* The same for what was named; @marks is a GcMarks. */
gboolean gc_is_named(gpointer marks, const IndexEntry *entry);

/* Where live frames go; it goes on from pack to pack. */
typedef struct {
    Store *store;
    GcMarks *marks;
    PackWriter *out;       /* NULL if there is none yet */
    GcTotals *totals;
} Gc;

/* Copies what lives in @pack, changes the index in one step, removes the file.  A pack that cannot be read to its end stays as it is. */
gboolean gc_empty_pack(Gc *gc, const GcPack *pack, GError **error);
void gc_count(GcTotals *totals, const GcPack *pack);

#endif
