#include "manifests/export/feed.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/checkout/content.h"
#include "manifests/tree/pipeline.h"

#define BATCH_BYTES (2 * 1024 * 1024)
#define BATCH_PIECES 1024
#define BATCHES_MAX 20

/* An item, or a part of a file that is in several batches. */
typedef struct {
    Item item;                 /* its strings are the batch's */
    gboolean begins, ends;
    gboolean checked;          /* by the thread that opened it */
    guint first_chunk, chunk_count;
    gsize offset;              /* of its bytes in the room */
} Piece;

typedef struct {
    const struct Feed *feed;
    GStringChunk *names;
    GArray *pieces, *chunks;
    guint8 *room;
    gsize bytes;
    GError *error;
} Batch;

typedef struct Feed {
    Store *store;
    const Digest *root;
    const Patterns *only;
    const FeedTold *told;
    Progress *progress;
    Pipeline *batches;
    Batch *filling;
    char *parted;              /* the file whose parts are coming, and what its end says */
    Item end;
    DigestStream *stream;      /* of the file that is told, */
    guint64 size;              /* and how much of it was */
} Feed;

static Batch *
batch_new(const Feed *feed)
{
    Batch *batch = g_new0(Batch, 1);

    batch->feed = feed;
    batch->names = g_string_chunk_new(4096);
    batch->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    batch->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    return batch;
}

static void
batch_free(Batch *batch)
{
    g_string_chunk_free(batch->names);
    g_array_unref(batch->pieces);
    g_array_unref(batch->chunks);
    g_free(batch->room);
    g_clear_error(&batch->error);
    g_free(batch);
}

