/*
 * tree: git tree objects as bytes, and the projection of records to the tree of a commit (manifests/FORMAT.md, part 7, G4-G7).
 *
 * A Projection is the tree as of some record, held as the bytes of the few subtrees that the next record changes.  It gives the same tree for
 * the same records wherever it was begun.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_TREE_H
#define CHAMA_MANIFESTS_LEDGER_TREE_H

#include "keys/identity.h"
#include "manifests/ledger/repository.h"
#include "manifests/record.h"

#define TREE_DATASETS_MAX 4096
/* "0000/00/00/000000000.json.sig" */
#define TREE_LEVELS 4
/* Records in a folder of the last level. */
#define TREE_LEAF_RECORDS 10

/* The entry @name of the tree at @data: FALSE if it has none. */
gboolean tree_find(GBytes *tree, const char *name, git_oid *id);
/* The last entry; @name gets at most @size bytes of its name.  FALSE if the tree is empty or malformed. */
gboolean tree_last(GBytes *tree, char *name, gsize size, git_oid *id);

/* G15: the folder of rotations, and the numbers that its files are named after, ascending, appended to @numbers (guint64): FALSE if they are not so. */
#define TREE_ROTATIONS "rotations"
gboolean tree_numbers(GBytes *tree, GArray *numbers);

/* The names of the folders below records/ and of the file of a record: "0000", "00", "00", "000000000.json". */
char *tree_component(guint level, guint64 seq, char name[32]);

/* Where the objects of a projection go: objects_add(), or what only looks at them.  Gives the id. */
typedef void (*ObjectSink)(gpointer data, git_object_t type, const void *bytes, gsize size, const char *hint, git_oid *id);

typedef struct Projection Projection;
Projection *projection_new(ObjectSink sink, gpointer data);
/* As of the commit with the tree @root, whose ledger has @size records. */
Projection *projection_load(Repository *repository, const git_oid *root, guint64 size, ObjectSink sink, gpointer data, GError **error);
void projection_free(Projection *projection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Projection, projection_free)

/* Adds a batch.  @identity is the node's after its last record.  @root gets the tree of the commit. */
void projection_add(Projection *projection, GPtrArray *records, GPtrArray *views, const Identity *identity, git_oid *root);

#endif
