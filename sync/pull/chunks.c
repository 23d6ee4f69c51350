#include <string.h>

#include "keys/error.h"
#include "sync/pull/frames.h"
#include "sync/pull/intake.h"
#include "sync/pull/plan.h"
#include "sync/pull/transfer.h"

#define ROUND_BYTES_MIN (256 * 1024)   /* below, a round that was cut is not followed by another */
#define COUNTED_MAX (256 * 1024)   /* I6: beyond it a dry run may count a chunk again */

/* A walk over all positions of the listing that gathers those whose chunk is not held for this version. */
typedef struct ChunkWalk ChunkWalk;
struct ChunkWalk {
    Transfer *transfer;
    ChunkBatch *batch;
    gint64 pending;             /* bytes of the version that stand or fall with this batch */
    gboolean (*send)(ChunkWalk *walk, GError **error);   /* deals with a full batch, or the last */
    Intake *intake;             /* of a walk that fetches */
    guint64 chunks, bytes;      /* of a walk that counts: what is missing */
};

static gboolean
count_batch(ChunkWalk *walk, GError **error)
{
    walk->chunks += walk->batch->wanted->len;
    walk->bytes += walk->batch->bytes;
    return TRUE;
}

static gboolean
count_once(Session *session, const Digest *digest)
{
    if (!session->counted)
        session->counted = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);
    if (g_hash_table_contains(session->counted, digest))
        return FALSE;
    if (g_hash_table_size(session->counted) < COUNTED_MAX)
        g_hash_table_add(session->counted, g_memdup2(digest, sizeof *digest));
    return TRUE;
}

/* Versions of a dataset have most chunks in common: what one brings no other would fetch. */
static gboolean
count_batch_once(ChunkWalk *walk, GError **error)
{
    for (guint i = 0; i < walk->batch->wanted->len; i++) {
        const Wanted *wanted = &g_array_index(walk->batch->wanted, Wanted, i);

        if (!count_once(walk->transfer->session, &wanted->digest))
            continue;
        walk->chunks++;
        walk->bytes += wanted->size;
    }
    return TRUE;
}

static gboolean
take_chunk(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error)
{
    ChunkWalk *walk = data;
    const Wanted *wanted = &g_array_index(walk->batch->wanted, Wanted, index);

    if (!stored) {
        walk->transfer->absent++;
        return TRUE;
    }
    if (header->plain_size != wanted->size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "chunk: PU13: want %u bytes as in the listing, have %u", wanted->size, header->plain_size);
    transfer_progress(walk->transfer, wanted->size);
    walk->pending -= wanted->size;
    return intake_give(walk->intake, &wanted->digest, header, stored, error);
}

static gboolean
fetch_batch(ChunkWalk *walk, GError **error)
{
    Transfer *transfer = walk->transfer;
    g_autoptr(GBytes) body = ranges_format(walk->batch->ranges);
    g_autoptr(FrameReader) reader = frame_reader_new(walk->batch->wanted->len, OBJECT_CHUNK, take_chunk, walk);

    if (!transfer_space(transfer, walk->batch->bytes, error) ||
        !transfer_request(transfer, "chunks", body, frame_reader_feed, reader, error) || !frame_reader_end(reader, error) ||
        !intake_settle(walk->intake, error))
        return FALSE;
    transfer_progress(transfer, walk->pending);
    return TRUE;
}

static gboolean
send_batch(ChunkWalk *walk, GError **error)
{
    gboolean good = session_check(walk->transfer->session, error) && (walk->batch->wanted->len == 0 || walk->send(walk, error));

    chunk_batch_clear(walk->batch);
    walk->pending = 0;
    return good;
}

static gboolean
visit_chunk(ChunkWalk *walk, guint64 position, const ChunkRef *chunk, GError **error)
{
    /* L22: this fits, and so do the sums. */
    gint64 bytes = (gint64)(chunk->size * chunk->run);

    if (transfer_has(walk->transfer, &chunk->digest)) {
        if (walk->intake)
            transfer_progress(walk->transfer, bytes);
        return TRUE;
    }
    if (!chunk_batch_add(walk->batch, position, chunk) && (!send_batch(walk, error) || !chunk_batch_add(walk->batch, position, chunk)))
        return FALSE;
    walk->pending += bytes;
    return TRUE;
}