static void
feed_clear(Feed *feed)
{
    g_clear_pointer(&feed->batches, pipeline_free);
    g_clear_pointer(&feed->filling, batch_free);
    g_clear_pointer(&feed->stream, digest_stream_free);
    g_clear_pointer(&feed->parted, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Feed, feed_clear)

static gboolean
blame_path(const char *path, GError **error)
{
    g_autofree char *shown = path_display(path);

    g_prefix_error(error, "%s: ", shown);
    return FALSE;
}

static const ChunkRef *
chunks_of(const Batch *batch, const Piece *piece)
{
    return &g_array_index(batch->chunks, ChunkRef, piece->first_chunk);
}

static gboolean
is_file(const Item *item)
{
    return item->kind == ITEM_FILE || item->kind == ITEM_EXECUTABLE;
}

/* ---- in any thread ---- */

/* One chunk proves itself, and its digest is the file's (the listing's parser sees to it). */
static ReadingProof
proof_of(const Batch *batch, const Piece *piece)
{
    return piece->begins && piece->ends && content_is_one_chunk(chunks_of(batch, piece), piece->chunk_count) ? READING_PROVEN : READING_STATED;
}

static gboolean
open_piece(Batch *batch, const Piece *piece, StoreReading *reading, GError **error)
{
    guint8 *room = batch->room + piece->offset;

    for (guint i = 0; i < piece->chunk_count; i++) {
        const ChunkRef *chunk = &chunks_of(batch, piece)[i];

        if (progress_cancelled(batch->feed->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        if (!store_reading_next_to(reading, proof_of(batch, piece), room, chunk->size, error))
            return blame_path(piece->item.path, error);
        room += chunk->size;
    }
    return TRUE;
}

/* All that a run is, is beyond the room: it is told, and checked, as often as it stands there. */
static gboolean
has_run(const Batch *batch, const Piece *piece)
{
    for (guint i = 0; i < piece->chunk_count; i++)
        if (chunks_of(batch, piece)[i].run > 1)
            return TRUE;
    return FALSE;
}

static gsize
bytes_of(const Batch *batch, const Piece *piece)
{
    gsize bytes = 0;

    for (guint i = 0; i < piece->chunk_count; i++)
        bytes += chunks_of(batch, piece)[i].size;
    return bytes;
}

/* Where the digest of the whole does not hold, one of the chunks may be damaged: that is a matter of the store. */
static gboolean
check_small(Batch *batch, Piece *piece, GError **error)
{
    Store *store = batch->feed->store;
    gsize bytes = bytes_of(batch, piece);
    Digest digest = piece->item.digest;

    if (proof_of(batch, piece) == READING_STATED)
        digest_of(batch->room + piece->offset, bytes, &digest);
    piece->checked = digest_equal(&digest, &piece->item.digest) && bytes == piece->item.size;
    return piece->checked || (content_chunks_are_right(store, chunks_of(batch, piece), piece->chunk_count, error) &&
                              content_check(piece->item.path, piece->item.size, bytes, &piece->item.digest, &digest, error));
}

static void
open_batch(gpointer job, gpointer data)
{
    Batch *batch = job;
    g_autoptr(StoreReading) reading = store_reading_new(batch->feed->store);

    batch->room = g_malloc(MAX(batch->bytes, 1));
    for (guint i = 0; i < batch->chunks->len; i++)
        store_reading_expect(reading, &g_array_index(batch->chunks, ChunkRef, i).digest);
    for (guint i = 0; i < batch->pieces->len; i++) {
        Piece *piece = &g_array_index(batch->pieces, Piece, i);

        if (!open_piece(batch, piece, reading, &batch->error))
            return;
        if (is_file(&piece->item) && piece->begins && piece->ends && !has_run(batch, piece) && !check_small(batch, piece, &batch->error))
            return;
    }
}

/* ---- in the caller's ---- */

static gboolean
tell_bytes(Feed *feed, const Piece *piece, const guint8 *bytes, gsize size, GError **error)
{
    if (progress_cancelled(feed->progress))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
    if (size > piece->item.size - feed->size)
        return content_check(piece->item.path, piece->item.size, feed->size + size, &piece->item.digest, &piece->item.digest, error);
    feed->size += size;
    progress_add(feed->progress, (gint64)size, 0);
    if (!piece->checked)
        digest_stream_update(feed->stream, bytes, size);
    return feed->told->bytes(feed->told->data, bytes, size, error);
}

static gboolean
tell_runs(Feed *feed, const Batch *batch, const Piece *piece, GError **error)
{
    const guint8 *bytes = batch->room + piece->offset;

    for (guint i = 0; i < piece->chunk_count; bytes += chunks_of(batch, piece)[i].size, i++)
        for (guint64 n = 0; n < chunks_of(batch, piece)[i].run; n++)
            if (!tell_bytes(feed, piece, bytes, chunks_of(batch, piece)[i].size, error))
                return FALSE;
    return TRUE;
}

static gboolean
check_told(Feed *feed, const Piece *piece, GError **error)
{
    Digest digest;

    digest_stream_reset(feed->stream, &digest);
    if (!digest_equal(&digest, &piece->item.digest) && !content_file_is_right(feed->store, feed->root, piece->item.path, error))
        return blame_path(piece->item.path, error);
    return content_check(piece->item.path, piece->item.size, feed->size, &piece->item.digest, &digest, error);
}

static gboolean
tell_piece(Feed *feed, const Batch *batch, const Piece *piece, GError **error)
{
    if (piece->begins) {
        feed->size = 0;
        if (!feed->told->begin(feed->told->data, &piece->item, error))
            return FALSE;
    }
    if (is_file(&piece->item)) {
        if (piece->checked ? piece->item.size > 0 && !tell_bytes(feed, piece, batch->room + piece->offset, bytes_of(batch, piece), error)
                           : !tell_runs(feed, batch, piece, error))
            return FALSE;
        if (piece->ends && !piece->checked && !check_told(feed, piece, error))
            return FALSE;
    }
    progress_add(feed->progress, 0, piece->ends ? 1 : 0);
    return TRUE;
}

static gboolean
take_batch(gpointer job, gpointer data, GError **error)
{
    Batch *batch = job;
    Feed *feed = data;

    if (batch->error) {
        g_propagate_error(error, g_steal_pointer(&batch->error));
        return FALSE;
    }
    for (guint i = 0; i < batch->pieces->len; i++)
        if (!tell_piece(feed, batch, &g_array_index(batch->pieces, Piece, i), error))
            return FALSE;
    return TRUE;
}

static gboolean
send_batch(Feed *feed, GError **error)
{
    Batch *full = g_steal_pointer(&feed->filling);

    feed->filling = batch_new(feed);
    return pipeline_push(feed->batches, full, error);
}

/* What @about says of the item at @path, from here on in the batch that is being filled. */
static Piece *
add_piece(Feed *feed, const char *path, const Item *about, gboolean begins)
{
    Batch *batch = feed->filling;
    Piece piece = { .item = *about, .begins = begins, .first_chunk = batch->chunks->len, .offset = batch->bytes };

    piece.item.path = g_string_chunk_insert(batch->names, path);
    piece.item.target = about->kind == ITEM_LINK ? g_string_chunk_insert(batch->names, about->target) : NULL;
    piece.item.chunks = NULL;
    piece.item.chunk_count = 0;
    g_array_append_val(batch->pieces, piece);
    return &g_array_index(batch->pieces, Piece, batch->pieces->len - 1);
}

static gsize
bytes_of_chunks(const Item *item)
{
    gsize bytes = 0;

    for (guint i = 0; i < item->chunk_count; i++)
        bytes += item->chunks[i].size;
    return bytes;
}

static gboolean
add_item(Feed *feed, const Item *item, const Item *about, gboolean begins, gboolean ends, GError **error)
{
    Piece *piece;

    /* What fits is told in one piece. */
    if (feed->filling->bytes > 0 && feed->filling->bytes + bytes_of_chunks(item) > BATCH_BYTES && !send_batch(feed, error))
        return FALSE;
    piece = add_piece(feed, item->path, about, begins);
    for (guint i = 0; i < item->chunk_count; i++) {
        const ChunkRef *chunk = &item->chunks[i];

        if (feed->filling->bytes > 0 && feed->filling->bytes + chunk->size > BATCH_BYTES) {
            if (!send_batch(feed, error))
                return FALSE;
            piece = add_piece(feed, item->path, about, FALSE);
        }
        g_array_append_vals(feed->filling->chunks, chunk, 1);
        feed->filling->bytes += chunk->size;
        piece->chunk_count++;
    }
    piece->ends = ends;
    return feed->filling->pieces->len < BATCH_PIECES || send_batch(feed, error);
}

/* How large a file is stands at its end, and whoever is told of it wants to know at its beginning. */
static gboolean
find_end(Feed *feed, const char *path, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(feed->root, store_listing_get, feed->store, error);
    GError *failed = NULL;
    const Item *item;

    if (!cursor || !listing_cursor_seek_path(cursor, path, error))
        return FALSE;
    while (listing_cursor_next(cursor, &item, NULL, NULL, &failed)) {
        if (progress_cancelled(feed->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        if (item->kind == ITEM_PART)
            continue;
        feed->parted = g_strdup(path);
        feed->end = (Item){ .kind = item->kind, .size = item->size, .digest = item->digest };
        return TRUE;
    }
    g_propagate_error(error, failed);
    return FALSE;
}

static gboolean
add_part(Feed *feed, const Item *item, GError **error)
{
    gboolean begins = !feed->parted;

    return (!begins || find_end(feed, item->path, error)) && add_item(feed, item, &feed->end, begins, FALSE, error);
}

static gboolean
take_item(Feed *feed, const Item *item, GError **error)
{
    gboolean begins;

    if (feed->only && !patterns_match_deep(feed->only, item->path, item->kind == ITEM_FOLDER, NULL))
        return TRUE;
    if (item->kind == ITEM_PART)
        return add_part(feed, item, error);
    begins = !feed->parted;
    g_clear_pointer(&feed->parted, g_free);
    return add_item(feed, item, item, begins, TRUE, error);
}

static gboolean
walk(Feed *feed, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(feed->root, store_listing_get, feed->store, error);
    GError *failed = NULL;
    const Item *item;

    if (!cursor)
        return FALSE;
    while (listing_cursor_next(cursor, &item, NULL, NULL, &failed)) {
        if (progress_cancelled(feed->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        if (!take_item(feed, item, error))
            return FALSE;
    }
    if (!failed)
        return send_batch(feed, error) && pipeline_drain(feed->batches, error);
    g_propagate_error(error, failed);
    return FALSE;
}

gboolean
feed(Store *store, const Digest *root, const Patterns *only, const FeedTold *told, Progress *progress, GError **error)
{
    guint threads = pipeline_threads();
    g_auto(Feed) state = { .store = store, .root = root, .only = only, .told = told, .progress = progress };
    PipelineKind kind = { threads, MIN(2 * threads + 2, BATCHES_MAX), open_batch, take_batch, (GDestroyNotify)batch_free, &state };

    state.stream = digest_stream_new();
    state.filling = batch_new(&state);
    state.batches = pipeline_new(&kind);
    return walk(&state, error);
}
