/*
 * asking: this node's newest checkpoint is cosigned by the witnesses of a policy that have an address (C2SP tlog-witness; sync/PROTOCOL.md, W20, W21).  Nodes
 * cosign by themselves when they sync; others are asked, here.
 *
 * What was cosigned is kept as any other sighting.  Of each witness there is one row in state.sqlite (`asked`): how many records it has cosigned, as far as is
 * known, and when it was tried in vain.
 */
#ifndef CHAMA_SYNC_ASKING_H
#define CHAMA_SYNC_ASKING_H

#include "manifests/home.h"
#include "manifests/ledger/policy.h"

#define ASKING_ANSWER_MAX (64 * 1024)   /* bytes of an answer */
#define ASKING_PATIENCE 20              /* seconds for one request */
#define ASKING_SLOWEST (8 * 1024)       /* and 1 more for each so many bytes */
#define ASKING_BUDGET 60                /* seconds for all of them: the rest is asked the next time, first */
#define ASKING_REQUESTS_MAX 3           /* of one witness */

/* What came of asking one witness. */
typedef struct {
    char *name;       /* as it signs, fit to be shown */
    guint64 size;     /* records that it has cosigned now; of no meaning with @error */
    GError *error;    /* NULL: it cosigned */
} Asked;
void asked_free(Asked *asked);

/* Asks each witness of @policy that has an address, and of which no cosignature of the newest checkpoint is kept; one that failed not before its time, unless
 * @at_once.  Array of Asked for those that were asked: empty if there was nothing to do, and then nothing was sent or signed anew.  @cancelled may be NULL. */
GPtrArray *asking_all(Home *home, const Policy *policy, gboolean at_once, gint *cancelled, GError **error);

#endif
