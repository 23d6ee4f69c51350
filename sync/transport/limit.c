#include "sync/transport/limit.h"

#include <time.h>

#define STEP (50 * 1000)   /* microseconds: so soon a rest ends that was cancelled */

struct Limit {
    gint references;
    Rate rate;
    Limit *above;
    GMutex lock;
    double paid_until;   /* of the clock of limit_charge(): the bytes taken so far are paid for then */
};

struct Limits {
    Limit *all;
    GHashTable *peers;   /* char* (alias) -> Limit* */
};

Limit *
limit_new(const Rate *rate, Limit *above)
{
    Limit *limit = g_new0(Limit, 1);

    limit->references = 1;
    limit->rate = *rate;
    limit->above = above ? limit_ref(above) : NULL;
    g_mutex_init(&limit->lock);
    return limit;
}

Limit *
limit_ref(Limit *limit)
{
    g_atomic_int_inc(&limit->references);
    return limit;
}

void
limit_unref(Limit *limit)
{
    if (!limit || !g_atomic_int_dec_and_test(&limit->references))
        return;
    limit_unref(limit->above);
    g_mutex_clear(&limit->lock);
    g_free(limit);
}

static gint64
charge_one(Limit *limit, guint64 bytes, gint64 now, guint64 rate)
{
    gint64 rest;

    if (rate == 0)
        return 0;
    g_mutex_lock(&limit->lock);
    limit->paid_until = MAX(limit->paid_until, (double)(now - LIMIT_BURST)) + (double)bytes * G_USEC_PER_SEC / (double)rate;
    rest = (gint64)(limit->paid_until - (double)now);
    g_mutex_unlock(&limit->lock);
    return MAX(rest, 0);
}

gint64
limit_charge(Limit *limit, guint64 bytes, gint64 now, guint minute)
{
    gint64 rest = 0;

    for (; limit; limit = limit->above) {
        gint64 own = charge_one(limit, bytes, now, rate_at(&limit->rate, minute));

        rest = MAX(rest, own);
    }
    return rest;
}

gint64
limit_take(Limit *limit, guint64 bytes)
{
    time_t now = time(NULL);
    struct tm local;

    if (!limit || !localtime_r(&now, &local))
        return 0;
    return limit_charge(limit, bytes, g_get_monotonic_time(), (guint)(local.tm_hour * 60 + local.tm_min));
}

gboolean
limit_rest(gint64 microseconds, const gint *cancelled)
{
    gint64 until = g_get_monotonic_time() + microseconds, left;

    while ((left = until - g_get_monotonic_time()) > 0) {
        if (cancelled && g_atomic_int_get(cancelled))
            return FALSE;
        g_usleep((gulong)MIN(left, STEP));
    }
    return TRUE;
}

Limits *
limits_new(const Rate *all)
{
    Limits *limits = g_new0(Limits, 1);

    limits->all = limit_new(all, NULL);
    limits->peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)limit_unref);
    return limits;
}

void
limits_free(Limits *limits)
{
    if (!limits)
        return;
    g_hash_table_unref(limits->peers);
    limit_unref(limits->all);
    g_free(limits);
}

void
limits_set(Limits *limits, const char *peer, const Rate *rate)
{
    g_hash_table_insert(limits->peers, g_strdup(peer), limit_new(rate, limits->all));
}

gboolean
limits_tells_apart(const Limits *limits)
{
    return limits && g_hash_table_size(limits->peers) > 0;
}

Limit *
limits_of(Limits *limits, const char *peer)
{
    Limit *own = limits && peer ? g_hash_table_lookup(limits->peers, peer) : NULL;

    return own || !limits ? own : limits->all;
}
