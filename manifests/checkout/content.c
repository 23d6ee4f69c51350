#include "manifests/checkout/content.h"

#include "keys/error.h"

GBytes *
content_chunk(Store *store, const ChunkRef *chunk, GError **error)
{
    g_autoptr(GBytes) bytes = store_get(store, &chunk->digest, error);
    char hex[DIGEST_HEX_SIZE];

    if (!bytes || g_bytes_get_size(bytes) == chunk->size)
        return g_steal_pointer(&bytes);
    return chama_error_null(error, CHAMA_ERROR_VERIFY, "chunk %s: want %u bytes as the listing says, have %zu",
                            digest_format_hex(&chunk->digest, hex), chunk->size, g_bytes_get_size(bytes));
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
