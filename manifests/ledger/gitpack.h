/*
 * gitpack: writes packs of git, version 2, and their index (gitformat-pack(5); G1).  Faster than a search for deltas over all objects: one that
 * resembles the object before it, as versions of a tree do, is written as what differs between the parts that both begin and end with.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_GITPACK_H
#define CHAMA_MANIFESTS_LEDGER_GITPACK_H

#include <glib.h>

#include "manifests/ledger/oid.h"

typedef struct GitPack GitPack;

GitPack *gitpack_new(void);
void gitpack_free(GitPack *pack);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GitPack, gitpack_free)

/* Adds an object that is not in it yet.  @hint (may be NULL) groups what resembles each other.  Both are borrowed until the pack is freed. */
void gitpack_add(GitPack *pack, const git_oid *id, git_object_t type, const void *data, gsize size, const char *hint);
/* Writes "pack-NAME.pack" and then ".idx" into @folder, each durable when it has its name.  NAME: the caller's. */
char *gitpack_write(GitPack *pack, const char *folder, GError **error);

#endif
