/*
 * place: where bundles are left for others to take: a folder of this machine (or mounted on it), or one on a server over SFTP (sync/BUNDLE.md, DB10-DB13).
 * One thread at a time.
 */
#ifndef CHAMA_SYNC_DROPBOX_PLACE_H
#define CHAMA_SYNC_DROPBOX_PLACE_H

#include "manifests/progress.h"
#include "sync/transport/transport.h"

/* Is the word a place ("sftp://...", or a path with a slash in it), and not the name of a peer? */
gboolean place_is(const char *word);
gboolean place_is_remote(const char *word);

/* USAGE for "sftp://" with no folder (SH1), before anything is connected to; TRUE for a folder here. */
gboolean place_valid(const char *address, GError **error);
/* DB15: USAGE unless the folder @path is a whole path, and not the home nor above or below it, whatever links lead there. */
gboolean place_apart(const char *path, const char *home, GError **error);

typedef struct Place Place;
/* Connects, or looks whether the folder is there.  @options as for sftp_open(). */
Place *place_open(const char *address, const TransportOptions *options, GError **error);
void place_close(Place *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Place, place_close)

/* The bundles that lie there, taken by nobody yet. */
typedef struct {
    guint files;
    guint64 bytes;
} PlaceTotals;
gboolean place_look(Place *place, PlaceTotals *totals, GError **error);

/* Leaves the file @path there as @name: it grows under a name that inboxes pass over, and gets its own when it is whole and durable.  TRUE also if it lies there already, whole;
 * EXISTS if something else does.  @progress may be NULL. */
gboolean place_leave(Place *place, const char *path, const char *name, Progress *progress, GError **error);

#endif
