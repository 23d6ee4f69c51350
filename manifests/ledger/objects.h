/*
 * objects: git objects that are made and not yet on disk.  They stand in memory, where libgit2 finds them (a backend of the repository's object
 * database), until objects_flush() writes them as one pack.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_OBJECTS_H
#define CHAMA_MANIFESTS_LEDGER_OBJECTS_H

#include <git2.h>
#include <glib.h>

/* More than this and objects_flush() is due: bounds memory whatever a peer sends. */
#define OBJECTS_SIZE_MAX (16 * 1024 * 1024)

typedef struct Objects Objects;

Objects *objects_new(void);
void objects_free(Objects *objects);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Objects, objects_free)

/* Makes them readable in @database, which must be closed before they are freed. */
gboolean objects_attach(Objects *objects, git_odb *database);

/* Adds one, and says its id.  @hint groups what resembles each other: versions of one tree. */
void objects_add(Objects *objects, git_object_t type, const void *data, gsize size, const char *hint, git_oid *id);
gsize objects_size(const Objects *objects);
void objects_clear(Objects *objects);

/* Writes all as one pack with its index, durable when this returns, and forgets them. */
gboolean objects_flush(Objects *objects, git_repository *repository, GError **error);
/* What becomes of the packs written since the last of these: a ref names them, or they are removed with all that is in memory (TRUE if there were any: the
 * repository is to be opened anew).  Else a peer whose ledger turns out wrong at its end could fill the disk, a little more with each sync. */
void objects_keep(Objects *objects);
gboolean objects_drop(Objects *objects, const char *git);

#endif
