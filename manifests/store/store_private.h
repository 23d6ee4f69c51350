/*
 * store_private: what the files of the store know of each other and nobody else does.
 */
#ifndef CHAMA_MANIFESTS_STORE_STORE_PRIVATE_H
#define CHAMA_MANIFESTS_STORE_STORE_PRIVATE_H

#include "manifests/store/base_cache.h"
#include "manifests/store/index.h"
#include "manifests/store/maintain.h"
#include "manifests/store/packs.h"

struct Store {
    char *path, *index_path, *packs_path, *lock_path;
    PackFolder *packs;
    GMutex mutex;  /* index */
    Index *index;
    GMutex writers_mutex;
    GSList *writers;  /* of StoreWriter: what they have put and not committed is here, too */
    gint holds;    /* StoreHolds: while there is one, nobody can replace the index */
    BaseCache *bases;
    GAsyncQueue *idle_readings; /* of StoreReading */
};

/* The index as it is now: the caller's reference. */
Index *store_index(Store *store);
/* Opens the index anew if another process has replaced it; TRUE in *@replaced (may be NULL) if so. */
gboolean store_refresh(Store *store, gboolean *replaced, GError **error);

/* P17: the lock of the store, shared or exclusive; *@fd -1 and TRUE if @wait is FALSE and another has it. */
gboolean store_lock(const char *lock_path, int operation, gboolean wait, int *fd, GError **error);
void store_unlock(int fd);

/* Tells @report (may be NULL) one thing that is wrong. */
void store_report(StoreReport report, gpointer data, const Digest *digest, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* P7: is what lies there the frame that the index means, and whole?  DAMAGED. */
gboolean store_check_frame(const IndexEntry *entry, const guint8 *bytes, gsize size, GError **error);
/* The same where the header of FRAME_HEADER_SIZE bytes and what it is about lie apart. */
gboolean store_check_frame_apart(const IndexEntry *entry, const guint8 *header, const void *stored, GError **error);

/* reading.c: one that is idle. */
void store_reading_destroy(gpointer reading);

/* The stored bytes of @entry, their checksum checked: DAMAGED, or NOT_FOUND if there is no such pack. */
GBytes *store_read_entry(Store *store, const IndexEntry *entry, GError **error);

/* Where it is and what lies there; NOT_FOUND, or DAMAGED. @owner as in store_has(). */
GBytes *store_find_stored(Store *store, const Digest *digest, const Scope *owner, IndexEntry *entry, GError **error);
/* Where it is; FALSE if it is not here.  Only what is committed; or also what was put into this store and is not. */
gboolean store_locate(Store *store, const Digest *digest, IndexEntry *entry);
gboolean store_locate_put(Store *store, const Digest *digest, IndexEntry *entry);

/* writer.c.  Has @writer put @digest, and not committed it?  *@mark: only as held for its scope, for it lies elsewhere.  With @entry (may be NULL) it can
 * be read from its pack. */
gboolean store_writer_find(StoreWriter *writer, const Digest *digest, const Scope *owner, IndexEntry *entry, gboolean *mark);

/* salvage.c.  P14: nothing of the kind is trusted before its SHA-256 was computed, but for a patch, which must only be one: UNSUPPORTED, MALFORMED,
 * LIMIT, VERIFY. */
gboolean store_frame_check(const PackPiece *piece, GError **error);
/* The pack at @path, open and locked, and its size; *@fd -1 and TRUE if a living writer has it or it is gone. */
gboolean store_open_dead_pack(const char *path, int *fd, guint64 *size, GError **error);
/* P18: takes in the frames of @reader, each one hashed, and says where the last valid one ends.  What is damaged or unknown is told
 * to @report.  @bases_first: a patch counts only behind its bases, as it was written; else they may come in a pack that is read later. */
gboolean store_index_frames(IndexChange *change, IndexPack *pack, PackReader *reader, gboolean bases_first, StoreReport report, gpointer data,
                            guint64 *valid_end, GError **error);
/* Takes in what dead writers left, and cuts off what they did not finish.  The store's lock is held by the caller. */
gboolean store_salvage(Store *store, GError **error);
/* P19: removes the file of a pack that the index calls doomed, then its record. */
gboolean store_remove_doomed(Store *store, Index *index, guint64 id, GError **error);
/* What gc or purge wrote anew into the pack of @out, from offset @from on, read back: it takes the place of what lay in pack @old, or, if that is 0, of what
 * counts less (P22). */
gboolean store_index_rewritten(Store *store, IndexChange *change, PackWriter *out, guint64 from, guint64 old, GError **error);

/* orphans.c.  P27: patches of which a base is not in the index go from it, and with them what was made against them; each is told to @report. */
gboolean store_let_orphans_go(Index *index, const char *packs_path, StoreReport report, gpointer data, GError **error);
/* Are the bases of what @piece holds in the index, as the change has it so far?  Of what is no patch, always. */
gboolean store_has_bases(IndexChange *change, const PackPiece *piece, gboolean *has, GError **error);

/* purge.c.  P29: of the objects that @named says TRUE of, those that are patches against something of which it does not are stored anew, whole: *@count.  One that
 * cannot be read stays as it is.  The caller has the exclusive lock. */
typedef gboolean (*StoreNamed)(gpointer data, const IndexEntry *entry);
gboolean store_free_bases(Store *store, Index *index, StoreNamed named, gpointer data, guint64 *count, GError **error);

/* maintain.c.  The same as store_rebuild_index(), for a caller that holds the exclusive lock. */
/* P29: puts a copy in place of the index, so that nothing deleted stays in it.  Under the exclusive lock. */
gboolean store_renew_index_locked(const char *path, Index *index, GError **error);
gboolean store_rebuild_locked(const char *path, StoreReport report, gpointer data, GError **error);

#endif
