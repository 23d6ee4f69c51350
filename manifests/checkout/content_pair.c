#include "manifests/checkout/content_pair.h"

#include "keys/digest_pair.h"
#include "keys/error.h"
#include "manifests/checkout/content.h"
#include "manifests/store/reading.h"

typedef struct {
    StoreReading *reading;
    const ContentFile *next, *end;     /* still to come */
    const ContentFile *file;           /* under way; NULL */
    guint chunks;                      /* of it, that were taken from the reading, */
    guint64 repeats;                   /* and how often the last of them still comes */
    guint64 size;                      /* of it, that was read */
    const guint8 *bytes;               /* of the last chunk, */
    const guint8 *unhashed;            /* of which from here */
    gsize left;                        /* so many are not yet hashed */
    GError *failed;                    /* why it cannot be read on */
} Leg;

typedef struct {
    const ContentUse *use;
    gpointer data;
    Progress *progress;
    DigestPair *digests;
    Leg legs[CONTENT_LEGS];
} ContentPair;

static void
pair_clear(ContentPair *pair)
{
    for (guint i = 0; i < CONTENT_LEGS; i++) {
        store_reading_free(pair->legs[i].reading);
        g_clear_error(&pair->legs[i].failed);
    }
    digest_pair_free(pair->digests);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ContentPair, pair_clear)

static void
leg_init(Leg *leg, Store *store, const ContentFile *files, guint count)
{
    leg->next = files;
    leg->end = files + count;
    leg->reading = store_reading_new(store);
    for (guint i = 0; i < count; i++)
        for (guint c = 0; c < files[i].chunk_count; c++)
            store_reading_expect(leg->reading, &files[i].chunks[c].digest);
}

/* After how many files half of the bytes are over. */
static guint
half_of(const ContentFile *files, guint count)
{
    guint64 total = 0, before = 0;
    guint half = 0;

    for (guint i = 0; i < count; i++)
        total += files[i].size;
    while (half < count && before + files[half].size / 2 < total / 2)
        before += files[half++].size;
    return half;
}

static gboolean
begin_file(ContentPair *pair, guint leg, GError **error)
{
    Leg *mine = &pair->legs[leg];

    mine->file = mine->next++;
    mine->chunks = 0;
    mine->repeats = mine->size = 0;
    return !pair->use->begin || pair->use->begin(pair->data, leg, mine->file->file, error);
}

static gboolean
end_file(ContentPair *pair, guint leg, GError **error)
{
    Leg *mine = &pair->legs[leg];
    g_autoptr(GError) failed = g_steal_pointer(&mine->failed);
    const ContentFile *file = g_steal_pointer(&mine->file);
    Digest digest;

    digest_pair_reset(pair->digests, leg, &digest);
    store_reading_skip(mine->reading, file->chunk_count - mine->chunks);
    return pair->use->end(pair->data, leg, file->file, mine->size, failed ? NULL : &digest, failed, error);
}

/* FALSE: there is none, or it cannot be read.  A listing that lies about its runs ends at its file's size, not when the disk is full. */
static gboolean
next_piece(Leg *leg)
{
    const ContentFile *file = leg->file;

    if (leg->size > file->size)
        return FALSE;
    if (leg->repeats == 0) {
        if (leg->chunks == file->chunk_count)
            return FALSE;
        leg->bytes = content_next(leg->reading, &file->chunks[leg->chunks], READING_STATED, &leg->failed);
        leg->repeats = file->chunks[leg->chunks++].run;
    }
    if (!leg->bytes)
        return FALSE;
    leg->repeats--;
    leg->unhashed = leg->bytes;
    leg->left = file->chunks[leg->chunks - 1].size;
    leg->size += leg->left;
    return TRUE;
}

/* Until @leg has bytes to be hashed or no file is left. */
static gboolean
go_on(ContentPair *pair, guint leg, GError **error)
{
    Leg *mine = &pair->legs[leg];

    while (mine->left == 0 && (mine->file || mine->next < mine->end)) {
        gboolean good;

        if (progress_cancelled(pair->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        if (!mine->file)
            good = begin_file(pair, leg, error);
        else if (!next_piece(mine))
            good = end_file(pair, leg, error);
        else
            good = !pair->use->piece || pair->use->piece(pair->data, leg, mine->file->file, mine->size - mine->left, mine->bytes, mine->left, error);
        if (!good)
            return FALSE;
    }
    return TRUE;
}

/* As much as both have; where one has nothing left, the other's alone. */
static void
hash(ContentPair *pair)
{
    Leg *first = &pair->legs[0], *second = &pair->legs[1];
    gsize most = first->left && second->left ? MIN(first->left, second->left) : MAX(first->left, second->left);
    gsize sizes[CONTENT_LEGS] = { MIN(most, first->left), MIN(most, second->left) };

    digest_pair_update(pair->digests, first->unhashed, sizes[0], second->unhashed, sizes[1]);
    for (guint i = 0; i < CONTENT_LEGS; i++) {
        pair->legs[i].unhashed += sizes[i];
        pair->legs[i].left -= sizes[i];
    }
}

/* It is through, and the other ends with the file that it is at: what is whole should stay. */
static void
leg_stop(ContentPair *pair, guint leg)
{
    pair->legs[leg].file = NULL;
    pair->legs[leg].left = 0;
    for (guint i = 0; i < CONTENT_LEGS; i++)
        pair->legs[i].next = pair->legs[i].end;
}

gboolean
content_pair_read(Store *store, const ContentFile *files, guint count, const ContentUse *use, gpointer data, Progress *progress, GError **error)
{
    g_auto(ContentPair) pair = { use, data, progress, digest_pair_new() };
    guint half = half_of(files, count);
    GError *failed = NULL;

    leg_init(&pair.legs[0], store, files, half);
    leg_init(&pair.legs[1], store, files + half, count - half);
    for (;;) {
        for (guint leg = 0; leg < CONTENT_LEGS; leg++)
            if (!go_on(&pair, leg, failed ? NULL : &failed))
                leg_stop(&pair, leg);
        if (pair.legs[0].left == 0 && pair.legs[1].left == 0)
            break;
        hash(&pair);
    }
    if (failed)
        g_propagate_error(error, failed);
    return failed == NULL;
}
