#include "node/meter.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "node/print.h"

#define REDRAW_EVERY (200 * 1000)

struct Meter {
    char *what;
    Progress *progress;
    gboolean shown;
    GThread *thread;
    GMutex lock;
    GCond stop;
    gboolean stopped;
    gint64 started;
};

static Progress *interrupted;

static void
on_interrupt(int number)
{
    if (interrupted)
        g_atomic_int_set(&interrupted->cancelled, 1);
    signal(SIGINT, SIG_DFL);
}

static char *
time_left(const Meter *meter, gint64 done, gint64 total, double rate)
{
    gint64 seconds = rate > 0 ? (gint64)((double)(total - done) / rate) : 0;

    if (total <= done || rate <= 0)
        return g_strdup("");
    return seconds >= 3600 ? g_strdup_printf(", %d:%02d h left", (int)(seconds / 3600), (int)(seconds / 60 % 60))
                           : g_strdup_printf(", %d:%02d left", (int)(seconds / 60), (int)(seconds % 60));
}

static void
draw(const Meter *meter)
{
    gint64 done = __atomic_load_n(&meter->progress->bytes_done, __ATOMIC_RELAXED);
    gint64 total = __atomic_load_n(&meter->progress->bytes_total, __ATOMIC_RELAXED);
    gint64 files = __atomic_load_n(&meter->progress->files_done, __ATOMIC_RELAXED);
    double seconds = (double)(g_get_monotonic_time() - meter->started) / G_USEC_PER_SEC;
    double rate = seconds > 0.5 ? (double)done / seconds : 0;
    g_autofree char *done_text = size_display((guint64)done), *rate_text = size_display((guint64)rate);
    g_autofree char *left = time_left(meter, done, total, rate);
    g_autofree char *of = total > 0 ? size_display((guint64)total) : NULL;

    fprintf(stderr, "\r\033[K%s: %s%s%s", meter->what, done_text, of ? " of " : "", of ? of : "");
    if (files > 0)
        fprintf(stderr, ", %" G_GINT64_FORMAT " files", files);
    fprintf(stderr, ", %s/s%s", rate_text, left);
    fflush(stderr);
}

static gpointer
show(gpointer data)
{
    Meter *meter = data;

    g_mutex_lock(&meter->lock);
    while (!meter->stopped) {
        gint64 until = g_get_monotonic_time() + REDRAW_EVERY;

        while (!meter->stopped && g_cond_wait_until(&meter->stop, &meter->lock, until))
            ;
        if (!meter->stopped)
            draw(meter);
    }
    g_mutex_unlock(&meter->lock);
    return NULL;
}

Meter *
meter_start(const char *what, Progress *progress)
{
    Meter *meter = g_new0(Meter, 1);

    meter->what = g_strdup(what);
    meter->progress = progress;
    meter->started = g_get_monotonic_time();
    g_mutex_init(&meter->lock);
    g_cond_init(&meter->stop);
    interrupted = progress;
    signal(SIGINT, on_interrupt);
    meter->shown = isatty(STDERR_FILENO);
    if (meter->shown)
        meter->thread = g_thread_new("meter", show, meter);
    return meter;
}

void
meter_stop(Meter *meter)
{
    signal(SIGINT, SIG_DFL);
    interrupted = NULL;
    g_mutex_lock(&meter->lock);
    meter->stopped = TRUE;
    g_cond_signal(&meter->stop);
    g_mutex_unlock(&meter->lock);
    if (meter->thread) {
        g_thread_join(meter->thread);
        fputs("\r\033[K", stderr);
    }
    g_mutex_clear(&meter->lock);
    g_cond_clear(&meter->stop);
    g_free(meter->what);
    g_free(meter);
}
