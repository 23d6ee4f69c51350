/*
 * export: a version as one file for programs that are not chama: a tar, a zip, or a tar with a BagIt bag in it (manifests/FORMAT.md, rules EX1-EX10).
 *
 * What comes out depends on the version, the format and the selection alone: the same version gives the same bytes, wherever and whenever (EX1).  One pass
 * over the content, whose size and digest are checked on the way: what was written is worth nothing unless TRUE came back (EX5).  Memory is bounded by
 * a constant.
 */
#ifndef CHAMA_MANIFESTS_EXPORT_H
#define CHAMA_MANIFESTS_EXPORT_H

#include "manifests/manifest.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

typedef enum { EXPORT_TAR, EXPORT_ZIP, EXPORT_BAG } ExportFormat;

/* "tar", "zip" or "bagit": USAGE otherwise. */
gboolean export_format_parse(const char *word, ExportFormat *format, GError **error);

/* A file that stands in a bag beside its content, @name being its path from the bag's top. */
typedef struct {
    const char *name;
    GBytes *bytes;
} ExportTag;

typedef struct {
    ExportFormat format;
    char **only;               /* globs of paths, as in CheckoutOptions; NULL: all */
    const Manifest *manifest;  /* of the version: its time is that of all files; what a bag says of itself */
    const ExportTag *tags;     /* of a bag, in ascending order of names; the last has none */
    Progress *progress;        /* may be NULL */
} ExportOptions;

typedef struct {
    guint64 files, links, folders;   /* folders: empty ones */
    guint64 bytes;             /* of the files */
    guint64 size;              /* of the archive */
} ExportResult;

/* Bytes of the archive, in order. */
typedef gboolean (*ExportOut)(gpointer data, const void *bytes, gsize size, GError **error);

/* The listing @root as an archive.  A zip needs the time zone of this process to be UTC, for its times have none: FAILED. UNSUPPORTED naming a path that the
 * format cannot hold, MALFORMED a link that leads out of the folder (CO1), VERIFY or DAMAGED content that is not what the listing says. */
gboolean export_archive(Store *store, const Digest *root, const ExportOptions *options, ExportOut out, gpointer data, ExportResult *result, GError **error);

#endif
