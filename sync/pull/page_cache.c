#include "sync/pull/page_cache.h"

#define BYTES_MAX (16 * 1024 * 1024)

typedef struct {
    Digest digest;
    GBytes *page;
} Kept;

struct PageCache {
    GHashTable *pages;  /* Digest -> the Kept that it is in */
    GQueue order;       /* of Kept, the newest first */
    gsize bytes;
};

static void
kept_free(gpointer data)
{
    Kept *kept = data;

    g_bytes_unref(kept->page);
    g_free(kept);
}

PageCache *
page_cache_new(void)
{
    PageCache *cache = g_new0(PageCache, 1);

    cache->pages = g_hash_table_new_full(digest_hash, digest_equal, NULL, kept_free);
    g_queue_init(&cache->order);
    return cache;
}

void
page_cache_free(PageCache *cache)
{
    if (!cache)
        return;
    g_queue_clear(&cache->order);
    g_hash_table_unref(cache->pages);
    g_free(cache);
}

void
page_cache_put(PageCache *cache, const Digest *digest, GBytes *page)
{
    Kept *kept;

    if (g_hash_table_contains(cache->pages, digest))
        return;
    kept = g_new(Kept, 1);
    *kept = (Kept){ *digest, g_bytes_ref(page) };
    g_hash_table_insert(cache->pages, &kept->digest, kept);
    g_queue_push_head(&cache->order, kept);
    cache->bytes += g_bytes_get_size(page);
    while (cache->bytes > BYTES_MAX) {
        Kept *oldest = g_queue_pop_tail(&cache->order);

        cache->bytes -= g_bytes_get_size(oldest->page);
        g_hash_table_remove(cache->pages, &oldest->digest);
    }
}

GBytes *
page_cache_get(PageCache *cache, const Digest *digest)
{
    const Kept *kept = g_hash_table_lookup(cache->pages, digest);

    return kept ? g_bytes_ref(kept->page) : NULL;
}
