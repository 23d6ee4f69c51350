/*
 * opening: from stored bytes to plain bytes, through the bases of patches.
 */
#include "keys/error.h"
#include "manifests/store/base_cache.h"
#include "manifests/store/bases.h"
#include "manifests/store/codec.h"

/* P26: what a patch says of its reach was true when it was stored; a base that was lost and stored anew may need more objects than it did.  So what is
 * opened for one object is counted, and opening it ends whatever lies in the packs. */
#define OPENED_MAX 120

void
bases_clear(Bases *bases)
{
    for (guint i = 0; i < PATCH_BASES_MAX; i++)
        g_clear_pointer(&bases->plain[i], g_bytes_unref);
    bases->count = 0;
}

static void
prefix_free(gpointer data)
{
    g_free(data);
}

const guint8 *
bases_prefix(const Bases *bases, gsize *size)
{
    static GPrivate private = G_PRIVATE_INIT(prefix_free);
    guint8 *room;

    if (bases->count == 1)
        return g_bytes_get_data(bases->plain[0], size);
    room = g_private_get(&private);
    if (!room) {
        room = g_malloc(PATCH_PREFIX_MAX);
        g_private_set(&private, room);
    }
    *size = 0;
    for (guint i = 0; i < bases->count; i++) {
        gsize length;
        const void *data = g_bytes_get_data(bases->plain[i], &length);

        memcpy(room + *size, data, length);
        *size += length;
    }
    return room;
}

static gboolean open_stored(Store *store, const Digest *digest, guint codec, guint reach, guint32 plain_size, const void *stored,
                            gsize stored_size, guint8 *room, guint *opened, GError **error);

/* Its own SHA-256 is left to the object that is opened with it. */
static GBytes *
open_base(Store *store, const Digest *digest, guint *opened, GError **error)
{
    GBytes *plain = base_cache_get(store->bases, digest);
    g_autoptr(GBytes) stored = NULL;
    g_autofree guint8 *room = NULL;
    IndexEntry entry;
    gsize size;
    const void *data;

    if (plain)
        return plain;
    stored = store_find_stored(store, digest, NULL, &entry, error);
    if (!stored)
        return NULL;
    if (entry.plain_size > PATCH_BASE_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_DAMAGED, "P25: want a base of at most %d bytes, have %u", PATCH_BASE_SIZE_MAX, entry.plain_size);
    if (++*opened > OPENED_MAX)
        return chama_error_null(error, CHAMA_ERROR_DAMAGED, "P26: want at most %d objects opened for one, have more", OPENED_MAX);
    room = g_malloc(MAX(entry.plain_size, 1));
    data = g_bytes_get_data(stored, &size);
    if (!open_stored(store, digest, entry.codec, entry.reach, entry.plain_size, data, size, room, opened, error))
        return NULL;
    plain = g_bytes_new_take(g_steal_pointer(&room), entry.plain_size);
    base_cache_put(store->bases, digest, plain);
    return plain;
}

GBytes *
store_open_base(Store *store, const Digest *digest, GError **error)
{
    guint opened = 0;

    return open_base(store, digest, &opened, error);
}

static gboolean
open_bases(Store *store, const Patch *patch, Bases *bases, guint *opened, GError **error)
{
    char text[DIGEST_TEXT_SIZE];

    for (guint i = 0; i < patch->base_count; i++) {
        bases->plain[i] = open_base(store, &patch->bases[i], opened, error);
        bases->digests[i] = patch->bases[i];
        bases->count = i + 1;
        if (bases->plain[i])
            continue;
        g_prefix_error(error, "P27: its base %s: ", digest_format(&patch->bases[i], text));
        return FALSE;
    }
    return TRUE;
}

/* To plain bytes of which nothing is proven yet. */
static gboolean
expand_patch(Store *store, const Digest *digest, const Patch *patch, guint32 plain_size, guint8 *room, guint *opened, GError **error)
{
    g_auto(Bases) bases = { 0 };
    const guint8 *prefix;
    gsize prefix_size;

    if (!open_bases(store, patch, &bases, opened, error))
        return FALSE;
    prefix = bases_prefix(&bases, &prefix_size);
    return codec_expand_patch(digest, prefix, prefix_size, plain_size, patch->delta, patch->delta_size, room, error);
}

/* The same under any codec. */
static gboolean
open_stored(Store *store, const Digest *digest, guint codec, guint reach, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room,
            guint *opened, GError **error)
{
    Patch patch;

    if (codec != CODEC_PATCH)
        return codec_expand(digest, codec, plain_size, stored, stored_size, room, error);
    if (!patch_parse(stored, stored_size, &patch, error))
        return FALSE;
    if (patch.reach != reach)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "P21: want a patch of reach %u as the index says, have %u", reach, patch.reach);
    return expand_patch(store, digest, &patch, plain_size, room, opened, error);
}

