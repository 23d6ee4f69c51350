/*
 * leaving: bundles for a peer, or for anyone, left in a folder here or over SFTP: what `chama push DIR` and the outboxes of the daemon have in common.
 */
#ifndef CHAMA_NODE_LEAVING_H
#define CHAMA_NODE_LEAVING_H

#include "node/config.h"
#include "sync/dropbox/offer.h"

typedef struct {
    const char *address;       /* "DIR" or "sftp://..." */
    const char *peer;          /* node id; NULL: for anyone */
    const GPtrArray *versions; /* of Manifest*; NULL: what is new of this node's datasets */
    gboolean whole;            /* also what was left before */
    const char *since;         /* as of an Offer */
    guint64 volume_max;
    gboolean by_hand;          /* DB16 */
    OutboxLimits limits;
    Progress *progress;        /* may be NULL */
    void (*talk)(gpointer data, const char *line);
    gpointer talk_data;
} LeavingOptions;

gboolean leaving_run(Home *home, const LeavingOptions *options, OutboxResult *result, GError **error);

/* What a person says with `chama push`, whose argument is a place. */
typedef struct {
    const char *peer, *since;  /* words; NULL: none */
    guint64 volume_max;
    char **names;
    gboolean whole, json;
} LeavingWords;

/* Prints what was left. */
gboolean leaving_push(Home *home, const char *address, const LeavingWords *words, GError **error);

#endif
