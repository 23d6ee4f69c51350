#include "manifests/checkout/write.h"

#include <errno.h>
#include <string.h>

#include "keys/error.h"
#include "manifests/checkout/content.h"
#include "manifests/checkout/content_pair.h"
#include "manifests/checkout/fresh.h"
#include "manifests/tree/beneath.h"

#define BATCH_BYTES (4 * 1024 * 1024)
#define BATCH_FILES 256
/* What the file system writes of a file beside its bytes, roughly. */
#define INODE_BYTES 4096

typedef struct {
    const char *path, *target;
    gboolean executable, replace;
    guint64 size;
    Digest digest;
    guint first_chunk, chunk_count;
} WriteFile;

typedef struct {
    BeneathFolder folder;
    Fresh fresh;               /* the file under way */
} WriteLeg;

struct WriteBatch {
    const WriteTarget *target;
    GStringChunk *names;
    GArray *files, *chunks;
    guint64 bytes;
    WriteLeg legs[CONTENT_LEGS];       /* while it is worked on */
    GError *error;
};

WriteBatch *
write_batch_new(const WriteTarget *target)
{
    WriteBatch *batch = g_new0(WriteBatch, 1);

    batch->target = target;
    batch->names = g_string_chunk_new(4096);
    batch->files = g_array_new(FALSE, FALSE, sizeof(WriteFile));
    batch->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    return batch;
}

void
write_batch_free(WriteBatch *batch)
{
    if (!batch)
        return;
    g_string_chunk_free(batch->names);
    g_array_unref(batch->files);
    g_array_unref(batch->chunks);
    g_clear_error(&batch->error);
    g_free(batch);
}

void
write_batch_add(WriteBatch *batch, const Item *item, gboolean replace)
{
    WriteFile file = { .path = g_string_chunk_insert(batch->names, item->path), .executable = item->kind == ITEM_EXECUTABLE,
                       .replace = replace, .size = item->size, .first_chunk = batch->chunks->len };

    if (item->kind == ITEM_LINK)
        file.target = g_string_chunk_insert(batch->names, item->target);
    else {
        file.digest = item->digest;
        file.chunk_count = item->chunk_count;
        g_array_append_vals(batch->chunks, item->chunks, item->chunk_count);
    }
    g_array_append_val(batch->files, file);
    batch->bytes += item->size;
}

static gboolean
is_same_folder(const char *path, const char *other)
{
    gsize size = (gsize)(beneath_name(path) - path);

    return size == (gsize)(beneath_name(other) - other) && memcmp(path, other, size) == 0;
}

gboolean
write_batch_is_full(const WriteBatch *batch, const Item *next)
{
    if (batch->bytes < BATCH_BYTES && batch->files->len < BATCH_FILES)
        return FALSE;
    return batch->bytes >= 2 * BATCH_BYTES || batch->files->len >= 8 * BATCH_FILES ||
           !is_same_folder(g_array_index(batch->files, WriteFile, batch->files->len - 1).path, next->path);
}

static const ChunkRef *
chunks_of(const WriteBatch *batch, const WriteFile *file)
{
    return &g_array_index(batch->chunks, ChunkRef, file->first_chunk);
}

static gboolean
begin_file(gpointer data, guint leg, gpointer which, GError **error)
{
    WriteBatch *batch = data;
    const WriteFile *file = which;
    WriteLeg *mine = &batch->legs[leg];
    int fd = beneath_folder_of(&mine->folder, file->path, TRUE);

    if (fd < 0) {
        g_autofree char *shown = path_display(file->path);

        return chama_error_errno(error, errno, "%s", shown);
    }
    return file->target ? fresh_link(&mine->fresh, fd, file->path, file->target, error)
                        : fresh_open(&mine->fresh, fd, file->path, batch->target->staged, error);
}

static gboolean
write_piece(gpointer data, guint leg, gpointer which, guint64 offset, const guint8 *bytes, gsize size, GError **error)
{
    return fresh_write(&((WriteBatch *)data)->legs[leg].fresh, ((const WriteFile *)which)->path, offset, bytes, size, error);
}

/* Where the digest of the whole does not hold, one of the chunks may be damaged: that is a matter of the store. */
static gboolean
check_content(const WriteBatch *batch, const WriteFile *file, guint64 size, const Digest *digest, GError **error)
{
    if (!digest_equal(digest, &file->digest) && !content_chunks_are_right(batch->target->store, chunks_of(batch, file), file->chunk_count, error))
        return FALSE;
    return content_check(file->path, file->size, size, &file->digest, digest, error);
}

static gboolean
end_file(gpointer data, guint leg, gpointer which, guint64 size, const Digest *digest, const GError *failed, GError **error)
{
    WriteBatch *batch = data;
    const WriteFile *file = which;
    Fresh *fresh = &batch->legs[leg].fresh;

    if (failed) {
        g_propagate_error(error, g_error_copy(failed));
        return FALSE;
    }
    if (!file->target && (!check_content(batch, file, size, digest, error) || !fresh_finish(fresh, file->path, file->size, file->executable, error)))
        return FALSE;
    if (!fresh_place(fresh, file->path, file->replace, error))
        return FALSE;
    fresh_clear(fresh);
    progress_add(batch->target->progress, (gint64)file->size, 1);
    writeback_add(batch->target->writeback, file->size + INODE_BYTES);
    return TRUE;
}

void
write_batch_work(WriteBatch *batch)
{
    static const ContentUse use = { begin_file, write_piece, end_file };
    g_autofree ContentFile *files = g_new(ContentFile, batch->files->len);

    for (guint i = 0; i < batch->files->len; i++) {
        WriteFile *file = &g_array_index(batch->files, WriteFile, i);

        files[i] = (ContentFile){ file, file->size, chunks_of(batch, file), file->chunk_count };
    }
    for (guint leg = 0; leg < CONTENT_LEGS; leg++)
        batch->legs[leg] = (WriteLeg){ BENEATH_FOLDER_INIT(batch->target->root), FRESH_INIT };
    content_pair_read(batch->target->store, files, batch->files->len, &use, batch, batch->target->progress, &batch->error);
    for (guint leg = 0; leg < CONTENT_LEGS; leg++) {
        fresh_clear(&batch->legs[leg].fresh);
        beneath_folder_clear(&batch->legs[leg].folder);
    }
}

gboolean
write_batch_take(WriteBatch *batch, GError **error)
{
    if (!batch->error)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&batch->error));
    return FALSE;
}
