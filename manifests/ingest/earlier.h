/*
 * earlier: the version of a dataset before the one that is being made, asked file by file for what a chunk that is new may be a small change of.  It is
 * only ever a help: what cannot be read, or is too large, counts as not there.  One thread.
 */
#ifndef CHAMA_MANIFESTS_INGEST_EARLIER_H
#define CHAMA_MANIFESTS_INGEST_EARLIER_H

#include "manifests/ingest/alignment.h"
#include "manifests/listing/listing.h"

typedef struct Earlier Earlier;
/* @root: of its listing. */
Earlier *earlier_new(Store *store, const Digest *root);
void earlier_free(Earlier *earlier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Earlier, earlier_free)

/* With the file of the same path, for one that will have @size bytes: the caller's; NULL if there was none.  Cheapest in the order of a listing. */
Alignment *earlier_align(Earlier *earlier, const char *path, guint64 size);

/* A StoreLikeness for a page of a listing: the pages around the same paths.  @data is an Earlier. */
guint earlier_page(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX]);

#endif
