/*
 * left_out: what is not published: the lines of a file ".chamaignore" at the top of the folder or archive, then those of the command.  The
 * file itself is published like any other (git's way), unless a line names it.
 */
#ifndef CHAMA_MANIFESTS_INGEST_LEFT_OUT_H
#define CHAMA_MANIFESTS_INGEST_LEFT_OUT_H

#include "manifests/tree/patterns.h"

#define LEFT_OUT_NAME ".chamaignore"
#define LEFT_OUT_SIZE_MAX (1024 * 1024)

/* @exclude may be NULL. */
gboolean left_out_add(Patterns *patterns, char **exclude, GError **error);
/* The file's lines, if there is one, and then @exclude.  A link or folder of that name is MALFORMED, more than LEFT_OUT_SIZE_MAX is LIMIT. */
gboolean left_out_read(Patterns *patterns, int root, char **exclude, GError **error);

#endif
