/*
 * ingest: from a folder, a file or an archive to objects in the store and a listing root.  One pass over the bytes, all cores: read, cut, hash
 * (chunk and whole file), look up, compress, append; memory bounded by a constant.
 *
 * A file that changes while it is read is read again (three times), then reported: FAILED, never published torn.  Symbolic links are kept as they
 * are, never followed; one that leads out of the folder is refused (CO1, manifests/tree/beneath.h).  A socket, FIFO or device is refused by
 * name unless skip_special.  The same tree gives the same root from a folder, a tar or a zip (I9).
 *
 * With a memory (manifests/ingest/memory.h) files that have not changed since they were published last are not read (AR9).
 *
 * A file ".chamaignore" at the top says by gitignore's rules what is left out; it is itself published like any other file, unless a line names it.
 * A folder in which nothing is left is an empty folder.
 */
#ifndef CHAMA_MANIFESTS_INGEST_H
#define CHAMA_MANIFESTS_INGEST_H

#include "manifests/ingest/memory.h"
#include "manifests/listing/listing.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

typedef struct {
    char **exclude;            /* globs, as .chamaignore's lines (gitignore's rules for *, ?, **, leading and trailing '/', '!'); may be NULL */
    gboolean skip_special;
    const char *encoding;      /* of names in old zip files; NULL: UTF-8, else as they are */
    Store *store;              /* where the version before lies, */
    const Digest *earlier;     /* and the root of its listing: what changed little since is stored as a patch; may be NULL */
    Memory *memory;            /* of what was published from there last; may be NULL; not of archives */
    Progress *progress;        /* may be NULL */
    void (*warn)(gpointer data, const char *message); /* one line for a person (what was skipped); may be NULL */
    gpointer warn_data;
} IngestOptions;

typedef struct {
    ListingTotals totals;
    guint64 new_bytes;         /* by which packs grew */
    guint64 skipped;           /* special files and excluded paths */
    guint64 recalled;          /* files that were not read, for memory recalled them */
} IngestResult;

/* Adds up the sizes of what ingest_folder() or ingest_file() would read, for whoever shows how much is left: sets the totals of @progress in the end,
 * or not at all if something is wrong (ingest says what).  For a thread of its own. */
void ingest_measure(const char *path, char **exclude, Progress *progress);

/* @writer NULL: nothing is stored (a dry run), but the root and totals are right. */
gboolean ingest_folder(StoreWriter *writer, const char *path, const IngestOptions *options, IngestResult *result, GError **error);
/* One file, published under its own base name. */
gboolean ingest_file(StoreWriter *writer, const char *path, const IngestOptions *options, IngestResult *result, GError **error);
/* What is inside an archive that libarchive reads; "-" is a tar on stdin.  Paths are checked as hostile: absolute, "..", duplicate, special: refused. */
gboolean ingest_archive(StoreWriter *writer, const char *path, const IngestOptions *options, IngestResult *result, GError **error);

#endif
