#include "sync/pull/portions.h"

#define HEADROOM (G_USEC_PER_SEC / 10)      /* what another request costs before its first byte */
#define GAIN_MIN (G_USEC_PER_SEC / 5)       /* below, a request is not broken off for the sake of time */
#define MEASURE_MIN (G_USEC_PER_SEC / 4)    /* shorter than this says little of a rate */
#define FOREVER (G_MAXINT64 / 4)

typedef struct {
    gboolean open;
    guint before;               /* requests so far */
    guint64 rate;               /* of the requests so far; 0: not known */
    GPtrArray *portion;         /* of Piece* (borrowed), NULL: no request is under way */
    guint next, end;            /* pieces from @next to @end are still to come; those from @end on are no longer this lane's */
    guint64 came, left;         /* plain bytes of the portion */
    gint64 asked, heard;
    gboolean handing_on;
    gboolean cut;               /* all that was still to come was taken back */
} Lane;

struct Portions {
    GHashTable *pieces;         /* Digest -> Piece, which it owns */
    GSequence *waiting;         /* of Piece*, by position */
    guint64 waiting_bytes;
    guint forgone;
    Lane lanes[LANES_MAX];
};

Portions *
portions_new(void)
{
    Portions *portions = g_new0(Portions, 1);

    portions->pieces = g_hash_table_new_full(digest_hash, digest_equal, NULL, g_free);
    portions->waiting = g_sequence_new(NULL);
    return portions;
}

void
portions_free(Portions *portions)
{
    if (!portions)
        return;
    for (guint i = 0; i < LANES_MAX; i++)
        g_clear_pointer(&portions->lanes[i].portion, g_ptr_array_unref);
    g_sequence_free(portions->waiting);
    g_hash_table_unref(portions->pieces);
    g_free(portions);
}

static int
compare_pieces(gconstpointer a, gconstpointer b, gpointer data)
{
    guint64 one = ((const Piece *)a)->position, two = ((const Piece *)b)->position;

    return (one > two) - (one < two);
}

/* Most come in order. */
static void
put_waiting(Portions *portions, Piece *piece)
{
    GSequenceIter *end = g_sequence_get_end_iter(portions->waiting), *last = g_sequence_iter_prev(end);

    piece->given = FALSE;
    portions->waiting_bytes += piece->size;
    if (g_sequence_iter_is_end(last) || compare_pieces(g_sequence_get(last), piece, NULL) < 0)
        g_sequence_append(portions->waiting, piece);
    else
        g_sequence_insert_sorted(portions->waiting, piece, compare_pieces, NULL);
}

gint64
portions_add(Portions *portions, guint64 position, const ChunkRef *chunk)
{
    /* L22: this fits, and so do the sums. */
    gint64 bytes = (gint64)(chunk->size * chunk->run);
    Piece *piece = g_hash_table_lookup(portions->pieces, &chunk->digest);

    if (piece) {
        piece->stands += bytes;
        return piece->given ? bytes : 0;
    }
    piece = g_new0(Piece, 1);
    *piece = (Piece){ .digest = chunk->digest, .size = chunk->size, .position = position, .stands = bytes };
    g_hash_table_insert(portions->pieces, &piece->digest, piece);
    put_waiting(portions, piece);
    return 0;
}

gboolean
portions_know(const Portions *portions, const Digest *digest)
{
    return g_hash_table_contains(portions->pieces, digest);
}

gboolean
portions_are_full(const Portions *portions)
{
    return portions->waiting_bytes >= WAITING_BYTES_MAX || g_sequence_get_length(portions->waiting) >= WAITING_PIECES_MAX;
}

gboolean
portions_fill_one(const Portions *portions)
{
    return portions->waiting_bytes > PORTION_BYTES_FIRST || g_sequence_get_length(portions->waiting) > PORTION_POSITIONS_FIRST;
}

void
portions_join(Portions *portions, guint lane, guint64 rate)
{
    portions->lanes[lane] = (Lane){ .open = TRUE, .rate = rate };
}

guint64
portions_rate(const Portions *portions, guint lane)
{
    return portions->lanes[lane].rate;
}

/* PU41.  One source alone is asked for as much as a request may hold, soon; several for as much as each brings in about two seconds, and towards the end for
 * half of its share of what is left, so that they end together. */
