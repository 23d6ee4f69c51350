/*
 * decide: what is to be done with some paths, by what stands there.  A batch is looked at by one thread, many batches at once.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_DECIDE_H
#define CHAMA_MANIFESTS_CHECKOUT_DECIDE_H

#include "manifests/checkout/local.h"
#include "manifests/checkout/merge.h"
#include "manifests/checkout/plan.h"

typedef struct {
    const char *path;
    gboolean in_new, in_base;
    gboolean goes_on;          /* a folder of the base only, but the new version has something in it */
    Side want;                 /* in_new */
    guint first_known, known_count;   /* what counts as unedited: the base first, if it is in it */
    Stamp recalled;            /* of when it was what the base has (CO8) */
    Stamp stamp;               /* in_new and kept as it is: of before it was looked at */
    gboolean edited;
    LocalKind found;
    Decision decision;         /* DECIDE_NOTHING from the start: it was not asked for */
} DecideEntry;

typedef struct DecideBatch DecideBatch;
/* @begun: when the look at the files began. */
DecideBatch *decide_batch_new(int root, gint64 begun, Progress *progress);
void decide_batch_free(DecideBatch *batch);

/* The sides are the new version's, the base's, and those of @others other versions; a path in none of the first two is left out.  @recalled may be NULL. */
void decide_batch_add(DecideBatch *batch, const Merged *merged, guint others, gboolean selected, const Stamp *recalled);
gboolean decide_batch_is_full(const DecideBatch *batch);
/* Any thread. */
void decide_batch_work(DecideBatch *batch);
/* The entries (of DecideEntry, the batch's), or what went wrong. */
GArray *decide_batch_take(DecideBatch *batch, GError **error);

#endif
