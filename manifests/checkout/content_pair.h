/*
 * content_pair: the contents of many files in one go, two files at a time: two are hashed in little more than the time of one (keys/digest_pair.h).  Each of two legs walks
 * through half of the files in their order.  Chunks are not hashed by themselves: the digest of the whole proves all of a file's at once.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_CONTENT_PAIR_H
#define CHAMA_MANIFESTS_CHECKOUT_CONTENT_PAIR_H

#include "manifests/listing/page.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

#define CONTENT_LEGS 2

typedef struct {
    gpointer file;             /* whatever the caller knows it by */
    guint64 size;              /* as the listing says */
    const ChunkRef *chunks;
    guint chunk_count;
} ContentFile;

/* What is done with them.  Each leg (0, 1) has one file under way at a time.  FALSE ends all of it, but that the other leg's file is read to its end. */
typedef struct {
    /* May be NULL. */
    gboolean (*begin)(gpointer data, guint leg, gpointer file, GError **error);
    /* The next bytes of the file under way, for this call.  May be NULL. */
    gboolean (*piece)(gpointer data, guint leg, gpointer file, guint64 offset, const guint8 *bytes, gsize size, GError **error);
    /* @digest of the @size bytes that were read: more than the listing says if it states more chunks, of which the rest was not read.  @digest is NULL, and @failed says why, if
     * the file could not be read to its end. */
    gboolean (*end)(gpointer data, guint leg, gpointer file, guint64 size, const Digest *digest, const GError *failed, GError **error);
} ContentUse;

/* FALSE if one of @use's functions said so, or a person stopped it (CANCELLED).  The caller has a StoreHold. */
gboolean content_pair_read(Store *store, const ContentFile *files, guint count, const ContentUse *use, gpointer data, Progress *progress, GError **error);

#endif
