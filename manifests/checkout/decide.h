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
    guint first_known, known_count;   /* what counts as unedited */
    gboolean edited;
    LocalKind found;
    Decision decision;         /* DECIDE_NOTHING from the start: it was not asked for */
} DecideEntry;

typedef struct DecideBatch DecideBatch;
DecideBatch *decide_batch_new(int root, Progress *progress);
void decide_batch_free(DecideBatch *batch);

/* The sides are the new version's, the base's, and those of @others other versions; a path in none of the first two is left out. */
void decide_batch_add(DecideBatch *batch, const Merged *merged, guint others, gboolean selected);
gboolean decide_batch_is_full(const DecideBatch *batch);
/* Any thread. */
void decide_batch_work(DecideBatch *batch);
/* The entries (of DecideEntry, the batch's), or what went wrong. */
GArray *decide_batch_take(DecideBatch *batch, GError **error);

#endif
