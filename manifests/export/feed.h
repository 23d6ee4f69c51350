/*
 * feed: the items of a listing in their order, each with its bytes: opened by all threads, told in the caller's.
 *
 * A file's size and digest are compared with what the listing says once its last byte was told, and of small files before the first.
 */
#ifndef CHAMA_MANIFESTS_EXPORT_FEED_H
#define CHAMA_MANIFESTS_EXPORT_FEED_H

#include "manifests/listing/page.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"
#include "manifests/tree/patterns.h"

typedef struct {
    /* A link, an empty folder, or a file, of whose kind, path and size the item speaks; its chunks are not there. */
    gboolean (*begin)(gpointer data, const Item *item, GError **error);
    /* Bytes of the file that began last; as many as its size says in all, or feed() ends with an error. */
    gboolean (*bytes)(gpointer data, const guint8 *bytes, gsize size, GError **error);
    gpointer data;
} FeedTold;

/* @only (may be NULL) says which paths.  VERIFY, DAMAGED, CANCELLED, or what the caller said. */
gboolean feed(Store *store, const Digest *root, const Patterns *only, const FeedTold *told, Progress *progress, GError **error);

#endif
