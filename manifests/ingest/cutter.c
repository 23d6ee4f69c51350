#include "manifests/ingest/cutter.h"

#include <string.h>

#include "manifests/store/chunker.h"
#include "manifests/tree/pipeline.h"

#define SEGMENT_SIZE (2 * 1024 * 1024)
#define SEGMENT_PIECES 2048
#define SEGMENTS_MAX 20
#define ROOM_MIN (64 * 1024)
#define ZEROS_AT_ONCE (64 * 1024 * 1024)

/* A chunk within a segment, or (with @zeros) a run of chunks of zeros that lie nowhere. */
typedef struct {
    guint32 offset, size;
    guint64 run;
    gboolean first, last, zeros;
    AlignedChunk aligned;     /* where it stands in its file; a reference */
    ChunkRef chunk;
    Digest file;              /* with @last, unless also @first */
} Piece;

typedef struct {
    gint references;          /* one of each pipeline */
    Cutter *cutter;
    guint8 *data;
    gsize filled, cut;        /* bytes [cut, filled) are pending */
    GArray *pieces;
    GError *error;
} Segment;

struct Cutter {
    Sink *sink;
    CutterTold told;
    Pipeline *chunks;         /* hash and store, many threads */
    Pipeline *files;          /* whole-file digests, one thread: the same segments in the same order */
    DigestStream *stream;     /* of the files' thread */
    guint64 digested, told_segments;   /* segments that came back from files, from chunks */
    Segment *segment;
    gboolean within;          /* the file has a chunk already */
    AlignedChunk next;        /* where in its file the next piece begins */
    guint64 size;             /* of the file whose chunks are being told */
};

static void
piece_clear(gpointer data)
{
    alignment_unref(((Piece *)data)->aligned.alignment);
}

static Segment *
segment_new(Cutter *cutter)
{
    Segment *segment = g_new0(Segment, 1);

    segment->references = 1;
    segment->cutter = cutter;
    segment->data = g_malloc(SEGMENT_SIZE);
    segment->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    g_array_set_clear_func(segment->pieces, piece_clear);
    return segment;
}

static void
segment_unref(gpointer data)
{
    Segment *segment = data;

    if (!g_atomic_int_dec_and_test(&segment->references))
        return;
    g_array_unref(segment->pieces);
    g_clear_error(&segment->error);
    g_free(segment->data);
    g_free(segment);
}

static const guint8 *
piece_data(const Segment *segment, const Piece *piece)
{
    return piece->zeros ? zeros() : segment->data + piece->offset;
}

static void
store_pieces(gpointer job, gpointer data)
{
    Segment *segment = job;

    for (guint i = 0; i < segment->pieces->len && !segment->error; i++) {
        Piece *piece = &g_array_index(segment->pieces, Piece, i);

        if (piece->size > 0)
            sink_chunk(segment->cutter->sink, NULL, piece_data(segment, piece), piece->size, piece->aligned.alignment ? alignment_likeness : NULL,
                       &piece->aligned, &piece->chunk, &segment->error);
        piece->chunk.run = piece->run;
    }
}

/* A file of one chunk has that chunk's digest: it is not hashed twice. */
static gboolean
is_whole(const Piece *piece)
{
    return piece->first && piece->last && piece->run == 1;
}

static void
digest_pieces(gpointer job, gpointer data)
{
    Segment *segment = job;
    DigestStream *stream = segment->cutter->stream;

    for (guint i = 0; i < segment->pieces->len; i++) {
        Piece *piece = &g_array_index(segment->pieces, Piece, i);

        if (is_whole(piece) && piece->size > 0)
            continue;
        for (guint64 n = 0; n < piece->run; n++)
            digest_stream_update(stream, piece_data(segment, piece), piece->size);
        if (piece->last)
            digest_stream_reset(stream, &piece->file);
    }
}

static gboolean
take_digests(gpointer job, gpointer data, GError **error)
{
    Cutter *cutter = data;

    cutter->digested++;
    return TRUE;
}

static gboolean
tell_piece(Cutter *cutter, const Piece *piece, GError **error)
{
    guint64 bytes = piece->size * piece->run;

    if (piece->size > 0 && !cutter->told.chunk(cutter->told.data, &piece->chunk, error))
        return FALSE;
    progress_add(cutter->sink->progress, (gint64)bytes, 0);
    cutter->size += bytes;
    if (!piece->last)
        return TRUE;
    guint64 size = cutter->size;

    cutter->size = 0;
    return cutter->told.file(cutter->told.data, size, is_whole(piece) && size > 0 ? &piece->chunk.digest : &piece->file, error);
}

static gboolean
take_segment(gpointer job, gpointer data, GError **error)
{
    Segment *segment = job;
    Cutter *cutter = data;

    while (cutter->digested <= cutter->told_segments)
        if (!pipeline_take(cutter->files, error))
            return FALSE;
    cutter->told_segments++;
    if (segment->error) {
        g_propagate_error(error, g_steal_pointer(&segment->error));
        return FALSE;
    }
    for (guint i = 0; i < segment->pieces->len; i++)
        if (!tell_piece(cutter, &g_array_index(segment->pieces, Piece, i), error))
            return FALSE;
    return TRUE;
}

