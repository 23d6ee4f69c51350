#include "manifests/checkout/content.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/checkout.h"

static gboolean
check_size(const ChunkRef *chunk, gsize size, GError **error)
{
    char hex[DIGEST_HEX_SIZE];

    return size == chunk->size || chama_error(error, CHAMA_ERROR_VERIFY, "chunk %s: want %u bytes as the listing says, have %zu",
                                              digest_format_hex(&chunk->digest, hex), chunk->size, size);
}

GBytes *
content_chunk(Store *store, const ChunkRef *chunk, GError **error)
{
    g_autoptr(GBytes) bytes = store_get(store, &chunk->digest, error);

    return bytes && check_size(chunk, g_bytes_get_size(bytes), error) ? g_steal_pointer(&bytes) : NULL;
}

gboolean
content_is_one_chunk(const ChunkRef *chunks, guint count)
{
    return count == 1 && chunks[0].run == 1;
}

const guint8 *
content_next(StoreReading *reading, const ChunkRef *chunk, ReadingProof proof, GError **error)
{
    gsize size;
    const guint8 *data = store_reading_next(reading, proof, &size, error);

    return data && check_size(chunk, size, error) ? data : NULL;
}

gboolean
content_check(const char *path, guint64 want_size, guint64 size, const Digest *want, const Digest *digest, GError **error)
{
    g_autofree char *shown = path_display(path);
    char want_text[DIGEST_TEXT_SIZE], text[DIGEST_TEXT_SIZE];

    if (size != want_size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: want %" G_GUINT64_FORMAT " bytes, have %" G_GUINT64_FORMAT, shown, want_size, size);
    return digest_equal(want, digest) || chama_error(error, CHAMA_ERROR_VERIFY, "%s: want %s, have %s", shown,
                                                     digest_format(want, want_text), digest_format(digest, text));
}

gboolean
content_chunks_are_right(Store *store, const ChunkRef *chunks, guint count, GError **error)
{
    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) bytes = content_chunk(store, &chunks[i], error);

        if (!bytes)
            return FALSE;
    }
    return TRUE;
}

gboolean
content_file_is_right(Store *store, const Digest *listing, const char *path, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(listing, store_listing_get, store, error);
    GError *failed = NULL;
    const Item *item;

    if (!cursor || !listing_cursor_seek_path(cursor, path, error))
        return FALSE;
    while (listing_cursor_next(cursor, &item, NULL, NULL, &failed) && strcmp(item->path, path) == 0)
        if (!content_chunks_are_right(store, item->chunks, item->chunk_count, error))
            return FALSE;
    if (failed)
        g_propagate_error(error, failed);
    return !failed;
}
