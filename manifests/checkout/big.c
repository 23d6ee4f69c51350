#include "manifests/checkout/big.h"

#include <errno.h>

#include "keys/error.h"
#include "manifests/checkout/content.h"
#include "manifests/checkout/fresh.h"
#include "manifests/tree/beneath.h"
#include "manifests/tree/pipeline.h"

#define SEGMENT_BYTES (2 * 1024 * 1024)
#define SEGMENTS_MAX 20
/* Of a run of one chunk, so that a hole of terabytes can be stopped, and shows progress. */
#define RUN_BYTES (64 * 1024 * 1024)

typedef struct {
    ChunkRef chunk;
    guint64 offset;
    GBytes *bytes;
} Piece;

typedef struct {
    BigWrite *big;
    GArray *pieces;
    gsize bytes;
    GError *error;
} Segment;

struct BigWrite {
    const WriteTarget *target;
    char *path;
    BeneathFolder folder;
    Fresh fresh;
    Pipeline *segments;
    Segment *filling;
    DigestStream *stream;
    guint64 offset;            /* of the next chunk */
};

static void
piece_clear(gpointer data)
{
    g_bytes_unref(((Piece *)data)->bytes);
}

static Segment *
segment_new(BigWrite *big)
{
    Segment *segment = g_new0(Segment, 1);

    segment->big = big;
    segment->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    g_array_set_clear_func(segment->pieces, piece_clear);
    return segment;
}

static void
segment_free(gpointer data)
{
    Segment *segment = data;

    if (!segment)
        return;
    g_array_unref(segment->pieces);
    g_clear_error(&segment->error);
    g_free(segment);
}

static gboolean
write_piece(BigWrite *big, Piece *piece, GError **error)
{
    guint64 offset = piece->offset;

    if (progress_cancelled(big->target->progress))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
    piece->bytes = content_chunk(big->target->store, &piece->chunk, error);
    for (guint64 n = 0; piece->bytes && n < piece->chunk.run; n++, offset += piece->chunk.size)
        if (!fresh_write(&big->fresh, big->path, offset, g_bytes_get_data(piece->bytes, NULL), piece->chunk.size, error))
            return FALSE;
    return piece->bytes != NULL;
}

static void
write_segment(gpointer job, gpointer data)
{
    Segment *segment = job;

    for (guint i = 0; i < segment->pieces->len && !segment->error; i++)
        write_piece(segment->big, &g_array_index(segment->pieces, Piece, i), &segment->error);
}

static gboolean
take_segment(gpointer job, gpointer data, GError **error)
{
    Segment *segment = job;
    BigWrite *big = data;

    if (segment->error) {
        g_propagate_error(error, g_steal_pointer(&segment->error));
        return FALSE;
    }
    for (guint i = 0; i < segment->pieces->len; i++) {
        const Piece *piece = &g_array_index(segment->pieces, Piece, i);

        for (guint64 n = 0; n < piece->chunk.run; n++)
            digest_stream_update(big->stream, g_bytes_get_data(piece->bytes, NULL), piece->chunk.size);
        progress_add(big->target->progress, (gint64)(piece->chunk.size * piece->chunk.run), 0);
    }
    return TRUE;
}

static gboolean
open_fresh(BigWrite *big, GError **error)
{
    int folder = beneath_folder_of(&big->folder, big->path, TRUE);

    if (folder >= 0)
        return fresh_open(&big->fresh, folder, big->path, error);
    g_autofree char *shown = path_display(big->path);

    return chama_error_errno(error, errno, "%s", shown);
}

BigWrite *
big_write_new(const WriteTarget *target, const char *path, GError **error)
{
    g_autoptr(BigWrite) big = g_new0(BigWrite, 1);
    guint threads = pipeline_threads();
    PipelineKind kind = { threads, MIN(2 * threads + 2, SEGMENTS_MAX), write_segment, take_segment, segment_free, big };

    big->target = target;
    big->path = g_strdup(path);
    big->folder = (BeneathFolder)BENEATH_FOLDER_INIT(target->root);
    big->fresh = (Fresh)FRESH_INIT;
    if (!open_fresh(big, error))
        return NULL;
    big->stream = digest_stream_new();
    big->filling = segment_new(big);
    big->segments = pipeline_new(&kind);
    return g_steal_pointer(&big);
}

void
big_write_free(BigWrite *big)
{
    if (!big)
        return;
    pipeline_free(big->segments);
    segment_free(big->filling);
    digest_stream_free(big->stream);
    fresh_clear(&big->fresh);
    beneath_folder_clear(&big->folder);
    g_free(big->path);
    g_free(big);
}

static gboolean
send_segment(BigWrite *big, GError **error)
{
    Segment *full = g_steal_pointer(&big->filling);

    big->filling = segment_new(big);
    return pipeline_push(big->segments, full, error);
}

static gboolean
add_run(BigWrite *big, const ChunkRef *chunk, guint64 run, GError **error)
{
    Piece piece = { .chunk = *chunk, .offset = big->offset };

    piece.chunk.run = run;
    big->offset += run * chunk->size;
    big->filling->bytes += chunk->size;
    g_array_append_val(big->filling->pieces, piece);
    return (big->filling->bytes < SEGMENT_BYTES && run == 1) || send_segment(big, error);
}

gboolean
big_write_add(BigWrite *big, const ChunkRef *chunks, guint count, GError **error)
{
    for (guint i = 0; i < count; i++) {
        guint64 at_once = MAX(RUN_BYTES / chunks[i].size, 1);

        for (guint64 left = chunks[i].run; left > 0; left -= MIN(left, at_once))
            if (!add_run(big, &chunks[i], MIN(left, at_once), error))
                return FALSE;
    }
    return TRUE;
}

gboolean
big_write_end(BigWrite *big, const Item *item, gboolean replace, GError **error)
{
    Digest digest;

    if (!send_segment(big, error) || !pipeline_drain(big->segments, error))
        return FALSE;
    digest_stream_reset(big->stream, &digest);
    if (!content_check(big->path, item->size, big->offset, &item->digest, &digest, error) ||
        !fresh_finish(&big->fresh, big->path, item->size, item->kind == ITEM_EXECUTABLE, error) ||
        !fresh_place(&big->fresh, big->path, replace, error))
        return FALSE;
    progress_add(big->target->progress, 0, 1);
    return TRUE;
}
