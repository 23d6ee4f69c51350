#include "node/http/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"

#define COPY_SIZE (256 * 1024)
#define WRITE_SECONDS 60     /* for the last of an answer to leave */

/* One direction: reads @from until it ends, and passes the end on. */
typedef struct {
    int from, to;
    GAsyncQueue *over;      /* told when it is; NULL: nobody waits, and @to is a socket */
} Copying;

static gboolean
write_all(int fd, const char *bytes, gsize size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        bytes += written;
        size -= (gsize)written;
    }
    return TRUE;
}

static gpointer
copy(gpointer data)
{
    g_autofree Copying *copying = data;
    g_autofree char *bytes = g_malloc(COPY_SIZE);
    ssize_t size;

    do {
        size = read(copying->from, bytes, COPY_SIZE);
    } while ((size < 0 && errno == EINTR) || (size > 0 && write_all(copying->to, bytes, (gsize)size)));
    if (!copying->over)
        shutdown(copying->to, SHUT_WR);
    close(copying->from);
    close(copying->to);
    if (copying->over) {
        g_async_queue_push(copying->over, copying->over);
        g_async_queue_unref(copying->over);
    }
    return NULL;
}

static void
start_copy(int from, int to, GAsyncQueue *over)
{
    Copying *copying = g_new(Copying, 1);

    *copying = (Copying){ from, to, over ? g_async_queue_ref(over) : NULL };
    g_thread_unref(g_thread_new("copy", copy, copying));
}

/* sshd gives a command one socket for both. */
static gboolean
is_one_socket(int in, int out)
{
    struct stat a, b;

    return fstat(in, &a) == 0 && fstat(out, &b) == 0 && S_ISSOCK(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
duplicate(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* The socket to serve: @in itself, or one that is joined to @in and @out.  @written is told when all that was answered is on @out. */
static int
join(int in, int out, GAsyncQueue **written, GError **error)
{
    int pair[2], from, to, again;

    if (is_one_socket(in, out)) {
        from = duplicate(in);
        if (from < 0)
            chama_error_errno(error, errno, "descriptor");
        return from;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        chama_error_errno(error, errno, "socketpair");
        return -1;
    }
    from = duplicate(in);
    to = duplicate(out);
    again = duplicate(pair[1]);
    if (from < 0 || to < 0 || again < 0) {
        chama_error_errno(error, errno, "descriptor");
        for (int *fd = (int[]){ from, to, again, pair[0], pair[1], -2 }; *fd != -2; fd++)
            if (*fd >= 0)
                close(*fd);
        return -1;
    }
    *written = g_async_queue_new();
    start_copy(from, pair[1], NULL);
    start_copy(again, to, *written);
    return pair[0];
}

static struct MHD_Daemon *
start_daemon(Answering *answering, int fd, GError **error)
{
    /* libmicrohttpd wants to know whose connection it is. */
    const struct sockaddr_in nobody = { .sin_family = AF_INET };
    /* poll and not epoll, which does not tell again of an end that came with the last bytes */
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET | MHD_USE_POLL_INTERNAL_THREAD | ANSWERING_FLAGS, 0, NULL, NULL, answering_request, answering,
                                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)DESCRIPTOR_WAIT_SECONDS, ANSWERING_CALLBACKS(answering), MHD_OPTION_END);

    if (!daemon || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        chama_error(error, CHAMA_ERROR_FAILED, "serve: libmicrohttpd does not start");
        close(fd);
        g_clear_pointer(&daemon, MHD_stop_daemon);
        return NULL;
    }
    if (MHD_add_connection(daemon, fd, (const struct sockaddr *)&nobody, sizeof nobody) == MHD_YES)
        return daemon;
    chama_error(error, CHAMA_ERROR_FAILED, "serve: libmicrohttpd does not take the connection");
    MHD_stop_daemon(daemon);
    return NULL;
}

gboolean
descriptor_serve(int in, int out, const DescriptorOptions *options, GError **error)
{
    const AnsweringOptions answering_options = { .home = options->home, .node = options->node, .address = options->address, .wait_seconds = DESCRIPTOR_WAIT_SECONDS,
                                                 .pushes = options->pushes, .told = options->told, .told_data = options->told_data, .progress = options->progress,
                                                 .limits = options->limits, .slowest = options->slowest,
                                                 .log = options->log, .log_data = options->log_data };
    g_autoptr(GAsyncQueue) written = NULL;
    Answering *answering;
    struct MHD_Daemon *daemon;
    gboolean over;
    int fd = join(in, out, &written, error);

    if (fd < 0)
        return FALSE;
    answering = answering_new(&answering_options);
    daemon = start_daemon(answering, fd, error);
    if (!daemon) {
        answering_end(answering, NULL);
        return FALSE;
    }
    over = answering_wait(answering, options->cancelled);
    answering_end(answering, daemon);
    /* who does not read is not waited for */
    if (written && over)
        g_async_queue_timeout_pop(written, WRITE_SECONDS * G_USEC_PER_SEC);
    return over || chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
}
