#include "manifests/checkout/writeback.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Less than that is not worth a commit of the journal of its own. */
#define STEP_BYTES (128 * 1024 * 1024)

struct Writeback {
    int root;
    GMutex mutex;
    GCond more;
    guint64 waiting;           /* bytes written since the last look */
    gboolean ending;
    GThread *thread;           /* from the first step on */
};

Writeback *
writeback_new(int root)
{
    Writeback *writeback = g_new0(Writeback, 1);

    writeback->root = root;
    g_mutex_init(&writeback->mutex);
    g_cond_init(&writeback->more);
    return writeback;
}

/* Returns FALSE at the end. */
static gboolean
wait_for_step(Writeback *writeback)
{
    gboolean ending;

    g_mutex_lock(&writeback->mutex);
    while (!writeback->ending && writeback->waiting < STEP_BYTES)
        g_cond_wait(&writeback->more, &writeback->mutex);
    writeback->waiting = 0;
    ending = writeback->ending;
    g_mutex_unlock(&writeback->mutex);
    return !ending;
}

/* By a description of its own: the kernel tells each one of a failure once, and that of this one must not take it from the sync at the end. */
static gpointer
work(gpointer data)
{
    Writeback *writeback = data;
    int fd = openat(writeback->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    while (wait_for_step(writeback))
        syncfs(fd);
    close(fd);
    return NULL;
}

void
writeback_add(Writeback *writeback, guint64 bytes)
{
    g_mutex_lock(&writeback->mutex);
    writeback->waiting += bytes;
    if (writeback->waiting >= STEP_BYTES && !writeback->thread)
        writeback->thread = g_thread_new("writeback", work, writeback);
    else if (writeback->waiting >= STEP_BYTES)
        g_cond_signal(&writeback->more);
    g_mutex_unlock(&writeback->mutex);
}

void
writeback_free(Writeback *writeback)
{
    if (!writeback)
        return;
    g_mutex_lock(&writeback->mutex);
    writeback->ending = TRUE;
    g_cond_signal(&writeback->more);
    g_mutex_unlock(&writeback->mutex);
    if (writeback->thread)
        g_thread_join(writeback->thread);
    g_mutex_clear(&writeback->mutex);
    g_cond_clear(&writeback->more);
    g_free(writeback);
}
