#include "manifests/ingest/alignment.h"

#include <stdlib.h>
#include <string.h>

#define NEAR 2048                       /* bytes by which edges may differ and still be the same edge */
#define SEARCH_REACH (512 * 1024)       /* to either side of where a chunk is looked for */
#define ANCHOR_BITS 10                  /* one place of 1024 is an anchor */
#define ANCHORS_MAX 4096                /* of what is searched: four times as many as can be expected */
#define VOTES_MIN 2
#define IDLE_MAX 6                      /* after so many in a row one chunk of 2^6 is searched for */
#define UNLIKE_MAX 3                    /* after so many the others are not even guessed at */

/* A chunk of the earlier file. */
typedef struct {
    guint64 offset;
    guint32 size;
    gboolean repeated;                  /* a run: nothing to make patches against */
    Digest digest;
} Extent;

struct Alignment {
    gint references;
    Store *store;
    Extent *extents;
    guint count;
    gint64 at_end;                      /* the distance if the two ends are the same */
    GMutex mutex;                       /* what follows */
    gint64 distance;                    /* from a place in the new file to the same in the earlier one */
    guint unlike;                       /* searches in a row that found nothing alike */
    guint idle;                         /* the same that were of no use: also where the distance was right, and the chunk much changed */
    guint passed_over;                  /* chunks not searched for since */
};

Alignment *
alignment_new(Store *store, GArray *chunks, guint64 size)
{
    Alignment *alignment = g_new0(Alignment, 1);
    guint64 offset = 0;

    alignment->references = 1;
    alignment->store = store;
    alignment->count = chunks->len;
    alignment->extents = g_new(Extent, MAX(chunks->len, 1));
    for (guint i = 0; i < chunks->len; i++) {
        const ChunkRef *chunk = &g_array_index(chunks, ChunkRef, i);

        alignment->extents[i] = (Extent){ offset, chunk->size, chunk->run > 1, chunk->digest };
        offset += chunk->size * chunk->run;
    }
    alignment->at_end = (gint64)(offset - size);
    g_mutex_init(&alignment->mutex);
    g_array_unref(chunks);
    return alignment;
}

Alignment *
alignment_ref(Alignment *alignment)
{
    g_atomic_int_inc(&alignment->references);
    return alignment;
}

void
alignment_unref(Alignment *alignment)
{
    if (!alignment || !g_atomic_int_dec_and_test(&alignment->references))
        return;
    g_mutex_clear(&alignment->mutex);
    g_free(alignment->extents);
    g_free(alignment);
}

/* ---- by distance ---- */

static gint64
end_of(const Extent *extent)
{
    return (gint64)(extent->offset + extent->size);
}

