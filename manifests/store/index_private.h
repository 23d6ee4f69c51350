/*
 * index_private: what index.c and index_change.c share.
 */
#ifndef CHAMA_MANIFESTS_STORE_INDEX_PRIVATE_H
#define CHAMA_MANIFESTS_STORE_INDEX_PRIVATE_H

#include <sys/types.h>

#include "manifests/store/index_value.h"

struct Index {
    gint references;
    dev_t device;
    ino_t inode;
    pid_t pid;
    MDB_env *env;
    MDB_dbi objects, packs, marks;
    GMutex mutex;     /* idle */
    GPtrArray *idle;  /* reset read transactions, of any thread (MDB_NOTLS) */
};

static inline MDB_val index_bytes(const void *data, gsize size)
{
    MDB_val value = { size, (void *)data };

    return value;
}

/* Sets the error for what LMDB said about @what; returns FALSE. */
gboolean index_error(GError **error, int rc, const char *what);

/* In a transaction: TRUE and set, or FALSE without an error if there is none. */
gboolean index_get_entry(const Index *index, MDB_txn *txn, const Digest *digest, IndexEntry *entry, GError **error);
gboolean index_get_pack(const Index *index, MDB_txn *txn, guint64 id, IndexPack *pack, GError **error);
gboolean index_get_mark(const Index *index, MDB_txn *txn, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error);

#endif