guint64
portion_measure(const PortionFacts *facts)
{
    guint64 bytes;

    if (facts->lanes <= 1)
        return (guint64)PORTION_BYTES_FIRST << MIN(facts->before, 4);
    if (facts->rate == 0)
        return CLAMP(facts->waiting / (2 * facts->lanes), PORTION_BYTES_MIN, PORTION_BYTES_FIRST);
    bytes = MIN(facts->rate * PORTION_SECONDS, (guint64)((double)facts->waiting * facts->rate / MAX(facts->rates, facts->rate) / 2));
    return CLAMP(MAX(bytes, facts->rate / 4), PORTION_BYTES_MIN, PORTION_BYTES_MAX);
}

static guint64
measure(const Portions *portions, const Lane *lane)
{
    PortionFacts facts = { .before = lane->before, .rate = lane->rate, .waiting = portions->waiting_bytes };

    for (guint i = 0; i < LANES_MAX; i++) {
        facts.lanes += portions->lanes[i].open;
        facts.rates += portions->lanes[i].open ? portions->lanes[i].rate : 0;
    }
    return portion_measure(&facts);
}

/* The lines of a request (W13), as they grow. */
typedef struct {
    guint64 last;
    guint count;
    gsize text;
} Lines;

/* Bytes of "first-last\n" for a range that begins at @first, however far one request lets it grow. */
static gsize
line_size(guint64 first)
{
    gsize digits = 1;

    for (guint64 last = first + PORTION_POSITIONS_MAX; last >= 10; last /= 10)
        digits++;
    return 2 * digits + 2;
}

static gboolean
lines_take(Lines *lines, guint64 position)
{
    gboolean grows = lines->count > 0 && lines->last + 1 == position;

    if (!grows && (lines->count == WIRE_RANGES_MAX || lines->text + line_size(position) > WIRE_RANGES_SIZE_MAX))
        return FALSE;
    if (!grows) {
        lines->count++;
        lines->text += line_size(position);
    }
    lines->last = position;
    return TRUE;
}

static GPtrArray *
gather(Portions *portions, guint lane, guint64 bytes_max, guint positions_max)
{
    GPtrArray *portion = g_ptr_array_new();
    GSequenceIter *iter = g_sequence_get_begin_iter(portions->waiting);
    Lines lines = { 0 };
    guint64 bytes = 0;

    while (!g_sequence_iter_is_end(iter) && portion->len < positions_max) {
        GSequenceIter *this = iter;
        Piece *piece = g_sequence_get(this);

        iter = g_sequence_iter_next(this);
        if (piece->lacking & 1u << lane)
            continue;
        if ((portion->len > 0 && bytes + piece->size > bytes_max) || !lines_take(&lines, piece->position))
            break;
        piece->lane = lane;
        bytes += piece->size;
        portions->waiting_bytes -= piece->size;
        g_ptr_array_add(portion, piece);
        g_sequence_remove(this);
    }
    return portion;
}

const GPtrArray *
portions_take(Portions *portions, guint number, gint64 now)
{
    Lane *lane = &portions->lanes[number];
    g_autoptr(GPtrArray) portion = gather(portions, number, measure(portions, lane), PORTION_POSITIONS_FIRST << MIN(lane->before, 4));

    if (portion->len == 0)
        return NULL;
    lane->left = lane->came = 0;
    for (guint i = 0; i < portion->len; i++)
        lane->left += ((const Piece *)portion->pdata[i])->size;
    lane->before++;
    lane->next = 0;
    lane->end = portion->len;
    lane->asked = lane->heard = now;
    lane->handing_on = lane->cut = FALSE;
    lane->portion = g_steal_pointer(&portion);
    return lane->portion;
}

GBytes *
portion_request(const GPtrArray *portion)
{
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(PositionRange));

    for (guint i = 0; i < portion->len; i++) {
        guint64 position = ((const Piece *)portion->pdata[i])->position;
        PositionRange *last = ranges->len > 0 ? &g_array_index(ranges, PositionRange, ranges->len - 1) : NULL;
        PositionRange range = { position, position };

        if (last && last->last + 1 == position)
            last->last = position;
        else
            g_array_append_val(ranges, range);
    }
    return ranges_format(ranges);
}

guint64
portions_under_way(const Portions *portions)
{
    guint64 bytes = 0;

    for (guint i = 0; i < LANES_MAX; i++)
        bytes += portions->lanes[i].portion ? portions->lanes[i].left : 0;
    return bytes;
}

const Piece *
portions_expect(const Portions *portions, guint number, guint index)
{
    const Lane *lane = &portions->lanes[number];

    return lane->portion && index == lane->next && index < lane->end ? lane->portion->pdata[index] : NULL;
}

static Piece *
step(Portions *portions, guint number, guint index, gint64 now)
{
    Lane *lane = &portions->lanes[number];
    Piece *piece;

    g_assert(portions_expect(portions, number, index));
    piece = lane->portion->pdata[lane->next++];
    lane->left -= piece->size;
    lane->heard = now;
    return piece;
}

