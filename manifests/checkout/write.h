/*
 * write: files and links of ordinary size, written by batches, many at once.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_WRITE_H
#define CHAMA_MANIFESTS_CHECKOUT_WRITE_H

#include "manifests/checkout/writeback.h"
#include "manifests/listing/page.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

typedef struct {
    Store *store;
    int root;
    gboolean staged;           /* nothing was there, and nobody looks: what is written has its name at once */
    Progress *progress;        /* may be NULL */
    const Digest *listing;
    Writeback *writeback;
} WriteTarget;

typedef struct WriteBatch WriteBatch;
WriteBatch *write_batch_new(const WriteTarget *target);
void write_batch_free(WriteBatch *batch);

/* An item that is whole: a link, or a file that is not written by all threads together (big.h). */
void write_batch_add(WriteBatch *batch, const Item *item, gboolean replace);
/* Is it large enough to be worked on, if @next is the next item?  Better between two folders: threads that make files in one wait for each other. */
gboolean write_batch_is_full(const WriteBatch *batch, const Item *next);
/* Any thread. */
void write_batch_work(WriteBatch *batch);
/* What went wrong. */
gboolean write_batch_take(WriteBatch *batch, GError **error);

#endif
