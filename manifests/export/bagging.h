/*
 * bagging: the text files that make a version in an archive a bag (manifests/FORMAT.md, EX7-EX10): written before the content, from what the listing says.
 */
#ifndef CHAMA_MANIFESTS_EXPORT_BAGGING_H
#define CHAMA_MANIFESTS_EXPORT_BAGGING_H

#include "manifests/export.h"
#include "manifests/export/archive_writer.h"
#include "manifests/tree/patterns.h"

/* The folder that is the bag ("forest-cover-3/"), and that of its content within the archive.  The caller's. */
char *bagging_top(const Manifest *manifest);
char *bagging_payload(const Manifest *manifest);

/* All that stands before the content.  UNSUPPORTED naming a link: a bag holds none (EX10). */
gboolean bagging_write(ArchiveWriter *writer, Store *store, const Digest *root, const Patterns *only, const ExportOptions *options, GError **error);

#endif
