/*
 * outbox: bundles on their way to a place (place.h): made in a folder of this node, left there one by one, and only then counted as gone (sync/BUNDLE.md, DB10-DB16).
 * Killed at any time it goes on where it was: what was made is left, once; at the worst the one file that was just being left lies there twice.
 *
 * The folder holds "making" (what was being made; worthless after a kill), "ready" (what is to be left), "sent" (what was left of it), in these "wish", "left" (what the offer keeps of all that
 * was left before), "state" (of this node, when the last bundle was made) and, if the last turn was by hand, "by-hand".
 */
#ifndef CHAMA_SYNC_DROPBOX_OUTBOX_H
#define CHAMA_SYNC_DROPBOX_OUTBOX_H

#include "manifests/progress.h"
#include "sync/transport/transport.h"

#define OUTBOX_VOLUME (256 * 1024 * 1024)   /* DB12 */
#define OUTBOX_HAND_DAYS 7                  /* DB16 */

typedef struct {
    guint files_max;           /* DB13: that lie there, taken by nobody; 0: no bound */
    guint64 bytes_max;         /* of them; 0: no bound */
} OutboxLimits;

/* Makes a bundle at @path ("FOLDER/NAME.tar"; its volumes beside it), without what was left before: @left is what this said of the last one that was left whole (NULL: there was
 * none).  *@now: the same of this one, the caller's to g_free().  *@empty if there is nothing to tell: then what was written is not left. */
typedef gboolean (*OutboxMake)(gpointer data, const char *path, const char *left, char **now, gboolean *empty, GError **error);

typedef struct {
    const char *state;         /* while it is the same there is nothing new; NULL: what is made says nothing of that */
    gboolean anew;             /* though it is the same */
    const char *wish;          /* with @anew: what was asked for; who asks for the same again after a cut gets what was made then, not both; NULL: nobody does */
    gboolean by_hand;          /* nobody comes back to what could not be left (DB16) */
    OutboxMake make;
    gpointer data;
} OutboxOffer;

typedef struct {
    guint left;                /* files that were left now, */
    guint64 bytes;             /* of so many bytes, */
    char last[64];             /* the last of them ("": none) */
    guint waiting;             /* files that wait for room there */
    guint there;               /* that lie there, before */
    gboolean full, nothing_new;
} OutboxResult;

/* One turn.  @stage: the folder, made if it is not there; EXISTS if another process is at it.  FALSE: not all could be left; what is ready waits for the next turn, or if
 * it is by hand and cannot be gone on with is removed. */
gboolean outbox_run(const char *stage, const char *address, const OutboxLimits *limits, const OutboxOffer *offer, const TransportOptions *options, Progress *progress,
                    OutboxResult *result, GError **error);

/* DB16: removes below @home what was made by hand for places that have not taken it for long. */
void outbox_sweep(const char *home, gint64 now);

/* Where below @home the stage of bundles for @peer (NULL: for anyone) at @address lies.  The caller's. */
char *outbox_stage(const char *home, const char *peer, const char *address);

#endif
