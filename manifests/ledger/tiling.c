#include "manifests/ledger/tiling.h"

#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/ledger/tile.h"

#define CHECKPOINT_NAME "checkpoint"

typedef struct {
    Ledger *ledger;
    const char *folder;
    guint64 before, size;   /* leaves of the tree that is there, and of the one that is to be */
    char *made;             /* the folder that was made last */
    Tiling *done;
} Writing;

/* The checkpoint that is there: only one of this ledger's own history is continued. */
static gboolean
read_before(Writing *writing, const char *path, GError **error)
{
    g_autoptr(GError) none = NULL;
    g_autoptr(GBytes) bytes = durable_read(path, NOTE_SIZE_MAX, &none);
    g_autoptr(Checkpoint) checkpoint = NULL;
    Digest root;

    if (!bytes)
        return g_error_matches(none, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND) || (g_propagate_error(error, g_steal_pointer(&none)), FALSE);
    checkpoint = checkpoint_verify_by(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), ledger_identity(writing->ledger), NULL);
    if (!checkpoint)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: T25: want a checkpoint of %s, have another; choose another folder", path, ledger_node(writing->ledger));
    if (checkpoint->size > writing->size || !ledger_root(writing->ledger, checkpoint->size, &root, NULL) || !digest_equal(&root, &checkpoint->root))
        return chama_error(error, CHAMA_ERROR_FORK, "%s: T25: want a checkpoint of at most %" G_GUINT64_FORMAT " records of this history, have one of %"
                           G_GUINT64_FORMAT, path, writing->size, checkpoint->size);
    writing->before = checkpoint->size;
    return TRUE;
}

/* All folders above @path, below the target. */
static gboolean
make_folders(Writing *writing, const char *path, GError **error)
{
    g_autofree char *above = g_path_get_dirname(path);

    if (strcmp(above, writing->folder) == 0 || g_strcmp0(above, writing->made) == 0)
        return TRUE;
    if (!make_folders(writing, above, error) || !durable_mkdir(above, 0755, error))
        return FALSE;
    g_free(writing->made);
    writing->made = g_steal_pointer(&above);
    return TRUE;
}

static gboolean
write_file(Writing *writing, const Tile *tile, const void *data, gsize size, GError **error)
{
    char name[TILE_PATH_SIZE];
    g_autofree char *path = g_build_filename(writing->folder, tile_format(tile, name), NULL);

    writing->done->written++;
    writing->done->bytes += size;
    return make_folders(writing, path, error) && durable_write(path, data, size, 0644, error);
}

static gboolean
write_hashes(Writing *writing, const Tile *tile, GError **error)
{
    g_autoptr(GBytes) hashes = tile_hashes(tile, ledger_merkle(writing->ledger), error);

    return hashes && write_file(writing, tile, g_bytes_get_data(hashes, NULL), g_bytes_get_size(hashes), error);
}

static gboolean
write_entries(Writing *writing, const Tile *tile, GError **error)
{
    g_autoptr(GByteArray) bundle = g_byte_array_new();

    for (guint i = 0; i < tile->width; i++) {
        g_autoptr(Record) record = ledger_get(writing->ledger, tile->index * TILE_WIDTH + i, error);
        g_autoptr(GBytes) entry = record ? record_entry(record) : NULL;

        if (!entry)
            return FALSE;
        tile_append_entry(bundle, entry);
    }
    return write_file(writing, tile, bundle->data, bundle->len, error);
}

/* T25: the tiles of a level in which there is something new.  A narrower tile that was there stays beside the wider one: somebody may read by its checkpoint. */
static gboolean
write_level(Writing *writing, guint level, gboolean entries, guint64 before, GError **error)
{
    guint64 first = before >> (level * TILE_HEIGHT) >> TILE_HEIGHT;

    for (guint64 index = first; tile_width(level, index, writing->size) > 0; index++) {
        const Tile tile = { entries, level, index, tile_width(level, index, writing->size) };

        if (tile.width > tile_width(level, index, before) && !(entries ? write_entries : write_hashes)(writing, &tile, error))
            return FALSE;
    }
    return TRUE;
}

/* How many records of the tree that is there lie in bundles: they are written in order, so the last one tells of all; it may be without any. */
static guint64
entries_before(const Writing *writing)
{
    guint64 last = writing->before > 0 ? (writing->before - 1) / TILE_WIDTH : 0;
    const Tile tile = { TRUE, 0, last, tile_width(0, last, writing->before) };
    char name[TILE_PATH_SIZE];
    g_autofree char *path = g_build_filename(writing->folder, tile_format(&tile, name), NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS) ? writing->before : 0;
}

static gboolean
write_tiles(Writing *writing, gboolean entries, GError **error)
{
    for (guint level = 0; tile_width(level, 0, writing->size) > 0; level++)
        if (!write_level(writing, level, FALSE, writing->before, error))
            return FALSE;
    return !entries || write_level(writing, 0, TRUE, entries_before(writing), error);
}

gboolean
tiling_write(Ledger *ledger, const char *note, gboolean entries, const char *folder, Tiling *done, GError **error)
{
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify_by(note, strlen(note), ledger_identity(ledger), error);
    g_autofree char *target = g_canonicalize_filename(folder, NULL), *path = g_build_filename(target, CHECKPOINT_NAME, NULL);
    Writing writing = { .ledger = ledger, .folder = target, .done = done };
    gboolean written;

    if (!checkpoint)
        return FALSE;
    *done = (Tiling){ .size = writing.size = checkpoint->size };
    written = durable_mkdir(target, 0755, error) && read_before(&writing, path, error) && write_tiles(&writing, entries, error)
              && durable_write(path, note, strlen(note), 0644, error);
    g_free(writing.made);
    return written;
}
