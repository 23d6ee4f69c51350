/*
 * headfile: where a ledger stood when it was last read, so that opening it again needs no git (manifests/FORMAT.md, part 7, G16).  A cache beside the hash
 * file: one that is missing, damaged, or of another commit than the ref names is none.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_HEADFILE_H
#define CHAMA_MANIFESTS_LEDGER_HEADFILE_H

#include "keys/digest.h"
#include "manifests/ledger/oid.h"

typedef struct {
    git_oid commit, root, rotations;  /* the newest commit, its tree, that tree's folder of rotations (zero: none) */
    guint64 size;
    Digest head, leaf;                /* of the last record: its address, its leaf in the Merkle tree */
    GPtrArray *keys;                  /* of GBytes*: log entries of the inception and the rotations */
} HeadFile;
void headfile_clear(HeadFile *head);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HeadFile, headfile_clear)

/* FALSE if there is none that can be used. */
gboolean headfile_read(const char *folder, HeadFile *head);
/* Without fsync; if it fails there is none. */
void headfile_write(const char *folder, const HeadFile *head);

/* The bytes, pure. */
gboolean headfile_parse(const char *text, gsize size, HeadFile *head);
char *headfile_format(const HeadFile *head);

#endif
