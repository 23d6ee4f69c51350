#include "sync/transport/ssh_dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"

#define SLICE 200   /* milliseconds between looks at whether a person has stopped it */

static gboolean
stopped(gint *cancelled)
{
    return cancelled && g_atomic_int_get(cancelled);
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
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };
    g_autofree char *service = g_strdup_printf("%u", port);
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, service, &hints, &found);
    int fd = -1, failed = 0;

    if (code != 0) {
        chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: %s", name, gai_strerror(code));
        return -1;
    }
    for (const struct addrinfo *address = found; address && fd < 0 && !stopped(cancelled); address = address->ai_next) {
        fd = dial_address(address, timeout, cancelled);
        failed = errno;
    }
    freeaddrinfo(found);
    if (fd < 0 && stopped(cancelled))
        chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped", name);
    else if (fd < 0)
        chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: %s", name, g_strerror(failed));
    return fd;
}
