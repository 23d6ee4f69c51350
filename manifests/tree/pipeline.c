#include "manifests/tree/pipeline.h"

#define THREADS_MAX 16
/* A file that is no larger a part of all, for each thread, does not keep the others waiting for long at the end. */
#define PARTS_PER_THREAD 8

typedef struct {
    gpointer job;
    gboolean done;
} Slot;

/* A ring: jobs [head, next) are started or done, [next, tail) wait for a thread.  The counters only grow. */
struct Pipeline {
    PipelineKind kind;
    GMutex mutex;
    GCond waiting, finished;
    Slot *ring;
    guint64 head, next, tail;
    gboolean ending;
    GThread *threads[THREADS_MAX];
};

static Slot *
slot_at(Pipeline *p, guint64 number)
{
    return &p->ring[number % p->kind.depth];
}

static gpointer
work(gpointer data)
{
    Pipeline *p = data;

    g_mutex_lock(&p->mutex);
    for (;;) {
        while (!p->ending && p->next == p->tail)
            g_cond_wait(&p->waiting, &p->mutex);
        if (p->ending)
            break;
        Slot *slot = slot_at(p, p->next++);

        g_mutex_unlock(&p->mutex);
        p->kind.work(slot->job, p->kind.data);
        g_mutex_lock(&p->mutex);
        slot->done = TRUE;
        g_cond_signal(&p->finished);
    }
    g_mutex_unlock(&p->mutex);
    return NULL;
}

/* Asked once: each answer is read from a file of /sys. */
guint
pipeline_threads(void)
{
    static gsize threads;

    if (g_once_init_enter(&threads)) {
        guint processors = g_get_num_processors();

        g_once_init_leave(&threads, CLAMP(processors, 1, THREADS_MAX));
    }
    return (guint)threads;
}

Pipeline *
pipeline_new(const PipelineKind *kind)
{
    Pipeline *p = g_new0(Pipeline, 1);

    g_assert(kind->threads >= 1 && kind->threads <= THREADS_MAX && kind->depth >= 1);
    p->kind = *kind;
    p->ring = g_new0(Slot, kind->depth);
    g_mutex_init(&p->mutex);
    g_cond_init(&p->waiting);
    g_cond_init(&p->finished);
    for (guint i = 0; i < kind->threads; i++)
        p->threads[i] = g_thread_new("pipeline", work, p);
    return p;
}

static void
free_job(Pipeline *p, gpointer job)
{
    if (p->kind.free_job)
        p->kind.free_job(job);
}

void
pipeline_free(Pipeline *p)
{
    if (!p)
        return;
    g_mutex_lock(&p->mutex);
    p->ending = TRUE;
    g_cond_broadcast(&p->waiting);
    g_mutex_unlock(&p->mutex);
    for (guint i = 0; i < p->kind.threads; i++)
        g_thread_join(p->threads[i]);
    for (; p->head < p->tail; p->head++)
        free_job(p, slot_at(p, p->head)->job);
    g_mutex_clear(&p->mutex);
    g_cond_clear(&p->waiting);
    g_cond_clear(&p->finished);
    g_free(p->ring);
    g_free(p);
}

/* The oldest job, once it is done; NULL if there is none, or (without @wait) none that is done. */
static gpointer
oldest(Pipeline *p, gboolean wait)
{
    gpointer job = NULL;

    if (p->head == p->tail)
        return NULL;
    g_mutex_lock(&p->mutex);
    while (wait && !slot_at(p, p->head)->done)
        g_cond_wait(&p->finished, &p->mutex);
    if (slot_at(p, p->head)->done)
        job = slot_at(p, p->head++)->job;
    g_mutex_unlock(&p->mutex);
    return job;
}

static gboolean
take(Pipeline *p, gpointer job, GError **error)
{
    gboolean ok = p->kind.take(job, p->kind.data, error);

    free_job(p, job);
    return ok;
}

gboolean
pipeline_take(Pipeline *p, GError **error)
{
    gpointer job = oldest(p, TRUE);

    return !job || take(p, job, error);
}

gboolean
pipeline_push(Pipeline *p, gpointer job, GError **error)
{
    gpointer done;

    while ((done = oldest(p, p->tail - p->head == p->kind.depth))) {
        if (take(p, done, error))
            continue;
        free_job(p, job);
        return FALSE;
    }
    g_mutex_lock(&p->mutex);
    *slot_at(p, p->tail++) = (Slot){ .job = job };
    g_cond_signal(&p->waiting);
    g_mutex_unlock(&p->mutex);
    return TRUE;
}

gboolean
pipeline_drain(Pipeline *p, GError **error)
{
    while (p->head < p->tail)
        if (!pipeline_take(p, error))
            return FALSE;
    return TRUE;
}

guint64
pipeline_file_max(guint64 total)
{
    return CLAMP(total / (PARTS_PER_THREAD * pipeline_threads()), PIPELINE_FILE_MIN, PIPELINE_FILE_MAX);
}
