#include "sync/pull/plan.h"

#include "keys/error.h"

#define BATCH_BYTES_FIRST (4 * 1024 * 1024)
#define BATCH_POSITIONS_FIRST 4096

OfferVerdict
plan_offer(const OfferFacts *facts)
{
    if (facts->offered > facts->held)
        return facts->held < facts->fork && facts->offered >= facts->fork ? OFFER_DISPUTED : OFFER_LONGER;
    if (!facts->roots_agree)
        return OFFER_FORK;
    if (facts->offered == facts->held)
        return OFFER_SAME;
    return facts->from_owner ? OFFER_ROLLBACK : OFFER_STALE;
}

gboolean
plan_quota(const QuotaFacts *facts, const PullOptions *options, GError **error)
{
    if (facts->records > options->records_max)
        return chama_error(error, CHAMA_ERROR_LIMIT, "ledger: PU18: want at most %" G_GUINT64_FORMAT " records, have %" G_GUINT64_FORMAT,
                           options->records_max, facts->records);
    if (facts->relayed && facts->new_ledger && facts->ledgers >= options->ledgers_max)
        return chama_error(error, CHAMA_ERROR_LIMIT, "ledger: PU18: want at most %" G_GUINT64_FORMAT " ledgers of others from one peer, have as many",
                           options->ledgers_max);
    return TRUE;
}

static guint64
what_is_left(guint64 limit, guint64 used)
{
    return used < limit ? limit - used : 0;
}

guint64
plan_quota_bytes(gboolean relayed, guint64 ledger_bytes, guint64 peer_bytes, const PullOptions *options)
{
    guint64 left = what_is_left(options->ledger_bytes_max, ledger_bytes);

    return relayed ? MIN(left, what_is_left(options->peer_bytes_max, peer_bytes)) : left;
}

WantVerdict
plan_want(const WantFacts *facts)
{
    if (!facts->followed || facts->held || facts->ended || facts->share == SHARE_NONE)
        return WANT_NOT;
    if (facts->share == SHARE_CONDITIONAL && !facts->grant)
        return WANT_NO_GRANT;
    return facts->refused ? WANT_LATER : WANT_ASK;
}

gboolean
plan_space(guint64 available, guint64 reserve, guint64 want, GError **error)
{
    guint64 free_for_us = what_is_left(available, reserve);

    if (want <= free_for_us)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_NO_SPACE,
                       "disk: PU19: want %" G_GUINT64_FORMAT " bytes for what is to come, have %" G_GUINT64_FORMAT " beside the %" G_GUINT64_FORMAT " that stay free ([sync] reserve in config.ini): "
                       "free some (`chama drop`, `chama gc`), or lower the reserve; what came stays", want, free_for_us, reserve);
}

ChunkBatch *
chunk_batch_new(guint before)
{
    ChunkBatch *batch = g_new0(ChunkBatch, 1);
    guint doublings = MIN(before, 4);

    G_STATIC_ASSERT(BATCH_BYTES_FIRST << 4 == BATCH_BYTES_MAX && BATCH_POSITIONS_FIRST << 4 == BATCH_POSITIONS_MAX);
    batch->bytes_max = (guint64)BATCH_BYTES_FIRST << doublings;
    batch->positions_max = BATCH_POSITIONS_FIRST << doublings;
    batch->ranges = g_array_new(FALSE, FALSE, sizeof(PositionRange));
    /* All at once, so that the keys of @seen may point into it. */
    batch->wanted = g_array_sized_new(FALSE, FALSE, sizeof(Wanted), batch->positions_max);
    batch->seen = g_hash_table_new(digest_hash, digest_equal);
    return batch;
}

void
chunk_batch_free(ChunkBatch *batch)
{
    if (!batch)
        return;
    g_hash_table_unref(batch->seen);
    g_array_unref(batch->wanted);
    g_array_unref(batch->ranges);
    g_free(batch);
}

gboolean
chunk_batch_asks(const ChunkBatch *batch, const Digest *digest)
{
    return g_hash_table_contains(batch->seen, digest);
}

/* Bytes of "first-last\n" for a range that begins at @first, however far one request lets it grow. */
static gsize
range_text_size(guint64 first)
{
    gsize digits = 1;

    for (guint64 last = first + BATCH_POSITIONS_MAX; last >= 10; last /= 10)
        digits++;
    return 2 * digits + 2;
}

/* Either the last range grows by one, or a new one begins. */
static gboolean
take_position(ChunkBatch *batch, guint64 position)
{
    PositionRange *last = batch->ranges->len > 0 ? &g_array_index(batch->ranges, PositionRange, batch->ranges->len - 1) : NULL;
    PositionRange range = { position, position };

    if (last && last->last + 1 == position) {
        last->last = position;
        return TRUE;
    }
    if (batch->ranges->len == WIRE_RANGES_MAX || batch->text + range_text_size(position) > WIRE_RANGES_SIZE_MAX)
        return FALSE;
    g_array_append_val(batch->ranges, range);
    batch->text += range_text_size(position);
    return TRUE;
}

gboolean
chunk_batch_add(ChunkBatch *batch, guint64 position, const ChunkRef *chunk)
{
    Wanted wanted = { chunk->digest, chunk->size };

    if (chunk_batch_asks(batch, &chunk->digest))
        return TRUE;
    if (batch->wanted->len == batch->positions_max || batch->bytes + chunk->size > batch->bytes_max || !take_position(batch, position))
        return FALSE;
    g_array_append_val(batch->wanted, wanted);
    g_hash_table_add(batch->seen, &g_array_index(batch->wanted, Wanted, batch->wanted->len - 1).digest);
    batch->bytes += chunk->size;
    return TRUE;
}
