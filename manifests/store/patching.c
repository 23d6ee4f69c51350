/*
 * patching: making patches, and choosing what against.
 */
#include "manifests/store/bases.h"
#include "manifests/store/codec.h"

/* P28 */
#define PATCH_SIZE_MIN 256     /* below, a head of 34 bytes leaves little to win */
#define PATCH_SURELY 16        /* a patch of so small a part needs no comparison */
#define ATTEMPTS_MAX 2

typedef struct {
    guint count, reach;
    Digest digests[PATCH_BASES_MAX];
} Choice;

static gboolean
choose(Choice *choice, const Digest *digest)
{
    for (guint i = 0; i < choice->count; i++)
        if (digest_equal(&choice->digests[i], digest))
            return TRUE;
    if (choice->count == PATCH_BASES_MAX)
        return FALSE;
    choice->digests[choice->count++] = *digest;
    return TRUE;
}

static gboolean
read_patch(Store *store, const IndexEntry *entry, Patch *patch)
{
    g_autoptr(GBytes) stored = store_read_entry(store, entry, NULL);
    gsize size;
    const void *data = stored ? g_bytes_get_data(stored, &size) : NULL;

    return data && patch_parse(data, size, patch, NULL);
}

typedef gboolean (*Locate)(Store *store, const Digest *digest, IndexEntry *entry);

static gboolean
measure(Store *store, Locate locate, Choice *choice)
{
    choice->reach = choice->count;
    for (guint i = 0; i < choice->count; i++) {
        IndexEntry entry;

        if (!locate(store, &choice->digests[i], &entry) || entry.plain_size > PATCH_BASE_SIZE_MAX)
            return FALSE;
        choice->reach += entry.reach;
    }
    return choice->count > 0;
}

/* Patches among the chosen give way to their own bases. */
static gboolean
step_back(Store *store, Choice *choice)
{
    Choice before = *choice;

    choice->count = 0;
    for (guint i = 0; i < before.count; i++) {
        IndexEntry entry;
        Patch patch;

        if (!store_locate(store, &before.digests[i], &entry))
            return FALSE;
        if (entry.codec != CODEC_PATCH) {
            if (!choose(choice, &entry.digest))
                return FALSE;
            continue;
        }
        if (!read_patch(store, &entry, &patch))
            return FALSE;
        for (guint n = 0; n < patch.base_count; n++)
            if (!choose(choice, &patch.bases[n]))
                return FALSE;
    }
    return measure(store, store_locate, choice);
}

gboolean
store_bases_open(Store *store, const Digest *digests, guint count, Bases *bases)
{
    Choice choice = { 0 };

    for (guint i = 0; i < count; i++)
        if (!choose(&choice, &digests[i]))
            return FALSE;
    if (!measure(store, store_locate, &choice))
        return FALSE;
    for (guint steps = 0; choice.reach > PATCH_REACH_MAX; steps++)
        if (steps == PATCH_REACH_MAX || !step_back(store, &choice))
            return FALSE;
    bases->reach = choice.reach;
    for (guint i = 0; i < choice.count; i++) {
        bases->digests[i] = choice.digests[i];
        bases->plain[i] = store_open_base(store, &choice.digests[i], NULL);
        if (!bases->plain[i])
            return FALSE;
        bases->count = i + 1;
    }
    return TRUE;
}

/* ---- making one ---- */

/* NULL if it takes more than @most bytes. */
static GBytes *
make_patch(const Bases *bases, const void *data, gsize size, gsize most)
{
    g_autofree guint8 *room = NULL;
    gsize head = patch_head_size(bases->count), prefix_size, delta;
    const guint8 *prefix = bases_prefix(bases, &prefix_size);

    if (prefix_size == 0 || most <= head)
        return NULL;
    room = g_malloc(most);
    delta = codec_patch(prefix, prefix_size, data, size, room + head, most - head);
    if (delta == 0)
        return NULL;
    patch_head_format(bases->digests, bases->count, bases->reach, room);
    return g_bytes_new_take(g_realloc(g_steal_pointer(&room), head + delta), head + delta);
}

/* Another writer may have stored meanwhile what is being put: to be made against itself would only make it worse. */
static gboolean
is_among(const Bases *bases, const Digest *digest)
{
    for (guint i = 0; i < bases->count; i++)
        if (digest_equal(&bases->digests[i], digest))
            return TRUE;
    return FALSE;
}

GBytes *
store_find_patch(Store *store, const Digest *digest, const void *data, gsize size, StoreLikeness likeness, gpointer likeness_data,
                 gboolean *surely)
{
    g_autoptr(GBytes) best = NULL;
    Digest digests[PATCH_BASES_MAX];

    *surely = FALSE;
    for (guint attempt = 0; attempt < ATTEMPTS_MAX && size >= PATCH_SIZE_MIN && !*surely; attempt++) {
        g_auto(Bases) bases = { 0 };
        guint count = likeness(likeness_data, attempt, data, size, digests);
        GBytes *patch;

        if (count == 0 || !store_bases_open(store, digests, count, &bases) || is_among(&bases, digest))
            continue;
        patch = make_patch(&bases, data, size, best ? g_bytes_get_size(best) : size / 2);
        if (!patch)
            continue;
        g_clear_pointer(&best, g_bytes_unref);
        best = patch;
        *surely = g_bytes_get_size(patch) <= size / PATCH_SURELY;
    }
    return g_steal_pointer(&best);
}

gboolean
store_measure_patch(Store *store, const void *stored, gsize stored_size, GBytes **patch, GError **error)
{
    Choice choice = { 0 };
    guint8 *bytes;
    Patch parsed;

    *patch = NULL;
    if (!patch_parse(stored, stored_size, &parsed, error))
        return FALSE;
    choice.count = parsed.base_count;
    memcpy(choice.digests, parsed.bases, sizeof choice.digests);
    /* P28: what was put before it lies before it in its pack, or is committed. */
    if (!measure(store, store_locate_put, &choice) || choice.reach > PATCH_REACH_MAX)
        return TRUE;
    bytes = g_memdup2(stored, stored_size);
    bytes[0] = (guint8)choice.reach;
    *patch = g_bytes_new_take(bytes, stored_size);
    return TRUE;
}

GBytes *
store_make_patch(Store *store, const Digest *digests, guint count, const void *data, gsize size)
{
    g_auto(Bases) bases = { 0 };

    if (count > PATCH_BASES_MAX)
        return NULL;
    for (guint i = 0; i < count; i++) {
        bases.digests[i] = digests[i];
        bases.plain[i] = store_open_base(store, &digests[i], NULL);
        if (!bases.plain[i])
            return NULL;
        bases.count = i + 1;
    }
    bases.reach = count;
    return size >= PATCH_SIZE_MIN ? make_patch(&bases, data, size, size / 2) : NULL;
}
