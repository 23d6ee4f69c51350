#include "sync/pull/tenure.h"

#define LOOK_EVERY (G_USEC_PER_SEC / 2)

typedef struct {
    Claim *claim;
    gint64 until;      /* monotonic microseconds */
} Holding;

struct Tenure {
    gint gives_way;
    GThread *thread;   /* once something is held that may have to give way */
    GMutex lock;       /* what follows */
    GCond changed;
    gboolean ending;
    GArray *held;      /* of Holding */
};

Tenure *
tenure_new(void)
{
    Tenure *tenure = g_new0(Tenure, 1);

    g_mutex_init(&tenure->lock);
    g_cond_init(&tenure->changed);
    tenure->held = g_array_new(FALSE, FALSE, sizeof(Holding));
    return tenure;
}

static gpointer
look_on(gpointer data)
{
    Tenure *tenure = data;

    g_mutex_lock(&tenure->lock);
    while (!tenure->ending) {
        gint64 now = g_get_monotonic_time();

        for (guint i = 0; i < tenure->held->len; i++) {
            const Holding *held = &g_array_index(tenure->held, Holding, i);

            if (now >= held->until && claim_is_wished(held->claim))
                g_atomic_int_set(&tenure->gives_way, 1);
        }
        g_cond_wait_until(&tenure->changed, &tenure->lock, now + LOOK_EVERY);
    }
    g_mutex_unlock(&tenure->lock);
    return NULL;
}

void
tenure_free(Tenure *tenure)
{
    if (!tenure)
        return;
    g_mutex_lock(&tenure->lock);
    tenure->ending = TRUE;
    g_cond_signal(&tenure->changed);
    g_mutex_unlock(&tenure->lock);
    if (tenure->thread)
        g_thread_join(tenure->thread);
    g_array_unref(tenure->held);
    g_mutex_clear(&tenure->lock);
    g_cond_clear(&tenure->changed);
    g_free(tenure);
}

void
tenure_hold(Tenure *tenure, Claim *claim, guint seconds)
{
    const Holding held = { claim, g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC };

    if (!tenure || seconds == 0)
        return;
    g_mutex_lock(&tenure->lock);
    g_array_append_val(tenure->held, held);
    g_mutex_unlock(&tenure->lock);
    if (!tenure->thread)
        tenure->thread = g_thread_new("tenure", look_on, tenure);
}

void
tenure_clear(Tenure *tenure)
{
    if (!tenure)
        return;
    g_mutex_lock(&tenure->lock);
    g_array_set_size(tenure->held, 0);
    g_atomic_int_set(&tenure->gives_way, 0);
    g_mutex_unlock(&tenure->lock);
}

gint *
tenure_flag(Tenure *tenure)
{
    return tenure ? &tenure->gives_way : NULL;
}
