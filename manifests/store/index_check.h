/*
 * index_check: is the file of an index one that LMDB can follow?
 */
#ifndef CHAMA_MANIFESTS_STORE_INDEX_CHECK_H
#define CHAMA_MANIFESTS_STORE_INDEX_CHECK_H

#include <glib.h>
#include <lmdb.h>

/* P24: looks at the pages of the snapshot that @txn reads: all of them, or without @whole those that every opening needs (the list of free
 * pages and of tables, and the packs).  DAMAGED naming the first thing wrong. */
gboolean index_check_pages(MDB_env *env, MDB_txn *txn, gboolean whole, GError **error);

#endif
