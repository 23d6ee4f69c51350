#include "keys/error.h"
#include "sync/pull/transfer.h"

PartPages
part_pages_new(void)
{
    return (PartPages){ .digests = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL) };
}

void
part_pages_clear(PartPages *pages)
{
    g_clear_pointer(&pages->digests, g_hash_table_unref);
}

gboolean
part_pages_see(gpointer data, const Digest *page)
{
    PartPages *pages = data;

    if (pages->too_many || g_hash_table_contains(pages->digests, page))
        return TRUE;
    pages->too_many = g_hash_table_size(pages->digests) == PART_PAGES_MAX;
    if (!pages->too_many)
        g_hash_table_add(pages->digests, g_memdup2(page, sizeof *page));
    return pages->too_many;
}

gboolean
part_pages_check(const PartPages *pages, GError **error)
{
    return !pages->too_many || chama_error(error, CHAMA_ERROR_LIMIT, "listing: want at most %d pages with nothing but parts of files, have more", PART_PAGES_MAX);
}
