#include "manifests/ingest/batch.h"

#include <errno.h>
#include <string.h>

#include "keys/error.h"
#include "manifests/ingest/earlier.h"
#include "manifests/ingest/source.h"
#include "manifests/store/chunker.h"
#include "manifests/tree/beneath.h"
#include "manifests/tree/pipeline.h"

#define BATCH_BYTES (4 * 1024 * 1024)
#define BATCH_FILES 256
#define WINDOW (1024 * 1024)

typedef struct {
    const char *path;
    Found found;                   /* as it was seen, then as it was when it was read */
    gboolean recalled;             /* chunks and digest are those of memory */
    const char *target;            /* of a link */
    guint64 size;
    Digest digest;
    guint first_chunk, chunk_count;
} BatchFile;

struct Batch {
    Sink *sink;
    GStringChunk *names;
    GArray *files, *chunks;
    guint64 bytes;
    gboolean held;                 /* all that was recalled is known to be held */
    GError *error;
    /* While it is read: */
    guint8 *window;
    BeneathFolder folder;
    Earlier *earlier;              /* NULL if there is no version before */
    Alignment *alignment;          /* of the file being read; NULL if nothing of it was new so far, or it is new itself */
    gboolean aligned;              /* that was asked for */
    DigestPair *digests;           /* of the file being read and its chunk */
};

Batch *
batch_new(Sink *sink, int root)
{
    Batch *batch = g_new0(Batch, 1);

    batch->sink = sink;
    batch->folder = (BeneathFolder)BENEATH_FOLDER_INIT(root);
    batch->names = g_string_chunk_new(4096);
    batch->files = g_array_new(FALSE, FALSE, sizeof(BatchFile));
    batch->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    return batch;
}

void
batch_free(Batch *batch)
{
    if (!batch)
        return;
    g_string_chunk_free(batch->names);
    g_array_unref(batch->files);
    g_array_unref(batch->chunks);
    g_clear_error(&batch->error);
    g_free(batch->window);
    beneath_folder_clear(&batch->folder);
    alignment_unref(batch->alignment);
    earlier_free(batch->earlier);
    digest_pair_free(batch->digests);
    g_free(batch);
}

static gboolean
take_recalled(gpointer data, const ChunkRef *chunk)
{
    g_array_append_val((GArray *)data, *chunk);
    return TRUE;
}

static void
recall(Batch *batch, BatchFile *file, Memory *memory)
{
    file->first_chunk = batch->chunks->len;
    file->recalled = file->found.trusted && memory_recalls(memory, file->path, &file->found.stamp) && memory_tell(memory, take_recalled, batch->chunks, &file->digest);
    if (!file->recalled)
        g_array_set_size(batch->chunks, file->first_chunk);
    file->chunk_count = batch->chunks->len - file->first_chunk;
}

void
batch_add(Batch *batch, const char *path, const Found *found, Memory *memory)
{
    BatchFile file = { .path = g_string_chunk_insert(batch->names, path), .found = *found, .size = found->stamp.size };

    file.found.path = found->path == path ? file.path : g_string_chunk_insert(batch->names, found->path);
    if (memory && S_ISREG(found->mode)) {
        batch->held = memory_is_held(memory);
        recall(batch, &file, memory);
    }
    if (!file.recalled)
        batch->bytes += file.size;
    g_array_append_val(batch->files, file);
}

gboolean
batch_is_full(const Batch *batch)
{
    return batch->bytes >= BATCH_BYTES || batch->files->len >= BATCH_FILES;
}

/* A chunk about to be stored. */
typedef struct {
    Batch *batch;
    const BatchFile *file;
    guint64 size, offset;          /* of the file, as it was opened; in it */
} BatchChunk;

/* A StoreLikeness.  Most chunks of most files are held: the earlier file is looked up when the first one is not. */
static guint
find_likeness(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX])
{
    const BatchChunk *chunk = data;
    Batch *batch = chunk->batch;
    AlignedChunk aligned;

    if (!batch->aligned)
        batch->alignment = earlier_align(batch->earlier, chunk->file->path, chunk->size);
    batch->aligned = TRUE;
    aligned = (AlignedChunk){ batch->alignment, chunk->offset };
    return batch->alignment ? alignment_likeness(&aligned, attempt, bytes, size, bases) : 0;
}