gboolean
store_expand_entry(Store *store, const IndexEntry *entry, const void *stored, gsize stored_size, guint8 *room, GError **error)
{
    guint opened = 0;

    return open_stored(store, &entry->digest, entry->codec, entry->reach, entry->plain_size, stored, stored_size, room, &opened, error);
}

gboolean
store_open_entry(Store *store, const IndexEntry *entry, const void *stored, gsize stored_size, guint8 *room, GError **error)
{
    g_autoptr(GError) failed = NULL;
    char name[PACK_NAME_SIZE], text[DIGEST_TEXT_SIZE];

    if (store_expand_entry(store, entry, stored, stored_size, room, &failed) &&
        codec_prove(&entry->digest, room, entry->plain_size, &failed))
        return TRUE;
    /* A base that could not be read for want of memory or files says nothing of what lies here. */
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FAILED)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&failed), "%s: ", digest_format(&entry->digest, text));
        return FALSE;
    }
    return chama_error(error, CHAMA_ERROR_DAMAGED, "pack %s: offset %" G_GUINT64_FORMAT ": %s: %s", pack_name_format(entry->pack, name),
                       entry->offset, digest_format(&entry->digest, text),
                       entry->codec == CODEC_PATCH ? failed->message : "P14: the digest does not hold");
}

/* ---- from a peer ---- */

/* P28: only bases that are held for the same owner: whether an object of another is here is nobody's business. */
static gboolean
check_bases(Store *store, const Digest *digest, const Patch *patch, const Scope *owner, GError **error)
{
    char text[DIGEST_TEXT_SIZE], base[DIGEST_TEXT_SIZE];
    IndexEntry entry;

    for (guint i = 0; i < patch->base_count; i++) {
        if (digest_equal(&patch->bases[i], digest))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: P26: want a patch against others, have one against itself",
                               digest_format(digest, text));
        if (!store_has(store, &patch->bases[i], owner))
            return chama_error(error, CHAMA_ERROR_VERIFY, "%s: P28: want a patch against what is held here for its owner, have one against %s",
                               digest_format(digest, text), digest_format(&patch->bases[i], base));
        if (store_locate(store, &patch->bases[i], &entry) && entry.plain_size > PATCH_BASE_SIZE_MAX)
            return chama_error(error, CHAMA_ERROR_LIMIT, "%s: P25: want bases of at most %d bytes, have one of %u", digest_format(digest, text),
                               PATCH_BASE_SIZE_MAX, entry.plain_size);
    }
    return TRUE;
}

GBytes *
store_open_received(Store *store, const Scope *owner, const Digest *digest, Codec codec, guint32 plain_size, const void *stored,
                    gsize stored_size, GError **error)
{
    g_autofree guint8 *room = NULL;
    guint opened = 0;
    Patch patch;

    if (codec != CODEC_PATCH)
        return stored_object_open(digest, codec, plain_size, stored, stored_size, error);
    /* P11: before the allocation, so that a peer cannot size it. */
    if (!codec_check(codec, plain_size, stored_size, error) || !patch_parse(stored, stored_size, &patch, error) ||
        !check_bases(store, digest, &patch, owner, error))
        return NULL;
    room = g_malloc(MAX(plain_size, 1));
    if (!expand_patch(store, digest, &patch, plain_size, room, &opened, error) || !codec_prove(digest, room, plain_size, error))
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&room), plain_size);
}

gboolean
store_make_whole(Store *store, const Digest *digest, StoredObject *object, GError **error)
{
    g_autoptr(GBytes) plain = NULL;
    gsize size, stored_size;
    const void *data;

    if (object->codec != CODEC_PATCH)
        return TRUE;
    plain = store_get(store, digest, error);
    if (!plain)
        return FALSE;
    data = g_bytes_get_data(plain, &size);
    stored_size = size;
    object->codec = codec_compress(data, size, codec_scratch(), &stored_size);
    g_bytes_unref(object->stored);
    object->stored = object->codec == CODEC_STORED ? g_steal_pointer(&plain) : g_bytes_new(codec_scratch(), stored_size);
    return TRUE;
}

gboolean
stored_patch_bases(const void *stored, gsize stored_size, Digest bases[PATCH_BASES_MAX], guint *count, GError **error)
{
    Patch patch;

    if (!patch_parse(stored, stored_size, &patch, error))
        return FALSE;
    memcpy(bases, patch.bases, patch.base_count * sizeof *bases);
    *count = patch.base_count;
    return TRUE;
}
