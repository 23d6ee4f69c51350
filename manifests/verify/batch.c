#include "manifests/verify/batch.h"

#include "manifests/checkout/content.h"
#include "manifests/store/reading.h"

#define BATCH_BYTES (4 * 1024 * 1024)
#define BATCH_FILES 1024

typedef struct {
    const char *path;
    guint64 size;
    Digest digest, name;
    guint first_chunk, chunk_count;
} VerifyFile;

struct VerifyBatch {
    Store *store;
    Progress *progress;
    GStringChunk *names;
    GArray *files, *chunks, *good;
    GPtrArray *faults;         /* of char* */
    guint64 bytes;
    DigestStream *stream;
    StoreReading *reading;
};

VerifyBatch *
verify_batch_new(Store *store, Progress *progress)
{
    VerifyBatch *batch = g_new0(VerifyBatch, 1);

    batch->store = store;
    batch->progress = progress;
    batch->names = g_string_chunk_new(16 * 1024);
    batch->files = g_array_new(FALSE, FALSE, sizeof(VerifyFile));
    batch->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    batch->good = g_array_new(FALSE, FALSE, sizeof(Digest));
    batch->faults = g_ptr_array_new_with_free_func(g_free);
    return batch;
}

void
verify_batch_free(VerifyBatch *batch)
{
    if (!batch)
        return;
    g_string_chunk_free(batch->names);
    g_array_unref(batch->files);
    g_array_unref(batch->chunks);
    g_array_unref(batch->good);
    g_ptr_array_unref(batch->faults);
    g_free(batch);
}

void
verify_batch_add(VerifyBatch *batch, const char *path, guint64 size, const Digest *digest, const Digest *name, const ChunkRef *chunks, guint count)
{
    VerifyFile file = { g_string_chunk_insert(batch->names, path), size, *digest, *name, batch->chunks->len, count };

    g_array_append_val(batch->files, file);
    g_array_append_vals(batch->chunks, chunks, count);
    batch->bytes += size;
}

gboolean
verify_batch_is_full(const VerifyBatch *batch)
{
    return batch->bytes >= BATCH_BYTES || batch->files->len >= BATCH_FILES;
}

char *
verify_chunk_fault(Store *store, const char *path, const ChunkRef *chunk)
{
    g_autofree char *shown = path_display(path);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = content_chunk(store, chunk, &error);

    return bytes ? NULL : g_strdup_printf("%s: %s", shown, error->message);
}

char *
verify_whole_fault(const char *path, const Digest *want, const Digest *have)
{
    g_autofree char *shown = path_display(path);
    char want_text[DIGEST_TEXT_SIZE], text[DIGEST_TEXT_SIZE];

    return g_strdup_printf("%s: whole file: want %s, have %s", shown, digest_format(want, want_text), digest_format(have, text));
}

/* FALSE if a chunk could not be read; all of them are taken from the reading. */
static gboolean
read_chunks(VerifyBatch *batch, const ChunkRef *chunks, guint count, gboolean one)
{
    gboolean good = TRUE;

    for (guint i = 0; i < count; i++) {
        const guint8 *bytes = content_next(batch->reading, &chunks[i], one ? READING_PROVEN : READING_STATED, NULL);

        good = good && bytes;
        for (guint64 n = 0; good && !one && n < chunks[i].run && !progress_cancelled(batch->progress); n++)
            digest_stream_update(batch->stream, bytes, chunks[i].size);
    }
    return good;
}

static void
note_faults(VerifyBatch *batch, const VerifyFile *file, const ChunkRef *chunks, const Digest *digest)
{
    guint before = batch->faults->len;
    char *fault;

    for (guint i = 0; i < file->chunk_count; i++)
        if ((fault = verify_chunk_fault(batch->store, file->path, &chunks[i])))
            g_ptr_array_add(batch->faults, fault);
    if (batch->faults->len == before)
        g_ptr_array_add(batch->faults, verify_whole_fault(file->path, &file->digest, digest));
}

/* A file of one chunk has that chunk's digest (the listing's parser sees to it); of others the digest of the whole proves all chunks at once. */
static void
check_file(VerifyBatch *batch, const VerifyFile *file)
{
    const ChunkRef *chunks = &g_array_index(batch->chunks, ChunkRef, file->first_chunk);
    gboolean one = content_is_one_chunk(chunks, file->chunk_count), good = read_chunks(batch, chunks, file->chunk_count, one);
    Digest digest = file->digest;

    if (!one)
        digest_stream_reset(batch->stream, &digest);
    if (progress_cancelled(batch->progress))
        return;
    if (good && digest_equal(&digest, &file->digest))
        g_array_append_val(batch->good, file->name);
    else
        note_faults(batch, file, chunks, &digest);
}

void
verify_batch_work(VerifyBatch *batch)
{
    g_autoptr(DigestStream) stream = digest_stream_new();
    g_autoptr(StoreReading) reading = store_reading_new(batch->store);

    batch->stream = stream;
    batch->reading = reading;
    for (guint i = 0; i < batch->chunks->len; i++)
        store_reading_expect(reading, &g_array_index(batch->chunks, ChunkRef, i).digest);
    for (guint i = 0; i < batch->files->len && !progress_cancelled(batch->progress); i++) {
        const VerifyFile *file = &g_array_index(batch->files, VerifyFile, i);

        check_file(batch, file);
        progress_add(batch->progress, (gint64)file->size, 1);
    }
}

const Digest *
verify_batch_take(VerifyBatch *batch, VersionReport report, gpointer data, guint *count)
{
    for (guint i = 0; i < batch->faults->len; i++)
        report(data, g_ptr_array_index(batch->faults, i));
    *count = batch->good->len;
    return (const Digest *)(gpointer)batch->good->data;
}
