/*
 * tiletree: a Merkle tree of which somebody else has the tiles (tile.h), read by tiles and believed only as far as they lead to a root that is known
 * (manifests/FORMAT.md, part 15, AU8).  A tile that does not is VERIFY, and names itself.
 *
 * Keeps at most two tiles of each level, whatever the size.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_TILETREE_H
#define CHAMA_MANIFESTS_LEDGER_TILETREE_H

#include "manifests/ledger/tile.h"

/* Gets the bytes of @tile, of whatever length: the caller's.  NOT_FOUND if it is not given; of a partial one the full one is then asked for. */
typedef GBytes *(*TileFetch)(gpointer data, const Tile *tile, GError **error);

typedef struct TileTree TileTree;

/* The tree of @size leaves under @root: fetches the tiles at its right edge, which say the root.  @size is at most 2^56. */
TileTree *tile_tree_open(guint64 size, const Digest *root, TileFetch fetch, gpointer data, GError **error);
void tile_tree_free(TileTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TileTree, tile_tree_free)

/* Of its first @size leaves, at most as many as it has. */
gboolean tile_tree_root(TileTree *tree, guint64 size, Digest *root, GError **error);
/* From there to the whole: the caller's array of Digest. */
GArray *tile_tree_consistency(TileTree *tree, guint64 size, GError **error);
/* The leaf hashes of tile @index of level 0: as many as tile_width() says.  Borrowed until the next call. */
const Digest *tile_tree_leaves(TileTree *tree, guint64 index, GError **error);

#endif
