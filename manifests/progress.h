/*
 * progress: how far a long piece of work is, written by it and read by whoever shows it (another thread).  All fields are changed with
 * g_atomic_* only, so that a reader needs no lock.
 */
#ifndef CHAMA_MANIFESTS_PROGRESS_H
#define CHAMA_MANIFESTS_PROGRESS_H

#include <glib.h>

typedef struct {
    gint64 bytes_done, bytes_total;  /* total 0: not known (yet) */
    gint64 files_done, files_total;
    gint cancelled;                  /* set by the reader: the work stops with CHAMA_ERROR_CANCELLED at its next step */
} Progress;

static inline void progress_add(Progress *progress, gint64 bytes, gint64 files)
{
    if (!progress)
        return;
    __atomic_fetch_add(&progress->bytes_done, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&progress->files_done, files, __ATOMIC_RELAXED);
}
static inline gboolean progress_cancelled(Progress *progress)
{
    return progress && g_atomic_int_get(&progress->cancelled);
}

#endif
