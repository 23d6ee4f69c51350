/*
 * look: asks of paths, in windows and by all cores, what stat says of them, and tells it in the order in which they were added.
 * One thread owns it; the telling happens in its calls.
 */
#ifndef CHAMA_MANIFESTS_TREE_LOOK_H
#define CHAMA_MANIFESTS_TREE_LOOK_H

#include "manifests/tree/stamp.h"

typedef struct {
    const char *path;          /* valid during the visit */
    mode_t mode;
    Stamp stamp;               /* not of folders */
    gboolean trusted;          /* the file system can be, with stamps (AR10) */
} Found;

typedef gboolean (*LookVisit)(gpointer data, const Found *found, GError **error);

typedef struct Look Look;
/* @root: the folder below which the paths lie. */
Look *look_new(int root, LookVisit visit, gpointer visit_data);
void look_free(Look *look);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Look, look_free)

/* A path of a file, a link or an empty folder, as @mode says: FAILED, in this call or a later one, if by then it is something else. */
gboolean look_add(Look *look, const char *path, mode_t mode, GError **error);
/* Tells the rest. */
gboolean look_finish(Look *look, GError **error);

/* "PATH changed while it was read" (FAILED). */
gboolean look_changed(const char *path, GError **error);
/* The error for a path that cannot be read, of @errnum. */
gboolean look_failed(const char *path, int errnum, GError **error);

#endif
