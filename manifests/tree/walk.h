/*
 * walk: what lies in a folder, in the order of a listing (L2), a folder's entries in memory at a time.  Follows no link.
 *
 * An empty folder is an entry; one that holds only what is left out counts as empty.  Special files (sockets, FIFOs, devices) are refused
 * by name, or skipped with a warning.
 */
#ifndef CHAMA_MANIFESTS_TREE_WALK_H
#define CHAMA_MANIFESTS_TREE_WALK_H

#include <sys/stat.h>

#include "manifests/tree/patterns.h"

typedef struct {
    int root;
    const Patterns *left_out;
    gboolean skip_special;
    void (*warn)(gpointer data, const char *message);   /* may be NULL */
    gpointer warn_data;
    /* A regular file, a link or an empty folder, with its size as it was seen. */
    gboolean (*visit)(gpointer data, const char *path, mode_t mode, guint64 size, GError **error);
    gpointer visit_data;
    guint64 skipped;           /* special files and what is left out, a folder counted once */
} Walk;

gboolean walk_folder(Walk *walk, GError **error);

/* "PATH changed while it was read" (FAILED). */
gboolean walk_changed(const char *path, GError **error);
/* TRUE if it was skipped; FALSE with an error otherwise. */
gboolean walk_special(Walk *walk, const char *path, mode_t mode, GError **error);

#endif
