/*
 * exporting: what `chama get` does where a version is to become one file: an archive beside others, or to standard output.
 */
#ifndef CHAMA_NODE_EXPORTING_H
#define CHAMA_NODE_EXPORTING_H

#include "manifests/export.h"
#include "manifests/home.h"

typedef struct {
    ExportFormat format;
    char **only;
    gboolean force;            /* replace FILE */
    gboolean proof;            /* into a bag, with what is known today */
    gboolean json;
} ExportingOptions;

/* Is @file, by its name and if there is no such folder, an archive to write, and @word (--format, may be NULL) says which?  *@archive is set to that; USAGE if
 * the two do not go together. */
gboolean exporting_choose(const char *word, const char *file, gboolean *archive, ExportFormat *format, GError **error);

/* Before the home is opened, while there is one thread: what a format needs of the process. */
void exporting_prepare(ExportFormat format);

/* @file "-": standard output.  It gets its name only when it is whole.  @status is set where nobody reads standard output any more. */
gboolean exporting(Home *home, const Manifest *manifest, const char *file, const ExportingOptions *options, int *status, GError **error);

#endif
