#include "manifests/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/ingest/batch.h"
#include "manifests/ingest/big.h"
#include "manifests/ingest/left_out.h"
#include "manifests/tree/pipeline.h"
#include "manifests/tree/walk.h"

/* The walk's thread fills batches and hands them to the others; it writes the listing from those that come back. */
typedef struct {
    Sink sink;
    ListingWriter *listing;
    Pipeline *batches;
    Batch *filling;
    Memory *memory;            /* may be NULL */
    guint64 recalled;
    guint64 bytes;             /* of the files so far */
    int root;
} Ingest;

static void
ingest_clear(Ingest *ingest)
{
    g_clear_pointer(&ingest->batches, pipeline_free);
    g_clear_pointer(&ingest->filling, batch_free);
    g_clear_pointer(&ingest->listing, listing_writer_free);
    sink_clear(&ingest->sink);
    if (ingest->root >= 0)
        close(ingest->root);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ingest, ingest_clear)

static void
read_batch(gpointer job, gpointer data)
{
    batch_read(job);
}

static gboolean
write_batch(gpointer job, gpointer data, GError **error)
{
    Ingest *ingest = data;

    ingest->recalled += batch_recalled(job);
    return batch_write(job, ingest->listing, ingest->sink.writer ? ingest->memory : NULL, error);
}

static gboolean
ingest_open(Ingest *ingest, StoreWriter *writer, const char *folder, const IngestOptions *options, GError **error)
{
    guint threads = pipeline_threads();
    PipelineKind kind = { threads, 2 * threads + 2, read_batch, write_batch, (GDestroyNotify)batch_free, ingest };

    ingest->sink = (Sink){ .writer = writer, .progress = options->progress, .store = options->store, .earlier = options->earlier };
    ingest->memory = options->memory;
    ingest->root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ingest->root < 0)
        return chama_error_errno(error, errno, "%s", folder);
    ingest->listing = listing_writer_new(sink_page, &ingest->sink);
    ingest->batches = pipeline_new(&kind);
    ingest->filling = batch_new(&ingest->sink, ingest->root);
    return TRUE;
}

static gboolean
send_batch(Ingest *ingest, GError **error)
{
    Batch *full = g_steal_pointer(&ingest->filling);

    ingest->filling = batch_new(&ingest->sink, ingest->root);
    return pipeline_push(ingest->batches, full, error);
}

/* What comes before it goes on being read meanwhile, and is in the listing before it. */
static gboolean
add_big(Ingest *ingest, const char *path, const Found *found, GError **error)
{
    g_auto(BigFile) file = { .executable = (found->mode & S_IXUSR) != 0 };
    gboolean recalled = ingest->memory && big_file_recall(&file, ingest->memory, &ingest->sink, path, found);

    ingest->recalled += recalled;
    if (!send_batch(ingest, error) || (!recalled && !big_file_read(&file, &ingest->sink, ingest->root, found->path, path, error)) || !pipeline_drain(ingest->batches, error) ||
        !big_file_write(&file, path, ingest->listing, error))
        return FALSE;
    if (ingest->memory && ingest->sink.writer)
        memory_add(ingest->memory, found->trusted ? &file.stamp : NULL);
    return TRUE;
}

static gboolean
add(Ingest *ingest, const char *path, const Found *found, GError **error)
{
    if (!sink_goes_on(&ingest->sink, error))
        return FALSE;
    /* How much will come is not known; how much came is. */
    gboolean big = S_ISREG(found->mode) && found->stamp.size >= pipeline_file_max(ingest->bytes);

    ingest->bytes += S_ISREG(found->mode) ? found->stamp.size : 0;
    if (big)
        return add_big(ingest, path, found, error);
    batch_add(ingest->filling, path, found, ingest->memory);
    return !batch_is_full(ingest->filling) || send_batch(ingest, error);
}

static gboolean
add_found(gpointer data, const Found *found, GError **error)
{
    return add(data, found->path, found, error);
}

