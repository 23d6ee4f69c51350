/* `git upload-pack` as a child; GT6 and GT7 of sync/PROTOCOL.md. */
#include "node/http/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys/error.h"

#define PIECE (64 * 1024)
#define TICK_MILLISECONDS 1000
#define COMPLAINT_MAX 512          /* of what git says on stderr */
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"
/* What git-http-backend(1) puts before the references of the versions below 2: one packet, one flush. */
#define SERVICE_LINE "001e# service=git-upload-pack\n0000"

struct GitRuns {
    GMutex lock;
    GHashTable *running;       /* set of GitRun* */
    gboolean stopped;
};

struct GitRun {
    GitRuns *runs;
    char *address;
    GitReady ready;
    gpointer data;
    GBytes *input;
    gsize taken;               /* of the input, by git */
    int to, from, complaints;  /* pipes; -1: closed */
    int caller;                /* socket */
    GThread *pump;
    char remark[COMPLAINT_MAX + 64];
    gsize remark_size;

    GMutex lock;               /* of all that follows */
    GCond room;
    pid_t child;               /* 0: gone */
    GByteArray *queue;
    gsize sent;                /* of the queue */
    gboolean waiting, ended, broken, stopped;
};

/* GT6: no configuration but this and that of the repository, which is this node's own. */
static const char *const settings[] = {
    "safe.directory=*",             /* which repository, access has decided */
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "uploadpack.keepAlive=5",       /* so that a caller who left is noticed while git counts */
    "uploadpack.allowFilter=false",
    "uploadpack.allowAnySHA1InWant=false",
    "pack.threads=1",
    "pack.windowMemory=64m",
};

/* GT6: nothing of who started this node reaches git. */
static char **
make_environment(guint version)
{
    char **environment = g_new0(char *, 1);

    environment = g_environ_setenv(environment, "PATH", g_getenv("PATH") ? g_getenv("PATH") : PATH_DEFAULT, TRUE);
    environment = g_environ_setenv(environment, "LC_ALL", "C", TRUE);
    environment = g_environ_setenv(environment, "HOME", "/nonexistent", TRUE);
    environment = g_environ_setenv(environment, "GIT_CONFIG_NOSYSTEM", "1", TRUE);
    environment = g_environ_setenv(environment, "GIT_CONFIG_GLOBAL", "/dev/null", TRUE);
    environment = g_environ_setenv(environment, "GIT_OPTIONAL_LOCKS", "0", TRUE);
    if (version > 0)
        environment = g_environ_setenv(environment, "GIT_PROTOCOL", version == 1 ? "version=1" : "version=2", TRUE);
    return environment;
}

static char **
make_arguments(const AnswerGit *what)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    g_strv_builder_add(builder, "git");
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        g_strv_builder_add_many(builder, "-c", settings[i], NULL);
    g_strv_builder_add_many(builder, "upload-pack", "--strict", "--stateless-rpc", NULL);
    if (!what->input)
        g_strv_builder_add(builder, "--http-backend-info-refs");
    g_strv_builder_add(builder, what->repository);
    return g_strv_builder_end(builder);
}

static void
close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A process group of its own, so that what git starts ends with it; no descriptor but three; signals as at the beginning of a program. */
static int
spawn(GitRun *run, const AnswerGit *what, const int ends[3])
{
    g_auto(GStrv) arguments = make_arguments(what), environment = make_environment(what->version);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int failed;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, ends[i], i);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    failed = posix_spawnp(&run->child, "git", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* GT7: before it is given anything to do. */
static void
limit(pid_t child)
{
    const struct rlimit cpu = { GIT_CPU_SECONDS, GIT_CPU_SECONDS }, memory = { GIT_MEMORY_MAX, GIT_MEMORY_MAX }, none = { 0, 0 };

    prlimit(child, RLIMIT_CPU, &cpu, NULL);
    prlimit(child, RLIMIT_DATA, &memory, NULL);
    prlimit(child, RLIMIT_FSIZE, &none, NULL);
    prlimit(child, RLIMIT_CORE, &none, NULL);
}

static gboolean
start_child(GitRun *run, const AnswerGit *what, GError **error)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, complaints[2] = { -1, -1 };
    int failed = 0;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(complaints, O_CLOEXEC) != 0)
        failed = errno;
    if (!failed)
        failed = spawn(run, what, (const int[3]){ in[0], out[1], complaints[1] });
    close_end(&in[0]);
    close_end(&out[1]);
    close_end(&complaints[1]);
    run->to = in[1];
    run->from = out[0];
    run->complaints = complaints[0];
    if (failed)
        return chama_error_errno(error, failed, "git: GT3: cannot be started");
    limit(run->child);
    fcntl(run->to, F_SETFL, O_NONBLOCK);
    return TRUE;
}

