#include "manifests/checkout/write.h"

#include <errno.h>
#include <string.h>

#include "keys/error.h"
#include "manifests/checkout/content.h"
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

struct WriteBatch {
    const WriteTarget *target;
    GStringChunk *names;
    GArray *files, *chunks;
    guint64 bytes;
    DigestStream *stream;
    StoreReading *reading;
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
    digest_stream_free(batch->stream);
    store_reading_free(batch->reading);
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
write_chunk(WriteBatch *batch, const WriteFile *file, const ChunkRef *chunk, Fresh *fresh, guint64 *offset, GError **error)
{
    gboolean whole = content_is_one_chunk(chunks_of(batch, file), file->chunk_count);
    const guint8 *data = content_next(batch->reading, chunk, whole ? READING_PROVEN : READING_STATED, error);

    for (guint64 n = 0; data && n < chunk->run; n++) {
        if (!whole)
            digest_stream_update(batch->stream, data, chunk->size);
        if (!fresh_write(fresh, file->path, *offset, data, chunk->size, error))
            return FALSE;
        *offset += chunk->size;
        /* A listing that lies about its runs ends here, not when the disk is full. */
        if (*offset > file->size)
            break;
    }
    return data != NULL;
}

static void
digest_written(WriteBatch *batch, const WriteFile *file, Digest *digest)
{
    if (content_is_one_chunk(chunks_of(batch, file), file->chunk_count))
        *digest = chunks_of(batch, file)->digest;
    else
        digest_stream_reset(batch->stream, digest);
}

static gboolean
write_content(WriteBatch *batch, const WriteFile *file, Fresh *fresh, GError **error)
{
    guint64 offset = 0;
    Digest digest;

    for (guint i = 0; i < file->chunk_count; i++)
        if (!write_chunk(batch, file, &chunks_of(batch, file)[i], fresh, &offset, error))
            return FALSE;
    digest_written(batch, file, &digest);
    if (!digest_equal(&digest, &file->digest) && !content_chunks_are_right(batch->target->store, chunks_of(batch, file), file->chunk_count, error))
        return FALSE;
    return content_check(file->path, file->size, offset, &file->digest, &digest, error) &&
           fresh_finish(fresh, file->path, file->size, file->executable, error);
}

static gboolean
write_file(WriteBatch *batch, const WriteFile *file, BeneathFolder *folder, GError **error)
{
    g_auto(Fresh) fresh = FRESH_INIT;
    int fd = beneath_folder_of(folder, file->path, TRUE);
    gboolean ok;

    if (fd < 0) {
        g_autofree char *shown = path_display(file->path);

        return chama_error_errno(error, errno, "%s", shown);
    }
    if (file->target)
        ok = fresh_link(&fresh, fd, file->path, file->target, error);
    else
        ok = fresh_open(&fresh, fd, file->path, batch->target->staged, error) && write_content(batch, file, &fresh, error);
    return ok && fresh_place(&fresh, file->path, file->replace, error);
}

void
write_batch_work(WriteBatch *batch)
{
    g_auto(BeneathFolder) folder = BENEATH_FOLDER_INIT(batch->target->root);

    batch->stream = digest_stream_new();
    batch->reading = store_reading_new(batch->target->store);
    for (guint i = 0; i < batch->chunks->len; i++)
        store_reading_expect(batch->reading, &g_array_index(batch->chunks, ChunkRef, i).digest);
    for (guint i = 0; i < batch->files->len && !batch->error; i++) {
        const WriteFile *file = &g_array_index(batch->files, WriteFile, i);

        if (progress_cancelled(batch->target->progress))
            chama_error(&batch->error, CHAMA_ERROR_CANCELLED, "stopped");
        else if (write_file(batch, file, &folder, &batch->error)) {
            progress_add(batch->target->progress, (gint64)file->size, 1);
            writeback_add(batch->target->writeback, file->size + INODE_BYTES);
        }
    }
    g_clear_pointer(&batch->reading, store_reading_free);
}

gboolean
write_batch_take(WriteBatch *batch, GError **error)
{
    if (!batch->error)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&batch->error));
    return FALSE;
}
