#include "manifests/store/base_cache.h"

#define CACHE_OBJECTS_MAX 64

typedef struct {
    Digest digest;
    GBytes *plain;
} Cached;

struct BaseCache {
    GMutex mutex;
    GHashTable *objects;      /* Cached, by its digest; its link in recent */
    GQueue recent;            /* Cached, the last used first */
};

static void
cached_free(gpointer data)
{
    Cached *cached = data;

    g_bytes_unref(cached->plain);
    g_free(cached);
}

BaseCache *
base_cache_new(void)
{
    BaseCache *cache = g_new0(BaseCache, 1);

    g_mutex_init(&cache->mutex);
    cache->objects = g_hash_table_new(digest_hash, digest_equal);
    g_queue_init(&cache->recent);
    return cache;
}

void
base_cache_clear(BaseCache *cache)
{
    g_mutex_lock(&cache->mutex);
    g_hash_table_remove_all(cache->objects);
    g_queue_clear_full(&cache->recent, cached_free);
    g_mutex_unlock(&cache->mutex);
}

void
base_cache_free(BaseCache *cache)
{
    if (!cache)
        return;
    base_cache_clear(cache);
    g_hash_table_unref(cache->objects);
    g_mutex_clear(&cache->mutex);
    g_free(cache);
}

GBytes *
base_cache_get(BaseCache *cache, const Digest *digest)
{
    GBytes *plain = NULL;
    GList *link;

    g_mutex_lock(&cache->mutex);
    link = g_hash_table_lookup(cache->objects, digest);
    if (link) {
        g_queue_unlink(&cache->recent, link);
        g_queue_push_head_link(&cache->recent, link);
        plain = g_bytes_ref(((Cached *)link->data)->plain);
    }
    g_mutex_unlock(&cache->mutex);
    return plain;
}

void
base_cache_put(BaseCache *cache, const Digest *digest, GBytes *plain)
{
    Cached *cached, *oldest = NULL;

    g_mutex_lock(&cache->mutex);
    if (!g_hash_table_contains(cache->objects, digest)) {
        cached = g_new(Cached, 1);
        *cached = (Cached){ *digest, g_bytes_ref(plain) };
        g_queue_push_head(&cache->recent, cached);
        g_hash_table_insert(cache->objects, &cached->digest, cache->recent.head);
        if (cache->recent.length > CACHE_OBJECTS_MAX) {
            oldest = g_queue_pop_tail(&cache->recent);
            g_hash_table_remove(cache->objects, &oldest->digest);
        }
    }
    g_mutex_unlock(&cache->mutex);
    if (oldest)
        cached_free(oldest);
}
