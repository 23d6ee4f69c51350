/*
 * index: where each object lies and for which scopes it is held: an LMDB environment that can be made anew from the packs
 * (manifests/FORMAT.md, part 6, rules P20-P24).  Any number of readers; one IndexChange at a time, over all processes.  Every
 * value is checked when it is read: a wrong one is DAMAGED.
 */
#ifndef CHAMA_MANIFESTS_STORE_INDEX_H
#define CHAMA_MANIFESTS_STORE_INDEX_H

#include "manifests/store/pack.h"

typedef struct Index Index;

/* LMDB allows one environment a process: opening the same folder again gives the same Index, counted.  NOT_FOUND if there is none,
 * DAMAGED if it cannot be an index of ours. */
Index *index_open(const char *path, GError **error);
/* Makes an empty one in a new folder, fsynced. */
Index *index_create(const char *path, GError **error);
/* One in a new folder with the same rows, and nothing of what @from ever held beside them: LMDB leaves what was deleted in pages until it needs them.  Nobody may
 * change @from meanwhile. */
Index *index_copy(Index *from, const char *path, GError **error);
Index *index_ref(Index *index);
void index_unref(Index *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Index, index_unref)
/* Is what lies at @path now what was opened? */
/* Names the present state: another one after each change, and in each index made anew. */
typedef struct {
    guint64 device, inode, change;
} IndexState;
gboolean index_state(const Index *index, IndexState *state);
gboolean index_is_at(const Index *index, const char *path);

/* P24: looks at every page that LMDB would follow, without LMDB: DAMAGED naming the first thing wrong. */
gboolean index_check(Index *index, GError **error);

typedef struct {
    Digest digest;
    guint64 pack, offset;
    guint32 number;          /* counts the indexed frames of its pack */
    guint32 stored_size, plain_size;
    guint8 kind, codec;
    guint8 reach;            /* P26: 0 but for a patch */
} IndexEntry;

typedef struct {
    guint64 id;
    Scope scope;
    guint64 length;          /* bytes of the pack that are in the index */
    guint64 plain_size;      /* of the objects that lie here */
    guint32 objects;         /* the same */
    guint32 frames;          /* numbers given out */
    gboolean doomed;         /* no longer wanted: its file is to be removed */
} IndexPack;

/* A pack's mark: @digest is held for @scope, too. */
typedef struct {
    Digest digest;
    Scope scope;
    guint64 pack, offset;
} IndexMark;

/* Fills *@entry and *@held (for SCOPE_OPEN or @owner; @owner NULL: any) if @digest is here; each may be NULL.  FALSE without an error
 * if it is not. */
gboolean index_find(Index *index, const Digest *digest, const Scope *owner, IndexEntry *entry, gboolean *held, GError **error);
/* Are all of them here, for @owner?  FALSE also if the index is damaged. */
gboolean index_holds(Index *index, const Digest *digests, guint count, const Scope *owner);
gboolean index_find_mark(Index *index, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error);
/* How many pages hold its objects; 0 if that cannot be found out. */
guint64 index_leaves(Index *index);
gboolean index_find_pack(Index *index, guint64 id, IndexPack *pack, GError **error);

/* All of them, in one snapshot.  The callback returns FALSE with an error to stop.  The array's elements are IndexPack. */
GArray *index_packs(Index *index, GError **error);
typedef gboolean (*IndexVisit)(gpointer data, const IndexEntry *entry, GError **error);
gboolean index_foreach(Index *index, IndexVisit visit, gpointer data, GError **error);
typedef gboolean (*IndexVisitMark)(gpointer data, const IndexMark *mark, GError **error);
gboolean index_foreach_mark(Index *index, IndexVisitMark visit, gpointer data, GError **error);

/* A change is seen by others, and durable, when index_change_commit() returns TRUE; freeing it before undoes it.  One thread. */
typedef struct IndexChange IndexChange;
IndexChange *index_change_begin(Index *index, GError **error);
void index_change_free(IndexChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IndexChange, index_change_free)
gboolean index_change_commit(IndexChange *change, GError **error);

/* As the change has it so far. */
gboolean index_change_find(IndexChange *change, const Digest *digest, IndexEntry *entry, GError **error);
gboolean index_change_find_mark(IndexChange *change, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error);
/* Gives the pack, or a new record of it with nothing indexed but the header. */
gboolean index_change_open_pack(IndexChange *change, const PackHeader *header, IndexPack *pack, GError **error);
gboolean index_change_put_pack(IndexChange *change, const IndexPack *pack, GError **error);
/* TRUE if there was none, too. */
gboolean index_change_remove_pack(IndexChange *change, guint64 id, GError **error);

/* P22: takes in one frame of @pack, which is counted there (store it with put_pack when done).  An object that lies elsewhere already is
 * only noted as held for @pack's scope, unless it lies in pack @replace (0: none) or has more reach there: then the new place counts. */
gboolean index_change_add(IndexChange *change, IndexPack *pack, const PackPiece *piece, guint64 replace, GError **error);
/* FALSE without an error if there was nothing. */
gboolean index_change_remove(IndexChange *change, const Digest *digest, GError **error);
gboolean index_change_remove_mark(IndexChange *change, const Digest *digest, const Scope *scope, GError **error);

#endif
