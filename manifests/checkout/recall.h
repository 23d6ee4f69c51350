/*
 * recall: what is known of the files of a folder since a version was written there: those with the stamps of then are not read (CO8).
 *
 * It is only ever a shortcut: where anything about it is wrong, files are read.  What counts is what a file was when its content was known: it was on a
 * stage, to which nobody else has access, or it was read since.  One thread, but for recall_is_settled().
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_RECALL_H
#define CHAMA_MANIFESTS_CHECKOUT_RECALL_H

#include "manifests/checkout.h"
#include "manifests/listing/compare.h"
#include "manifests/tree/stamp.h"

typedef struct Recall Recall;
/* Of the folder @root, now; NULL if @options name no place for it, or not all files are selected. */
Recall *recall_open(int root, const CheckoutOptions *options);
void recall_free(Recall *recall);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recall, recall_free)

/* The stamp of the next file of the listing that the folder was written from, in its order; one that says nothing if it is not known. */
void recall_next(Recall *recall, Stamp *stamp);
/* When the look at the files began. */
gint64 recall_begun(const Recall *recall);
/* CO8: no later change of the file can have the same stamp, if @now is after the stamp was taken and before anything else could happen to it. */
gboolean recall_is_settled(const Stamp *stamp, gint64 now);

/* The stamp of the next file of the new listing, taken before it was read and found right; NULL: nothing is known of it. */
void recall_add(Recall *recall, const Stamp *stamp);
/* The same of all files of @listing, which were written into @stage. */
gboolean recall_add_stage(Recall *recall, Store *store, const Digest *listing, int stage, GError **error);
/* The folder is now what @listing says. */
void recall_keep(Recall *recall, const Digest *listing);

#endif
