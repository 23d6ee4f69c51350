#include "manifests/ingest/earlier.h"

#define STEPS_MAX 64   /* items to go on before a descent from the root is cheaper */

struct Earlier {
    Store *store;
    Digest root;
    ListingCursor *cursor;     /* NULL before the first question, and once the listing could not be read */
    gboolean failed;
    const Item *item;          /* where the cursor stands; NULL: nowhere, or at the end */
};

Earlier *
earlier_new(Store *store, const Digest *root)
{
    Earlier *earlier = g_new0(Earlier, 1);

    earlier->store = store;
    earlier->root = *root;
    return earlier;
}

void
earlier_free(Earlier *earlier)
{
    if (!earlier)
        return;
    g_clear_pointer(&earlier->cursor, listing_cursor_free);
    g_free(earlier);
}

static GBytes *
get_page(gpointer data, const Digest *digest, GError **error)
{
    Earlier *earlier = data;

    return store_get(earlier->store, digest, error);
}

static void
give_up(Earlier *earlier)
{
    g_clear_pointer(&earlier->cursor, listing_cursor_free);
    earlier->item = NULL;
    earlier->failed = TRUE;
}

static gboolean
step(Earlier *earlier)
{
    g_autoptr(GError) failed = NULL;

    if (listing_cursor_next(earlier->cursor, &earlier->item, NULL, NULL, &failed))
        return TRUE;
    earlier->item = NULL;
    if (failed)
        give_up(earlier);
    return FALSE;
}

/* TRUE if it now stands at the first item of @path. */
static gboolean
go_to(Earlier *earlier, const char *path)
{
    int order = 1;

    for (guint i = 0; earlier->item && i < STEPS_MAX; i++) {
        order = path_compare(earlier->item->path, path);
        if (order >= 0)
            break;
        if (!step(earlier))
            return FALSE;
    }
    if (earlier->item && order == 0)
        return TRUE;
    if (!listing_cursor_seek_path(earlier->cursor, path, NULL)) {
        give_up(earlier);
        return FALSE;
    }
    return step(earlier) && path_compare(earlier->item->path, path) == 0;
}

static gboolean
take_chunks(Earlier *earlier, GArray *chunks)
{
    const Item *item = earlier->item;

    for (;;) {
        if (item->kind > ITEM_EXECUTABLE || chunks->len + item->chunk_count > ALIGNMENT_CHUNKS_MAX)
            return FALSE;
        if (item->chunk_count > 0)
            g_array_append_vals(chunks, item->chunks, item->chunk_count);
        if (item->kind != ITEM_PART)
            return chunks->len > 0;
        if (!step(earlier))
            return FALSE;
        item = earlier->item;
    }
}

Alignment *
earlier_align(Earlier *earlier, const char *path, guint64 size)
{
    g_autoptr(GArray) chunks = NULL;

    if (!earlier->cursor && !earlier->failed) {
        earlier->cursor = listing_cursor_new(&earlier->root, get_page, earlier, NULL);
        earlier->failed = !earlier->cursor;
    }
    if (earlier->failed || !go_to(earlier, path))
        return NULL;
    chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    return take_chunks(earlier, chunks) ? alignment_new(earlier->store, g_steal_pointer(&chunks), size) : NULL;
}
