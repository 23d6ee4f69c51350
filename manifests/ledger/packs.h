/*
 * packs: the files of a repository's objects/ folder, as files: listing them and reading the index of a pack (gitformat-pack(5), version 2).
 */
#ifndef CHAMA_MANIFESTS_LEDGER_PACKS_H
#define CHAMA_MANIFESTS_LEDGER_PACKS_H

#include <glib.h>

#include "manifests/ledger/oid.h"

typedef struct {
    char *base;      /* path without ".pack" or ".idx" */
    guint32 objects; /* as the index says */
} PackFile;

/* Packs, smallest first: of PackFile.  One without the other, which a crash may leave, is none. */
GPtrArray *packs_list(const char *git, GError **error);
/* DAMAGED if an index leads outside of its pack: libgit2 follows it there and dies.  Reads four bytes an object; what else an index may have wrong,
 * libgit2 finds or ledger_verify() does. */
gboolean packs_check(const char *git, GError **error);
/* Ids of loose objects: of git_oid. */
GArray *packs_loose(const char *git, GError **error);
/* Ids of the objects in a pack, added to @ids. */
gboolean packs_read_index(const PackFile *pack, GArray *ids, GError **error);
/* "objects/12/3456...": the caller's. */
char *packs_loose_path(const char *git, const git_oid *id);

#endif
