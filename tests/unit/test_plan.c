#include <glib.h>

#include "keys/error.h"
#include "sync/pull/plan.h"

static void
test_offer(void)
{
    static const struct {
        OfferFacts facts;
        OfferVerdict want;
    } cases[] = {
        { { .held = 0, .offered = 1 }, OFFER_LONGER },
        { { .held = 5, .offered = 6, .from_owner = TRUE }, OFFER_LONGER },
        { { .held = 5, .offered = 5, .roots_agree = TRUE }, OFFER_SAME },
        { { .held = 5, .offered = 5, .roots_agree = TRUE, .from_owner = TRUE }, OFFER_SAME },
        { { .held = 5, .offered = 5, .roots_agree = FALSE }, OFFER_FORK },
        { { .held = 5, .offered = 4, .roots_agree = TRUE }, OFFER_STALE },
        { { .held = 5, .offered = 4, .roots_agree = TRUE, .from_owner = TRUE }, OFFER_ROLLBACK },
        { { .held = 5, .offered = 4, .roots_agree = FALSE }, OFFER_FORK },
        { { .held = 5, .offered = 4, .roots_agree = FALSE, .from_owner = TRUE }, OFFER_FORK },
        { { .held = 5, .offered = 0, .roots_agree = TRUE, .from_owner = TRUE }, OFFER_ROLLBACK },
        { { .held = 0, .offered = 7, .fork = 7 }, OFFER_DISPUTED },
        { { .held = 6, .offered = 9, .fork = 7, .from_owner = TRUE }, OFFER_DISPUTED },
        { { .held = 6, .offered = 6, .fork = 7, .roots_agree = TRUE }, OFFER_SAME },
        { { .held = 0, .offered = 6, .fork = 7 }, OFFER_LONGER },
        { { .held = 7, .offered = 9, .fork = 7 }, OFFER_LONGER },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(plan_offer(&cases[i].facts), ==, cases[i].want);
}

static void
test_quota(void)
{
    static const PullOptions options = { .ledgers_max = 2, .records_max = 100, .ledger_bytes_max = 1000, .peer_bytes_max = 500 };
    static const struct {
        QuotaFacts facts;
        gboolean taken;
    } cases[] = {
        { { .relayed = TRUE, .new_ledger = TRUE, .ledgers = 0, .records = 1 }, TRUE },
        { { .relayed = TRUE, .new_ledger = TRUE, .ledgers = 1, .records = 100 }, TRUE },
        { { .relayed = TRUE, .new_ledger = TRUE, .ledgers = 2, .records = 1 }, FALSE },
        { { .relayed = TRUE, .new_ledger = FALSE, .ledgers = 2, .records = 1 }, TRUE },
        { { .relayed = FALSE, .new_ledger = TRUE, .ledgers = 9, .records = 1 }, TRUE },
        { { .relayed = FALSE, .new_ledger = FALSE, .ledgers = 0, .records = 101 }, FALSE },
        { { .relayed = TRUE, .new_ledger = FALSE, .ledgers = 0, .records = G_MAXUINT64 }, FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(plan_quota(&cases[i].facts, &options, &error), ==, cases[i].taken);
        if (!cases[i].taken)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    }
    g_assert_cmpuint(plan_quota_bytes(FALSE, 400, 9999, &options), ==, 600);
    g_assert_cmpuint(plan_quota_bytes(TRUE, 400, 100, &options), ==, 400);
    g_assert_cmpuint(plan_quota_bytes(TRUE, 900, 0, &options), ==, 100);
    g_assert_cmpuint(plan_quota_bytes(TRUE, 0, 501, &options), ==, 0);
    g_assert_cmpuint(plan_quota_bytes(FALSE, 1001, 0, &options), ==, 0);
}

static void
test_want(void)
{
    static const struct {
        WantFacts facts;
        WantVerdict want;
    } cases[] = {
        { { .followed = TRUE, .share = SHARE_OPEN }, WANT_ASK },
        { { .followed = FALSE, .share = SHARE_OPEN }, WANT_NOT },
        { { .followed = TRUE, .ended = TRUE, .share = SHARE_OPEN }, WANT_NOT },
        { { .followed = TRUE, .ended = TRUE, .share = SHARE_CONDITIONAL, .grant = TRUE }, WANT_NOT },
        { { .followed = TRUE, .held = TRUE, .share = SHARE_OPEN }, WANT_NOT },
        { { .followed = TRUE, .share = SHARE_OPEN, .refused = TRUE }, WANT_LATER },
        { { .followed = TRUE, .share = SHARE_CONDITIONAL }, WANT_NO_GRANT },
        { { .followed = TRUE, .share = SHARE_CONDITIONAL, .from_owner = TRUE }, WANT_NO_GRANT },
        { { .followed = TRUE, .share = SHARE_CONDITIONAL, .grant = TRUE }, WANT_ASK },
        { { .followed = TRUE, .share = SHARE_CONDITIONAL, .grant = TRUE, .refused = TRUE }, WANT_LATER },
        { { .followed = TRUE, .share = SHARE_CONDITIONAL, .grant = TRUE, .held = TRUE }, WANT_NOT },
        { { .followed = TRUE, .share = SHARE_NONE, .grant = TRUE, .from_owner = TRUE }, WANT_NOT },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(plan_want(&cases[i].facts), ==, cases[i].want);
}

static void
test_space(void)
{
    static const struct {
        guint64 available, reserve, want;
        gboolean fits;
    } cases[] = {
        { 100, 0, 100, TRUE }, { 100, 10, 90, TRUE }, { 100, 10, 91, FALSE }, { 100, 200, 1, FALSE }, { 100, 200, 0, TRUE }, { 0, 0, G_MAXUINT64, FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(plan_space(cases[i].available, cases[i].reserve, cases[i].want, &error), ==, cases[i].fits);
        if (!cases[i].fits)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NO_SPACE);
    }
}

static ChunkRef
chunk_numbered(guint number, guint32 size)
{
    ChunkRef chunk = { .size = size, .run = 1 };

    memcpy(chunk.digest.bytes, &number, sizeof number);
    return chunk;
}

static void
test_batch_joins_neighbours_and_asks_once(void)
{
    g_autoptr(ChunkBatch) batch = chunk_batch_new(0);
    static const struct {
        guint64 position;
        guint number;
    } chunks[] = { { 3, 1 }, { 4, 2 }, { 5, 1 }, { 6, 3 }, { 7, 4 }, { 9, 2 }, { 20, 5 } };
    static const PositionRange want[] = { { 3, 4 }, { 6, 7 }, { 20, 20 } };

    for (gsize i = 0; i < G_N_ELEMENTS(chunks); i++) {
        ChunkRef chunk = chunk_numbered(chunks[i].number, 10);

        g_assert_true(chunk_batch_add(batch, chunks[i].position, &chunk));
    }
    g_assert_cmpmem(batch->ranges->data, batch->ranges->len * sizeof(PositionRange), want, sizeof want);
    g_assert_cmpuint(batch->wanted->len, ==, 5);
    g_assert_cmpuint(batch->bytes, ==, 50);
    for (guint number = 1; number <= 6; number++) {
        ChunkRef chunk = chunk_numbered(number, 10);

        g_assert_cmpint(chunk_batch_asks(batch, &chunk.digest), ==, number <= 5);
    }
}

/* What one batch takes of chunks of @size bytes at every @step-th position from @first on. */
static guint
fill(ChunkBatch *batch, guint64 first, guint64 step, guint32 size)
{
    for (guint i = 0; i < 1000000; i++) {
        ChunkRef chunk = chunk_numbered(i, size);

        if (!chunk_batch_add(batch, first + i * step, &chunk))
            return i;
    }
    g_assert_not_reached();
}

static void
test_batch_is_bounded(void)
{
    static const struct {
        guint64 first, step;
        guint32 size;
        guint most;
    } cases[] = {
        { 0, 1, CHUNK_SIZE_MAX, BATCH_BYTES_MAX / CHUNK_SIZE_MAX },
        { 0, 1, 1, BATCH_POSITIONS_MAX },
        { 0, 2, 1, WIRE_RANGES_MAX },
        { G_GUINT64_CONSTANT(1) << 60, 2, 1, WIRE_RANGES_SIZE_MAX / 40 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ChunkBatch) batch = chunk_batch_new(1000);
        g_autoptr(GBytes) body = NULL;
        guint taken = fill(batch, cases[i].first, cases[i].step, cases[i].size);

        g_assert_cmpuint(taken, >, 0);
        g_assert_cmpuint(taken, <=, cases[i].most);
        g_assert_cmpuint(batch->wanted->len, ==, taken);
        body = ranges_format(batch->ranges);
        g_assert_cmpuint(g_bytes_get_size(body), <=, WIRE_RANGES_SIZE_MAX);
    }
}

/* The first requests of a version are smaller, so that something comes soon. */
static void
test_batch_grows(void)
{
    for (guint before = 0; before < 6; before++) {
        g_autoptr(ChunkBatch) small = chunk_batch_new(before), large = chunk_batch_new(before);
        guint part = 16 >> MIN(before, 4);

        g_assert_cmpuint(fill(small, 0, 1, 1), ==, BATCH_POSITIONS_MAX / part);
        g_assert_cmpuint(fill(large, 0, 1, CHUNK_SIZE_MAX), ==, BATCH_BYTES_MAX / CHUNK_SIZE_MAX / part);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/offer", test_offer);
    g_test_add_func("/plan/quota", test_quota);
    g_test_add_func("/plan/want", test_want);
    g_test_add_func("/plan/space", test_space);
    g_test_add_func("/plan/batch-joins-neighbours-and-asks-once", test_batch_joins_neighbours_and_asks_once);
    g_test_add_func("/plan/batch-is-bounded", test_batch_is_bounded);
    g_test_add_func("/plan/batch-grows", test_batch_grows);
    return g_test_run();
}
