#include "manifests/ledger/tiletree.h"

#include <string.h>

#include "keys/error.h"

#define LEVELS 7                       /* of tiles: 256^7 leaves */
#define LEAVES_MAX (G_GUINT64_CONSTANT(1) << (LEVELS * TILE_HEIGHT))

typedef struct {
    gboolean here;
    guint64 index;
    guint width;
    Digest hashes[TILE_WIDTH];
} Kept;

struct TileTree {
    guint64 size;
    TileFetch fetch;
    gpointer data;
    Kept edge[LEVELS];                 /* the partial tile at the right, if there is one */
    Kept last[LEVELS];                 /* the full tile that was asked for last */
};

void
tile_tree_free(TileTree *tree)
{
    g_free(tree);
}

/* T23: who serves tiles may have let a partial one go once there is the full one, which begins with it. */
static GBytes *
fetch_tile(TileTree *tree, const Tile *tile, GError **error)
{
    const Tile full = { FALSE, tile->level, tile->index, TILE_WIDTH };
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) all = NULL;
    GBytes *bytes = tree->fetch(tree->data, tile, &local);

    if (bytes)
        return bytes;
    if (tile->width < TILE_WIDTH && g_error_matches(local, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        all = tree->fetch(tree->data, &full, NULL);
    if (all && g_bytes_get_size(all) == TILE_WIDTH * sizeof(Digest))
        return g_bytes_new_from_bytes(all, 0, tile->width * sizeof(Digest));
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

static gboolean
fetch_into(TileTree *tree, guint level, guint64 index, guint width, Kept *kept, GError **error)
{
    const Tile tile = { FALSE, level, index, width };
    g_autoptr(GBytes) bytes = fetch_tile(tree, &tile, error);
    char path[TILE_PATH_SIZE];

    kept->here = FALSE;
    if (!bytes)
        return FALSE;
    if (g_bytes_get_size(bytes) != width * sizeof(Digest))
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: AU8: want %" G_GSIZE_FORMAT " bytes, have %" G_GSIZE_FORMAT, tile_format(&tile, path),
                           width * sizeof(Digest), g_bytes_get_size(bytes));
    memcpy(kept->hashes, g_bytes_get_data(bytes, NULL), width * sizeof(Digest));
    kept->index = index;
    kept->width = width;
    kept->here = TRUE;
    return TRUE;
}

/* The root of 2^@height hashes of a tile, the first at @from. */
static void
fold(const Kept *kept, guint from, guint height, Digest *root)
{
    Digest hashes[TILE_WIDTH];
    guint count = 1u << height;

    memcpy(hashes, kept->hashes + from, count * sizeof(Digest));
    for (; count > 1; count /= 2)
        for (guint i = 0; i < count / 2; i++)
            merkle_node(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
    *root = hashes[0];
}

/* A full tile counts once the tile above it has its root, and that counts; the edge counts since the tree was opened. */
static const Kept *
tile_at(TileTree *tree, guint level, guint64 index, GError **error)
{
    Kept *kept = &tree->last[level];
    const Tile tile = { FALSE, level, index, TILE_WIDTH };
    char path[TILE_PATH_SIZE];
    const Kept *above;
    Digest root;

    if (tree->edge[level].here && tree->edge[level].index == index)
        return &tree->edge[level];
    if (kept->here && kept->index == index)
        return kept;
    above = tile_at(tree, level + 1, index / TILE_WIDTH, error);
    if (!above || !fetch_into(tree, level, index, TILE_WIDTH, kept, error))
        return NULL;
    fold(kept, 0, TILE_HEIGHT, &root);
    if (digest_equal(&root, &above->hashes[index % TILE_WIDTH]))
        return kept;
    kept->here = FALSE;
    return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: AU8: its hashes do not lead to the checkpoint's root", tile_format(&tile, path));
}

/* A MerkleRead whose data is the tree. */
static gboolean
read_node(gpointer data, guint level, guint64 n, Digest *node, GError **error)
{
    guint height = level % TILE_HEIGHT;
    guint64 first = n << height;
    const Kept *kept = tile_at(data, level / TILE_HEIGHT, first / TILE_WIDTH, error);

    if (kept)
        fold(kept, (guint)(first % TILE_WIDTH), height, node);
    return kept != NULL;
}

/* What stands at the edge is all that the root is made of. */
static gboolean
fetch_edge(TileTree *tree, const Digest *root, GError **error)
{
    Digest have;

    for (guint level = 0; level < LEVELS; level++) {
        guint64 index = tree->size >> (level * TILE_HEIGHT) >> TILE_HEIGHT;
        guint width = tile_width(level, index, tree->size);

        if (width > 0 && !fetch_into(tree, level, index, width, &tree->edge[level], error))
            return FALSE;
    }
    if (!merkle_root_of(read_node, tree, 0, tree->size, &have, error))
        return FALSE;
    return digest_equal(&have, root) ||
           chama_error(error, CHAMA_ERROR_VERIFY, "tiles: AU8: those at the edge of the tree of %" G_GUINT64_FORMAT " do not lead to the checkpoint's root",
                       tree->size);
}

TileTree *
tile_tree_open(guint64 size, const Digest *root, TileFetch fetch, gpointer data, GError **error)
{
    g_autoptr(TileTree) tree = g_new0(TileTree, 1);

    if (size >= LEAVES_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "checkpoint: AU8: want a tree of fewer than %" G_GUINT64_FORMAT " leaves, have %" G_GUINT64_FORMAT,
                                LEAVES_MAX, size);
    tree->size = size;
    tree->fetch = fetch;
    tree->data = data;
    return fetch_edge(tree, root, error) ? g_steal_pointer(&tree) : NULL;
}

gboolean
tile_tree_root(TileTree *tree, guint64 size, Digest *root, GError **error)
{
    g_return_val_if_fail(size <= tree->size, FALSE);
    return merkle_root_of(read_node, tree, 0, size, root, error);
}

GArray *
tile_tree_consistency(TileTree *tree, guint64 size, GError **error)
{
    g_return_val_if_fail(size <= tree->size, NULL);
    return merkle_consistency_of(read_node, tree, size, tree->size, error);
}

const Digest *
tile_tree_leaves(TileTree *tree, guint64 index, GError **error)
{
    const Kept *kept;

    g_return_val_if_fail(tile_width(0, index, tree->size) > 0, NULL);
    kept = tile_at(tree, 0, index, error);
    return kept ? kept->hashes : NULL;
}
