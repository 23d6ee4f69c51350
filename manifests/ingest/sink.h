/*
 * sink: where an ingest puts chunks and pages: a store's writer, or nothing (a dry run).  Thread-safe.
 */
#ifndef CHAMA_MANIFESTS_INGEST_SINK_H
#define CHAMA_MANIFESTS_INGEST_SINK_H

#include "keys/digest_pair.h"
#include "manifests/ingest/earlier.h"
#include "manifests/listing/listing.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

typedef struct {
    StoreWriter *writer;       /* NULL: a dry run */
    Progress *progress;        /* may be NULL */
    Store *store;              /* where the version before lies, */
    const Digest *earlier;     /* and the root of its listing; NULL: there is none */
    Earlier *pages;            /* of the thread that writes the listing; made when first needed */
    guint64 new_bytes;         /* by which packs grew; changed atomically */
} Sink;

void sink_clear(Sink *sink);

/* Hashes @size bytes (1..CHUNK_SIZE_MAX), stores them (as a patch against what @likeness knows; may be NULL), and says what they are in @chunk (a run of
 * one). @digests (may be NULL): of the file, on its first side, which goes on with them; its second side is hashed on. CANCELLED if the person stopped. */
gboolean sink_chunk(Sink *sink, DigestPair *digests, const guint8 *data, gsize size, StoreLikeness likeness, gpointer likeness_data, ChunkRef *chunk, GError **error);
/* Are these chunks in the store, for what the writer writes (so that nothing need be done about them)? Nothing is asked in a dry run. */
gboolean sink_holds(const Sink *sink, const Digest *digests, guint count);
/* A ListingPut: @data is a Sink. */
gboolean sink_page(gpointer data, GBytes *page, const Digest *digest, GError **error);
/* CANCELLED if the person stopped. */
gboolean sink_goes_on(const Sink *sink, GError **error);

/* CHUNK_SIZE_LIMIT bytes of zero, and how long the chunks are that they are cut into while at least as many follow. */
const guint8 *zeros(void);
gsize zeros_cut(void);

#endif