/* The first extent that ends behind @place. */
static guint
extent_at(const Alignment *alignment, gint64 place)
{
    guint low = 0, high = alignment->count;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (end_of(&alignment->extents[middle]) <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The extents that hold [from, to), but for edges of which there is next to nothing in it. */
static guint
extents_within(const Alignment *alignment, gint64 from, gint64 to, guint *first)
{
    gint64 edge = MIN(NEAR, (to - from) / 8);
    guint count = 0;

    *first = extent_at(alignment, from + edge);
    while (*first + count < alignment->count && (gint64)alignment->extents[*first + count].offset < to - edge)
        count++;
    return count;
}

static guint
name_bases(const Alignment *alignment, gint64 from, gint64 to, Digest bases[PATCH_BASES_MAX])
{
    guint first, count = extents_within(alignment, from, to, &first), named = 0;

    for (guint i = first; i < first + count && named < PATCH_BASES_MAX; i++)
        if (!alignment->extents[i].repeated)
            bases[named++] = alignment->extents[i].digest;
    return named;
}

/* Where a search was of no use, less and less is searched: content that is new altogether must not cost more than being compressed. */
static gboolean
is_due(const Alignment *alignment)
{
    return alignment->passed_over >= (1u << alignment->idle) - 1;
}

/* Where a chunk ends near where an earlier one does, the two ends are the same place: so the distance follows small changes of length. */
static void
follow_edge(Alignment *alignment, gint64 from, gint64 to, guint64 end)
{
    guint first, count = extents_within(alignment, from, to, &first);
    gint64 edge = count > 0 ? end_of(&alignment->extents[first + count - 1]) : G_MAXINT64;

    if (edge - to > -NEAR && edge - to < NEAR)
        alignment->distance = edge - (gint64)end;
}

static guint
guess(Alignment *alignment, guint64 offset, gsize size, Digest bases[PATCH_BASES_MAX])
{
    gint64 from, to;
    gboolean alike;

    g_mutex_lock(&alignment->mutex);
    from = (gint64)offset + alignment->distance;
    to = from + (gint64)size;
    follow_edge(alignment, from, to, offset + size);
    alike = alignment->unlike < UNLIKE_MAX || is_due(alignment);
    g_mutex_unlock(&alignment->mutex);
    return alike ? name_bases(alignment, from, to, bases) : 0;
}

/* ---- by anchors ---- */

typedef struct {
    guint64 hash;
    gint64 place;
} Anchor;

typedef struct {
    guint count;
    guint64 hash;                       /* of the last 64 bytes: each shift drops the oldest */
    Anchor at[ANCHORS_MAX];
} Anchors;

static void
find_anchors(Anchors *anchors, const guint8 *bytes, gsize size, gint64 place)
{
    for (gsize i = 0; i < size; i++) {
        anchors->hash = (anchors->hash << 1) + (bytes[i] + 1) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
        if (anchors->hash >> (64 - ANCHOR_BITS) == 0 && anchors->count < ANCHORS_MAX)
            anchors->at[anchors->count++] = (Anchor){ anchors->hash, place + (gint64)i };
    }
}

static int
compare_anchors(gconstpointer a, gconstpointer b)
{
    const Anchor *x = a, *y = b;

    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* What repeats itself says nothing of where it is. */
static void
keep_unique(Anchors *anchors)
{
    guint kept = 0;

    qsort(anchors->at, anchors->count, sizeof *anchors->at, compare_anchors);
    for (guint i = 0; i < anchors->count; i++) {
        gboolean before = i > 0 && anchors->at[i].hash == anchors->at[i - 1].hash;
        gboolean behind = i + 1 < anchors->count && anchors->at[i].hash == anchors->at[i + 1].hash;

        if (!before && !behind)
            anchors->at[kept++] = anchors->at[i];
    }
    anchors->count = kept;
}

static gboolean
find_earlier_anchors(const Alignment *alignment, gint64 from, gint64 to, Anchors *anchors)
{
    for (guint i = extent_at(alignment, from); i < alignment->count && (gint64)alignment->extents[i].offset < to; i++) {
        const Extent *extent = &alignment->extents[i];
        g_autoptr(GBytes) plain = extent->repeated ? NULL : store_get(alignment->store, &extent->digest, NULL);
        gsize size;
        const guint8 *bytes = plain ? g_bytes_get_data(plain, &size) : NULL;

        if (bytes)
            find_anchors(anchors, bytes, size, (gint64)extent->offset);
    }
    keep_unique(anchors);
    return anchors->count > 0;
}

static int
compare_distances(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

    return x < y ? -1 : x > y;
}

/* The distance that most anchors agree on. */
static gboolean
vote(gint64 *distances, guint count, gint64 *winner)
{
    guint most = 0;

    qsort(distances, count, sizeof *distances, compare_distances);
    for (guint i = 0, run = 0; i < count; i++) {
        run = i > 0 && distances[i] == distances[i - 1] ? run + 1 : 1;
        if (run > most) {
            most = run;
            *winner = distances[i];
        }
    }
    return most >= VOTES_MIN;
}

static gboolean
compare_places(const Anchors *now, const Anchors *earlier, gint64 *distance)
{
    g_autofree gint64 *distances = g_new(gint64, MAX(now->count, 1));
    guint count = 0;

    for (guint i = 0; i < now->count; i++) {
        const Anchor *same = bsearch(&now->at[i], earlier->at, earlier->count, sizeof *earlier->at, compare_anchors);

        if (same)
            distances[count++] = same->place - now->at[i].place;
    }
    return vote(distances, count, distance);
}

static gboolean
search(const Alignment *alignment, const Anchors *now, guint64 offset, gsize size, gint64 around, gint64 *distance)
{
    g_autofree Anchors *earlier = g_new(Anchors, 1);
    gint64 from = (gint64)offset + around - SEARCH_REACH, to = (gint64)(offset + size) + around + SEARCH_REACH;

    earlier->count = 0;
    earlier->hash = 0;
    return find_earlier_anchors(alignment, from, to, earlier) && compare_places(now, earlier, distance);
}

static gboolean
is_worth_searching(Alignment *alignment, gint64 *around)
{
    gboolean worth;

    g_mutex_lock(&alignment->mutex);
    worth = is_due(alignment);
    alignment->passed_over = worth ? 0 : alignment->passed_over + 1;
    *around = alignment->distance;
    g_mutex_unlock(&alignment->mutex);
    return worth;
}

static void
note_search(Alignment *alignment, gboolean alike, gboolean moved, gint64 distance)
{
    g_mutex_lock(&alignment->mutex);
    if (moved)
        alignment->distance = distance;
    alignment->unlike = alike ? 0 : MIN(alignment->unlike + 1, UNLIKE_MAX);
    alignment->idle = moved ? 0 : MIN(alignment->idle + 1, IDLE_MAX);
    g_mutex_unlock(&alignment->mutex);
}

static guint
find_again(Alignment *alignment, guint64 offset, const guint8 *bytes, gsize size, Digest bases[PATCH_BASES_MAX])
{
    g_autofree Anchors *now = NULL;
    gint64 around, distance;
    gboolean found, moved;

    if (!is_worth_searching(alignment, &around))
        return 0;
    now = g_new(Anchors, 1);
    now->count = 0;
    now->hash = 0;
    find_anchors(now, bytes, size, (gint64)offset);
    found = search(alignment, now, offset, size, around, &distance);
    if (!found && ABS(alignment->at_end - around) > SEARCH_REACH)
        found = search(alignment, now, offset, size, alignment->at_end, &distance);
    /* At the distance that was tried already nothing is gained. */
    moved = found && ABS(distance - around) > NEAR;
    note_search(alignment, found, moved, distance);
    return moved ? name_bases(alignment, (gint64)offset + distance, (gint64)(offset + size) + distance, bases) : 0;
}

guint
alignment_likeness(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX])
{
    const AlignedChunk *chunk = data;

    if (attempt == 0)
        return guess(chunk->alignment, chunk->offset, size, bases);
    return attempt == 1 ? find_again(chunk->alignment, chunk->offset, bytes, size, bases) : 0;
}
