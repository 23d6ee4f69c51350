/*
 * sparse: what a node without a right to a whole ledger holds of it: inception, rotations, profiles and manifests of open datasets, each
 * with an inclusion proof to the owner's checkpoint.  A folder sparse/<node id>/ in the home: one file, replaced whole, in the format
 * of the sparse stream (sync/PROTOCOL.md, part 3).
 */
#ifndef CHAMA_SYNC_SPARSE_H
#define CHAMA_SYNC_SPARSE_H

#include "manifests/home.h"

#define SPARSE_ENTRIES_MAX 10000
#define SPARSE_SIZE_MAX (64 * 1024 * 1024)

/* Verifies a whole sparse stream: inception is @node's, every signature, every inclusion proof, the checkpoint by the log key, consistency
 * with the sparse ledger held before (FORK).  Then keeps it and projects it into the catalogue. */
gboolean sparse_accept(Home *home, const char *node, GBytes *stream, GError **error);
/* The checkpoint held: size 0 and no error if there is none. */
gboolean sparse_position(Home *home, const char *node, guint64 *size, Digest *root, gint64 *time, GError **error);
/* What is held, as it came; NOT_FOUND.  The caller's. */
GBytes *sparse_stream(Home *home, const char *node, GError **error);
/* Its note; NULL if there is none that can be read.  The caller's. */
char *sparse_checkpoint(Home *home, const char *node);
/* Addresses of the records of a sparse ledger held, all of it verified again, as the keys of a set (of Digest*); *@size: of the ledger under the checkpoint. NOT_FOUND. */
GHashTable *sparse_addresses(Home *home, const char *node, guint64 *size, GError **error);
/* Bytes of what is held; 0: nothing. */
gsize sparse_size(Home *home, const char *node);
/* Forgets what is held; no error if there is nothing. */
gboolean sparse_drop(Home *home, const char *node, GError **error);
GPtrArray *sparse_nodes(Home *home, GError **error);
/* A HomeProjector: brings all that is held into a catalogue that has forgotten it.  What is damaged is for fsck to name. */
void sparse_project_all(Home *home);
/* Verifies what is held again (fsck). */
gboolean sparse_verify(Home *home, const char *node, GError **error);


/* One record with what proves it: a stream in the same format that holds, behind what says which key signed it, that record alone (E27). */
typedef struct SparseRecord SparseRecord;
/* Verifies all but what it is consistent with: Z1 to Z5, and that it is the record of @address.  Nothing is kept. */
SparseRecord *sparse_record_read(const char *node, GBytes *stream, const Digest *address, GError **error);
void sparse_record_free(SparseRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SparseRecord, sparse_record_free)
const Record *sparse_record_record(const SparseRecord *record);      /* borrowed, as the next two */
const Checkpoint *sparse_record_checkpoint(const SparseRecord *record);
const char *sparse_record_note(const SparseRecord *record);
/* Z6: FORK unless its checkpoint continues a ledger of @size records and @root; MALFORMED if the stream proves nothing of that. */
gboolean sparse_record_continues(const SparseRecord *record, guint64 size, const Digest *root, GError **error);

#endif
