/*
 * index_value: the values of the index's tables as bytes (manifests/FORMAT.md, P21), the same on every machine.  Pure.
 */
#ifndef CHAMA_MANIFESTS_STORE_INDEX_VALUE_H
#define CHAMA_MANIFESTS_STORE_INDEX_VALUE_H

#include <lmdb.h>

#include "manifests/store/index.h"

#define INDEX_ENTRY_SIZE 32
#define INDEX_PACK_KEY_SIZE 8
#define INDEX_PACK_SIZE 60
#define INDEX_MARK_KEY_SIZE (2 * DIGEST_SIZE)
#define INDEX_MARK_SIZE 16

/* P21: a value that none of ours has: DAMAGED. */
gboolean index_entry_parse(const Digest *digest, const MDB_val *value, IndexEntry *entry, GError **error);
void index_entry_format(const IndexEntry *entry, guint8 bytes[INDEX_ENTRY_SIZE]);
gboolean index_pack_parse(guint64 id, const MDB_val *value, IndexPack *pack, GError **error);
void index_pack_format(const IndexPack *pack, guint8 bytes[INDEX_PACK_SIZE]);
gboolean index_mark_parse(const guint8 key[INDEX_MARK_KEY_SIZE], const MDB_val *value, IndexMark *mark, GError **error);
void index_mark_key(const Digest *digest, const Scope *scope, guint8 key[INDEX_MARK_KEY_SIZE]);

/* Sets the error for a value in @table; returns FALSE. */
gboolean index_damaged(GError **error, const char *table);

#endif
