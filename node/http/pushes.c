#include "node/http/pushes.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"
#include "node/rounds.h"
#include "sync/push.h"

#define PLACES_EACH 3                    /* of one peer: the newest, and those before it that have not ended yet */
#define GRACE (G_USEC_PER_SEC / 2)       /* what was on its way when a connection was cut still comes */

/* Connections of libmicrohttpd's, there until pushing_leave(). */
enum { QUESTIONS, ANSWERS, BOTH };

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
    char *word;              /* or NULL */
    char *alias;             /* once it is known */
    int socket;
    struct MHD_UpgradeResponseHandle *handle;
    int mine, theirs;        /* apart: a pair of sockets; -1 */
    int ends[BOTH];          /* apart: the connections, or -1 */
    gboolean joined;         /* apart: answers come, or came */
    gint64 until;            /* when they have to have begun to, once something was asked */
    gint64 moved;            /* when some came last, or it was seen that a connection is cut */
    gboolean cut;
    gboolean replaced;       /* PS6: by one that is newer */
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

/* With the lock held. */
static void
hang_up(Pushing *pushing)
{
    if (pushing->theirs >= 0)
        shutdown(pushing->theirs, SHUT_RDWR);
    for (int i = 0; i < BOTH; i++)
        if (pushing->ends[i] >= 0)
            shutdown(pushing->ends[i], SHUT_RDWR);
}

/* With the lock held.  PS6: whoever comes again knows of no other; one that was cut may not have been seen to be. */
static void
replace(Pushes *pushes, const char *node)
{
    for (guint i = 0; i < pushes->all->len; i++) {
        Pushing *pushing = pushes->all->pdata[i];

        if (strcmp(pushing->node, node) != 0)
            continue;
        pushing->replaced = TRUE;
        g_atomic_int_set(&pushing->progress.cancelled, 1);
        hang_up(pushing);
    }
}

/* With the lock held.  PS6 */
static gboolean
has_place(const Pushes *pushes, const char *node, GError **error)
{
    guint of_node = 0;

    for (guint i = 0; i < pushes->all->len; i++)
        of_node += strcmp(((Pushing *)pushes->all->pdata[i])->node, node) == 0 ? 1 : 0;
    if (of_node >= PLACES_EACH)
        return chama_error(error, CHAMA_ERROR_EXISTS, "PS6: %u pushes of this node have not ended yet; try again later", of_node);
    if (pushes->stopped || pushes->all->len >= PUSHES_MAX)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "PS6: want at most %d pushes at once; try again later", PUSHES_MAX);
    return TRUE;
}

Pushing *
pushes_admit(Pushes *pushes, const char *node, const char *word, GError **error)
{
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&pushes->lock);
    Pushing *pushing;

    if (!has_place(pushes, node, error))
        return NULL;
    replace(pushes, node);
    pushing = g_new0(Pushing, 1);
    pushing->pushes = pushes;
    pushing->word = g_strdup(word);
    pushing->mine = pushing->theirs = pushing->ends[QUESTIONS] = pushing->ends[ANSWERS] = -1;
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
    g_free(pushing->word);
    g_free(pushing->alias);
    g_free(pushing);
}

void
pushing_leave(Pushing *pushing, int connection)
{
    if (!pushing->begun) {
        remove_from(pushing->pushes, pushing);
    } else {
        g_mutex_lock(&pushing->pushes->lock);
        for (int i = 0; i < BOTH; i++)
            if (pushing->ends[i] == connection)
                pushing->ends[i] = -1;
        hang_up(pushing);
        g_mutex_unlock(&pushing->pushes->lock);
    }
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

/* In place of what being cut looked like. */
static void
explain(const Pushing *pushing, GError **failed)
{
    gboolean replaced;

    g_mutex_lock(&pushing->pushes->lock);
    replaced = pushing->replaced;
    g_mutex_unlock(&pushing->pushes->lock);
    if (!replaced)
        return;
    g_clear_error(failed);
    chama_error(failed, CHAMA_ERROR_CANCELLED, "PS6: a newer push of this node has taken its place");
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
    explain(pushing, &failed);
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

/* A connection that is silent because nobody is there any more looks like any other: the system asks.  Not every descriptor is of TCP. */
static void
watch(int connection)
{
    const int yes = 1, idle = 20, every = 10, most = PUSHING_DEAD_SECONDS * 1000;

    setsockopt(connection, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(connection, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(connection, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    setsockopt(connection, IPPROTO_TCP, TCP_USER_TIMEOUT, &most, sizeof most);
}

gboolean
pushing_begin_apart(Pushing *pushing, int connection, GError **error)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return chama_error_errno(error, errno, "socketpair");
    watch(connection);
    g_mutex_lock(&pushing->pushes->lock);
    pushing->mine = pair[0];
    pushing->theirs = pair[1];
    pushing->ends[QUESTIONS] = connection;
    pushing->begun = TRUE;
    if (pushing->replaced)
        hang_up(pushing);
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

/* With the lock held.  libmicrohttpd looks at neither connection while it rests, nor sees all ends afterwards. */
static gboolean
is_cut(Pushing *pushing, gint64 now)
{
    struct pollfd polled[BOTH];

    for (int i = 0; i < BOTH; i++)
        polled[i] = (struct pollfd){ .fd = pushing->ends[i], .events = POLLRDHUP };
    if (!pushing->cut && poll(polled, BOTH, 0) > 0) {
        pushing->cut = TRUE;
        pushing->moved = now;
    }
    return pushing->cut && now - pushing->moved > GRACE;
}

gssize
pushing_questions(Pushing *pushing, char *bytes, gsize max)
{
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&pushing->pushes->lock);
    gint64 now = g_get_monotonic_time();
    gssize size;

    /* Who was cut before it could say anything more would keep the receiver waiting for as long as one may be silent. */
    if (is_cut(pushing, now) || (!pushing->joined && pushing->until && now > pushing->until))
        return -1;
    size = moved(recv(pushing->theirs, bytes, max, MSG_DONTWAIT));
    if (size > 0 && !pushing->until)
        pushing->until = now + PUSHING_ANSWERS_SECONDS * G_USEC_PER_SEC;
    return size;
}

gssize
pushing_answers(Pushing *pushing, const char *bytes, gsize size)
{
    gssize sent = moved(send(pushing->theirs, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));

    if (sent > 0) {
        g_mutex_lock(&pushing->pushes->lock);
        pushing->moved = g_get_monotonic_time();
        g_mutex_unlock(&pushing->pushes->lock);
    }
    return sent;
}

Pushing *
pushes_find(Pushes *pushes, const char *node, const char *word, int connection, GError **error)
{
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&pushes->lock);

    for (guint i = 0; i < pushes->all->len; i++) {
        Pushing *pushing = pushes->all->pdata[i];

        if (strcmp(pushing->node, node) != 0 || pushing->theirs < 0 || pushing->replaced || pushing->joined || g_strcmp0(pushing->word, word) != 0)
            continue;
        watch(connection);
        pushing->ends[ANSWERS] = connection;
        pushing->joined = TRUE;
        g_atomic_ref_count_inc(&pushing->refs);
        return pushing;
    }
    return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "PS5: no push of this node waits for answers");
}
