/*
 * reading: objects by the hundred, in the order in which they are wanted.  Where they lie in that order in their packs, as those of a version do that
 * was published or fetched in one go, many come with one read, and nothing is allocated for any of them.
 *
 * A reading belongs to one thread; the caller has a StoreHold.
 */
#ifndef CHAMA_MANIFESTS_STORE_READING_H
#define CHAMA_MANIFESTS_STORE_READING_H

#include "manifests/store/store.h"

typedef struct StoreReading StoreReading;
/* One that was freed earlier is given again: its buffers are kept until the store is closed. */
StoreReading *store_reading_new(Store *store);
void store_reading_free(StoreReading *reading);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreReading, store_reading_free)

/* One more that will be asked for. */
void store_reading_expect(StoreReading *reading, const Digest *digest);

typedef enum {
    READING_PROVEN,    /* hashed and compared, as by store_get() */
    READING_STATED     /* not hashed: for the parts of a whole whose own SHA-256 the caller compares before any of it counts */
} ReadingProof;

/* The plain bytes of the next of them, and how many, until the next call; or what store_get() says. */
const guint8 *store_reading_next(StoreReading *reading, ReadingProof proof, gsize *size, GError **error);
/* The same, to @room: of another size than @size, VERIFY. */
gboolean store_reading_next_to(StoreReading *reading, ReadingProof proof, guint8 *room, gsize size, GError **error);
/* Passes over the next @count. */
void store_reading_skip(StoreReading *reading, guint count);

#endif
