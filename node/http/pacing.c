#include "node/http/pacing.h"

#define HARDLY 1000   /* microseconds: not worth a rest */

typedef struct {
    gpointer item;
    gint64 until;
} Resting;

struct Pacing {
    void (*wake)(gpointer item);
    GThread *thread;
    GMutex lock;
    GCond changed;
    gboolean stopped;
    GArray *resting;   /* of Resting */
};

/* With the lock held: wakes those whose time has come, or all; when the next one's will. */
static gint64
wake_due(Pacing *pacing)
{
    gint64 now = g_get_monotonic_time(), next = now + 3600 * (gint64)G_USEC_PER_SEC;

    for (guint i = pacing->resting->len; i-- > 0;) {
        const Resting resting = g_array_index(pacing->resting, Resting, i);

        if (resting.until > now && !pacing->stopped) {
            next = MIN(next, resting.until);
            continue;
        }
        g_array_remove_index_fast(pacing->resting, i);
        pacing->wake(resting.item);
    }
    return next;
}

static gpointer
run(gpointer data)
{
    Pacing *pacing = data;

    g_mutex_lock(&pacing->lock);
    while (!pacing->stopped)
        g_cond_wait_until(&pacing->changed, &pacing->lock, wake_due(pacing));
    wake_due(pacing);
    g_mutex_unlock(&pacing->lock);
    return NULL;
}

Pacing *
pacing_new(void (*wake)(gpointer item))
{
    Pacing *pacing = g_new0(Pacing, 1);

    pacing->wake = wake;
    pacing->resting = g_array_new(FALSE, FALSE, sizeof(Resting));
    g_mutex_init(&pacing->lock);
    g_cond_init(&pacing->changed);
    pacing->thread = g_thread_new("pacing", run, pacing);
    return pacing;
}

void
pacing_stop(Pacing *pacing)
{
    if (!pacing || !pacing->thread)
        return;
    g_mutex_lock(&pacing->lock);
    pacing->stopped = TRUE;
    g_cond_signal(&pacing->changed);
    g_mutex_unlock(&pacing->lock);
    g_thread_join(g_steal_pointer(&pacing->thread));
}

void
pacing_free(Pacing *pacing)
{
    if (!pacing)
        return;
    pacing_stop(pacing);
    g_array_unref(pacing->resting);
    g_mutex_clear(&pacing->lock);
    g_cond_clear(&pacing->changed);
    g_free(pacing);
}

gboolean
pacing_rest(Pacing *pacing, gpointer item, gint64 until, void (*pause)(gpointer item))
{
    const Resting resting = { item, until };
    gboolean rests;

    if (until - g_get_monotonic_time() < HARDLY)
        return FALSE;
    g_mutex_lock(&pacing->lock);
    rests = !pacing->stopped;
    if (rests) {
        /* before anyone can wake it */
        pause(item);
        g_array_append_val(pacing->resting, resting);
        g_cond_signal(&pacing->changed);
    }
    g_mutex_unlock(&pacing->lock);
    return rests;
}
