#include "tests/bench/plain_pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "keys/digest.h"
#include "manifests/store/chunker.h"

#define PART (16u * 1024 * 1024)      /* of a larger file a core takes so much at a time */
#define BATCH (4u * 1024 * 1024)      /* compressed bytes written at once */

typedef struct {
    const char *path;
    guint64 offset;
    gsize size;
} Item;

typedef struct {
    GArray *items;
    gint next;                        /* changed atomically */
    int pack;
    guint64 end;                      /* of what is written or about to be; changed atomically */
} Work;

typedef struct {
    Work *work;
    ZSTD_CCtx *context;
    guint8 *plain, *stored;
    gsize filled;                     /* of stored */
} Worker;

static void
die(const char *what)
{
    fprintf(stderr, "pipeline: %s: %s\n", what, g_strerror(errno));
    exit(1);
}

static void
append(Worker *worker)
{
    guint64 offset = __atomic_fetch_add(&worker->work->end, worker->filled, __ATOMIC_RELAXED);

    for (gsize at = 0; at < worker->filled;) {
        ssize_t wrote = pwrite(worker->work->pack, worker->stored + at, worker->filled - at, (off_t)(offset + at));

        if (wrote <= 0)
            die("pack");
        at += (gsize)wrote;
    }
    worker->filled = 0;
}

static void
take_chunk(Worker *worker, const guint8 *data, gsize size)
{
    gsize room = ZSTD_compressBound(CHUNK_SIZE_LIMIT), made;
    Digest digest;

    digest_of(data, size, &digest);
    if (worker->filled + room > BATCH)
        append(worker);
    made = ZSTD_compressCCtx(worker->context, worker->stored + worker->filled, room, data, size, 1);
    if (ZSTD_isError(made))
        die("zstd");
    worker->filled += made;
}

static void
take_item(Worker *worker, const Item *item)
{
    int fd = open(item->path, O_RDONLY | O_CLOEXEC);
    gsize length = 0;
    Digest digest;

    if (fd < 0 || pread(fd, worker->plain, item->size, (off_t)item->offset) != (ssize_t)item->size)
        die(item->path);
    close(fd);
    for (gsize at = 0; at < item->size; at += length) {
        length = chunker_cut(worker->plain + at, item->size - at);
        take_chunk(worker, worker->plain + at, length);
    }
    /* of one chunk the digest is known */
    if (length < item->size)
        digest_of(worker->plain, item->size, &digest);
}

static gpointer
run(gpointer data)
{
    Worker worker = { data, ZSTD_createCCtx(), g_malloc(PART), g_malloc(BATCH) };
    GArray *items = worker.work->items;

    for (guint i; (i = (guint)g_atomic_int_add(&worker.work->next, 1)) < items->len;)
        take_item(&worker, &g_array_index(items, Item, i));
    append(&worker);
    ZSTD_freeCCtx(worker.context);
    g_free(worker.plain);
    g_free(worker.stored);
    return NULL;
}

static GArray *
find_items(const GPtrArray *paths)
{
    GArray *items = g_array_new(FALSE, FALSE, sizeof(Item));

    for (guint i = 0; i < paths->len; i++) {
        struct stat state;

        if (stat(paths->pdata[i], &state) != 0)
            die(paths->pdata[i]);
        for (guint64 at = 0; at < (guint64)state.st_size; at += PART) {
            Item item = { paths->pdata[i], at, (gsize)MIN((guint64)state.st_size - at, PART) };

            g_array_append_val(items, item);
        }
    }
    return items;
}

double
plain_pipeline(const GPtrArray *paths, const char *work_folder)
{
    g_autofree char *path = g_build_filename(work_folder, "limits.pack", NULL);
    gint64 start = g_get_monotonic_time();
    g_autoptr(GArray) items = find_items(paths);
    Work work = { .items = items, .pack = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) };
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    double spent;

    if (work.pack < 0)
        die(path);
    for (guint i = 0; i < g_get_num_processors(); i++)
        g_ptr_array_add(threads, g_thread_new("pipeline", run, &work));
    for (guint i = 0; i < threads->len; i++)
        g_thread_join(threads->pdata[i]);
    if (fsync(work.pack) != 0)
        die(path);
    spent = (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
    close(work.pack);
    unlink(path);
    return spent;
}
