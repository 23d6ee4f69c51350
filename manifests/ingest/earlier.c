#include "manifests/ingest/earlier.h"

#include "manifests/listing/lookup.h"

struct Earlier {
    Store *store;
    ListingLookup *lookup;     /* NULL once the listing could not be read */
};

static GBytes *
get_page(gpointer data, const Digest *digest, GError **error)
{
    Earlier *earlier = data;

    return store_get(earlier->store, digest, error);
}

Earlier *
earlier_new(Store *store, const Digest *root)
{
    Earlier *earlier = g_new0(Earlier, 1);

    earlier->store = store;
    earlier->lookup = listing_lookup_new(root, get_page, earlier);
    return earlier;
}

void
earlier_free(Earlier *earlier)
{
    if (!earlier)
        return;
    g_clear_pointer(&earlier->lookup, listing_lookup_free);
    g_free(earlier);
}

static gboolean
take_chunk(gpointer data, const ChunkRef *chunk)
{
    GArray *chunks = data;

    g_array_append_val(chunks, *chunk);
    return chunks->len <= ALIGNMENT_CHUNKS_MAX;
}

Alignment *
earlier_align(Earlier *earlier, const char *path, guint64 size)
{
    g_autoptr(GArray) chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    g_autoptr(GError) failed = NULL;
    gboolean known = earlier->lookup && listing_lookup_chunks(earlier->lookup, path, take_chunk, chunks, &failed);

    if (failed)
        g_clear_pointer(&earlier->lookup, listing_lookup_free);
    if (!known || chunks->len == 0 || chunks->len > ALIGNMENT_CHUNKS_MAX)
        return NULL;
    return alignment_new(earlier->store, g_steal_pointer(&chunks), size);
}

guint
earlier_page(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX])
{
    Earlier *earlier = data;
    g_autoptr(GBytes) copy = g_bytes_new_static(bytes, size);
    g_autoptr(Page) page = attempt == 0 && earlier->lookup ? page_parse(copy, NULL) : NULL;

    return page ? listing_lookup_pages(earlier->lookup, page, bases, PATCH_BASES_MAX, NULL) : 0;
}
