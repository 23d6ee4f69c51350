/* A log written as files: T25 of manifests/FORMAT.md. */
#include "tests/unit/ledger_node.h"

#include "keys/durable.h"
#include "manifests/ledger/tile.h"
#include "manifests/ledger/tiling.h"

static char *
note_of(const Node *node, Ledger *ledger)
{
    g_autofree char *origin = checkpoint_origin(node->identity->id);
    g_autoptr(GError) error = NULL;
    Digest root;
    char *note;

    g_assert_true(ledger_root(ledger, ledger_head(ledger)->size, &root, NULL));
    note = checkpoint_sign(origin, ledger_head(ledger)->size, &root, TIME, node->log_key, &error);
    g_assert_no_error(error);
    return note;
}

static Tiling
write_log(const Node *node, Ledger *ledger, gboolean entries)
{
    g_autofree char *note = note_of(node, ledger), *folder = g_build_filename(node->folder, "www", NULL);
    g_autoptr(GError) error = NULL;
    Tiling done;

    tiling_write(ledger, note, entries, folder, &done, &error);
    g_assert_no_error(error);
    return done;
}

static gboolean
is_there(const Node *node, const char *name)
{
    g_autofree char *path = g_build_filename(node->folder, "www", name, NULL);

    return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

/* Each tile that there is holds what tile_hashes() gives. */
static void
assert_tiles(const Node *node, Ledger *ledger)
{
    guint64 size = ledger_head(ledger)->size;

    for (guint level = 0; tile_width(level, 0, size) > 0; level++)
        for (guint64 index = 0; tile_width(level, index, size) > 0; index++) {
            const Tile tile = { FALSE, level, index, tile_width(level, index, size) };
            char name[TILE_PATH_SIZE];
            g_autofree char *path = g_build_filename(node->folder, "www", tile_format(&tile, name), NULL);
            g_autoptr(GBytes) have = durable_read(path, 8192, NULL), want = tile_hashes(&tile, ledger_merkle(ledger), NULL);

            g_test_message("%s", name);
            g_assert_true(have && g_bytes_equal(have, want));
        }
}

/* Written again and again while the ledger grows, it is as if it had been written once; what is there is not written again. */
static void
test_incremental(void)
{
    Node node;
    Ledger *ledger;
    Tiling done;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 100);
    done = write_log(&node, ledger, FALSE);
    g_assert_true(done.size == 100 && done.written == 1 && done.bytes == 3200);
    done = write_log(&node, ledger, FALSE);
    g_assert_cmpuint(done.written, ==, 0);
    g_assert_false(is_there(&node, "tile/entries/000.p/100"));
    node_append(&node, ledger, 500);
    done = write_log(&node, ledger, FALSE);
    /* 0/000, 0/001, 0/002.p/88, 1/000.p/2 */
    g_assert_cmpuint(done.written, ==, 4);
    assert_tiles(&node, ledger);
    g_assert_true(is_there(&node, "tile/0/000.p/100"));
    /* entries from the beginning, whenever they are asked for first */
    done = write_log(&node, ledger, TRUE);
    g_assert_cmpuint(done.written, ==, 3);
    g_assert_true(is_there(&node, "tile/entries/000") && is_there(&node, "tile/entries/001") && is_there(&node, "tile/entries/002.p/88"));
    node_append(&node, ledger, 1);
    done = write_log(&node, ledger, TRUE);
    g_assert_cmpuint(done.written, ==, 2);
    g_assert_true(is_there(&node, "tile/entries/002.p/89") && is_there(&node, "tile/0/002.p/89") && is_there(&node, "tile/1/000.p/2"));
    assert_tiles(&node, ledger);
    ledger_close(ledger);
    node_tear_down(&node);
}

/* Another log's folder, one of another history, one of more than there is. */
static void
test_refusals(void)
{
    Node node, other;
    Ledger *ledger, *others;
    g_autofree char *note = NULL, *folder = NULL, *theirs = NULL, *path = NULL, *longer = NULL, *fork = NULL, *origin = NULL;
    Digest root = { { 1 } };
    g_autoptr(GError) error = NULL;
    Tiling done;

    node_set_up(&node, 1);
    node_set_up(&other, 2);
    ledger = node_create(&node);
    others = node_create(&other);
    node_append(&node, ledger, 10);
    node_append(&other, others, 10);
    note = note_of(&node, ledger);
    theirs = note_of(&other, others);
    origin = checkpoint_origin(node.identity->id);
    longer = checkpoint_sign(origin, 11, &root, TIME, node.log_key, NULL);
    fork = checkpoint_sign(origin, 9, &root, TIME, node.log_key, NULL);
    folder = g_build_filename(node.folder, "www", NULL);
    path = g_build_filename(folder, "checkpoint", NULL);
    /* another's checkpoint is not this ledger's */
    g_assert_false(tiling_write(ledger, theirs, FALSE, folder, &done, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    write_log(&node, ledger, FALSE);
    for (guint i = 0; i < 4; i++) {
        const char *texts[] = { theirs, "hello\n", longer, fork };
        g_autoptr(GBytes) after = NULL;

        g_assert_true(durable_write(path, texts[i], strlen(texts[i]), 0644, NULL));
        g_assert_false(tiling_write(ledger, note, FALSE, folder, &done, &error));
        g_assert_nonnull(error);
        g_assert_cmpint(error->code, ==, (i < 2 ? CHAMA_ERROR_EXISTS : CHAMA_ERROR_FORK));
        g_clear_error(&error);
        after = durable_read(path, NOTE_SIZE_MAX, NULL);
        g_assert_cmpmem(g_bytes_get_data(after, NULL), g_bytes_get_size(after), texts[i], strlen(texts[i]));
    }
    ledger_close(ledger);
    ledger_close(others);
    node_tear_down(&node);
    node_tear_down(&other);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tiling/t25/incremental", test_incremental);
    g_test_add_func("/tiling/t25/refusals", test_refusals);
    return g_test_run();
}