static gboolean
finish(Ingest *ingest, IngestResult *result, GError **error)
{
    if (!send_batch(ingest, error) || !pipeline_drain(ingest->batches, error) ||
        !listing_writer_finish(ingest->listing, &result->totals, error))
        return FALSE;
    result->new_bytes = ingest->sink.new_bytes;
    result->recalled = ingest->recalled;
    return TRUE;
}

gboolean
ingest_folder(StoreWriter *writer, const char *path, const IngestOptions *options, IngestResult *result, GError **error)
{
    g_auto(Ingest) ingest = { .root = -1 };
    g_autoptr(Patterns) left_out = patterns_new();
    Walk walk = { .left_out = left_out, .skip_special = options->skip_special, .warn = options->warn, .warn_data = options->warn_data,
                  .visit = add_found, .visit_data = &ingest };

    memset(result, 0, sizeof(*result));
    if (!ingest_open(&ingest, writer, path, options, error))
        return FALSE;
    walk.root = ingest.root;
    if (!left_out_read(left_out, ingest.root, options->exclude, error) || !walk_folder(&walk, error) || !finish(&ingest, result, error))
        return FALSE;
    result->skipped = walk.skipped;
    return TRUE;
}

typedef struct {
    Progress *progress;
    guint64 bytes, files;
} Measure;

static gboolean
add_size(gpointer data, const Found *found, GError **error)
{
    Measure *measure = data;

    measure->bytes += S_ISREG(found->mode) ? found->stamp.size : 0;
    measure->files += !S_ISDIR(found->mode);
    return !progress_cancelled(measure->progress);
}

void
ingest_measure(const char *path, char **exclude, Progress *progress)
{
    g_autoptr(Patterns) left_out = patterns_new();
    Measure measure = { .progress = progress };
    Walk walk = { .left_out = left_out, .skip_special = TRUE, .visit = add_size, .visit_data = &measure };
    gboolean good;

    walk.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (walk.root < 0)
        return;
    good = left_out_read(left_out, walk.root, exclude, NULL) && walk_folder(&walk, NULL);
    close(walk.root);
    if (!good)
        return;
    __atomic_store_n(&progress->bytes_total, (gint64)measure.bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&progress->files_total, (gint64)measure.files, __ATOMIC_RELAXED);
}

/* The one file that was named, as look.h would tell it. */
static gboolean
find_named(Ingest *ingest, const char *name, const char *source, Found *found, GError **error)
{
    int fd = openat(ingest->root, source, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    gboolean good = fd >= 0 && fstat(fd, &st) == 0;
    int saved = errno;
    gboolean trusted = good && file_system_is_local(fd);

    if (fd >= 0)
        close(fd);
    if (!good)
        return chama_error_errno(error, saved, "%s", name);
    if (!S_ISREG(st.st_mode))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: want a file or a folder, have something else", name);
    *found = (Found){ .path = source, .mode = st.st_mode, .stamp = stamp_of(&st), .trusted = trusted };
    return TRUE;
}

static gboolean
add_named(Ingest *ingest, const char *name, const char *source, GError **error)
{
    Found found;

    if (!find_named(ingest, name, source, &found, error))
        return FALSE;
    if (ingest->sink.progress)
        __atomic_store_n(&ingest->sink.progress->bytes_total, (gint64)found.stamp.size, __ATOMIC_RELAXED);
    return path_check(name, error) && add(ingest, name, &found, error);
}

gboolean
ingest_file(StoreWriter *writer, const char *path, const IngestOptions *options, IngestResult *result, GError **error)
{
    g_auto(Ingest) ingest = { .root = -1 };
    g_autofree char *name = g_path_get_basename(path), *folder = NULL, *source = NULL;
    char *real = realpath(path, NULL);

    memset(result, 0, sizeof(*result));
    if (!real)
        return chama_error_errno(error, errno, "%s", path);
    /* A link that the person names is followed: they mean the file, under the name that they gave. */
    folder = g_path_get_dirname(real);
    source = g_path_get_basename(real);
    free(real);
    return ingest_open(&ingest, writer, folder, options, error) && add_named(&ingest, name, source, error) && finish(&ingest, result, error);
}
