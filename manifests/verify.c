/* version_verify(): listing, chunks and whole files of one version, on all cores. */
#include <string.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/version.h"

#define JOB_BYTES (4 * 1024 * 1024)
#define JOBS_IN_FLIGHT 16
/* Bounds memory (I6): 20 MiB.  Files beyond are read again in each version. */
#define FOUND_GOOD_MAX (256 * 1024)

/* Files, each by the digest of all that the listing says of its content. */
struct FoundGood {
    GHashTable *files;       /* of Digest, in digests */
    Digest *digests;
};

/* A file, or some of the chunks of a small run of files: what one thread checks. */
typedef struct {
    char *path;
    guint64 size;
    Digest digest;
    GArray *chunks;          /* of ChunkRef */
} FileJob;

typedef struct {
    Store *store;
    FoundGood *found_good;   /* may be NULL; under the lock */
    VersionReport report;
    gpointer report_data;
    Progress *progress;
    GMutex lock;
    GCond room;
    guint in_flight;
} Verification;

FoundGood *
found_good_new(void)
{
    FoundGood *found_good = g_new(FoundGood, 1);

    found_good->files = g_hash_table_new(digest_hash, digest_equal);
    found_good->digests = g_new(Digest, FOUND_GOOD_MAX);
    return found_good;
}

void
found_good_free(FoundGood *found_good)
{
    if (!found_good)
        return;
    g_hash_table_unref(found_good->files);
    g_free(found_good->digests);
    g_free(found_good);
}

static void
file_job_free(gpointer data)
{
    FileJob *job = data;

    g_free(job->path);
    g_array_unref(job->chunks);
    g_free(job);
}

static void
say(Verification *v, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_mutex_lock(&v->lock);
    v->report(v->report_data, message);
    g_mutex_unlock(&v->lock);
}

/* Each chunk is read and hashed once, also where it stands many times in a row. */
static gboolean
check_chunk(Verification *v, const FileJob *job, const ChunkRef *chunk, DigestStream *whole)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = store_get(v->store, &chunk->digest, &error);
    g_autofree char *shown = path_display(job->path);

    if (!bytes) {
        say(v, "%s: %s", shown, error->message);
        return FALSE;
    }
    if (g_bytes_get_size(bytes) != chunk->size) {
        say(v, "%s: chunk: want %u bytes as the listing says, have %" G_GSIZE_FORMAT, shown, chunk->size, g_bytes_get_size(bytes));
        return FALSE;
    }
    for (guint64 i = 0; whole && i < chunk->run && !progress_cancelled(v->progress); i++)
        digest_stream_update(whole, g_bytes_get_data(bytes, NULL), chunk->size);
    progress_add(v->progress, (gint64)(chunk->size * chunk->run), 0);
    return TRUE;
}

/* The whole file's digest alone would not do: another listing may give it other chunks. */
static void
name_content(const FileJob *job, Digest *name)
{
    g_autoptr(DigestStream) stream = digest_stream_new();

    digest_stream_update(stream, &job->digest, sizeof job->digest);
    for (guint i = 0; i < job->chunks->len; i++) {
        const ChunkRef *chunk = &g_array_index(job->chunks, ChunkRef, i);

        digest_stream_update(stream, &chunk->digest, sizeof chunk->digest);
        digest_stream_update(stream, &chunk->size, sizeof chunk->size);
        digest_stream_update(stream, &chunk->run, sizeof chunk->run);
    }
    digest_stream_reset(stream, name);
}

static gboolean
was_good(Verification *v, const Digest *name)
{
    gboolean good;

    g_mutex_lock(&v->lock);
    good = g_hash_table_contains(v->found_good->files, name);
    g_mutex_unlock(&v->lock);
    return good;
}

static void
note_good(Verification *v, const Digest *name)
{
    GHashTable *files = v->found_good->files;
    guint count;

    g_mutex_lock(&v->lock);
    count = g_hash_table_size(files);
    if (count < FOUND_GOOD_MAX && !g_hash_table_contains(files, name)) {
        v->found_good->digests[count] = *name;
        g_hash_table_add(files, &v->found_good->digests[count]);
    }
    g_mutex_unlock(&v->lock);
}

/* A file of one chunk has that chunk's digest (the listing's parser sees to it): hashing it twice proves nothing more. */
static gboolean
check_content(Verification *v, const FileJob *job)
{
    gboolean single = job->chunks->len == 1 && g_array_index(job->chunks, ChunkRef, 0).run == 1;
    g_autoptr(DigestStream) whole = single ? NULL : digest_stream_new();
    gboolean good = TRUE;
    Digest digest;

    for (guint i = 0; i < job->chunks->len && !progress_cancelled(v->progress); i++)
        good &= check_chunk(v, job, &g_array_index(job->chunks, ChunkRef, i), whole);
    if (whole) {
        digest_stream_reset(whole, &digest);
        if (good && !digest_equal(&digest, &job->digest) && !progress_cancelled(v->progress)) {
            g_autofree char *shown = path_display(job->path);
            char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];

            say(v, "%s: whole file: want %s, have %s", shown, digest_format(&job->digest, want), digest_format(&digest, have));
            return FALSE;
        }
    }
    return good && !progress_cancelled(v->progress);
}

static void
check_file(Verification *v, const FileJob *job)
{
    Digest name;

    if (v->found_good)
        name_content(job, &name);
    if (v->found_good && was_good(v, &name))
        progress_add(v->progress, (gint64)job->size, 0);
    else if (check_content(v, job) && v->found_good)
        note_good(v, &name);
    progress_add(v->progress, 0, 1);
}

