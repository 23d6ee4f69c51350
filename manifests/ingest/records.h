/*
 * records: what is known of each entry of an archive, added in any order and read back in a listing's order (L2), equal paths in the order
 * in which they came.  Memory is bounded: sorted runs go to a spool (I6).
 */
#ifndef CHAMA_MANIFESTS_INGEST_RECORDS_H
#define CHAMA_MANIFESTS_INGEST_RECORDS_H

#include "manifests/listing/page.h"

typedef enum { ARCHIVED_FILE, ARCHIVED_EXECUTABLE, ARCHIVED_LINK, ARCHIVED_HARD_LINK, ARCHIVED_FOLDER, ARCHIVED_LEFT_OUT } ArchivedKind;

typedef struct {
    ArchivedKind kind;
    guint64 number;            /* which entry of the archive */
    guint64 size;              /* of a file; and its digest, and where its chunks are (whoever keeps them) */
    Digest digest;
    guint64 first_chunk, chunk_count;
    const char *path;
    const char *target;        /* of a link; the path of a hard link's file; else "" */
} Archived;

typedef struct Records Records;
Records *records_new(gsize memory_limit);
void records_free(Records *records);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Records, records_free)

gboolean records_add(Records *records, const Archived *archived, GError **error);
/* To the beginning; nothing can be added after this. */
gboolean records_rewind(Records *records, GError **error);
/* Valid until the next call; FALSE without an error at the end. */
gboolean records_next(Records *records, Archived *archived, GError **error);

#endif
