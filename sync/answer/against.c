#include "sync/answer/against.h"

#include "keys/error.h"
#include "manifests/listing/lookup.h"

#define FILE_CHUNKS_MAX (512 * 1024)   /* beyond, 32 GB and more, chunks are sent whole (I6: 4 MiB a connection) */
#define STEPS_BACK_MAX 8               /* patches of patches that are opened to find a base that the caller has */

struct Against {
    Store *store;
    Scope scope;
    ListingLookup *lookup;        /* NULL once the listing could not be read */
    char *path;                   /* whose chunks these are */
    GArray *chunks;               /* the first 64 bits of each digest: who could find two that have them in common would gain nothing */
    guint at;                     /* where a base was found last: the next one is near */
};

static GBytes *
get_page(gpointer data, const Digest *digest, GError **error)
{
    Against *against = data;

    if (!store_has(against->store, digest, &against->scope))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "listing: a page is not held here");
    return store_get(against->store, digest, error);
}

Against *
against_new(Store *store, const Digest *root, const Scope *scope)
{
    Against *against = g_new0(Against, 1);

    against->store = store;
    against->scope = *scope;
    against->lookup = listing_lookup_new(root, get_page, against);
    against->chunks = g_array_new(FALSE, FALSE, sizeof(guint64));
    return against;
}

void
against_free(Against *against)
{
    if (!against)
        return;
    g_clear_pointer(&against->lookup, listing_lookup_free);
    g_array_unref(against->chunks);
    g_free(against->path);
    g_free(against);
}

static guint64
first_bits(const Digest *digest)
{
    guint64 bits;

    memcpy(&bits, digest->bytes, sizeof bits);
    return bits;
}

static gboolean
take_chunk(gpointer data, const ChunkRef *chunk)
{
    GArray *chunks = data;
    guint64 bits = first_bits(&chunk->digest);

    g_array_append_val(chunks, bits);
    return chunks->len < FILE_CHUNKS_MAX;
}

static void
look_up_file(Against *against, const char *path)
{
    g_autoptr(GError) failed = NULL;

    if (against->path && strcmp(against->path, path) == 0)
        return;
    g_free(against->path);
    against->path = g_strdup(path);
    g_array_set_size(against->chunks, 0);
    against->at = 0;
    if (against->lookup)
        listing_lookup_chunks(against->lookup, path, take_chunk, against->chunks, &failed);
    if (failed)
        g_clear_pointer(&against->lookup, listing_lookup_free);
}

/* Is it a chunk of the earlier file? */
static gboolean
is_there(Against *against, const Digest *digest)
{
    const guint64 *chunks = (const guint64 *)(gpointer)against->chunks->data;
    guint count = against->chunks->len;

    for (guint i = 0; i < count; i++) {
        guint at = (against->at + i) % count;

        if (chunks[at] != first_bits(digest))
            continue;
        against->at = at;
        return TRUE;
    }
    return FALSE;
}

typedef struct {
    guint count;
    Digest digests[PATCH_BASES_MAX];
} Bases;

static gboolean
read_bases(Against *against, const Digest *digest, Bases *bases)
{
    StoredObject object = { 0 };
    gboolean patch;
    gsize size;

    if (!store_get_stored(against->store, digest, &against->scope, &object, NULL))
        return FALSE;
    patch = object.codec == CODEC_PATCH &&
            stored_patch_bases(g_bytes_get_data(object.stored, &size), g_bytes_get_size(object.stored), bases->digests, &bases->count, NULL);
    stored_object_clear(&object);
    return patch;
}

static void
add_base(Bases *bases, const Digest *digest)
{
    for (guint i = 0; i < bases->count; i++)
        if (digest_equal(&bases->digests[i], digest))
            return;
    if (bases->count < PATCH_BASES_MAX)
        bases->digests[bases->count++] = *digest;
}

