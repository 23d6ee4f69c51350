/*
 * maintain: checking, rebuilding and compacting a store.
 */
#ifndef CHAMA_MANIFESTS_STORE_MAINTAIN_H
#define CHAMA_MANIFESTS_STORE_MAINTAIN_H

#include "manifests/store/store.h"

/* Reads every page of the index and every byte of every pack on all cores: checksum, SHA-256, index entry.  Each thing wrong is told to @report
 * (a line for a person: pack, offset, what is wrong; @digest is NULL if no one object is meant), from any thread, but from one at a time; returns FALSE
 * with an error only if checking itself failed.  Damage to bytes that nothing in the index leads to is of no consequence, and not told.
 * @bytes_done (may be NULL) advances atomically. */
typedef void (*StoreReport)(gpointer data, const Digest *digest, const char *message);
gboolean store_check(Store *store, StoreReport report, gpointer data, gint64 *bytes_done, GError **error);

/* Makes the index anew from the packs, in a new file that replaces the old one only when whole.  Damaged frames are told to @report and left out. */
gboolean store_rebuild_index(const char *path, StoreReport report, gpointer data, GError **error);

/* Garbage collection.  Takes the exclusive lock (waits for writers and holders; @waiting, may be NULL, is called once if it must), then calls
 * @mark, which names all live objects with gc_mark_add(); packs with nothing live are removed, packs with much dead weight are rewritten without it
 * (P19: under 75 % live, or small). With @dry_run nothing changes.  Memory: two bits an object. */
typedef struct GcMarks GcMarks;
/* TRUE and *@fresh (may be NULL) set if it was not yet marked: a caller can then skip what lies below a page it has seen.  What is not in the
 * store is always fresh.  What it needs to be read lives with it (P27), and does not count as marked. */
gboolean gc_mark_add(GcMarks *marks, const Digest *digest, gboolean *fresh, GError **error);
typedef gboolean (*GcMark)(GcMarks *marks, gpointer data, GError **error);
typedef struct {
    guint64 objects_freed, bytes_freed, bytes_kept, packs_rewritten, packs_removed; /* bytes of packs; removed: nothing in it was live */
    guint64 made_whole, packs_left; /* of store_purge() alone: objects stored anew; packs that are damaged and could not be rid of what is dead */
} GcTotals;
gboolean store_gc(Store *store, gboolean dry_run, GcMark mark, gpointer data, void (*waiting)(void), GcTotals *totals, GError **error);

/* P29: the same to the end: of what @mark does not name not a byte stays in any pack, though it is little, or patches were made against it: these are stored
 * anew, whole, first.  @mark is called twice, and names the same each time.  @busy (may be NULL): set, and nothing done, if others use the store; else it
 * waits for them.  Packs that are left count in *@totals, and are no error. */
gboolean store_purge(Store *store, GcMark mark, gpointer data, gboolean *busy, void (*waiting)(void), GcTotals *totals, GError **error);

#endif
