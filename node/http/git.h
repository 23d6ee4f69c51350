/*
 * git: `git upload-pack` as a child process behind the listener, for stock git (sync/PROTOCOL.md, part 10).  Who may have which ledger was decided before.
 *
 * A thread for each child moves bytes between it and the answer, at most GIT_QUEUE_MAX ahead of who takes them: no thread of the listener ever waits
 * for git.  Bounds (GT7): children at once, in all and for one address, their memory and time.  Any thread, but of one GitRun one at a time.
 */
#ifndef CHAMA_NODE_HTTP_GIT_H
#define CHAMA_NODE_HTTP_GIT_H

#include "sync/answer.h"

#define GIT_RUNS_MAX 8
#define GIT_RUNS_OF_ONE 4                          /* for one address */
#define GIT_QUEUE_MAX (1024 * 1024)                /* bytes that git is ahead */
#define GIT_SILENCE_SECONDS 120                    /* it neither takes nor gives anything */
#define GIT_CPU_SECONDS 600
#define GIT_MEMORY_MAX (G_GUINT64_CONSTANT(1) << 30)   /* of each process; packs that are mapped do not count */

/* All that run for one listener. */
typedef struct GitRuns GitRuns;
GitRuns *git_runs_new(void);
/* Ends what runs: all that waits is called back, nothing begins any more.  To be called before the listener's threads end. */
void git_runs_stop(GitRuns *runs);
/* After the last git_free(). */
void git_runs_free(GitRuns *runs);

/* Called from another thread, once after each git_read() that had nothing yet: there may be something now. */
typedef void (*GitReady)(gpointer data);

typedef struct GitRun GitRun;
/* Who asked: its address, and the socket, which is only watched for its end: a connection that rests would not notice it. */
typedef struct {
    const char *address;
    int socket;
} GitCaller;
/* UNREACHABLE if as many run as may (GT7). */
GitRun *git_run(GitRuns *runs, const AnswerGit *what, const GitCaller *caller, GitReady ready, gpointer data, GError **error);
/* What runs is ended.  ready() is not called any more. */
void git_run_free(GitRun *run);

typedef enum { GIT_BYTES, GIT_NOTHING_YET, GIT_END, GIT_BROKEN } GitState;
/* Up to @max bytes into @buffer, *@count of them.  GIT_NOTHING_YET: calls @wait (with the data of ready()) before ready() can be called, and returns. */
GitState git_read(GitRun *run, char *buffer, gsize max, gsize *count, void (*wait)(gpointer data));
/* After GIT_BROKEN: why, for this node's own log.  Lives as long as the run. */
const char *git_remark(GitRun *run);

#endif
