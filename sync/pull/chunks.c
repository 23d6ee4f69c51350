#include "keys/error.h"
#include "sync/pull/fetching.h"
#include "sync/pull/plan.h"
#include "sync/pull/transfer.h"

#define ROUND_BYTES_MIN (256 * 1024)   /* below, a round that was cut is not followed by another */
#define COUNTED_MAX (256 * 1024)   /* I6: beyond it a dry run may count a chunk again */

/* A walk over all positions of the listing that looks for those whose chunk is not held for this version. */
typedef struct {
    Transfer *transfer;
    Fetching *fetching;         /* of a walk that fetches */
    ChunkBatch *batch;          /* of a walk that counts: each digest once in so many */
    guint64 chunks, bytes;      /* what is missing */
} ChunkWalk;

static void
chunk_walk_clear(ChunkWalk *walk)
{
    g_clear_pointer(&walk->batch, chunk_batch_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChunkWalk, chunk_walk_clear)

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
static void
count_batch(ChunkWalk *walk)
{
    gboolean once = walk->transfer->session->options->dry_run;

    for (guint i = 0; i < walk->batch->wanted->len; i++) {
        const Wanted *wanted = &g_array_index(walk->batch->wanted, Wanted, i);

        if (once && !count_once(walk->transfer->session, &wanted->digest))
            continue;
        walk->chunks++;
        walk->bytes += wanted->size;
    }
}

static gboolean
count_chunk(ChunkWalk *walk, guint64 position, const ChunkRef *chunk, GError **error)
{
    if (transfer_has(walk->transfer, &chunk->digest) || chunk_batch_add(walk->batch, position, chunk))
        return TRUE;
    if (!session_check(walk->transfer->session, error))
        return FALSE;
    count_batch(walk);
    g_clear_pointer(&walk->batch, chunk_batch_free);
    walk->batch = chunk_batch_new(G_MAXUINT);
    return chunk_batch_add(walk->batch, position, chunk);
}

/* In this order: what was added is forgotten once it is held. */
static gboolean
fetch_chunk(ChunkWalk *walk, guint64 position, const ChunkRef *chunk, GError **error)
{
    if (fetching_adds_to(walk->fetching, position, chunk))
        return TRUE;
    if (!transfer_has(walk->transfer, &chunk->digest))
        return fetching_add(walk->fetching, position, chunk, error);
    /* L22: this fits, and so do the sums. */
    transfer_progress(walk->transfer, (gint64)(chunk->size * chunk->run));
    return TRUE;
}

/* What an earlier version has in common with this one is here. */
static ListingCursor *
open_cursor(Transfer *transfer, PartPages *seen, GError **error)
{
    ListingCursor *cursor = listing_cursor_new(&transfer->held.listing, transfer_page, transfer, error);

    if (!cursor)
        return NULL;
    listing_cursor_pass_over(cursor, part_pages_see, seen);
    listing_cursor_leave_out(cursor, known_pages_knows, transfer->session->known);
    listing_cursor_look_ahead(cursor, transfer_look_ahead, transfer);
    return cursor;
}

static gboolean
visit_all(ChunkWalk *walk, GError **error)
{
    g_auto(PartPages) seen = part_pages_new();
    g_autoptr(ListingCursor) cursor = NULL;
    g_autoptr(GError) failed = NULL;
    const Item *item;
    guint64 first;

    if (known_pages_has_root(walk->transfer->session->known, &walk->transfer->held.listing))
        return TRUE;
    cursor = open_cursor(walk->transfer, &seen, error);
    if (!cursor)
        return FALSE;
    while (listing_cursor_next(cursor, &item, &first, NULL, &failed)) {
        for (guint i = 0; i < item->chunk_count; i++) {
            if (!(walk->fetching ? fetch_chunk : count_chunk)(walk, first + i, &item->chunks[i], error))
                return FALSE;
        }
    }
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return part_pages_check(&seen, error);
}

static gboolean
count_missing(Transfer *transfer, guint64 *chunks, guint64 *bytes, GError **error)
{
    g_auto(ChunkWalk) walk = { .transfer = transfer, .batch = chunk_batch_new(G_MAXUINT) };

    if (!visit_all(&walk, error))
        return FALSE;
    count_batch(&walk);
    *chunks = walk.chunks;
    *bytes = walk.bytes;
    return TRUE;
}

/* What came and was stored counts, also where the walk then failed. */
static gboolean
fetch_missing(Transfer *transfer, GError **error)
{
    g_autoptr(Fetching) fetching = fetching_new(transfer);
    g_auto(ChunkWalk) walk = { .transfer = transfer, .fetching = fetching };
    gboolean good = visit_all(&walk, error);

    good = fetching_finish(fetching, good, good ? error : NULL) && good;
    fetching_count(fetching, transfer->session->result);
    if (!good || fetching_absent(fetching) == 0)
        return good;
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "the peer lacks %" G_GUINT64_FORMAT " of its chunks", fetching_absent(fetching));
}

/* PU16: a peer bounds how long one connection may last, so a cut after some chunks is no reason to give up: each round asks for less.  A round that brought
 * hardly any is: one chunk and a cut, over and over, would go on for ever. */
static gboolean
fetch_in_rounds(Transfer *transfer, GError **error)
{
    for (;;) {
        GError *failed = NULL;
        guint64 before = transfer->session->result->bytes;

        if (fetch_missing(transfer, &failed))
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

gboolean
transfer_chunks(Transfer *transfer, GError **error)
{
    PullResult *result = transfer->session->result;
    guint64 chunks, bytes;

    if (!transfer->session->options->dry_run)
        return check_space(transfer, error) && fetch_in_rounds(transfer, error);
    if (!count_missing(transfer, &chunks, &bytes, error))
        return FALSE;
    result->wanted_chunks += chunks;
    result->wanted_bytes += bytes;
    return TRUE;
}
