/*
 * known: the references of listings that were walked whole, so that the walk of another listing need not enter what it has in common with them
 * (listing_cursor_leave_out()).  A reference is the same only if all of it is: the page, its first path, its counts, and its level.
 *
 * Built from the pages above the leaves alone: one in some three hundred.  At most 250 000 references are kept, some 20 MiB; of what is beyond nothing is
 * known, which costs time only.
 */
#ifndef CHAMA_MANIFESTS_LISTING_KNOWN_H
#define CHAMA_MANIFESTS_LISTING_KNOWN_H

#include "manifests/listing/listing.h"

typedef struct KnownPages KnownPages;
KnownPages *known_pages_new(void);
void known_pages_free(KnownPages *known);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KnownPages, known_pages_free)

/* Adds a listing that was walked whole.  On failure only part of it is known. */
gboolean known_pages_add(KnownPages *known, const Digest *root, ListingGet get, gpointer data, GError **error);
/* Was @root the root of one of them? */
gboolean known_pages_has_root(KnownPages *known, const Digest *root);
gboolean known_pages_has(KnownPages *known, guint level, const PageRef *page);
/* A ListingKnows whose data is the KnownPages. */
ListingKnown known_pages_knows(gpointer known, guint level, const PageRef *page, gboolean follows);

#endif