/* Of @wanted those that are there; of the others what they were made against themselves. TRUE if none was replaced. */
static gboolean
trace_back(Against *against, const Bases *wanted, Bases *found)
{
    Bases now = *wanted;
    gboolean all = TRUE;

    for (guint step = 0; step < STEPS_BACK_MAX; step++) {
        gboolean here = TRUE;

        found->count = 0;
        for (guint i = 0; i < now.count; i++) {
            Bases older;

            if (is_there(against, &now.digests[i])) {
                add_base(found, &now.digests[i]);
                continue;
            }
            all = here = FALSE;
            if (!read_bases(against, &now.digests[i], &older))
                continue;
            for (guint n = 0; n < older.count; n++)
                add_base(found, &older.digests[n]);
        }
        if (here)
            return all;
        now = *found;
    }
    found->count = 0;
    return FALSE;
}

/* Where the item is its whole file: what stands at the same place in the earlier one.  A long line of patches leads away from the versions between, to
 * bases that none of them has. */
typedef struct {
    guint at, from;
    Bases *bases;
} Neighbours;

static gboolean
take_neighbour(gpointer data, const ChunkRef *chunk)
{
    Neighbours *neighbours = data;

    if (neighbours->at >= neighbours->from)
        add_base(neighbours->bases, &chunk->digest);
    return neighbours->at++ < neighbours->from + 1;
}

static gboolean
is_whole_file(const Item *item)
{
    guint64 bytes = 0;

    for (guint i = 0; i < item->chunk_count; i++)
        bytes += item->chunks[i].size * item->chunks[i].run;
    return item->kind != ITEM_PART && bytes == item->size;
}

static void
find_neighbours(Against *against, const Item *item, guint index, Bases *bases)
{
    Neighbours neighbours = { .bases = bases };

    bases->count = 0;
    if (!against->lookup || against->chunks->len == 0 || !is_whole_file(item))
        return;
    neighbours.from = MIN(index, against->chunks->len - 1);
    listing_lookup_chunks(against->lookup, item->path, take_neighbour, &neighbours, NULL);
}

/* Against other objects than those that it is stored against; FALSE if that is not worth it. */
static gboolean
make_patch(Against *against, GBytes *plain, const Bases *bases, StoredObject *object)
{
    gsize size;
    const void *data = g_bytes_get_data(plain, &size);
    GBytes *patch = bases->count > 0 ? store_make_patch(against->store, bases->digests, bases->count, data, size) : NULL;

    if (!patch || (object->codec != CODEC_PATCH && g_bytes_get_size(patch) >= g_bytes_get_size(object->stored))) {
        g_clear_pointer(&patch, g_bytes_unref);
        return FALSE;
    }
    g_bytes_unref(object->stored);
    object->stored = patch;
    object->codec = CODEC_PATCH;
    return TRUE;
}

gboolean
against_chunk(Against *against, const Item *item, guint index, StoredObject *object, GError **error)
{
    const Digest *digest = &item->chunks[index].digest;
    g_autoptr(GBytes) plain = NULL;
    Bases wanted, found;
    gsize size;
    const void *stored = g_bytes_get_data(object->stored, &size);

    if (object->codec != CODEC_PATCH)
        return TRUE;
    if (!stored_patch_bases(stored, size, wanted.digests, &wanted.count, error))
        return FALSE;
    look_up_file(against, item->path);
    if (trace_back(against, &wanted, &found))
        return TRUE;
    plain = store_get(against->store, digest, error);
    if (!plain || make_patch(against, plain, &found, object))
        return plain != NULL;
    find_neighbours(against, item, index, &found);
    return make_patch(against, plain, &found, object) || store_make_whole(against->store, digest, object, error);
}

gboolean
against_page(Against *against, const Digest *digest, StoredObject *object, GError **error)
{
    g_autoptr(GBytes) plain = against->lookup ? store_get(against->store, digest, NULL) : NULL;
    g_autoptr(Page) page = plain ? page_parse(plain, NULL) : NULL;
    Bases bases = { 0 };

    if (page)
        bases.count = listing_lookup_pages(against->lookup, page, bases.digests, PATCH_BASES_MAX, NULL);
    return (page && make_patch(against, plain, &bases, object)) || store_make_whole(against->store, digest, object, error);
}
