/*
 * branches: another history of a ledger that is held, beside it until it is known which one counts, and the one that counts for nothing (keys/IDENTITY.md, N14;
 * manifests/FORMAT.md, H7).
 *
 * On disk: ledgers/NODE.rival.git and log/NODE.rival/ while it is looked at, ledgers/NODE.repudiated.N.git after.
 */
#ifndef CHAMA_MANIFESTS_BRANCHES_H
#define CHAMA_MANIFESTS_BRANCHES_H

#include "manifests/home.h"

#define BRANCHES_KEPT_MAX 4 /* repudiated ones of a node: a thief must not fill the disk */

/* An empty ledger for another history of @node's, after clearing away one that was left.  Close it before the next two. */
Ledger *branches_open_rival(Home *home, const char *node, GError **error);
void branches_discard_rival(Home *home, const char *node);
/* The rival counts for nothing: it is kept as repudiated, if there is room. */
gboolean branches_repudiate_rival(Home *home, const char *node, GError **error);

/* The rival takes the place of the ledger held (of a peer), which is kept as repudiated.  Versions of it that the rival has not are held no more.  Ledgers of @node that
 * were borrowed from @home are closed. */
gboolean branches_adopt_rival(Home *home, const char *node, GError **error);

/* TRUE if a history of @node's was superseded here. */
gboolean branches_has_repudiated(Home *home, const char *node);

/* Folders of repudiated histories, by name; of char*. */
GPtrArray *branches_repudiated(Home *home, GError **error);

#endif
