/*
 * batch: files of ordinary size, read and compared with what a listing says of them, many at once.
 */
#ifndef CHAMA_MANIFESTS_VERIFY_BATCH_H
#define CHAMA_MANIFESTS_VERIFY_BATCH_H

#include "manifests/listing/page.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

/* What is wrong, for a person. */
typedef void (*VersionReport)(gpointer data, const char *message);

typedef struct VerifyBatch VerifyBatch;
VerifyBatch *verify_batch_new(Store *store, Progress *progress);
void verify_batch_free(VerifyBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VerifyBatch, verify_batch_free)

/* A file of @size and @digest that consists of @chunks; @name is its content's (found_good.h). */
void verify_batch_add(VerifyBatch *batch, const char *path, guint64 size, const Digest *digest, const Digest *name, const ChunkRef *chunks, guint count);
gboolean verify_batch_is_full(const VerifyBatch *batch);
/* Any thread. */
void verify_batch_work(VerifyBatch *batch);
/* Tells what was wrong, and gives the names of what was good, of which *@count (the batch's). */
const Digest *verify_batch_take(VerifyBatch *batch, VersionReport report, gpointer data, guint *count);

/* What to say of a file at @path: a chunk that is not right by itself (NULL if it is), or a whole that is another.  The caller's. */
char *verify_chunk_fault(Store *store, const char *path, const ChunkRef *chunk);
char *verify_whole_fault(const char *path, const Digest *want, const Digest *have);

#endif
