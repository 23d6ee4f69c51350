/*
 * merge: several listings side by side: each path that is in any of them, in order, with what each says of it.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_MERGE_H
#define CHAMA_MANIFESTS_CHECKOUT_MERGE_H

#include "manifests/listing/compare.h"

typedef struct Merge Merge;
/* An empty one; then its listings.  @root NULL adds one without entries. */
Merge *merge_new(ListingGet get, gpointer data);
gboolean merge_add(Merge *merge, const Digest *root, GError **error);
void merge_free(Merge *merge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Merge, merge_free)

typedef struct {
    const char *path;
    const Side *sides;         /* one of each listing; kind ITEM_PART: it has no such path */
    const char *target;        /* of the first listing's link */
    const char *upcoming;      /* the first listing's path at or after this one; NULL at its end */
} Merged;

/* The next path, valid until the next call; FALSE without an error at the end. */
gboolean merge_next(Merge *merge, Merged *merged, GError **error);

/* What an item says, without its chunks. */
void side_of(const Item *item, Side *side);

#endif
