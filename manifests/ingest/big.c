#include "manifests/ingest/big.h"

#include "manifests/ingest/cutter.h"
#include "manifests/ingest/earlier.h"
#include "manifests/ingest/source.h"
#include "manifests/store/chunker.h"
#include "manifests/tree/holes.h"
#include "manifests/tree/look.h"

#define SPOOL_MEMORY (8 * 1024 * 1024)
#define CHUNKS_AT_ONCE 256

typedef struct {
    const Source *source;
    const char *path;
    Cutter *cutter;
    Holes holes;
} Reading;

void
big_file_clear(BigFile *file)
{
    g_clear_pointer(&file->chunks, spool_free);
}

static gboolean
take_chunk(gpointer data, const ChunkRef *chunk, GError **error)
{
    BigFile *file = data;

    return spool_add(file->chunks, chunk, sizeof(*chunk), error);
}

static gboolean
take_file(gpointer data, guint64 size, const Digest *digest, GError **error)
{
    BigFile *file = data;

    file->size = size;
    file->digest = *digest;
    return TRUE;
}

/* The chunks of zeros that lie at @offset: each must see as many bytes of zero as the chunker looks at, so that the cuts are those of the
 * same file without holes. */
static guint64
zero_chunks_at(Reading *reading, guint64 offset)
{
    guint64 hole = holes_at(&reading->holes, offset);

    return hole < CHUNK_SIZE_LIMIT ? 0 : (hole - CHUNK_SIZE_LIMIT) / zeros_cut() + 1;
}

static gboolean
read_some(Reading *reading, guint64 *offset, gboolean *short_read, GError **error)
{
    gsize size, count;
    guint8 *room = cutter_room(reading->cutter, &size);

    size = (gsize)MIN(size, reading->source->stamp.size - *offset);
    if (!source_read(reading->source, reading->path, *offset, room, size, &count, error))
        return FALSE;
    *offset += count;
    *short_read = count < size;
    return cutter_filled(reading->cutter, count, error);
}

/* SOURCE_CHANGED without waiting for what is in flight if the file ends early. */
static SourceState
read_all(Reading *reading, GError **error)
{
    guint64 size = reading->source->stamp.size, offset = 0;
    gboolean short_read = FALSE, ok = TRUE;

    while (ok && !short_read && offset < size) {
        guint64 start = offset - cutter_pending(reading->cutter), count = zero_chunks_at(reading, start);

        if (count > 0) {
            offset = start + count * zeros_cut();
            ok = cutter_zeros(reading->cutter, count, error);
        } else
            ok = read_some(reading, &offset, &short_read, error);
    }
    if (short_read)
        return SOURCE_CHANGED;
    return ok && cutter_end(reading->cutter, error) && cutter_drain(reading->cutter, error) ? SOURCE_READ : SOURCE_FAILED;
}

static void
align(Cutter *cutter, const Sink *sink, const char *path, guint64 size)
{
    g_autoptr(Earlier) earlier = sink->earlier ? earlier_new(sink->store, sink->earlier) : NULL;
    g_autoptr(Alignment) alignment = earlier ? earlier_align(earlier, path, size) : NULL;

    cutter_align(cutter, alignment);
}

static SourceState
read_once(BigFile *file, Sink *sink, int root, const char *name, const char *path, GError **error)
{
    CutterTold told = { take_chunk, take_file, file };
    g_auto(Source) source = { .fd = -1 };
    SourceState state = source_open(&source, root, name, error);

    if (state != SOURCE_READ)
        return state;
    g_autoptr(Cutter) cutter = cutter_new(sink, &told);
    Reading reading = { &source, path, cutter, { source.fd, source.stamp.size, 0 } };

    align(cutter, sink, path, source.stamp.size);
    file->executable = (source.mode & S_IXUSR) != 0;
    file->stamp = source.stamp;
    state = read_all(&reading, error);
    return state == SOURCE_READ ? source_check(&source) : state;
}

gboolean
big_file_read(BigFile *file, Sink *sink, int root, const char *source, const char *path, GError **error)
{
    big_file_clear(file);
    file->chunks = spool_new(SPOOL_MEMORY);
    for (guint attempt = 0; attempt < SOURCE_ATTEMPTS; attempt++) {
        gint64 before = sink->progress ? __atomic_load_n(&sink->progress->bytes_done, __ATOMIC_RELAXED) : 0;
        SourceState state = read_once(file, sink, root, source, path, error);

        if (state == SOURCE_READ)
            progress_add(sink->progress, 0, 1);
        if (state != SOURCE_CHANGED)
            return state == SOURCE_READ;
        if (sink->progress)
            progress_add(sink->progress, before - __atomic_load_n(&sink->progress->bytes_done, __ATOMIC_RELAXED), 0);
        if (!spool_reset(file->chunks, error))
            return FALSE;
    }
    return look_changed(path, error);
}

/* Chunks on their way from memory, as many as are looked up at once. */
typedef struct {
    BigFile *file;
    const Sink *sink;          /* NULL: all is known to be held */
    Digest digests[CHUNKS_AT_ONCE];
    guint count;
} Recalling;

static gboolean
look_up(Recalling *recalling)
{
    guint count = recalling->count;

    recalling->count = 0;
    return !recalling->sink || sink_holds(recalling->sink, recalling->digests, count);
}

static gboolean
take_recalled(gpointer data, const ChunkRef *chunk)
{
    Recalling *recalling = data;

    recalling->digests[recalling->count++] = chunk->digest;
    recalling->file->size += chunk->size * chunk->run;
    return spool_add(recalling->file->chunks, chunk, sizeof *chunk, NULL) && (recalling->count < CHUNKS_AT_ONCE || look_up(recalling));
}

gboolean
big_file_recall(BigFile *file, Memory *memory, const Sink *sink, const char *path, const Found *found)
{
    g_autofree Recalling *recalling = NULL;

    if (!found->trusted || !memory_recalls(memory, path, &found->stamp))
        return FALSE;
    recalling = g_new(Recalling, 1);
    recalling->file = file;
    recalling->sink = memory_is_held(memory) ? NULL : sink;
    recalling->count = 0;
    file->size = 0;
    file->chunks = spool_new(SPOOL_MEMORY);
    file->stamp = found->stamp;
    if (!memory_tell(memory, take_recalled, recalling, &file->digest) || !look_up(recalling))
        return FALSE;
    progress_add(sink->progress, (gint64)file->size, 1);
    return TRUE;
}

gboolean
spooled_chunks_write(Spool *chunks, guint64 first, guint64 count, ListingWriter *listing, GError **error)
{
    ChunkRef some[CHUNKS_AT_ONCE];

    while (count > 0) {
        gsize now = (gsize)MIN(count, CHUNKS_AT_ONCE);

        if (!spool_read(chunks, first * sizeof(ChunkRef), some, now * sizeof(ChunkRef), error))
            return FALSE;
        for (gsize i = 0; i < now; i++)
            if (!listing_writer_chunk(listing, &some[i], error))
                return FALSE;
        first += now;
        count -= now;
    }
    return TRUE;
}

gboolean
big_file_write(const BigFile *file, const char *path, ListingWriter *listing, GError **error)
{
    return listing_writer_begin_file(listing, path, error) &&
           spooled_chunks_write(file->chunks, 0, spool_size(file->chunks) / sizeof(ChunkRef), listing, error) &&
           listing_writer_end_file(listing, file->executable, file->size, &file->digest, error);
}
