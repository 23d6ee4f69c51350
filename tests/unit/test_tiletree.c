/* manifests/ledger/tiletree.h: a tree read by tiles (AU8 of manifests/FORMAT.md). */
#include <glib/gstdio.h>

#include "keys/error.h"
#include "manifests/ledger/tiletree.h"

#define LEAVES 70000

/* Tiles of a hash file that may be given otherwise than they are. */
typedef struct {
    MerkleFile *file;
    Tile lie;             /* of width 0: none */
    guint at;             /* byte to be flipped */
    gboolean gone;        /* no partial tile is given, but the full one in its place */
    guint fetched;
} Source;

static gboolean
same_tile(const Tile *a, const Tile *b)
{
    return a->level == b->level && a->index == b->index && a->width == b->width;
}

static GBytes *
fetch(gpointer data, const Tile *tile, GError **error)
{
    Source *source = data;
    g_autoptr(GBytes) bytes = NULL;
    guint8 *copy;
    gsize size;

    source->fetched++;
    if (source->gone && tile->width < TILE_WIDTH)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "gone");
    bytes = tile_hashes(tile, source->file, error);
    if (!bytes || !same_tile(tile, &source->lie))
        return g_steal_pointer(&bytes);
    copy = g_memdup2(g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes));
    copy[source->at] ^= 1;
    return g_bytes_new_take(copy, size);
}

static char *folder, *path;

static MerkleFile *
file_make(void)
{
    g_autofree Digest *leaves = g_new(Digest, LEAVES);
    g_autoptr(GError) error = NULL;
    MerkleFile *file;

    folder = g_dir_make_tmp("chama-XXXXXX", NULL);
    path = g_build_filename(folder, "hashes", NULL);
    file = merkle_file_open(path, &error);
    for (guint i = 0; i < LEAVES; i++)
        merkle_leaf(&i, sizeof i, &leaves[i]);
    merkle_file_append(file, leaves, LEAVES, &error);
    g_assert_no_error(error);
    return file;
}

static MerkleFile *file;

static TileTree *
tree_of(Source *source, guint64 size, GError **error)
{
    Digest root;

    g_assert_true(merkle_file_root(file, size, &root, NULL));
    source->file = file;
    return tile_tree_open(size, &root, fetch, source, error);
}

static void
test_roots_and_proofs(void)
{
    static const guint64 sizes[] = { 0, 1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 65792, 65793, 69999, 70000 };

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Source source = { 0 };
        g_autoptr(GError) error = NULL;
        g_autoptr(TileTree) tree = tree_of(&source, sizes[i], &error);

        g_assert_no_error(error);
        for (guint j = 0; j <= i; j++) {
            g_autoptr(GArray) proof = tile_tree_consistency(tree, sizes[j], &error);
            g_autoptr(GArray) want = merkle_file_consistency(file, sizes[j], sizes[i], NULL);
            Digest root, have;

            g_assert_no_error(error);
            g_assert_cmpmem(proof->data, proof->len * sizeof(Digest), want->data, want->len * sizeof(Digest));
            g_assert_true(merkle_file_root(file, sizes[j], &root, NULL));
            g_assert_true(tile_tree_root(tree, sizes[j], &have, &error));
            g_assert_true(digest_equal(&root, &have));
        }
        g_assert_cmpuint(source.fetched, <, 60);
    }
}

static void
test_leaves(void)
{
    Source source = { 0 };
    g_autoptr(TileTree) tree = tree_of(&source, LEAVES, NULL);

    for (guint64 index = 0; index * TILE_WIDTH < LEAVES; index++) {
        const Digest *leaves = tile_tree_leaves(tree, index, NULL);

        for (guint i = 0; i < tile_width(0, index, LEAVES); i++) {
            Digest leaf;

            g_assert_true(merkle_file_leaf(file, index * TILE_WIDTH + i, &leaf, NULL));
            g_assert_true(digest_equal(&leaf, &leaves[i]));
        }
    }
    /* each tile once */
    g_assert_cmpuint(source.fetched, ==, 274 + 2 + 1);
}

/* Wherever a hash is another, nothing comes of it. */
static void
test_flips(void)
{
    static const Tile lies[] = { { FALSE, 2, 0, 1 }, { FALSE, 1, 1, 17 }, { FALSE, 0, 273, 112 }, { FALSE, 1, 0, 256 }, { FALSE, 0, 0, 256 }, { FALSE, 0, 200, 256 } };

    for (guint i = 0; i < G_N_ELEMENTS(lies); i++) {
        for (guint byte = 0; byte < lies[i].width * 32; byte += 37) {
            Source source = { .lie = lies[i], .at = byte };
            g_autoptr(GError) error = NULL;
            g_autoptr(TileTree) tree = tree_of(&source, LEAVES, &error);

            g_assert_false(tree && tile_tree_leaves(tree, lies[i].level == 0 ? lies[i].index : 3, &error));
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
            g_assert_nonnull(strstr(error->message, "AU8"));
        }
    }
}

/* A tile that was refused is asked for again, and not believed by then. */
static void
test_not_kept(void)
{
    Source source = { .lie = { FALSE, 0, 5, 256 } };
    g_autoptr(TileTree) tree = tree_of(&source, LEAVES, NULL);

    g_assert_null(tile_tree_leaves(tree, 5, NULL));
    g_assert_null(tile_tree_leaves(tree, 5, NULL));
    source.lie.width = 0;
    g_assert_nonnull(tile_tree_leaves(tree, 5, NULL));
}

static void
test_partial_gone(void)
{
    Source source = { .gone = TRUE };
    g_autoptr(GError) error = NULL;
    g_autoptr(TileTree) tree = tree_of(&source, 300, &error);

    g_assert_no_error(error);
    g_assert_nonnull(tile_tree_leaves(tree, 1, &error));
    g_clear_pointer(&tree, tile_tree_free);
    tree = tree_of(&source, LEAVES, &error);   /* of which there is no full one */
    g_assert_null(tree);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "gone");
}

static void
test_wrong_root(void)
{
    static const guint64 sizes[] = { 0, 1, 256, 70000 };
    Digest root = { { 1 } };

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Source source = { .file = file };
        g_autoptr(GError) error = NULL;

        g_assert_null(tile_tree_open(sizes[i], &root, fetch, &source, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    }
    {
        Source source = { .file = file };
        g_autoptr(GError) error = NULL;

        g_assert_null(tile_tree_open(G_GUINT64_CONSTANT(1) << 56, &root, fetch, &source, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
        g_assert_cmpuint(source.fetched, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    file = file_make();
    g_test_add_func("/tiletree/roots-and-proofs", test_roots_and_proofs);
    g_test_add_func("/tiletree/leaves", test_leaves);
    g_test_add_func("/tiletree/flips", test_flips);
    g_test_add_func("/tiletree/not-kept", test_not_kept);
    g_test_add_func("/tiletree/partial-gone", test_partial_gone);
    g_test_add_func("/tiletree/wrong-root", test_wrong_root);
    result = g_test_run();
    merkle_file_close(file);
    g_unlink(path);
    g_rmdir(folder);
    return result;
}
