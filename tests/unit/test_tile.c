/* Tiles of a ledger's Merkle log: T20 to T23 of manifests/FORMAT.md, against the C2SP vectors. */
#include "tests/unit/ledger_node.h"

#include "keys/durable.h"
#include "manifests/ledger/tile.h"

#define VECTOR_SIZE 70000

static json_t *
vectors(void)
{
    json_t *root = json_load_file("tests/c2sp/tree.json", 0, NULL);

    g_assert_nonnull(root);
    return root;
}

static const char *
text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static guint64
number_of(const json_t *object, const char *name)
{
    return (guint64)json_integer_value(json_object_get(object, name));
}

static Tile
parse(const char *path)
{
    g_autoptr(GError) error = NULL;
    char again[TILE_PATH_SIZE];
    Tile tile;

    g_assert_true(tile_parse(path, &tile, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(tile_format(&tile, again), ==, path);
    return tile;
}

static void
test_t20_vectors(void)
{
    g_autoptr(json_t) root = vectors();
    size_t i;
    json_t *value;

    json_array_foreach(json_object_get(root, "tile_path"), i, value) {
        Tile tile = parse(text_of(value, "path"));

        g_assert_false(tile.entries);
        g_assert_cmpuint(tile.level, ==, number_of(value, "level"));
        g_assert_cmpuint(tile.index, ==, number_of(value, "index"));
        g_assert_cmpuint(tile.width, ==, number_of(value, "width"));
    }
    g_assert_cmpuint(i, ==, 2);
    json_array_foreach(json_object_get(root, "bad_tile_path"), i, value) {
        Tile tile;

        g_test_message("%s", json_string_value(value));
        g_assert_false(tile_parse(json_string_value(value), &tile, NULL));
    }
    g_assert_cmpuint(i, ==, 10);
}

static void
test_t20_paths(void)
{
    static const struct {
        const char *path;
        Tile tile;
    } cases[] = {
        { "tile/0/000", { FALSE, 0, 0, 256 } },
        { "tile/63/999", { FALSE, 63, 999, 256 } },
        { "tile/7/x001/000", { FALSE, 7, 1000, 256 } },
        { "tile/0/x001/x234/067.p/1", { FALSE, 0, 1234067, 1 } },
        { "tile/0/x999/x999/x999/x999/x999/999.p/255", { FALSE, 0, G_GUINT64_CONSTANT(999999999999999999), 255 } },
        { "tile/entries/000.p/3", { TRUE, 0, 0, 3 } },
        { "tile/entries/x012/x000/345", { TRUE, 0, 12000345, 256 } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Tile tile = parse(cases[i].path);

        g_assert_cmpint(tile.entries, ==, cases[i].tile.entries);
        g_assert_cmpuint(tile.level, ==, cases[i].tile.level);
        g_assert_cmpuint(tile.index, ==, cases[i].tile.index);
        g_assert_cmpuint(tile.width, ==, cases[i].tile.width);
    }
}

static void
test_t20_refusals(void)
{
    static const char *const paths[] = {
        "", "tile", "tile/", "tile//000", "/tile/0/000", "Tile/0/000", "tile/0", "tile/0/", "tile/0/000/", "tile/0/000 ", "tile/0/000\n",
        "tile/x/000", "tile/+1/000", "tile/ 1/000", "tile/01/000", "tile/00/000", "tile/64/000", "tile/100/000", "tile/4294967296/000",
        "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "tile/0/00a", "tile/0/-01", "tile/0/x001", "tile/0/x001/", "tile/0/x001/x002",
        "tile/0/x000/001", "tile/0/x000/x000/001", "tile/0/001/002", "tile/0/x1/000", "tile/0/x01/000", "tile/0/X001/000", "tile/0/x001/x/000",
        "tile/0/x001/x000/x000/x000/x000/x000/000", "tile/0/xx001/000", "tile/0/x001//000",
        "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01", "tile/0/000.p/256", "tile/0/000.p/1000", "tile/0/000.p/-1",
        "tile/0/000.p/1/", "tile/0/000.p/1.p/1", "tile/0/000.P/1", "tile/0/000p/1", "tile/0/000.p//1", "tile/0/x001.p/1",
        "tile/entries", "tile/entries/", "tile/entries/0", "tile/entries/0/000", "tile/Entries/000", "tile/entriesx/000", "tile/entries/000.p/256",
        "tile/entries/000.p/0", "tile/data/000", "tile/8/0/000", "checkpoint", "../tile/0/000", "tile/0/../000", "tile/0/%30%30%30",
    };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;
        Tile tile = { .width = 77 };

        g_test_message("%s", paths[i]);
        g_assert_false(tile_parse(paths[i], &tile, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_cmpuint(tile.width, ==, 77);
    }
}

/* floor(size / 256^level) in all, and what is over of the last tile. */
static void
test_t23_widths(void)
{
    static const struct {
        guint level;
        guint64 index, size;
        guint width;
    } cases[] = {
        { 0, 0, 0, 0 }, { 0, 0, 1, 1 }, { 0, 0, 255, 255 }, { 0, 0, 256, 256 }, { 0, 1, 256, 0 }, { 0, 1, 257, 1 }, { 1, 0, 255, 0 }, { 1, 0, 256, 1 },
        { 1, 0, 511, 1 }, { 1, 0, 512, 2 }, { 0, 272, 70000, 256 }, { 0, 273, 70000, 112 }, { 0, 274, 70000, 0 }, { 1, 0, 70000, 256 }, { 1, 1, 70000, 17 },
        { 2, 0, 70000, 1 }, { 3, 0, 70000, 0 }, { 63, 0, 70000, 0 }, { 7, 0, G_MAXINT64, 127 }, { 8, 0, G_MAXINT64, 0 }, { 8, 0, G_MAXUINT64, 0 },
        { 0, G_MAXUINT64 / 256, 70000, 0 }, { 0, G_MAXUINT64, G_MAXUINT64, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(tile_width(cases[i].level, cases[i].index, cases[i].size), ==, cases[i].width);
}

/* Each width up to that of the size is of some checkpoint before it; a wider one, an empty one or one past the end is of none. */
static void
test_t23_partials(void)
{
    static const struct {
        const char *path;
        guint64 size;
        gboolean good;
    } cases[] = {
        { "tile/0/273.p/112", 70000, TRUE }, { "tile/0/273.p/111", 70000, TRUE }, { "tile/0/273.p/1", 70000, TRUE }, { "tile/0/273.p/113", 70000, FALSE },
        { "tile/0/273", 70000, FALSE }, { "tile/0/274.p/1", 70000, FALSE }, { "tile/0/272", 70000, TRUE }, { "tile/0/272.p/5", 70000, TRUE },
        { "tile/1/001.p/17", 70000, TRUE }, { "tile/1/001.p/18", 70000, FALSE }, { "tile/2/000.p/1", 70000, TRUE }, { "tile/2/000.p/2", 70000, FALSE },
        { "tile/3/000.p/1", 70000, FALSE }, { "tile/63/000.p/1", 70000, FALSE }, { "tile/entries/273.p/112", 70000, TRUE },
        { "tile/entries/273.p/113", 70000, FALSE }, { "tile/entries/273", 70000, FALSE }, { "tile/0/000.p/1", 0, FALSE }, { "tile/entries/000.p/1", 0, FALSE },
        { "tile/1/000.p/1", 256, TRUE }, { "tile/1/000.p/1", 255, FALSE }, { "tile/0/001.p/1", 256, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        Tile tile = parse(cases[i].path);

        g_test_message("%s of %" G_GUINT64_FORMAT, cases[i].path, cases[i].size);
        g_assert_cmpint(tile_check(&tile, cases[i].size, &error), ==, cases[i].good);
        if (!cases[i].good)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
}

typedef struct {
    char *folder, *path;
    MerkleFile *file;
} Tree;

static void
tree_set_up(Tree *tree, gconstpointer unused)
{
    g_autofree Digest *leaves = g_new(Digest, VECTOR_SIZE);

    tree->folder = g_dir_make_tmp("chama-tile-XXXXXX", NULL);
    tree->path = g_build_filename(tree->folder, "hashes", NULL);
    tree->file = merkle_file_open(tree->path, NULL);
    for (guint i = 0; i < VECTOR_SIZE; i++) {
        char data[32];

        merkle_leaf(data, (gsize)g_snprintf(data, sizeof data, "leaf %u", i), &leaves[i]);
    }
    g_assert_true(merkle_file_append(tree->file, leaves, VECTOR_SIZE, NULL));
}

static void
tree_tear_down(Tree *tree, gconstpointer unused)
{
    merkle_file_close(tree->file);
    g_unlink(tree->path);
    g_rmdir(tree->folder);
    g_free(tree->path);
    g_free(tree->folder);
}

static GBytes *
hashes_of(Tree *tree, const char *path)
{
    g_autoptr(GError) error = NULL;
    Tile tile = parse(path);
    GBytes *bytes;

    g_assert_true(tile_check(&tile, merkle_file_size(tree->file), NULL));
    bytes = tile_hashes(&tile, tree->file, &error);
    g_assert_no_error(error);
    return bytes;
}

static void
test_t21_vectors(Tree *tree, gconstpointer unused)
{
    g_autoptr(json_t) root = vectors();
    g_autoptr(GBytes) want = durable_read("tests/c2sp/tiles/tile-0-273.p-112.bin", 8192, NULL);
    g_autoptr(GBytes) have = hashes_of(tree, "tile/0/273.p/112");
    size_t i;
    json_t *value;

    g_assert_true(g_bytes_equal(want, have));
    json_array_foreach(json_object_get(root, "tiles_size_70000"), i, value) {
        g_autoptr(GBytes) bytes = hashes_of(tree, text_of(value, "path"));
        char hex[DIGEST_HEX_SIZE];
        Digest digest;

        digest_of_bytes(bytes, &digest);
        g_test_message("%s", text_of(value, "path"));
        g_assert_cmpstr(digest_format_hex(&digest, hex), ==, text_of(value, "sha256"));
        g_assert_cmpuint(g_bytes_get_size(bytes), ==, 32 * number_of(value, "width"));
    }
    g_assert_cmpuint(i, ==, 7);
}

/* A partial tile is the beginning of the full one. */
static void
test_t21_partial_is_prefix(Tree *tree, gconstpointer unused)
{
    g_autoptr(GBytes) full = hashes_of(tree, "tile/0/272"), part = hashes_of(tree, "tile/0/272.p/200");

    g_assert_cmpuint(g_bytes_get_size(part), ==, 200 * 32);
    g_assert_cmpint(memcmp(g_bytes_get_data(full, NULL), g_bytes_get_data(part, NULL), 200 * 32), ==, 0);
}

static void
test_t21_past_the_end(Tree *tree, gconstpointer unused)
{
    static const char *const paths[] = { "tile/0/273.p/113", "tile/0/274", "tile/3/000.p/1", "tile/63/000.p/1", "tile/0/x999/x999/x999/x999/x999/999" };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;
        Tile tile = parse(paths[i]);

        g_assert_null(tile_hashes(&tile, tree->file, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
}

static void
test_t22_vector(void)
{
    g_autoptr(json_t) root = vectors();
    const char *hex = text_of(json_object_get(root, "entry_bundle"), "hex");
    g_autoptr(GByteArray) bundle = g_byte_array_new();
    g_autoptr(GString) have = g_string_new(NULL);

    for (guint i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf("leaf %u", i);
        g_autoptr(GBytes) entry = g_bytes_new(text, strlen(text));

        tile_append_entry(bundle, entry);
    }
    for (guint i = 0; i < bundle->len; i++)
        g_string_append_printf(have, "%02x", bundle->data[i]);
    g_assert_cmpstr(have->str, ==, hex);
}

/* What a bundle gives back are the leaves of the tree. */
static void
test_t22_round_trip(void)
{
    Node node;
    g_autoptr(GByteArray) bundle = g_byte_array_new();
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) error = NULL;
    Ledger *ledger;

    node_set_up(&node, 3);
    ledger = node_create(&node);
    node_append(&node, ledger, 20);
    for (guint64 i = 0; i < 20; i++) {
        g_autoptr(Record) record = ledger_get(ledger, i, NULL);
        g_autoptr(GBytes) entry = record_entry(record);

        tile_append_entry(bundle, entry);
    }
    {
        g_autoptr(GBytes) bytes = g_bytes_new(bundle->data, bundle->len);

        entries = tile_parse_bundle(bytes, 20, &error);
    }
    g_assert_no_error(error);
    for (guint i = 0; i < 20; i++) {
        GBytes *entry = g_ptr_array_index(entries, i);
        Digest leaf, want;

        merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaf);
        g_assert_true(merkle_file_leaf(ledger_merkle(ledger), i, &want, NULL));
        g_assert_true(digest_equal(&leaf, &want));
    }
    ledger_close(ledger);
    node_tear_down(&node);
}

static void
test_t22_refusals(void)
{
    static const struct {
        const char *bytes;
        gsize size;
        guint width;
    } cases[] = {
        { "", 0, 1 }, { "\0", 1, 1 }, { "\0\1", 2, 1 }, { "\0\2a", 3, 1 }, { "\0\1a", 3, 2 }, { "\0\1a\0\1b", 6, 1 }, { "\0\1a\0", 4, 1 }, { "\0\1a\0", 4, 2 },
        { "\0\1ab", 4, 1 }, { "\377\377a", 3, 1 }, { "\0\0", 2, 2 },
    };
    g_autofree guint8 *zeros = g_malloc0(2 + G_MAXUINT16);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new(cases[i].bytes, cases[i].size);

        g_test_message("%u", i);
        g_assert_null(tile_parse_bundle(bytes, cases[i].width, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_clear_error(&error);
    }
    /* whole, but longer than any log entry */
    zeros[0] = (ENTRY_SIZE_MAX + 1) >> 8;
    zeros[1] = (ENTRY_SIZE_MAX + 1) & 255;
    {
        g_autoptr(GBytes) bytes = g_bytes_new(zeros, 2 + ENTRY_SIZE_MAX + 1);

        g_assert_null(tile_parse_bundle(bytes, 1, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tile/t20/vectors", test_t20_vectors);
    g_test_add_func("/tile/t20/paths", test_t20_paths);
    g_test_add_func("/tile/t20/refusals", test_t20_refusals);
    g_test_add_func("/tile/t23/widths", test_t23_widths);
    g_test_add_func("/tile/t23/partials", test_t23_partials);
    g_test_add("/tile/t21/vectors", Tree, NULL, tree_set_up, test_t21_vectors, tree_tear_down);
    g_test_add("/tile/t21/partial-is-prefix", Tree, NULL, tree_set_up, test_t21_partial_is_prefix, tree_tear_down);
    g_test_add("/tile/t21/past-the-end", Tree, NULL, tree_set_up, test_t21_past_the_end, tree_tear_down);
    g_test_add_func("/tile/t22/vector", test_t22_vector);
    g_test_add_func("/tile/t22/round-trip", test_t22_round_trip);
    g_test_add_func("/tile/t22/refusals", test_t22_refusals);
    return g_test_run();
}
