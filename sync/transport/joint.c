/* Its checks of options are macros in place of the functions, which here are pointers. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "sync/transport/joint.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

#include "keys/error.h"
#include "keys/library.h"

#define PIECE (256 * 1024)

#define FUNCTIONS(f) f(curl_easy_getinfo) f(curl_easy_recv) f(curl_easy_send)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_CURL, .functions = functions, .count = G_N_ELEMENTS(functions) };

/* One of the two ways: what was taken and not yet given. */
typedef struct {
    char *bytes;
    gsize begin, end;
} Way;

struct Joint {
    CURL *curl;
    int far, near, stop;     /* libcurl's socket; this side of the pair; an eventfd */
    Way down, up;
    gboolean full;           /* libcurl takes no more just now */
    GThread *thread;
};

static gboolean
empty(const Way *way)
{
    return way->begin == way->end;
}

/* Each step returns how much it moved, 0 if it has to wait; below 0: it is over. */

static gssize
take_from_far(Joint *joint)
{
    size_t size = 0;
    CURLcode code;

    if (!empty(&joint->down))
        return 0;
    code = lib.curl_easy_recv(joint->curl, joint->down.bytes, PIECE, &size);
    if (code == CURLE_AGAIN)
        return 0;
    joint->down.begin = 0;
    joint->down.end = size;
    return code == CURLE_OK && size > 0 ? (gssize)size : -1;
}

static gssize
give_to_near(Joint *joint)
{
    gssize size;

    if (empty(&joint->down))
        return 0;
    size = send(joint->near, joint->down.bytes + joint->down.begin, joint->down.end - joint->down.begin, MSG_NOSIGNAL);
    if (size > 0)
        joint->down.begin += (gsize)size;
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : size;
}

static gssize
take_from_near(Joint *joint)
{
    gssize size;

    if (!empty(&joint->up))
        return 0;
    size = read(joint->near, joint->up.bytes, PIECE);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    joint->up.begin = 0;
    joint->up.end = (gsize)size;
    return size > 0 ? size : -1;
}

/* What TLS did not take it wants to see again. */
static gssize
give_to_far(Joint *joint)
{
    size_t size = 0;
    CURLcode code;

    if (empty(&joint->up))
        return 0;
    code = lib.curl_easy_send(joint->curl, joint->up.bytes + joint->up.begin, joint->up.end - joint->up.begin, &size);
    joint->full = code == CURLE_AGAIN;
    joint->up.begin += size;
    return code == CURLE_AGAIN ? 0 : code == CURLE_OK ? (gssize)size : -1;
}

/* FALSE: it is to stop. */
static gboolean
wait_for_something(Joint *joint)
{
    struct pollfd polled[] = {
        { .fd = joint->far, .events = (short)((empty(&joint->down) ? POLLIN : 0) | (joint->full ? POLLOUT : 0)) },
        { .fd = joint->near, .events = (short)((empty(&joint->down) ? 0 : POLLOUT) | (empty(&joint->up) ? POLLIN : 0)) },
        { .fd = joint->stop, .events = POLLIN },
    };

    poll(polled, G_N_ELEMENTS(polled), -1);
    return polled[2].revents == 0;
}

static gpointer
carry(gpointer data)
{
    static gssize (*const steps[])(Joint *) = { take_from_far, give_to_near, take_from_near, give_to_far };
    Joint *joint = data;
    gboolean over = FALSE;

    while (!over) {
        gssize moved = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(steps) && !over; i++) {
            gssize size = steps[i](joint);

            over = size < 0;
            moved += size;
        }
        over = over || (moved == 0 && !wait_for_something(joint));
    }
    shutdown(joint->near, SHUT_RDWR);
    shutdown(joint->far, SHUT_WR);
    return NULL;
}

void
joint_stop(Joint *joint)
{
    if (!joint)
        return;
    if (joint->thread) {
        eventfd_write(joint->stop, 1);
        g_thread_join(joint->thread);
    }
    if (joint->near >= 0)
        close(joint->near);
    if (joint->stop >= 0)
        close(joint->stop);
    g_free(joint->down.bytes);
    g_free(joint->up.bytes);
    g_free(joint);
}

Joint *
joint_start(gpointer curl, int *fd, GError **error)
{
    Joint *joint = library_load(&library, error) ? g_new0(Joint, 1) : NULL;
    curl_socket_t far = CURL_SOCKET_BAD;
    int pair[2] = { -1, -1 };

    if (!joint)
        return NULL;
    lib.curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &far);
    joint->curl = curl;
    joint->far = far;
    joint->stop = eventfd(0, EFD_CLOEXEC);
    if (joint->stop < 0 || far == CURL_SOCKET_BAD || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        joint->near = -1;
        joint_stop(joint);
        return chama_error_null(error, CHAMA_ERROR_FAILED, "a connection by itself: %s", g_strerror(errno));
    }
    joint->near = pair[0];
    g_unix_set_fd_nonblocking(joint->near, TRUE, NULL);
    joint->down.bytes = g_malloc(PIECE);
    joint->up.bytes = g_malloc(PIECE);
    joint->thread = g_thread_new("joint", carry, joint);
    *fd = pair[1];
    return joint;
}
