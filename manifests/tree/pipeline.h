/*
 * pipeline: jobs done by several threads, taken back in the order in which they were handed over.
 *
 * One thread owns the pipeline: it pushes, and in its pushes (and in drain) it takes what is done.  At most @depth jobs are in flight, so
 * what the jobs hold bounds the memory.  The first failure of take ends it: the owner then frees the pipeline.
 */
#ifndef CHAMA_MANIFESTS_TREE_PIPELINE_H
#define CHAMA_MANIFESTS_TREE_PIPELINE_H

#include <glib.h>

typedef struct Pipeline Pipeline;

/* In one of the threads, any order.  What goes wrong is kept in the job. */
typedef void (*PipelineWork)(gpointer job, gpointer data);
/* In the owner's thread, in the order of the pushes. */
typedef gboolean (*PipelineTake)(gpointer job, gpointer data, GError **error);

typedef struct {
    guint threads, depth;
    PipelineWork work;
    PipelineTake take;
    GDestroyNotify free_job;   /* after take, or if it is never taken; may be NULL */
    gpointer data;
} PipelineKind;

Pipeline *pipeline_new(const PipelineKind *kind);
/* Ends the threads after the jobs that they are at; jobs not taken are freed. */
void pipeline_free(Pipeline *pipeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pipeline, pipeline_free)

/* Takes over @job, also on failure.  Waits for the oldest job while @depth are in flight. */
gboolean pipeline_push(Pipeline *pipeline, gpointer job, GError **error);
/* Waits for the oldest job and takes it; TRUE at once if there is none. */
gboolean pipeline_take(Pipeline *pipeline, GError **error);
/* Waits for all jobs and takes them. */
gboolean pipeline_drain(Pipeline *pipeline, GError **error);

/* How many threads a pipeline should have to use this machine: its cores, at most 16. */
guint pipeline_threads(void);

/* Bytes up to which a file should be a job of its own or part of one, where all files are @total bytes.  A larger one is better divided among the threads,
 * since they would wait for the one that has it; many that are smaller go faster each by one thread. */
#define PIPELINE_FILE_MIN (16 * 1024 * 1024)
#define PIPELINE_FILE_MAX (256 * 1024 * 1024)
guint64 pipeline_file_max(guint64 total);

#endif
