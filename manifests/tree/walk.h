/*
 * walk: what lies in a folder, in the order of a listing (L2), a folder's names in memory at a time.  Follows no link.
 *
 * An empty folder is an entry; one that holds only what is left out counts as empty.  Special files (sockets, FIFOs, devices) are refused
 * by name, or skipped with a warning.  What stat says of files is asked ahead, by all cores (look.h); all callbacks come from the caller's thread.
 */
#ifndef CHAMA_MANIFESTS_TREE_WALK_H
#define CHAMA_MANIFESTS_TREE_WALK_H

#include "manifests/tree/look.h"
#include "manifests/tree/patterns.h"

typedef struct {
    int root;
    const Patterns *left_out;
    gboolean skip_special;
    void (*warn)(gpointer data, const char *message);   /* may be NULL */
    gpointer warn_data;
    /* A regular file, a link or an empty folder. */
    LookVisit visit;
    gpointer visit_data;
    guint64 skipped;           /* special files and what is left out, a folder counted once */
} Walk;

gboolean walk_folder(Walk *walk, GError **error);

/* TRUE if it was skipped; FALSE with an error otherwise. */
gboolean walk_special(Walk *walk, const char *path, mode_t mode, GError **error);

#endif