static void
forget_alignment(Batch *batch)
{
    g_clear_pointer(&batch->alignment, alignment_unref);
    batch->aligned = FALSE;
}

/* @offset: of the window in the file. */
static gboolean
cut_window(Batch *batch, const BatchFile *file, guint64 size, guint64 offset, gsize filled, gboolean at_end, gsize *used, GError **error)
{
    for (*used = 0; filled - *used >= (at_end ? 1 : CHUNK_SIZE_LIMIT);) {
        gsize length = chunker_cut(batch->window + *used, filled - *used);
        BatchChunk about = { batch, file, size, offset + *used };
        DigestPair *digests = length == size ? NULL : batch->digests;
        ChunkRef chunk;

        if (!sink_chunk(batch->sink, digests, batch->window + *used, length, batch->earlier ? find_likeness : NULL, &about, &chunk, error))
            return FALSE;
        g_array_append_val(batch->chunks, chunk);
        *used += length;
    }
    return TRUE;
}

/* A file of one chunk is not hashed twice. */
static void
finish_digest(Batch *batch, BatchFile *file)
{
    file->chunk_count = batch->chunks->len - file->first_chunk;
    digest_pair_reset(batch->digests, 0, &file->digest);
    if (file->chunk_count == 1)
        file->digest = g_array_index(batch->chunks, ChunkRef, file->first_chunk).digest;
}

/* @size bytes are to come; a file that gives fewer has changed. */
static gboolean
read_content(Batch *batch, BatchFile *file, const Source *source, guint64 size, GError **error)
{
    gsize carried = 0, count = 0, used = 0;

    if (!batch->window) {
        batch->window = g_malloc(WINDOW);
        batch->digests = digest_pair_new();
    }

    for (guint64 offset = 0; offset < size; offset += count) {
        gsize want = (gsize)MIN(size - offset, WINDOW - carried);

        if (!source_read(source, file->found.path, offset, batch->window + carried, want, &count, error))
            return FALSE;
        if (count < want)
            return TRUE;
        if (!cut_window(batch, file, size, offset - carried, carried + count, offset + count == size, &used, error))
            return FALSE;
        file->size += count;
        carried += count - used;
        memmove(batch->window, batch->window + used, carried);
    }
    finish_digest(batch, file);
    return TRUE;
}

/* @seen: TRUE if what was found counts as its state before. */
static SourceState
read_once(Batch *batch, BatchFile *file, gboolean seen, GError **error)
{
    g_auto(Source) source = { .fd = -1 };
    SourceState state = source_open_in(&source, &batch->folder, file->found.path, seen ? &file->found : NULL, error);

    if (state != SOURCE_READ)
        return state;
    /* It grew beyond what one thread should read. */
    if (source.stamp.size > 2 * MAX(PIPELINE_FILE_MIN, file->found.stamp.size))
        return SOURCE_CHANGED;
    file->size = 0;
    file->found.mode = source.mode;
    file->found.stamp = source.stamp;
    forget_alignment(batch);
    if (!read_content(batch, file, &source, source.stamp.size, error))
        return SOURCE_FAILED;
    return file->size == source.stamp.size ? source_check(&source) : SOURCE_CHANGED;
}

static gboolean
read_file(Batch *batch, BatchFile *file, GError **error)
{
    for (guint attempt = 0; attempt < SOURCE_ATTEMPTS; attempt++) {
        file->first_chunk = batch->chunks->len;
        SourceState state = read_once(batch, file, attempt == 0, error);

        if (state != SOURCE_CHANGED)
            return state == SOURCE_READ;
        g_array_set_size(batch->chunks, file->first_chunk);
        if (batch->digests)
            digest_pair_reset(batch->digests, 0, &file->digest);
        /* Another folder may have taken the place of the one that is open. */
        beneath_folder_clear(&batch->folder);
    }
    return look_changed(file->path, error);
}

static gboolean
read_link(Batch *batch, BatchFile *file, GError **error)
{
    int fd = beneath_folder_of(&batch->folder, file->found.path, FALSE);
    g_autofree char *target = fd >= 0 ? beneath_read_link(fd, beneath_name(file->found.path)) : NULL;

    if (!target)
        return look_changed(file->path, error);
    file->target = g_string_chunk_insert(batch->names, target);
    return link_check(file->path, target, error);
}

