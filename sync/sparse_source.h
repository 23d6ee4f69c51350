/*
 * sparse_source: what a node serves to those without a right to a ledger, entry by entry: inception, rotations, newest profile, manifests of open
 * datasets, each with its proof, then the checkpoint (sync/PROTOCOL.md, E11).
 */
#ifndef CHAMA_SYNC_SPARSE_SOURCE_H
#define CHAMA_SYNC_SPARSE_SOURCE_H

#include "sync/sparse.h"

typedef struct SparseSource SparseSource;

/* @note: the checkpoint of @size records under which it is served; @old_size <= @size: up to where the caller holds it. */
SparseSource *sparse_source_new(Home *home, Ledger *ledger, const char *note, guint64 size, guint64 old_size, GError **error);
/* Of record @seq < @size alone, behind what says which key signed it (E27). */
SparseSource *sparse_source_of_record(Ledger *ledger, const char *note, guint64 size, guint64 old_size, guint64 seq);
void sparse_source_free(SparseSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SparseSource, sparse_source_free)
/* About 512 KiB of the stream, or NULL at the end. */
GBytes *sparse_source_next(SparseSource *source, GError **error);

#endif
