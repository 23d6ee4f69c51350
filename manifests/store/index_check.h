/*
 * index_check: is the file of an index one that LMDB can follow?
 */
#ifndef CHAMA_MANIFESTS_STORE_INDEX_CHECK_H
#define CHAMA_MANIFESTS_STORE_INDEX_CHECK_H

#include <glib.h>

/* P24: what LMDB itself follows on opening the file at @path: its two first pages.  DAMAGED. */
gboolean index_check_head(const char *path, GError **error);

/* P24: looks at the pages of the state after @transaction, which a read transaction keeps alive: all of them, or without @whole those that every
 * opening needs (the list of free pages and of tables, and the packs).  DAMAGED naming the first thing wrong. */
gboolean index_check_pages(int fd, guint64 transaction, gboolean whole, GError **error);

#endif