Cutter *
cutter_new(Sink *sink, const CutterTold *told)
{
    Cutter *cutter = g_new0(Cutter, 1);
    guint threads = pipeline_threads(), depth = MIN(2 * threads + 2, SEGMENTS_MAX);
    PipelineKind chunks = { threads, depth, store_pieces, take_segment, segment_unref, cutter };
    PipelineKind files = { 1, depth, digest_pieces, take_digests, segment_unref, cutter };

    cutter->sink = sink;
    cutter->told = *told;
    cutter->stream = digest_stream_new();
    cutter->segment = segment_new(cutter);
    cutter->chunks = pipeline_new(&chunks);
    cutter->files = pipeline_new(&files);
    return cutter;
}

void
cutter_free(Cutter *cutter)
{
    if (!cutter)
        return;
    pipeline_free(cutter->files);
    pipeline_free(cutter->chunks);
    segment_unref(cutter->segment);
    alignment_unref(cutter->next.alignment);
    digest_stream_free(cutter->stream);
    g_free(cutter);
}

/* The segment is on its way; what was pending in it begins the next one. */
static gboolean
send_segment(Cutter *cutter, GError **error)
{
    Segment *full = cutter->segment, *next = segment_new(cutter);

    next->filled = full->filled - full->cut;
    memcpy(next->data, full->data + full->cut, next->filled);
    cutter->segment = next;
    /* Before chunks: taking a segment there waits for its digests. */
    g_atomic_int_inc(&full->references);
    if (pipeline_push(cutter->files, full, error))
        return pipeline_push(cutter->chunks, full, error);
    segment_unref(full);
    return FALSE;
}

void
cutter_align(Cutter *cutter, Alignment *alignment)
{
    g_clear_pointer(&cutter->next.alignment, alignment_unref);
    cutter->next.alignment = alignment ? alignment_ref(alignment) : NULL;
}

/* What lies before the next piece. */
static void
step_over(Cutter *cutter, guint64 size, gboolean last)
{
    cutter->next.offset = last ? 0 : cutter->next.offset + size;
    if (last)
        cutter_align(cutter, NULL);
}

static gboolean
add_piece(Cutter *cutter, gsize size, gboolean last, GError **error)
{
    Segment *segment = cutter->segment;
    Piece piece = { .offset = (guint32)segment->cut, .size = (guint32)size, .run = 1, .first = !cutter->within, .last = last, .aligned = cutter->next };

    if (piece.aligned.alignment)
        alignment_ref(piece.aligned.alignment);
    step_over(cutter, size, last);
    g_array_append_val(segment->pieces, piece);
    segment->cut += size;
    cutter->within = !last;
    return segment->pieces->len < SEGMENT_PIECES || send_segment(cutter, error);
}

guint8 *
cutter_room(Cutter *cutter, gsize *size)
{
    *size = SEGMENT_SIZE - cutter->segment->filled;
    return cutter->segment->data + cutter->segment->filled;
}

gsize
cutter_pending(const Cutter *cutter)
{
    return cutter->segment->filled - cutter->segment->cut;
}

static gsize
next_cut(const Cutter *cutter)
{
    return chunker_cut(cutter->segment->data + cutter->segment->cut, cutter_pending(cutter));
}

gboolean
cutter_filled(Cutter *cutter, gsize size, GError **error)
{
    cutter->segment->filled += size;
    while (cutter_pending(cutter) >= CHUNK_SIZE_LIMIT)
        if (!add_piece(cutter, next_cut(cutter), FALSE, error))
            return FALSE;
    return cutter->segment->filled <= SEGMENT_SIZE - ROOM_MIN || send_segment(cutter, error);
}

static gboolean
add_zeros(Cutter *cutter, guint64 count, GError **error)
{
    Piece piece = { .size = (guint32)zeros_cut(), .run = count, .first = !cutter->within, .zeros = TRUE };

    step_over(cutter, piece.size * count, FALSE);
    g_array_append_val(cutter->segment->pieces, piece);
    cutter->within = TRUE;
    return send_segment(cutter, error);
}

gboolean
cutter_zeros(Cutter *cutter, guint64 count, GError **error)
{
    /* Not all in one piece: so that a hole of terabytes can be stopped, and shows progress. */
    guint64 at_once = ZEROS_AT_ONCE / zeros_cut();

    cutter->segment->filled = cutter->segment->cut;
    for (; count > 0; count -= MIN(count, at_once))
        if (!sink_goes_on(cutter->sink, error) || !add_zeros(cutter, MIN(count, at_once), error))
            return FALSE;
    return TRUE;
}

gboolean
cutter_end(Cutter *cutter, GError **error)
{
    gboolean last = FALSE;

    while (!last) {
        gsize size = cutter_pending(cutter) > 0 ? next_cut(cutter) : 0;

        /* Of an empty file, or when the last chunk was cut before the end was known, the last piece is empty. */
        last = size == cutter_pending(cutter);
        if (!add_piece(cutter, size, last, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
cutter_drain(Cutter *cutter, GError **error)
{
    return (cutter->segment->pieces->len == 0 || send_segment(cutter, error)) && pipeline_drain(cutter->chunks, error);
}
