#include "manifests/verify/batch.h"

#include "manifests/checkout/content.h"
#include "manifests/checkout/content_pair.h"

#define BATCH_BYTES (16 * 1024 * 1024)   /* enough that both legs (content_pair.h) end at much the same time */
#define BATCH_FILES 1024

typedef struct {
    const char *path;
    guint64 size;
    Digest digest, name;
    guint first_chunk, chunk_count;
    GPtrArray *faults;         /* of char*; NULL: none */
} VerifyFile;

struct VerifyBatch {
    Store *store;
    Progress *progress;
    GStringChunk *names;
    GArray *files, *chunks, *good;
    guint64 bytes;
};

static void
file_clear(gpointer file)
{
    g_clear_pointer(&((VerifyFile *)file)->faults, g_ptr_array_unref);
}

VerifyBatch *
verify_batch_new(Store *store, Progress *progress)
{
    VerifyBatch *batch = g_new0(VerifyBatch, 1);

    batch->store = store;
    batch->progress = progress;
    batch->names = g_string_chunk_new(16 * 1024);
    batch->files = g_array_new(FALSE, FALSE, sizeof(VerifyFile));
    g_array_set_clear_func(batch->files, file_clear);
    batch->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    batch->good = g_array_new(FALSE, FALSE, sizeof(Digest));
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
    g_free(batch);
}

void
verify_batch_add(VerifyBatch *batch, const char *path, guint64 size, const Digest *digest, const Digest *name, const ChunkRef *chunks, guint count)
{
    VerifyFile file = { g_string_chunk_insert(batch->names, path), size, *digest, *name, batch->chunks->len, count, NULL };

    g_array_append_val(batch->files, file);
    g_array_append_vals(batch->chunks, chunks, count);
    batch->bytes += size;
}

static const ChunkRef *
chunks_of(const VerifyBatch *batch, const VerifyFile *file)
{
    return &g_array_index(batch->chunks, ChunkRef, file->first_chunk);
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

/* Of the whole file, if each chunk is right by itself. */
static char *
whole_fault(const VerifyFile *file, const Digest *digest, const GError *failed)
{
    g_autofree char *shown = path_display(file->path);

    return digest ? verify_whole_fault(file->path, &file->digest, digest) : g_strdup_printf("%s: %s", shown, failed->message);
}

static GPtrArray *
faults_of(VerifyBatch *batch, const VerifyFile *file, const Digest *digest, const GError *failed)
{
    const ChunkRef *chunks = chunks_of(batch, file);
    GPtrArray *faults = g_ptr_array_new_with_free_func(g_free);
    char *fault;

    for (guint i = 0; i < file->chunk_count; i++)
        if ((fault = verify_chunk_fault(batch->store, file->path, &chunks[i])))
            g_ptr_array_add(faults, fault);
    if (faults->len == 0)
        g_ptr_array_add(faults, whole_fault(file, digest, failed));
    return faults;
}

/* A ContentUse's: what is wrong with one file does not end the others. */
static gboolean
end_file(gpointer data, guint leg, gpointer which, guint64 size, const Digest *digest, const GError *failed, GError **error)
{
    VerifyBatch *batch = data;
    VerifyFile *file = which;

    if (digest && size == file->size && digest_equal(digest, &file->digest))
        g_array_append_val(batch->good, file->name);
    else
        file->faults = faults_of(batch, file, digest, failed);
    progress_add(batch->progress, (gint64)file->size, 1);
    return TRUE;
}

void
verify_batch_work(VerifyBatch *batch)
{
    static const ContentUse use = { .end = end_file };
    g_autofree ContentFile *files = g_new(ContentFile, batch->files->len);

    for (guint i = 0; i < batch->files->len; i++) {
        VerifyFile *file = &g_array_index(batch->files, VerifyFile, i);

        files[i] = (ContentFile){ file, file->size, chunks_of(batch, file), file->chunk_count };
    }
    content_pair_read(batch->store, files, batch->files->len, &use, batch, batch->progress, NULL);
}

const Digest *
verify_batch_take(VerifyBatch *batch, VersionReport report, gpointer data, guint *count)
{
    for (guint i = 0; i < batch->files->len; i++) {
        const GPtrArray *faults = g_array_index(batch->files, VerifyFile, i).faults;

        for (guint f = 0; faults && f < faults->len; f++)
            report(data, faults->pdata[f]);
    }
    *count = batch->good->len;
    return (const Digest *)(gpointer)batch->good->data;
}
