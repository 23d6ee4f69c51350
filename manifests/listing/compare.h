/*
 * compare: what changed between two listings, at a cost that follows the size of the change: equal pages are never opened.
 */
#ifndef CHAMA_MANIFESTS_LISTING_COMPARE_H
#define CHAMA_MANIFESTS_LISTING_COMPARE_H

#include "manifests/listing/listing.h"

typedef enum { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED, CHANGE_RENAMED } ChangeKind;

/* What one side says of a path: the ITEM_FILE, _EXECUTABLE, _LINK or _FOLDER item without chunks. */
typedef struct {
    ItemKind kind;
    guint64 size;
    Digest digest;     /* of the file; of a link's target; zero for a folder */
} Side;

typedef struct {
    ChangeKind kind;
    char *path;        /* the new path, or the one removed */
    char *old_path;    /* CHANGE_RENAMED only */
    Side before, after;
} Change;
void change_free(Change *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Change, change_free)

/* Each change as it is found, in path order, in the memory of two open paths: no renames.  The change is borrowed for the call; @visit returns
 * FALSE with an error to stop. */
typedef gboolean (*ChangeVisit)(gpointer data, const Change *change, GError **error);
gboolean listing_compare_foreach(const Digest *old_root, const Digest *new_root, ListingGet get, gpointer get_data, ChangeVisit visit,
                                 gpointer visit_data, GError **error);

/* Changes in path order, as an array of Change*.  With @renames, pairs of a removed and an added file with the same non-empty
 * content become one CHANGE_RENAMED (each removed path is used once, in path order).  @old_root may be NULL (all is added). */
GPtrArray *listing_compare(const Digest *old_root, const Digest *new_root, gboolean renames, ListingGet get, gpointer data, GError **error);

#endif