static gboolean
visit_all(ChunkWalk *walk, GError **error)
{
    Transfer *transfer = walk->transfer;
    g_autoptr(ListingCursor) cursor = listing_cursor_new(&transfer->held.listing, transfer_page, transfer, error);
    g_auto(PartPages) seen = part_pages_new();
    g_autoptr(GError) failed = NULL;
    const Item *item;
    guint64 first;

    if (!cursor)
        return FALSE;
    listing_cursor_pass_over(cursor, part_pages_see, &seen);
    while (listing_cursor_next(cursor, &item, &first, NULL, &failed)) {
        for (guint i = 0; i < item->chunk_count; i++) {
            if (!visit_chunk(walk, first + i, &item->chunks[i], error))
                return FALSE;
        }
    }
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return part_pages_check(&seen, error) && send_batch(walk, error);
}

static gboolean
count_missing(Transfer *transfer, guint64 *chunks, guint64 *bytes, GError **error)
{
    g_autoptr(ChunkBatch) batch = chunk_batch_new();
    ChunkWalk walk = { .transfer = transfer, .batch = batch, .send = transfer->session->options->dry_run ? count_batch_once : count_batch };

    if (!visit_all(&walk, error))
        return FALSE;
    *chunks = walk.chunks;
    *bytes = walk.bytes;
    return TRUE;
}

/* @stored: chunks that came and were stored, also where the walk then failed. */
static gboolean
fetch_missing(Transfer *transfer, guint64 *stored, GError **error)
{
    g_autoptr(ChunkBatch) batch = chunk_batch_new();
    g_autoptr(Intake) intake = intake_new(home_store(transfer->session->home, NULL), transfer->writer, &transfer->owner);
    ChunkWalk walk = { .transfer = transfer, .batch = batch, .send = fetch_batch, .intake = intake };
    PullResult *result = transfer->session->result;
    gboolean good = visit_all(&walk, error);

    intake_settle(intake, NULL);
    *stored = intake_objects(intake);
    result->chunks += *stored;
    result->bytes += intake_bytes(intake);
    return good;
}

/* PU16: a peer bounds how long one connection may last, so a cut after some chunks is no reason to give up: each round asks for less.  A round that brought
 * hardly any is: one chunk and a cut, over and over, would go on for ever. */
static gboolean
fetch_in_rounds(Transfer *transfer, guint64 *stored, GError **error)
{
    *stored = 0;
    for (;;) {
        GError *failed = NULL;
        guint64 now = 0, before = transfer->session->result->bytes;
        gboolean good = fetch_missing(transfer, &now, &failed);

        *stored += now;
        if (good)
            return TRUE;
        if (transfer->session->result->bytes - before < ROUND_BYTES_MIN || !g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE)) {
            g_propagate_error(error, failed);
            return FALSE;
        }
        session_talk(transfer->session, "%s; going on where it was cut", failed->message);
        g_error_free(failed);
        transfer_progress(transfer, -transfer->progressed);
    }
}

/* Holes and what is here already cost nothing, but telling how much they are costs a walk: only where it may matter. */
static gboolean
check_space(Transfer *transfer, GError **error)
{
    guint64 chunks, bytes;

    return transfer_space(transfer, transfer->details->bytes, NULL) ||
           (count_missing(transfer, &chunks, &bytes, error) && transfer_space(transfer, bytes, error));
}

static gboolean
check_complete(Transfer *transfer, GError **error)
{
    guint64 chunks, bytes;

    if (transfer->absent > 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "the peer lacks %" G_GUINT64_FORMAT " of its chunks", transfer->absent);
    if (!count_missing(transfer, &chunks, &bytes, error))
        return FALSE;
    return chunks == 0 || chama_error(error, CHAMA_ERROR_FAILED, "%" G_GUINT64_FORMAT " chunks are missing after all came", chunks);
}

gboolean
transfer_chunks(Transfer *transfer, GError **error)
{
    PullResult *result = transfer->session->result;
    guint64 stored, chunks, bytes;

    if (transfer->session->options->dry_run) {
        if (!count_missing(transfer, &chunks, &bytes, error))
            return FALSE;
        result->wanted_chunks += chunks;
        result->wanted_bytes += bytes;
        return TRUE;
    }
    if (!check_space(transfer, error) || !fetch_in_rounds(transfer, &stored, error))
        return FALSE;
    /* The walk that found nothing to ask for was itself the proof. */
    return stored + transfer->absent == 0 || check_complete(transfer, error);
}
