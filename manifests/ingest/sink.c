#include "manifests/ingest/sink.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/store/chunker.h"

static const guint8 zero_bytes[CHUNK_SIZE_LIMIT];

typedef struct {
    gsize cut;
    Digest digest;
} ZeroChunk;

/* The chunk that holes are cut into: its digest is worked out once. */
static gpointer
make_zero_chunk(gpointer unused)
{
    static ZeroChunk chunk;

    chunk.cut = chunker_cut(zero_bytes, sizeof(zero_bytes));
    digest_of(zero_bytes, chunk.cut, &chunk.digest);
    return &chunk;
}

static const ZeroChunk *
zero_chunk(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, make_zero_chunk, NULL);
}

const guint8 *
zeros(void)
{
    return zero_bytes;
}

gsize
zeros_cut(void)
{
    return zero_chunk()->cut;
}

gboolean
sink_goes_on(const Sink *sink, GError **error)
{
    return !progress_cancelled(sink->progress) || chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
}

void
sink_clear(Sink *sink)
{
    g_clear_pointer(&sink->pages, earlier_free);
}

static gboolean
put(Sink *sink, ObjectKind kind, const Digest *digest, const void *data, gsize size, StoreLikeness likeness, gpointer likeness_data, GError **error)
{
    guint64 grown = 0;

    if (!sink->writer)
        return TRUE;
    if (!(likeness ? store_writer_put_like(sink->writer, kind, digest, data, size, likeness, likeness_data, &grown, error)
                   : store_writer_put(sink->writer, kind, digest, data, size, &grown, error)))
        return FALSE;
    __atomic_fetch_add(&sink->new_bytes, grown, __ATOMIC_RELAXED);
    return TRUE;
}

/* The file's digest goes on beside that of its chunk. */
static void
digest_chunk(DigestPair *digests, const guint8 *data, gsize size, Digest *digest)
{
    const ZeroChunk *zero = zero_chunk();
    gboolean known = size == zero->cut && data[0] == 0 && memcmp(data, zero_bytes, size) == 0;

    if (known)
        *digest = zero->digest;
    else if (!digests)
        digest_of(data, size, digest);
    if (!digests)
        return;
    digest_pair_update(digests, data, size, data, known ? 0 : size);
    if (!known)
        digest_pair_reset(digests, 1, digest);
}

gboolean
sink_chunk(Sink *sink, DigestPair *digests, const guint8 *data, gsize size, StoreLikeness likeness, gpointer likeness_data, ChunkRef *chunk, GError **error)
{
    chunk->size = (guint32)size;
    chunk->run = 1;
    digest_chunk(digests, data, size, &chunk->digest);
    return sink_goes_on(sink, error) && put(sink, OBJECT_CHUNK, &chunk->digest, data, size, likeness, likeness_data, error);
}

gboolean
sink_holds(const Sink *sink, const Digest *digests, guint count)
{
    return !sink->writer || store_writer_holds(sink->writer, digests, count);
}

gboolean
sink_page(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    Sink *sink = data;

    if (sink->earlier && !sink->pages)
        sink->pages = earlier_new(sink->store, sink->earlier);
    return put(sink, OBJECT_PAGE, digest, g_bytes_get_data(page, NULL), g_bytes_get_size(page), sink->pages ? earlier_page : NULL, sink->pages, error);
}
