/*
 * plan: what a checkout is going to do with each path, decided before anything is touched: the local files are looked at (and hashed, on all
 * cores) and compared with the new version, the base, and the other versions that count as unedited.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_PLAN_H
#define CHAMA_MANIFESTS_CHECKOUT_PLAN_H

#include "manifests/checkout/recall.h"
#include "manifests/tree/patterns.h"
#include "manifests/tree/spool.h"

typedef enum {
    DECIDE_NOTHING,            /* not asked for, or not there to be removed */
    DECIDE_KEEP,
    DECIDE_MODE,               /* only the executable bit is wrong */
    DECIDE_WRITE,              /* there is nothing, or what there is will be cleared */
    DECIDE_REPLACE,
    DECIDE_REMOVE
} Decision;

typedef struct {
    Store *store;
    int root;
    const Patterns *only;      /* NULL: all */
    const CheckoutOptions *options;
    Recall *recall;            /* borrowed; may be NULL */
    Spool *of_new, *of_base;   /* a byte for each entry of the listing, in its order */
    GPtrArray *clear;          /* of char*: what is in the way of other kinds of things; first removed, in this order */
    guint64 removals;
    GPtrArray *edited;         /* of char*: the first local edits, for a person; and how many */
    guint64 edits;
} Plan;

/* EXISTS naming local edits, unless forced; MALFORMED for a link that leads out of the folder (CO1). */
gboolean plan_make(Plan *plan, const Digest *root, GError **error);
void plan_clear(Plan *plan);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plan, plan_clear)

#endif
