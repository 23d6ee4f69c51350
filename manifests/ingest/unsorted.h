/*
 * unsorted: the entries of an archive, which come in any order: collected, then checked against each other and written to a listing.
 *
 * AR1 A path names one thing: the same folder may come twice, anything else may not.
 * AR2 A file or link has nothing below it.
 * AR3 A hard link names a file that came before it, and is a file with the same content.
 * A folder is an entry only if nothing is in it; what is left out counts as nothing.
 */
#ifndef CHAMA_MANIFESTS_INGEST_UNSORTED_H
#define CHAMA_MANIFESTS_INGEST_UNSORTED_H

#include "manifests/ingest/records.h"
#include "manifests/listing/listing.h"
#include "manifests/tree/patterns.h"

#define HARD_LINKS_MAX 100000          /* files with other names: their paths are in memory */

typedef struct Unsorted Unsorted;
Unsorted *unsorted_new(void);
void unsorted_free(Unsorted *unsorted);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Unsorted, unsorted_free)

/* The next chunk of the file that is going to be added next. */
gboolean unsorted_add_chunk(Unsorted *unsorted, const ChunkRef *chunk, GError **error);
/* An entry; for a file, its chunks are those added since the file before. LIMIT beyond HARD_LINKS_MAX of those. */
gboolean unsorted_add(Unsorted *unsorted, Archived *archived, GError **error);

/* Once: all but what @left_out matches; *@skipped is increased by what it matches. MALFORMED for AR1-AR3. */
gboolean unsorted_write(Unsorted *unsorted, const Patterns *left_out, ListingWriter *listing, guint64 *skipped, GError **error);

#endif
