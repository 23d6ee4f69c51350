#include "sync/transport/ssh_dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"

#define SLICE 50   /* milliseconds between looks at whether it is to stop */

/* For the system's resolver, which takes as long as it likes and cannot be stopped: a thread asks it, and is left to itself by who waits no more. */
typedef struct {
    char *host, *service;
    GMutex mutex;               /* what follows */
    GCond changed;
    gboolean answered;
    int code;
    struct addrinfo *found;
} Question;

static void
question_clear(gpointer data)
{
    Question *question = data;

    if (question->found)
        freeaddrinfo(question->found);
    g_mutex_clear(&question->mutex);
    g_cond_clear(&question->changed);
    g_free(question->host);
    g_free(question->service);
}

static gpointer
ask(gpointer data)
{
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };
    Question *question = data;
    struct addrinfo *found = NULL;
    int code = getaddrinfo(question->host, question->service, &hints, &found);

    g_mutex_lock(&question->mutex);
    question->answered = TRUE;
    question->code = code;
    question->found = found;
    g_cond_signal(&question->changed);
    g_mutex_unlock(&question->mutex);
    g_atomic_rc_box_release_full(question, question_clear);
    return NULL;
}

static gboolean
stopped(gint *cancelled)
{
    return cancelled && g_atomic_int_get(cancelled);
}

/* As getaddrinfo(). */
static int
resolve(const char *host, guint16 port, guint timeout, gint *cancelled, struct addrinfo **found)
{
    Question *question = g_atomic_rc_box_new0(Question);
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout * G_USEC_PER_SEC;
    int code;

    question->host = g_strdup(host);
    question->service = g_strdup_printf("%u", port);
    g_mutex_init(&question->mutex);
    g_cond_init(&question->changed);
    g_thread_unref(g_thread_new("resolve", ask, g_atomic_rc_box_acquire(question)));
    g_mutex_lock(&question->mutex);
    while (!question->answered && !stopped(cancelled) && g_get_monotonic_time() < deadline)
        g_cond_wait_until(&question->changed, &question->mutex, g_get_monotonic_time() + SLICE * 1000);
    code = question->answered ? question->code : EAI_AGAIN;
    *found = g_steal_pointer(&question->found);
    g_mutex_unlock(&question->mutex);
    g_atomic_rc_box_release_full(question, question_clear);
    return code;
}

/* Returns 0 once connected, else errno. */
static int
await_connection(int fd, guint timeout, gint *cancelled)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout * G_USEC_PER_SEC;
    struct pollfd polled = { .fd = fd, .events = POLLOUT };
    int failed = 0;
    socklen_t size = sizeof failed;

    while (poll(&polled, 1, SLICE) <= 0) {
        if (stopped(cancelled) || g_get_monotonic_time() >= deadline)
            return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 ? failed : errno;
}

/* Returns a descriptor, or -1 with errno. */
static int
dial_address(const struct addrinfo *address, guint timeout, gint *cancelled)
{
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    int failed, on = 1;

    if (fd < 0)
        return -1;
    failed = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (failed == EINPROGRESS)
        failed = await_connection(fd, timeout, cancelled);
    if (failed != 0) {
        close(fd);
        errno = failed;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return fd;
}

int
ssh_dial(const char *host, guint16 port, guint timeout, gint *cancelled, const char *name, GError **error)
{
    struct addrinfo *found = NULL;
    int code = resolve(host, port, timeout, cancelled, &found);
    int fd = -1, failed = 0;

    if (code != 0 && !stopped(cancelled)) {
        chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: %s", name, gai_strerror(code));
        return -1;
    }
    for (const struct addrinfo *address = found; address && fd < 0 && !stopped(cancelled); address = address->ai_next) {
        fd = dial_address(address, timeout, cancelled);
        failed = errno;
    }
    if (found)
        freeaddrinfo(found);
    if (fd < 0 && stopped(cancelled))
        chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped", name);
    else if (fd < 0)
        chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: %s", name, g_strerror(failed));
    return fd;
}
