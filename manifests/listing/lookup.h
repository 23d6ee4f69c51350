/*
 * lookup: what stands in a listing at or around a path: for those who have another version beside it and look for what is nearly the same.
 * One thread; cheapest in the order of the listing.
 */
#ifndef CHAMA_MANIFESTS_LISTING_LOOKUP_H
#define CHAMA_MANIFESTS_LISTING_LOOKUP_H

#include "manifests/listing/listing.h"

typedef struct ListingLookup ListingLookup;
/* Reads nothing yet. */
ListingLookup *listing_lookup_new(const Digest *root, ListingGet get, gpointer data);
void listing_lookup_free(ListingLookup *lookup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ListingLookup, listing_lookup_free)

/* The chunks of the file @path, in order, to @visit, which says whether to go on.  FALSE without an error if there is no such file. */
typedef gboolean (*ListingLookupVisit)(gpointer data, const ChunkRef *chunk);
gboolean listing_lookup_chunks(ListingLookup *lookup, const char *path, ListingLookupVisit visit, gpointer data, GError **error);

/* The pages of the level of @page below which the paths lie that lie below @page, as far as @most goes: how many there are.  0 with an error if they
 * cannot be read. */
guint listing_lookup_pages(ListingLookup *lookup, const Page *page, Digest *digests, guint most, GError **error);

#endif
