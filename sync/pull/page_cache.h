/*
 * page_cache: the listing pages that came last, for they are read while nothing of them is committed yet.  The first that came go first, so that it
 * holds at most 16 MiB (I6); they are in the store.
 */
#ifndef CHAMA_SYNC_PULL_PAGE_CACHE_H
#define CHAMA_SYNC_PULL_PAGE_CACHE_H

#include "keys/digest.h"

typedef struct PageCache PageCache;
PageCache *page_cache_new(void);
void page_cache_free(PageCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PageCache, page_cache_free)

/* @page: bytes that were found to be @digest. */
void page_cache_put(PageCache *cache, const Digest *digest, GBytes *page);
/* The caller's; NULL if it is not there. */
GBytes *page_cache_get(PageCache *cache, const Digest *digest);

#endif
