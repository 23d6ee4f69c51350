/*
 * repository: the bare git repository of one ledger, as bytes: objects by id and the one ref (manifests/FORMAT.md, part 7, G1-G3).
 * Knows git and nothing of records.
 *
 * Other processes may replace packs at any time: a read that misses opens the repository anew and tries once more.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_REPOSITORY_H
#define CHAMA_MANIFESTS_LEDGER_REPOSITORY_H

#include <glib.h>

#include "manifests/ledger/git.h"
#include "manifests/ledger/objects.h"
#include "manifests/ledger/oid.h"

#define REPOSITORY_REF "refs/heads/main"
#define REPOSITORY_LOCK "chama.lock"
#define REPOSITORY_SIGNERS "allowed_signers"

typedef struct Repository Repository;

/* Makes an empty repository: EXISTS if there is anything at @path.  All or nothing. */
gboolean repository_create(const char *path, GError **error);
/* NOT_FOUND if there is none.  What is there is looked at when something is first read of it: DAMAGED if it is none. */
Repository *repository_open(const char *path, GError **error);
void repository_close(Repository *repository);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Repository, repository_close)
/* Opens it, forgetting what was known of packs: before anything is written to it. */
gboolean repository_reopen(Repository *repository, GError **error);
/* NULL before the first read. */
git_repository *repository_git(Repository *repository);
/* New objects, readable at once, on disk when they are flushed. */
Objects *repository_objects(Repository *repository);

/* The bytes of an object: DAMAGED if it is missing, of another type or not what its id says. */
GBytes *repository_read(Repository *repository, const git_oid *id, git_object_t type, GError **error);
/* The same out of @database, which the caller has of repository_git(): for other threads, who may open nothing anew. */
GBytes *repository_read_from(const Repository *repository, git_odb *database, const git_oid *id, git_object_t type, GError **error);

/* The commit that the ref names; all zero if there is no commit yet. */
gboolean repository_head(Repository *repository, git_oid *head, GError **error);
/* Moves the ref from @from (all zero: none) to @to, durably.  FAILED if it was elsewhere. */
gboolean repository_set_head(Repository *repository, const git_oid *from, const git_oid *to, GError **error);
/* Removes the locks that a killed writer left.  The ledger's own lock must be held. */
void repository_clear_stale(Repository *repository);

/* What repository_create() writes into a file of the repository, or NULL if the file is not one of those. */
const char *repository_file_text(const char *name);

/* Sets @error from libgit2's last error; GIT_ENOTFOUND and damage are DAMAGED, the rest FAILED or NO_SPACE. */
gboolean repository_error(GError **error, int code, const char *path, const char *what);

/* The version of libgit2 that is loaded, for `chama --version`; "none" if it is not there.  The caller's. */
char *repository_library(void);

#endif
