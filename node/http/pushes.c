#include "node/http/pushes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"
#include "node/rounds.h"
#include "sync/push.h"

struct Pushes {
    PushesOptions options;
    GMutex lock;
    GCond changed;
    gboolean stopped;
    GPtrArray *all;          /* of Pushing* */
};

struct Pushing {
    Pushes *pushes;
    char node[NODE_ID_SIZE];
    char *alias;             /* once it is known */
    int socket;
    struct MHD_UpgradeResponseHandle *handle;
    int mine, theirs;        /* apart: a pair of sockets; -1 */
    gint64 until;            /* when the answers have to have begun to come, */
    gint joined;             /* and that they did */
    gatomicrefcount refs;
    gboolean begun;
    Progress progress;
};

Pushes *
pushes_new(const PushesOptions *options)
{
    Pushes *pushes = g_new0(Pushes, 1);

    pushes->options = *options;
    pushes->all = g_ptr_array_new();
    g_mutex_init(&pushes->lock);
    g_cond_init(&pushes->changed);
    return pushes;
}

void
pushes_stop(Pushes *pushes)
{
    if (!pushes)
        return;
    g_mutex_lock(&pushes->lock);
    pushes->stopped = TRUE;
    for (guint i = 0; i < pushes->all->len; i++)
        g_atomic_int_set(&((Pushing *)pushes->all->pdata[i])->progress.cancelled, 1);
    while (pushes->all->len > 0)
        g_cond_wait(&pushes->changed, &pushes->lock);
    g_mutex_unlock(&pushes->lock);
}

void
pushes_free(Pushes *pushes)
{
    if (!pushes)
        return;
    g_ptr_array_unref(pushes->all);
    g_mutex_clear(&pushes->lock);
    g_cond_clear(&pushes->changed);
    g_free(pushes);
}

/* With the lock held.  PS6 */
static gboolean
has_place(const Pushes *pushes, const char *node, GError **error)
{
    for (guint i = 0; i < pushes->all->len; i++) {
        if (strcmp(((Pushing *)pushes->all->pdata[i])->node, node) == 0)
            return chama_error(error, CHAMA_ERROR_EXISTS, "PS6: a push of this node is under way");
    }
    if (pushes->stopped || pushes->all->len >= PUSHES_MAX)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "PS6: want at most %d pushes at once; try again later", PUSHES_MAX);
    return TRUE;
}

Pushing *
pushes_admit(Pushes *pushes, const char *node, GError **error)
{
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&pushes->lock);
    Pushing *pushing;

    if (!has_place(pushes, node, error))
        return NULL;
    pushing = g_new0(Pushing, 1);
    pushing->pushes = pushes;
    pushing->mine = pushing->theirs = -1;
    g_atomic_ref_count_init(&pushing->refs);
    g_strlcpy(pushing->node, node, sizeof pushing->node);
    g_ptr_array_add(pushes->all, pushing);
    return pushing;
}

/* Its place is free again. */
static void
remove_from(Pushes *pushes, Pushing *pushing)
{
    g_mutex_lock(&pushes->lock);
    g_ptr_array_remove_fast(pushes->all, pushing);
    g_cond_broadcast(&pushes->changed);
    g_mutex_unlock(&pushes->lock);
}

static void
pushing_unref(Pushing *pushing)
{
    if (!g_atomic_ref_count_dec(&pushing->refs))
        return;
    if (pushing->theirs >= 0)
        close(pushing->theirs);
    g_free(pushing->alias);
    g_free(pushing);
}

void
pushing_leave(Pushing *pushing)
{
    if (!pushing->begun)
        remove_from(pushing->pushes, pushing);
    else if (pushing->theirs >= 0)
        shutdown(pushing->theirs, SHUT_RDWR);
    pushing_unref(pushing);
}

static gboolean
take(Pushing *pushing, int fd, PullResult *result, GError **error)
{
    const PushesOptions *o = &pushing->pushes->options;
    g_autoptr(Home) home = home_open(o->home, error);
    g_autoptr(Peer) peer = home ? peers_get(home, pushing->node, error) : NULL;
    PullOptions options;

    if (!peer) {
        close(fd);
        return FALSE;
    }
    pushing->alias = g_strdup(peer->alias);
    rounds_pull_options(o->config, &options);
    options.policy = o->policy;
    options.limits = o->limits;
    options.interval = config_interval(o->config, peer->alias);
    options.progress = &pushing->progress;
    /* who pushes has something new, and may not come again soon */
    options.retry_after = 0;
    return push_take(home, pushing->node, fd, &options, result, error);
}

static gpointer
run(gpointer data)
{
    Pushing *pushing = data;
    const PushesOptions *o = &pushing->pushes->options;
    g_autoptr(GError) failed = NULL;
    PullResult result = { 0 };
    /* libmicrohttpd closes its own */
    int fd = pushing->handle ? fcntl(pushing->socket, F_DUPFD_CLOEXEC, 3) : pushing->mine;

    if (fd < 0)
        chama_error_errno(&failed, errno, "push");
    else
        take(pushing, fd, &result, &failed);
    if (o->log)
        o->log(o->log_data, pushing->alias ? pushing->alias : pushing->node, &result, failed);
    pull_result_clear(&result);
    if (pushing->handle)
        MHD_upgrade_action(pushing->handle, MHD_UPGRADE_ACTION_CLOSE);
    remove_from(pushing->pushes, pushing);
    pushing_unref(pushing);
    return NULL;
}

void
pushing_begin(Pushing *pushing, int socket, struct MHD_UpgradeResponseHandle *handle)
{
    pushing->begun = TRUE;
    pushing->socket = socket;
    pushing->handle = handle;
    g_thread_unref(g_thread_new("push", run, pushing));
}

gboolean
pushing_begin_apart(Pushing *pushing, GError **error)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return chama_error_errno(error, errno, "socketpair");
    g_mutex_lock(&pushing->pushes->lock);
    pushing->mine = pair[0];
    pushing->theirs = pair[1];
    pushing->until = g_get_monotonic_time() + PUSHING_ANSWERS_SECONDS * G_USEC_PER_SEC;
    pushing->begun = TRUE;
    g_mutex_unlock(&pushing->pushes->lock);
    g_atomic_ref_count_inc(&pushing->refs);
    g_thread_unref(g_thread_new("push", run, pushing));
    return TRUE;
}

static gssize
moved(gssize size)
{
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : size > 0 ? size : -1;
}

gssize
pushing_questions(Pushing *pushing, char *bytes, gsize max)
{
    /* Who was cut before it could say anything more would keep its next push waiting for as long as one may be silent. */
    if (!g_atomic_int_get(&pushing->joined) && g_get_monotonic_time() > pushing->until)
        return -1;
    return moved(recv(pushing->theirs, bytes, max, MSG_DONTWAIT));
}

gssize
pushing_answers(Pushing *pushing, const char *bytes, gsize size)
{
    return moved(send(pushing->theirs, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

Pushing *
pushes_find(Pushes *pushes, const char *node, GError **error)
{
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&pushes->lock);

    for (guint i = 0; i < pushes->all->len; i++) {
        Pushing *pushing = pushes->all->pdata[i];

        if (strcmp(pushing->node, node) != 0 || pushing->theirs < 0)
            continue;
        g_atomic_int_set(&pushing->joined, TRUE);
        g_atomic_ref_count_inc(&pushing->refs);
        return pushing;
    }
    return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "PS5: no push of this node is under way");
}