Piece *
portions_give(Portions *portions, guint number, guint index, guint32 stored_size, gint64 now)
{
    Piece *piece = step(portions, number, index, now);

    portions->lanes[number].came += piece->size;
    portions->lanes[number].handing_on = TRUE;
    piece->stored_size = stored_size;
    piece->given = TRUE;
    return piece;
}

void
portions_resume(Portions *portions, guint number, gint64 now)
{
    portions->lanes[number].handing_on = FALSE;
    portions->lanes[number].heard = now;
}

void
portions_lack(Portions *portions, guint number, guint index, gint64 now)
{
    Piece *piece = step(portions, number, index, now);

    piece->lacking |= 1u << number;
    put_waiting(portions, piece);
}

/* Those from @first on wait again. */
static void
give_back(Portions *portions, Lane *lane, guint first)
{
    while (lane->end > first) {
        Piece *piece = lane->portion->pdata[--lane->end];

        lane->left -= piece->size;
        put_waiting(portions, piece);
    }
}

void
portions_done(Portions *portions, guint number, gint64 now)
{
    Lane *lane = &portions->lanes[number];
    gint64 took = MAX(now - lane->asked, 1);

    if (!lane->portion)
        return;
    give_back(portions, lane, lane->next);
    if (lane->came >= PORTION_BYTES_MIN / 2 || took >= MEASURE_MIN) {
        guint64 rate = MAX((guint64)((double)lane->came * G_USEC_PER_SEC / took), 1);

        lane->rate = lane->rate ? (lane->rate + rate) / 2 : rate;
    }
    g_clear_pointer(&lane->portion, g_ptr_array_unref);
}

void
portions_leave(Portions *portions, guint number)
{
    Lane *lane = &portions->lanes[number];

    lane->open = FALSE;
    if (!lane->portion)
        return;
    give_back(portions, lane, lane->next);
    g_clear_pointer(&lane->portion, g_ptr_array_unref);
}

void
portions_stored(Portions *portions, Piece *piece)
{
    g_hash_table_remove(portions->pieces, &piece->digest);
}

void
portions_refuse(Portions *portions, Piece *piece)
{
    piece->lacking |= 1u << piece->lane;
    put_waiting(portions, piece);
}

/* Bytes a second: what the present request shows, once it has run for long enough to tell, for it may have become slower than those before. */
static double
present_rate(const Lane *lane, gint64 now)
{
    gint64 took = now - lane->asked;
    double present = (double)lane->came * G_USEC_PER_SEC / MAX(took, 1);

    if (!lane->portion || (took < 2 * MEASURE_MIN && lane->rate))
        return (double)lane->rate;
    return took < HEADROOM ? 0 : lane->rate ? MIN(present, 2.0 * (double)lane->rate) : present;
}

/* Microseconds that @bytes take. */
static gint64
time_for(guint64 bytes, double rate)
{
    double time = rate > 0 ? (double)bytes / rate * G_USEC_PER_SEC : (double)FOREVER;

    return time < (double)FOREVER ? (gint64)time : FOREVER;
}

/* Of the pieces still to come the lane keeps those that it will have brought in @time. */
static guint
keep_for(const Lane *lane, double rate, gint64 time)
{
    double bytes = rate * (double)time / G_USEC_PER_SEC;
    guint kept = lane->next;

    for (double sum = 0; kept < lane->end; kept++) {
        sum += ((const Piece *)lane->portion->pdata[kept])->size;
        if (sum > bytes)
            break;
    }
    return kept;
}

/* Is there a piece in it that @number may have? */
static gboolean
is_of_use(const Lane *lane, guint first, guint number)
{
    for (guint i = first; i < lane->end; i++) {
        if (!(((const Piece *)lane->portion->pdata[i])->lacking & 1u << number))
            return TRUE;
    }
    return FALSE;
}

/* One that has shown nothing yet has as long as the other would need for all of it. */
static gint64
patience_with(const Lane *slow, double rate)
{
    return MIN(4 * MEASURE_MIN, time_for(slow->left, rate) + 2 * HEADROOM);
}