/* With the lock held. */
static void
tell(GitRun *run)
{
    if (!run->waiting)
        return;
    run->waiting = FALSE;
    run->ready(run->data);
}

static void
give_input(GitRun *run)
{
    gsize size;
    const char *bytes = run->input ? g_bytes_get_data(run->input, &size) : NULL;
    ssize_t count = 0;

    if (bytes && run->taken < size)
        count = write(run->to, bytes + run->taken, size - run->taken);
    if (count > 0)
        run->taken += (gsize)count;
    if (!bytes || run->taken == size || (count < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&run->to);
}

/* Its first words are kept for the log, the rest is let go. */
static void
take_complaint(GitRun *run)
{
    char text[PIECE];
    ssize_t count = read(run->complaints, text, sizeof text);

    if (count <= 0) {
        close_end(&run->complaints);
        return;
    }
    count = MIN(count, (ssize_t)(COMPLAINT_MAX - run->remark_size));
    memcpy(run->remark + run->remark_size, text, (gsize)count);
    run->remark_size += (gsize)count;
}

/* Waits for room first: what git has not written yet needs no memory here.  FALSE if nobody wants it any more. */
static gboolean
take_output(GitRun *run)
{
    guint8 bytes[PIECE];
    ssize_t count = read(run->from, bytes, sizeof bytes);
    gboolean wanted;

    if (count <= 0) {
        close_end(&run->from);
        return TRUE;
    }
    g_mutex_lock(&run->lock);
    while (!run->stopped && run->queue->len - run->sent > GIT_QUEUE_MAX)
        g_cond_wait(&run->room, &run->lock);
    wanted = !run->stopped;
    if (wanted) {
        g_byte_array_append(run->queue, bytes, (guint)count);
        tell(run);
    }
    g_mutex_unlock(&run->lock);
    return wanted;
}

static gboolean
is_wanted(GitRun *run)
{
    gboolean wanted;

    g_mutex_lock(&run->lock);
    wanted = !run->stopped;
    g_mutex_unlock(&run->lock);
    return wanted;
}

/* FALSE if it was not let go on, or said nothing for too long. */
static gboolean
move_bytes(GitRun *run)
{
    gint64 heard = g_get_monotonic_time();

    while (run->from >= 0) {
        struct pollfd ends[] = { { run->from, POLLIN, 0 }, { run->complaints, POLLIN, 0 }, { run->to, POLLOUT, 0 }, { run->caller, POLLRDHUP, 0 } };
        int count = poll(ends, G_N_ELEMENTS(ends), TICK_MILLISECONDS);

        if (ends[3].revents || !is_wanted(run) || (count == 0 && g_get_monotonic_time() - heard > GIT_SILENCE_SECONDS * G_USEC_PER_SEC))
            return FALSE;
        if (count > 0)
            heard = g_get_monotonic_time();
        if (run->to >= 0 && ends[2].revents)
            give_input(run);
        if (run->complaints >= 0 && ends[1].revents)
            take_complaint(run);
        if (ends[0].revents && !take_output(run))
            return FALSE;
    }
    return TRUE;
}

/* Its group, too: git starts others, which may be at work when it is gone.  A child that was not waited for keeps its number: nobody else is killed. */
static gboolean
end_child(GitRun *run, gboolean done)
{
    siginfo_t how = { 0 };
    int status = 0;

    if (!done)
        kill(-run->child, SIGKILL);
    while (waitid(P_PID, (id_t)run->child, &how, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    g_mutex_lock(&run->lock);
    kill(-run->child, SIGKILL);
    waitpid(run->child, &status, 0);
    run->child = 0;
    g_mutex_unlock(&run->lock);
    return done && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static gpointer
pump(gpointer data)
{
    GitRun *run = data;
    gboolean good = end_child(run, move_bytes(run));

    g_mutex_lock(&run->lock);
    run->ended = TRUE;
    run->broken = !good;
    tell(run);
    g_mutex_unlock(&run->lock);
    return NULL;
}

GitRuns *
git_runs_new(void)
{
    GitRuns *runs = g_new0(GitRuns, 1);

    g_mutex_init(&runs->lock);
    runs->running = g_hash_table_new(NULL, NULL);
    return runs;
}

static void
stop(GitRun *run)
{
    g_mutex_lock(&run->lock);
    run->stopped = TRUE;
    if (run->child > 0)
        kill(-run->child, SIGKILL);
    g_cond_signal(&run->room);
    g_mutex_unlock(&run->lock);
}

void
git_runs_stop(GitRuns *runs)
{
    GHashTableIter all;
    gpointer run;

    g_mutex_lock(&runs->lock);
    runs->stopped = TRUE;
    g_hash_table_iter_init(&all, runs->running);
    while (g_hash_table_iter_next(&all, &run, NULL)) {
        stop(run);
        g_clear_pointer(&((GitRun *)run)->pump, g_thread_join);
    }
    g_mutex_unlock(&runs->lock);
}

void
git_runs_free(GitRuns *runs)
{
    if (!runs)
        return;
    g_hash_table_unref(runs->running);
    g_mutex_clear(&runs->lock);
    g_free(runs);
}

/* GT7 */
static gboolean
take_place(GitRuns *runs, GitRun *run)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&runs->lock);
    GHashTableIter all;
    gpointer other;
    guint of_one = 0;

    g_hash_table_iter_init(&all, runs->running);
    while (g_hash_table_iter_next(&all, &other, NULL))
        of_one += strcmp(((GitRun *)other)->address, run->address) == 0;
    if (runs->stopped || g_hash_table_size(runs->running) >= GIT_RUNS_MAX || of_one >= GIT_RUNS_OF_ONE)
        return FALSE;
    return g_hash_table_add(runs->running, run);
}

static GitRun *
run_new(GitRuns *runs, const AnswerGit *what, const GitCaller *caller, GitReady ready, gpointer data)
{
    GitRun *run = g_new0(GitRun, 1);

    *run = (GitRun){ .runs = runs, .address = g_strdup(caller->address), .caller = caller->socket, .ready = ready, .data = data, .to = -1, .from = -1, .complaints = -1 };
    run->input = what->input ? g_bytes_ref(what->input) : NULL;
    run->queue = g_byte_array_new();
    g_mutex_init(&run->lock);
    g_cond_init(&run->room);
    /* version 2 announces itself */
    if (!what->input && what->version < 2)
        g_byte_array_append(run->queue, (const guint8 *)SERVICE_LINE, sizeof SERVICE_LINE - 1);
    return run;
}

GitRun *
git_run(GitRuns *runs, const AnswerGit *what, const GitCaller *caller, GitReady ready, gpointer data, GError **error)
{
    GitRun *run = run_new(runs, what, caller, ready, data);

    if (!take_place(runs, run)) {
        chama_error(error, CHAMA_ERROR_UNREACHABLE, "git: GT7: as many are served as may be: try again later");
        git_run_free(run);
        return NULL;
    }
    if (!start_child(run, what, error)) {
        git_run_free(run);
        return NULL;
    }
    run->pump = g_thread_new("git", pump, run);
    return run;
}

void
git_run_free(GitRun *run)
{
    GThread *thread;

    if (!run)
        return;
    g_mutex_lock(&run->runs->lock);
    g_hash_table_remove(run->runs->running, run);
    thread = g_steal_pointer(&run->pump);
    g_mutex_unlock(&run->runs->lock);
    stop(run);
    if (thread)
        g_thread_join(thread);
    close_end(&run->to);
    close_end(&run->from);
    close_end(&run->complaints);
    g_clear_pointer(&run->input, g_bytes_unref);
    g_byte_array_unref(run->queue);
    g_mutex_clear(&run->lock);
    g_cond_clear(&run->room);
    g_free(run->address);
    g_free(run);
}

/* With the lock held. */
static gsize
take_from_queue(GitRun *run, char *buffer, gsize max)
{
    gsize count = MIN(max, run->queue->len - run->sent);

    memcpy(buffer, run->queue->data + run->sent, count);
    run->sent += count;
    if (run->sent >= run->queue->len / 2) {
        g_byte_array_remove_range(run->queue, 0, (guint)run->sent);
        run->sent = 0;
    }
    g_cond_signal(&run->room);
    return count;
}

GitState
git_read(GitRun *run, char *buffer, gsize max, gsize *count, void (*wait)(gpointer data))
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&run->lock);

    *count = 0;
    if (run->sent < run->queue->len) {
        *count = take_from_queue(run, buffer, max);
        return GIT_BYTES;
    }
    if (run->ended)
        return run->broken ? GIT_BROKEN : GIT_END;
    run->waiting = TRUE;
    wait(run->data);
    return GIT_NOTHING_YET;
}

const char *
git_remark(GitRun *run)
{
    return run->remark_size > 0 ? g_strdelimit(run->remark, "\n\r", ' ') : "git: ended before its time";
}
