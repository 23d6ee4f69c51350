/*
 * missing: single records that stand in no ledger held whole, each with what proves it: kept ones, and those that accepted peers give (sync/PROTOCOL.md,
 * PU24, E27).  What a lineage asks where its own ledgers end (manifests/lineage/facts.h).
 *
 * Kept as records/<node id>/<64 hex digits of the address>, as they came; verified again each time they are read.
 */
#ifndef CHAMA_SYNC_PULL_MISSING_H
#define CHAMA_SYNC_PULL_MISSING_H

#include "manifests/lineage/facts.h"
#include "sync/pull.h"

#define MISSING_KEPT_MAX 10000         /* records kept, of all nodes */

typedef struct {
    gboolean offline;                  /* ask nobody */
    Progress *progress;                /* may be NULL: cancelled by another thread */
    void (*talk)(gpointer data, const char *line);   /* for people; may be NULL */
    gpointer talk_data;
} MissingOptions;

typedef struct Missing Missing;
Missing *missing_new(Home *home, const MissingOptions *options);
void missing_free(Missing *missing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Missing, missing_free)
/* Borrows @missing. */
LineageBeyond missing_beyond(Missing *missing);
/* Requests made, records that came. */
guint64 missing_requests(const Missing *missing);
guint missing_fetched(const Missing *missing);

/* Ids of nodes of which records are kept; of char*.  And: verifies all kept ones of @node again (fsck). */
GPtrArray *missing_nodes(Home *home, GError **error);
gboolean missing_verify(Home *home, const char *node, void (*report)(gpointer data, const char *message), gpointer data, GError **error);

#endif