static gboolean
read_entry(Batch *batch, BatchFile *file, GError **error)
{
    if (S_ISDIR(file->found.mode))
        return TRUE;
    if (S_ISLNK(file->found.mode))
        return read_link(batch, file, error);
    return read_file(batch, file, error);
}

static void
add_digests(const Batch *batch, const BatchFile *file, GArray *digests)
{
    for (guint i = 0; i < file->chunk_count; i++)
        g_array_append_val(digests, g_array_index(batch->chunks, ChunkRef, file->first_chunk + i).digest);
}

static gboolean
file_is_held(const Batch *batch, const BatchFile *file, GArray *digests)
{
    g_array_set_size(digests, 0);
    add_digests(batch, file, digests);
    return sink_holds(batch->sink, (const Digest *)(gpointer)digests->data, digests->len);
}

/* A file of which a chunk has gone from the store is read after all.  All files at once, and each by itself only if one was not there. */
static void
check_recalled(Batch *batch)
{
    g_autoptr(GArray) digests = g_array_new(FALSE, FALSE, sizeof(Digest));

    for (guint i = 0; i < batch->files->len; i++)
        if (g_array_index(batch->files, BatchFile, i).recalled)
            add_digests(batch, &g_array_index(batch->files, BatchFile, i), digests);
    if (sink_holds(batch->sink, (const Digest *)(gpointer)digests->data, digests->len))
        return;
    for (guint i = 0; i < batch->files->len; i++) {
        BatchFile *file = &g_array_index(batch->files, BatchFile, i);

        file->recalled = file->recalled && file_is_held(batch, file, digests);
    }
}

void
batch_read(Batch *batch)
{
    if (!batch->held)
        check_recalled(batch);
    if (batch->sink->earlier)
        batch->earlier = earlier_new(batch->sink->store, batch->sink->earlier);
    for (guint i = 0; i < batch->files->len && !batch->error; i++) {
        BatchFile *file = &g_array_index(batch->files, BatchFile, i);

        if (file->recalled || read_entry(batch, file, &batch->error))
            progress_add(batch->sink->progress, S_ISREG(file->found.mode) ? (gint64)file->size : 0, 1);
    }
    forget_alignment(batch);
    beneath_folder_clear(&batch->folder);
    g_clear_pointer(&batch->earlier, earlier_free);
    g_clear_pointer(&batch->window, g_free);
}

static gboolean
write_file(const Batch *batch, const BatchFile *file, ListingWriter *listing, GError **error)
{
    if (!listing_writer_begin_file(listing, file->path, error))
        return FALSE;
    for (guint i = 0; i < file->chunk_count; i++)
        if (!listing_writer_chunk(listing, &g_array_index(batch->chunks, ChunkRef, file->first_chunk + i), error))
            return FALSE;
    return listing_writer_end_file(listing, (file->found.mode & S_IXUSR) != 0, file->size, &file->digest, error);
}

static gboolean
write_entry(const Batch *batch, const BatchFile *file, ListingWriter *listing, GError **error)
{
    if (S_ISDIR(file->found.mode))
        return listing_writer_folder(listing, file->path, error);
    if (S_ISLNK(file->found.mode))
        return listing_writer_link(listing, file->path, file->target, error);
    return write_file(batch, file, listing, error);
}

gboolean
batch_write(Batch *batch, ListingWriter *listing, Memory *memory, GError **error)
{
    if (batch->error) {
        g_propagate_error(error, g_steal_pointer(&batch->error));
        return FALSE;
    }
    for (guint i = 0; i < batch->files->len; i++) {
        const BatchFile *file = &g_array_index(batch->files, BatchFile, i);

        if (!write_entry(batch, file, listing, error))
            return FALSE;
        if (memory && S_ISREG(file->found.mode))
            memory_add(memory, file->found.trusted ? &file->found.stamp : NULL);
    }
    return TRUE;
}

guint64
batch_recalled(const Batch *batch)
{
    guint64 count = 0;

    for (guint i = 0; i < batch->files->len; i++)
        count += g_array_index(batch->files, BatchFile, i).recalled;
    return count;
}
