/*
 * offer: what this node leaves for others in a drop box: its ledger and those that it passes on, and of its datasets the newest versions that the receiver may have and that
 * were not left for it before (sync/BUNDLE.md, DB12).
 */
#ifndef CHAMA_SYNC_DROPBOX_OFFER_H
#define CHAMA_SYNC_DROPBOX_OFFER_H

#include "manifests/home.h"
#include "manifests/progress.h"
#include "sync/dropbox/outbox.h"

typedef struct {
    Home *home;
    const char *peer;          /* node id; NULL: for anyone */
    const GPtrArray *versions; /* of Manifest*: these and no others; NULL: the newest of each own dataset */
    gboolean whole;            /* also what was left before */
    const char *since;         /* of BundleCreateOptions, with @peer; NULL: nothing is left out */
    guint64 volume_max;        /* bytes of a volume; 0: OUTBOX_VOLUME */
    Progress *progress;        /* may be NULL */
    void (*talk)(gpointer data, const char *line);
    gpointer talk_data;
} Offer;

/* What changes when there may be something new for @peer.  The caller's; NULL with an error. */
char *offer_state(Home *home, const char *peer, GError **error);
/* An OutboxMake over an Offer*. */
gboolean offer_make(gpointer offer, const char *path, const char *left, char **now, gboolean *empty, GError **error);

#endif