/* What breaking the request of @slow off would save; *@keep: the first piece to take. */
static gint64
gain(const Lane *slow, guint number, double rate, gint64 now, guint *keep)
{
    double slow_rate = present_rate(slow, now);
    gint64 alone, together;

    if (slow_rate <= 0 && now - slow->asked < patience_with(slow, rate))
        return 0;
    /* One that was never asked is taken to be no faster. */
    rate = rate > 0 ? rate : MAX(slow_rate, PORTION_BYTES_MIN);
    alone = time_for(slow->left, slow_rate);
    together = time_for(slow->left, slow_rate + rate) + HEADROOM;
    *keep = keep_for(slow, slow_rate, together);
    return is_of_use(slow, *keep, number) ? alone - together : 0;
}

gboolean
portions_relieve(Portions *portions, guint number, gint64 now)
{
    double rate = present_rate(&portions->lanes[number], now);
    gint64 best = GAIN_MIN;
    Lane *slowest = NULL;
    guint first = 0;

    for (guint i = 0; i < LANES_MAX; i++) {
        Lane *lane = &portions->lanes[i];
        guint keep = 0;
        gint64 time = i != number && lane->open && lane->portion ? gain(lane, number, rate, now, &keep) : 0;

        if (time <= best)
            continue;
        best = time;
        slowest = lane;
        first = keep;
    }
    if (!slowest)
        return FALSE;
    slowest->cut = first == slowest->next;
    give_back(portions, slowest, first);
    return TRUE;
}

gboolean
portions_is_cut(const Portions *portions, guint number)
{
    return portions->lanes[number].portion && portions->lanes[number].cut;
}

static gboolean
is_silent(const Lane *lane, gint64 now)
{
    return lane->portion && !lane->handing_on && now - lane->heard >= STALL_SECONDS * G_USEC_PER_SEC;
}

gint
portions_stalled(const Portions *portions, gint64 now)
{
    gint64 heard = 0;

    for (guint i = 0; i < LANES_MAX; i++)
        heard = MAX(heard, portions->lanes[i].open ? portions->lanes[i].heard : 0);
    for (guint i = 0; i < LANES_MAX; i++) {
        const Lane *lane = &portions->lanes[i];

        /* Others were heard of all the while, or had nothing to do. */
        if (lane->open && is_silent(lane, now) && heard - lane->heard >= (STALL_SECONDS - 1) * G_USEC_PER_SEC)
            return (gint)i;
    }
    return -1;
}

/* Does it wait for somebody who is not there? */
static gboolean
is_without(const Portions *portions)
{
    guint32 open = 0;
    GSequenceIter *iter = g_sequence_get_begin_iter(portions->waiting);

    for (guint i = 0; i < LANES_MAX; i++)
        open |= portions->lanes[i].open ? 1u << i : 0;
    for (; !g_sequence_iter_is_end(iter); iter = g_sequence_iter_next(iter)) {
        if ((((const Piece *)g_sequence_get(iter))->lacking & open) == open)
            return TRUE;
    }
    return FALSE;
}

gboolean
portions_want_more(const Portions *portions, gint64 now)
{
    guint64 bytes = portions->waiting_bytes + portions_under_way(portions);
    double rate = 0;
    gint64 took = 0;

    if (is_without(portions))
        return TRUE;
    for (guint i = 0; i < LANES_MAX; i++) {
        const Lane *lane = &portions->lanes[i];

        rate += lane->open ? present_rate(lane, now) : 0;
        took = MAX(took, lane->open && lane->portion ? now - lane->asked : 0);
    }
    return bytes > 0 && (rate > 0 || took >= MORE_TIME) && time_for(bytes, rate) >= MORE_TIME;
}

gboolean
portions_are_quiet(const Portions *portions)
{
    guint32 open = 0;
    GSequenceIter *iter = g_sequence_get_begin_iter(portions->waiting);

    for (guint i = 0; i < LANES_MAX; i++) {
        if (portions->lanes[i].portion && !portions->lanes[i].cut)
            return FALSE;
        open |= portions->lanes[i].open ? 1u << i : 0;
    }
    for (; !g_sequence_iter_is_end(iter); iter = g_sequence_iter_next(iter)) {
        if (~((const Piece *)g_sequence_get(iter))->lacking & open)
            return FALSE;
    }
    return TRUE;
}

void
portions_forgo(Portions *portions)
{
    GSequenceIter *iter = g_sequence_get_begin_iter(portions->waiting);

    while (!g_sequence_iter_is_end(iter)) {
        GSequenceIter *this = iter;

        iter = g_sequence_iter_next(this);
        g_hash_table_remove(portions->pieces, &((const Piece *)g_sequence_get(this))->digest);
        g_sequence_remove(this);
        portions->forgone++;
    }
    portions->waiting_bytes = 0;
}

guint
portions_left(const Portions *portions)
{
    return g_hash_table_size(portions->pieces) + portions->forgone;
}