static void
work(gpointer data, gpointer user_data)
{
    GPtrArray *jobs = data;
    Verification *v = user_data;

    for (guint i = 0; i < jobs->len && !progress_cancelled(v->progress); i++)
        check_file(v, g_ptr_array_index(jobs, i));
    g_ptr_array_unref(jobs);
    g_mutex_lock(&v->lock);
    v->in_flight--;
    g_cond_signal(&v->room);
    g_mutex_unlock(&v->lock);
}

static void
dispatch(Verification *v, GThreadPool *pool, GPtrArray **jobs)
{
    if ((*jobs)->len == 0)
        return;
    g_mutex_lock(&v->lock);
    while (v->in_flight >= JOBS_IN_FLIGHT)
        g_cond_wait(&v->room, &v->lock);
    v->in_flight++;
    g_mutex_unlock(&v->lock);
    g_thread_pool_push(pool, *jobs, NULL);
    *jobs = g_ptr_array_new_with_free_func(file_job_free);
}

static FileJob *
file_job_new(const char *path)
{
    FileJob *job = g_new0(FileJob, 1);

    job->path = g_strdup(path);
    job->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    return job;
}

/* Walks the listing (which the cursor proves as it goes) and hands its files to the pool. */
static gboolean
walk(Verification *v, const Digest *listing, GThreadPool *pool, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(listing, store_listing_get, v->store, error);
    g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(file_job_free);
    FileJob *job = NULL;
    GError *failed = NULL;
    const Item *item;
    guint64 bytes = 0;

    while (cursor && !progress_cancelled(v->progress) && listing_cursor_next(cursor, &item, NULL, NULL, &failed)) {
        if (item->kind == ITEM_LINK || item->kind == ITEM_FOLDER)
            continue;
        if (!job)
            job = file_job_new(item->path);
        g_array_append_vals(job->chunks, item->chunks, item->chunk_count);
        if (item->kind == ITEM_PART)
            continue;
        job->size = item->size;
        job->digest = item->digest;
        bytes += item->size;
        g_ptr_array_add(jobs, g_steal_pointer(&job));
        if (bytes >= JOB_BYTES || jobs->len >= 1024) {
            dispatch(v, pool, &jobs);
            bytes = 0;
        }
    }
    g_clear_pointer(&job, file_job_free);
    if (failed)
        g_propagate_error(error, failed);
    if (!cursor || failed)
        return FALSE;
    dispatch(v, pool, &jobs);
    return TRUE;
}

static gboolean
check_listing(Verification *v, const Digest *listing, GError **error)
{
    GThreadPool *pool = g_thread_pool_new(work, v, (gint)g_get_num_processors(), TRUE, NULL);
    gboolean walked = walk(v, listing, pool, error);

    g_thread_pool_free(pool, FALSE, TRUE);
    return walked;
}

/* The documents are what the manifest names: content (salted) or listing and details. */
static gboolean
check_documents(Home *home, const Manifest *manifest, const Held *held, Verification *v)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = NULL;
    Content content;

    if (manifest->share == SHARE_OPEN) {
        if (digest_equal(&held->listing, &manifest->listing) && digest_equal(&held->details, &manifest->details))
            return TRUE;
        say(v, "state.sqlite: want the listing and details that the manifest names, have others");
        return FALSE;
    }
    bytes = store_get(home_store(home, NULL), &manifest->content, &error);
    if (!bytes || !content_parse(bytes, &content, &error)) {
        say(v, "content: %s", error->message);
        return FALSE;
    }
    if (digest_equal(&held->listing, &content.listing) && digest_equal(&held->details, &content.details))
        return TRUE;
    say(v, "state.sqlite: want the listing and details that the content document names, have others");
    return FALSE;
}

static void
check_details(Home *home, const Manifest *manifest, const Held *held, Verification *v)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = store_get(home_store(home, NULL), &held->details, &error);
    g_autoptr(Details) details = bytes ? details_parse(bytes, &error) : NULL;

    if (!details)
        say(v, "details: %s", error->message);
    else if (manifest->share == SHARE_OPEN && details->bytes != manifest->bytes)
        say(v, "details: bytes: want %" G_GUINT64_FORMAT " as the manifest says, have %" G_GUINT64_FORMAT, manifest->bytes, details->bytes);
    else if (v->progress)
        v->progress->bytes_total = (gint64)details->bytes;
}

gboolean
version_verify(Home *home, const Manifest *manifest, FoundGood *found_good, VersionReport report, gpointer data, Progress *progress, GError **error)
{
    Verification v = { .found_good = found_good, .report = report, .report_data = data, .progress = progress };
    g_autoptr(GError) broken = NULL;
    g_autoptr(StoreHold) hold = NULL;
    Held held;

    v.store = home_store(home, error);
    if (!v.store || !version_roots(home, manifest, &held, error) || !(hold = store_hold(v.store, error)))
        return FALSE;
    g_mutex_init(&v.lock);
    g_cond_init(&v.room);
    check_details(home, manifest, &held, &v);
    if (check_documents(home, manifest, &held, &v) && !check_listing(&v, &held.listing, &broken))
        say(&v, "listing: %s", broken->message);
    g_mutex_clear(&v.lock);
    g_cond_clear(&v.room);
    if (progress_cancelled(progress))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was read");
    return TRUE;
}
