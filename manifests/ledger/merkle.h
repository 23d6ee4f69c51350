/*
 * merkle: RFC 6962 trees over log entries, with RFC 9162 inclusion and consistency proofs.  The pure part works on hashes; the
 * hash file keeps every interior hash once, in the order in which they become final (as golang.org/x/mod/sumdb/tlog numbers
 * "stored hashes"), so that appending costs two hashes a leaf and a proof a logarithmic number of reads.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_MERKLE_H
#define CHAMA_MANIFESTS_LEDGER_MERKLE_H

#include <glib.h>

#include "keys/digest.h"

#define MERKLE_PROOF_MAX 64

void merkle_leaf(const void *entry, gsize size, Digest *leaf);
void merkle_node(const Digest *left, const Digest *right, Digest *node);

/* RFC 9162 2.1.3.2 and 2.1.4.2.  VERIFY if the proof does not lead to @root; too few or too many hashes too. */
gboolean merkle_check_inclusion(guint64 index, guint64 size, const Digest *leaf, const Digest *proof, guint count, const Digest *root, GError **error);
gboolean merkle_check_consistency(guint64 size1, const Digest *root1, guint64 size2, const Digest *root2, const Digest *proof, guint count, GError **error);

/* Trees of which something else has the nodes: reads the root of the complete subtree number @n of 2^@level leaves. */
typedef gboolean (*MerkleRead)(gpointer data, guint level, guint64 n, Digest *node, GError **error);
/* The root of leaves @from..@to-1, where @from is 0 or a multiple of the largest power of two below @to - @from. */
gboolean merkle_root_of(MerkleRead read, gpointer data, guint64 from, guint64 to, Digest *root, GError **error);
/* RFC 9162 2.1.4.1; @size1 is at most @size2.  The caller's array of Digest. */
GArray *merkle_consistency_of(MerkleRead read, gpointer data, guint64 size1, guint64 size2, GError **error);
/* The largest power of two below @n (n > 1): where RFC 6962 splits a tree. */
guint64 merkle_split(guint64 n);
/* Proofs are found from the root down and written from the leaf up: @hashes the other way round. */
GArray *merkle_proof_of(const Digest *hashes, guint count);

/* The hash file of one ledger ("log/<node id>/hashes").  Rebuildable: whoever opens it must compare its size with the ledger's. */
typedef struct MerkleFile MerkleFile;
MerkleFile *merkle_file_open(const char *path, GError **error);
void merkle_file_close(MerkleFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MerkleFile, merkle_file_close)
guint64 merkle_file_size(const MerkleFile *file); /* leaves, as the length of the file says */
gboolean merkle_file_append(MerkleFile *file, const Digest *leaves, gsize count, GError **error);
gboolean merkle_file_truncate(MerkleFile *file, guint64 size, GError **error);
/* What was appended is on disk only after this. */
gboolean merkle_file_sync(MerkleFile *file, GError **error);
/* Takes note of what other processes appended or cut off. */
gboolean merkle_file_reload(MerkleFile *file, GError **error);
/* DAMAGED unless every interior hash of the first @size leaves is the one of what is below it. */
gboolean merkle_file_check(MerkleFile *file, guint64 size, GError **error);
/* Of the first @size leaves. */
gboolean merkle_file_root(MerkleFile *file, guint64 size, Digest *root, GError **error);
gboolean merkle_file_leaf(MerkleFile *file, guint64 index, Digest *leaf, GError **error);
/* The root of the complete subtree number @n of 2^@level leaves.  NOT_FOUND if it is not all here. */
gboolean merkle_file_node(MerkleFile *file, guint level, guint64 n, Digest *node, GError **error);
/* The caller's array of Digest. */
GArray *merkle_file_inclusion(MerkleFile *file, guint64 index, guint64 size, GError **error);
GArray *merkle_file_consistency(MerkleFile *file, guint64 size1, guint64 size2, GError **error);
/* The complete subtrees of which the tree of the first @size leaves consists, the largest first. */
GArray *merkle_file_peaks(MerkleFile *file, guint64 size, GError **error);

#endif
