/*
 * base_cache: the plain bytes of the objects that patches were opened with last, for neighbours share their bases.  At most 64, so at most 16 MiB (I6).
 * Thread-safe.
 */
#ifndef CHAMA_MANIFESTS_STORE_BASE_CACHE_H
#define CHAMA_MANIFESTS_STORE_BASE_CACHE_H

#include "keys/digest.h"

typedef struct BaseCache BaseCache;
BaseCache *base_cache_new(void);
void base_cache_free(BaseCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BaseCache, base_cache_free)

/* The caller's; NULL if it is not there. */
GBytes *base_cache_get(BaseCache *cache, const Digest *digest);
void base_cache_put(BaseCache *cache, const Digest *digest, GBytes *plain);
void base_cache_clear(BaseCache *cache);

#endif
