#include "manifests/checkout/segments.h"

#include "keys/error.h"
#include "manifests/store/reading.h"
#include "manifests/tree/pipeline.h"

#define SEGMENT_BYTES (2 * 1024 * 1024)
#define SEGMENTS_MAX 20
/* Of a run of one chunk, so that a hole of terabytes can be stopped, and shows progress. */
#define RUN_BYTES (64 * 1024 * 1024)

/* Chunks one after the other, and of the last one how often it stands there. */
typedef struct {
    Segments *segments;
    guint64 offset;            /* of the first */
    GArray *chunks;            /* ChunkRef */
    guint8 *room;
    gsize filled;
    GError *error;
} Segment;

struct Segments {
    Store *store;
    Progress *progress;
    SegmentVisit visit;
    gpointer visit_data;
    Pipeline *pipeline;
    GPtrArray *idle;           /* of Segment: their rooms are used again */
    Segment *filling;
    DigestStream *stream;
    guint64 offset;            /* of the next chunk */
};

static void
segment_destroy(gpointer data)
{
    Segment *segment = data;

    g_array_unref(segment->chunks);
    g_free(segment->room);
    g_free(segment);
}

static Segment *
segment_new(Segments *segments)
{
    Segment *segment;

    if (segments->idle->len > 0)
        segment = g_ptr_array_steal_index_fast(segments->idle, segments->idle->len - 1);
    else {
        segment = g_new0(Segment, 1);
        segment->segments = segments;
        segment->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
        segment->room = g_malloc(SEGMENT_BYTES + CHUNK_SIZE_MAX);
    }
    segment->offset = segments->offset;
    return segment;
}

static void
segment_free(gpointer data)
{
    Segment *segment = data;

    if (!segment)
        return;
    g_array_set_size(segment->chunks, 0);
    g_clear_error(&segment->error);
    segment->filled = 0;
    g_ptr_array_add(segment->segments->idle, segment);
}

static const ChunkRef *
last_chunk(const Segment *segment)
{
    return segment->chunks->len > 0 ? &g_array_index(segment->chunks, ChunkRef, segment->chunks->len - 1) : NULL;
}

/* ---- in any thread ---- */

static gboolean
open_chunks(Segment *segment, StoreReading *reading, GError **error)
{
    gsize at = 0;

    for (guint i = 0; i < segment->chunks->len; i++)
        store_reading_expect(reading, &g_array_index(segment->chunks, ChunkRef, i).digest);
    for (guint i = 0; i < segment->chunks->len; i++) {
        const ChunkRef *chunk = &g_array_index(segment->chunks, ChunkRef, i);

        if (progress_cancelled(segment->segments->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        if (!store_reading_next_to(reading, READING_STATED, segment->room + at, chunk->size, error))
            return FALSE;
        at += chunk->size;
    }
    return TRUE;
}

static gboolean
visit_bytes(const Segment *segment, GError **error)
{
    const Segments *segments = segment->segments;
    const ChunkRef *last = last_chunk(segment);
    guint64 offset = segment->offset + segment->filled;

    if (!segments->visit || !last)
        return TRUE;
    if (!segments->visit(segments->visit_data, segment->offset, segment->room, segment->filled, error))
        return FALSE;
    for (guint64 n = 1; n < last->run; n++, offset += last->size)
        if (!segments->visit(segments->visit_data, offset, segment->room + segment->filled - last->size, last->size, error))
            return FALSE;
    return TRUE;
}

static void
open_segment(gpointer job, gpointer data)
{
    Segment *segment = job;
    g_autoptr(StoreReading) reading = store_reading_new(segment->segments->store);

    if (open_chunks(segment, reading, &segment->error))
        visit_bytes(segment, &segment->error);
}

/* ---- in the caller's ---- */

static gboolean
take_segment(gpointer job, gpointer data, GError **error)
{
    Segment *segment = job;
    Segments *segments = data;
    const ChunkRef *last = last_chunk(segment);
    guint64 bytes = segment->filled;

    if (segment->error) {
        g_propagate_error(error, g_steal_pointer(&segment->error));
        return FALSE;
    }
    digest_stream_update(segments->stream, segment->room, segment->filled);
    for (guint64 n = 1; last && n < last->run; n++, bytes += last->size)
        digest_stream_update(segments->stream, segment->room + segment->filled - last->size, last->size);
    progress_add(segments->progress, (gint64)bytes, 0);
    return TRUE;
}

Segments *
segments_new(Store *store, Progress *progress, SegmentVisit visit, gpointer visit_data)
{
    Segments *segments = g_new0(Segments, 1);
    guint threads = pipeline_threads();
    PipelineKind kind = { threads, MIN(2 * threads + 2, SEGMENTS_MAX), open_segment, take_segment, segment_free, segments };

    segments->store = store;
    segments->progress = progress;
    segments->visit = visit;
    segments->visit_data = visit_data;
    segments->idle = g_ptr_array_new_with_free_func(segment_destroy);
    segments->stream = digest_stream_new();
    segments->filling = segment_new(segments);
    segments->pipeline = pipeline_new(&kind);
    return segments;
}

void
segments_free(Segments *segments)
{
    if (!segments)
        return;
    pipeline_free(segments->pipeline);
    segment_free(segments->filling);
    g_ptr_array_unref(segments->idle);
    digest_stream_free(segments->stream);
    g_free(segments);
}

static gboolean
send_segment(Segments *segments, GError **error)
{
    Segment *full = g_steal_pointer(&segments->filling);

    segments->filling = segment_new(segments);
    return pipeline_push(segments->pipeline, full, error);
}

/* A run ends its segment. */
static gboolean
add_run(Segments *segments, const ChunkRef *chunk, guint64 run, GError **error)
{
    ChunkRef some = *chunk;

    some.run = run;
    segments->offset += run * chunk->size;
    segments->filling->filled += chunk->size;
    g_array_append_val(segments->filling->chunks, some);
    return (segments->filling->filled < SEGMENT_BYTES && run == 1) || send_segment(segments, error);
}

gboolean
segments_add(Segments *segments, const ChunkRef *chunks, guint count, GError **error)
{
    for (guint i = 0; i < count; i++) {
        guint64 at_once = MAX(RUN_BYTES / chunks[i].size, 1);

        for (guint64 left = chunks[i].run; left > 0; left -= MIN(left, at_once))
            if (!add_run(segments, &chunks[i], MIN(left, at_once), error))
                return FALSE;
    }
    return TRUE;
}

gboolean
segments_end(Segments *segments, guint64 *size, Digest *digest, GError **error)
{
    if (!send_segment(segments, error) || !pipeline_drain(segments->pipeline, error))
        return FALSE;
    digest_stream_reset(segments->stream, digest);
    *size = segments->offset;
    return TRUE;
}
