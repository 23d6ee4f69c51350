#include "sync/pull/portions.h"

#include <string.h>

#define KIB 1024
#define MIB (1024 * 1024)
#define SECOND G_USEC_PER_SEC

static ChunkRef
chunk_of(guint number)
{
    ChunkRef chunk = { .size = 64 * KIB, .run = 1 };

    memcpy(chunk.digest.bytes, &number, sizeof number);
    return chunk;
}

/* @count chunks of 64 KiB at positions from 0 on. */
static Portions *
filled(guint count)
{
    Portions *portions = portions_new();

    for (guint i = 0; i < count; i++) {
        ChunkRef chunk = chunk_of(i);

        g_assert_cmpint(portions_add(portions, i, &chunk), ==, 0);
    }
    return portions;
}

/* The lane's answer brings pieces @from to @to of its portion, at @now, and they are stored. */
static void
bring(Portions *portions, guint lane, guint from, guint to, gint64 now)
{
    for (guint i = from; i < to; i++) {
        Piece *piece;

        g_assert_nonnull(portions_expect(portions, lane, i));
        piece = portions_give(portions, lane, i, 1000, now);
        portions_resume(portions, lane, now);
        portions_stored(portions, piece);
    }
}

static void
test_measure(void)
{
    static const struct {
        PortionFacts facts;
        guint64 bytes;
    } cases[] = {
        { { .lanes = 1, .before = 0, .waiting = 1000 * MIB }, 4 * MIB },
        { { .lanes = 1, .before = 2, .waiting = 1000 * MIB }, 16 * MIB },
        { { .lanes = 1, .before = 9, .waiting = 1000 * MIB }, 64 * MIB },
        { { .lanes = 2, .before = 0, .waiting = 1000 * MIB }, 4 * MIB },
        { { .lanes = 2, .before = 0, .waiting = 4 * MIB }, MIB },
        { { .lanes = 2, .before = 1, .rate = 10 * MIB, .rates = 20 * MIB, .waiting = 1000 * MIB }, 20 * MIB },
        { { .lanes = 2, .before = 1, .rate = MIB, .rates = 11 * MIB, .waiting = 1000 * MIB }, 2 * MIB },
        { { .lanes = 2, .before = 1, .rate = 500 * MIB, .rates = 501 * MIB, .waiting = 1000 * MIB }, 64 * MIB },
        { { .lanes = 2, .before = 1, .rate = 10 * KIB, .rates = 10 * MIB, .waiting = 1000 * MIB }, 256 * KIB },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(portion_measure(&cases[i].facts), ==, cases[i].bytes);
}

/* PU41: in order, each once; what came is forgotten, what did not waits again. */
static void
test_take(void)
{
    g_autoptr(Portions) portions = filled(100);
    ChunkRef first = chunk_of(0), other = chunk_of(200);
    const GPtrArray *portion;
    gsize size;

    portions_join(portions, 0, 0);
    g_assert_cmpint(portions_add(portions, 100, &first), ==, 0);
    g_assert_cmpuint(portions_left(portions), ==, 100);
    portion = portions_take(portions, 0, 0);
    g_assert_cmpuint(portion->len, ==, 64);
    {
        g_autoptr(GBytes) body = portion_request(portion);
        const char *text = g_bytes_get_data(body, &size);

        g_assert_cmpmem(text, size, "0-63\n", 5);
    }
    g_assert_cmpuint(portions_under_way(portions), ==, 4 * MIB);
    bring(portions, 0, 0, 10, SECOND);
    g_assert_null(portions_expect(portions, 0, 5));
    portions_done(portions, 0, SECOND);
    g_assert_cmpuint(portions_left(portions), ==, 90);
    g_assert_cmpuint(portions_rate(portions, 0), ==, 640 * KIB);
    g_assert_false(portions_know(portions, &first.digest));
    g_assert_false(portions_know(portions, &other.digest));
    portion = portions_take(portions, 0, SECOND);
    g_assert_cmpuint(((const Piece *)portion->pdata[0])->position, ==, 10);
    g_assert_cmpuint(portion->len, ==, 90);
}

/* What one lacks, or gave wrongly, only others are asked for. */
static void
test_lacking(void)
{
    g_autoptr(Portions) portions = filled(3);
    Piece *lie;

    portions_join(portions, 0, 0);
    g_assert_cmpuint(portions_take(portions, 0, 0)->len, ==, 3);
    portions_lack(portions, 0, 0, 1);
    lie = portions_give(portions, 0, 1, 10, 1);
    portions_resume(portions, 0, 1);
    bring(portions, 0, 2, 3, 1);
    portions_done(portions, 0, 1);
    portions_refuse(portions, lie);
    g_assert_null(portions_take(portions, 0, 2));
    g_assert_true(portions_are_quiet(portions));
    g_assert_true(portions_want_more(portions, 2));
    portions_join(portions, 1, 0);
    g_assert_false(portions_are_quiet(portions));
    g_assert_cmpuint(portions_take(portions, 1, 2)->len, ==, 2);
    bring(portions, 1, 0, 2, 3);
    portions_done(portions, 1, 3);
    g_assert_cmpuint(portions_left(portions), ==, 0);
    g_assert_true(portions_are_quiet(portions));
    g_assert_false(portions_want_more(portions, 3));
}

/* A source that goes leaves its part to the others. */
static void
test_leave(void)
{
    g_autoptr(Portions) portions = filled(20);

    portions_join(portions, 0, 0);
    portions_join(portions, 1, 0);
    g_assert_cmpuint(portions_take(portions, 0, 0)->len, ==, 5);
    g_assert_cmpuint(portions_take(portions, 1, 0)->len, ==, 4);
    bring(portions, 0, 0, 2, 1);
    portions_leave(portions, 0);
    g_assert_null(portions_expect(portions, 0, 2));
    bring(portions, 1, 0, 4, 1);
    portions_done(portions, 1, 1);
    while (portions_left(portions) > 0) {
        bring(portions, 1, 0, portions_take(portions, 1, 2)->len, 3);
        portions_done(portions, 1, 3);
    }
}

/* PU42: who has nothing to do takes over what a slow one would still be at; the slow one keeps what it will have brought by then, and is not asked for the rest. */
static void
test_relieve(void)
{
    g_autoptr(Portions) portions = filled(40);
    guint slow;

    portions_join(portions, 0, 0);
    slow = portions_take(portions, 0, 0)->len;
    g_assert_cmpuint(slow, ==, 40);
    bring(portions, 0, 0, 4, 4 * SECOND);
    portions_join(portions, 1, 10 * MIB);
    g_assert_null(portions_take(portions, 1, 4 * SECOND));
    g_assert_true(portions_relieve(portions, 1, 4 * SECOND));
    g_assert_null(portions_expect(portions, 0, 30));
    g_assert_cmpuint(portions_take(portions, 1, 4 * SECOND)->len, >=, 30);
    g_assert_false(portions_relieve(portions, 1, 4 * SECOND));
}

/* One that has shown nothing has as long as the other would need for all of it; one that gives is not broken off for the sake of a moment. */
static void
test_patience(void)
{
    g_autoptr(Portions) mute = filled(40), nearly = filled(40);

    portions_join(mute, 0, 0);
    portions_take(mute, 0, 0);
    portions_join(mute, 1, 10 * MIB);
    g_assert_false(portions_relieve(mute, 1, 4 * SECOND / 10));
    g_assert_true(portions_relieve(mute, 1, SECOND / 2));
    g_assert_true(portions_is_cut(mute, 0));
    g_assert_cmpuint(portions_take(mute, 1, SECOND / 2)->len, ==, 40);
    portions_join(nearly, 0, 0);
    portions_take(nearly, 0, 0);
    portions_join(nearly, 1, 10 * MIB);
    bring(nearly, 0, 0, 20, SECOND);
    bring(nearly, 0, 20, 36, 2 * SECOND);
    g_assert_false(portions_relieve(nearly, 1, 2 * SECOND));
}

/* Silence counts only while others give. */
static void
test_stalled(void)
{
    g_autoptr(Portions) portions = filled(300);

    portions_join(portions, 0, 0);
    portions_take(portions, 0, 0);
    g_assert_cmpint(portions_stalled(portions, 60 * SECOND), ==, -1);
    portions_join(portions, 1, 0);
    portions_take(portions, 1, 0);
    bring(portions, 1, 0, 1, 4 * SECOND);
    g_assert_cmpint(portions_stalled(portions, 4 * SECOND), ==, -1);
    bring(portions, 1, 1, 2, 6 * SECOND);
    g_assert_cmpint(portions_stalled(portions, 6 * SECOND), ==, 0);
    portions_leave(portions, 0);
    g_assert_cmpint(portions_stalled(portions, 7 * SECOND), ==, -1);
}

/* PU41: what nobody has does not hold up the walk, and is not forgotten in the count. */
static void
test_forgo(void)
{
    g_autoptr(Portions) portions = filled(WAITING_BYTES_MAX / (64 * KIB));
    ChunkRef next = chunk_of(1000000);
    const GPtrArray *portion;
    guint all = portions_left(portions);

    portions_join(portions, 0, 0);
    g_assert_true(portions_are_full(portions));
    while ((portion = portions_take(portions, 0, SECOND))) {
        guint count = portion->len;

        for (guint i = 0; i < count; i++)
            portions_lack(portions, 0, i, SECOND);
        portions_done(portions, 0, SECOND);
    }
    g_assert_true(portions_are_full(portions) && portions_are_quiet(portions));
    portions_forgo(portions);
    g_assert_false(portions_are_full(portions) || portions_fill_one(portions));
    g_assert_cmpuint(portions_left(portions), ==, all);
    portions_add(portions, 5000, &next);
    portion = portions_take(portions, 0, 2 * SECOND);
    g_assert_cmpuint(portion->len, ==, 1);
    bring(portions, 0, 0, 1, 2 * SECOND);
    portions_done(portions, 0, 2 * SECOND);
    g_assert_cmpuint(portions_left(portions), ==, all);
}

/* Further sources pay where it is slow, also from the beginning; not where all will be here before they answer. */
static void
test_want_more(void)
{
    g_autoptr(Portions) much = filled(300), little = filled(40);

    portions_join(much, 0, 0);
    g_assert_false(portions_want_more(much, 0));
    portions_join(little, 0, 0);
    portions_take(little, 0, 0);
    g_assert_false(portions_want_more(little, SECOND / 4));
    g_assert_true(portions_want_more(little, SECOND / 2));
    bring(little, 0, 0, 2, SECOND / 2);
    g_assert_true(portions_want_more(little, SECOND / 2));
    bring(little, 0, 2, 32, SECOND / 2);
    g_assert_false(portions_want_more(little, SECOND / 2));
    portions_take(much, 0, 0);
    bring(much, 0, 0, 64, SECOND / 20);
    portions_done(much, 0, SECOND / 20);
    g_assert_false(portions_want_more(much, SECOND / 20));
    portions_take(much, 0, SECOND / 20);
    g_assert_false(portions_want_more(much, SECOND / 2));
    g_assert_true(portions_want_more(much, 2 * SECOND));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/portions/PU41-measure", test_measure);
    g_test_add_func("/portions/PU41-take", test_take);
    g_test_add_func("/portions/PU43-lacking", test_lacking);
    g_test_add_func("/portions/PU42-leave", test_leave);
    g_test_add_func("/portions/PU42-relieve", test_relieve);
    g_test_add_func("/portions/PU42-patience", test_patience);
    g_test_add_func("/portions/PU42-stalled", test_stalled);
    g_test_add_func("/portions/PU41-forgo", test_forgo);
    g_test_add_func("/portions/PU40-want-more", test_want_more);
    return g_test_run();
}
