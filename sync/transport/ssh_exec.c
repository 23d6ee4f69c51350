#include "sync/transport/ssh_exec.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"
#include "sync/names.h"

#define PIECE (256 * 1024)
#define WINDOW (8 * 1024 * 1024)     /* what the other side may send before it is read: a long way takes as much to be full */
#define WORDS_MAX 4096               /* of standard error that are kept */
#define SHOWN_MAX 256
#define FAREWELL (G_USEC_PER_SEC)    /* for the status of a command that has closed its output */

/* One of the two ways. */
typedef struct {
    guint8 *bytes;
    gsize begin, end;                /* what was taken and not yet given */
} Way;

struct SshExec {
    SshSession *session;
    LIBSSH2_CHANNEL *channel;
    Gate *gate;
    GThread *thread;
    int near;                        /* libcurl's connection; -1: it has not come yet */
    int stop;                        /* an eventfd */
    Way down, up;
    gboolean down_ended;
    GString *words;                  /* the end of standard error */
    char *reason;
    gint ended;                      /* @reason is there, and changes no more */
};

const char *
ssh_exec_reason(SshExec *exec)
{
    return g_atomic_int_get(&exec->ended) ? exec->reason : NULL;
}

static gboolean
empty(const Way *way)
{
    return way->begin == way->end;
}

static void
keep_words(SshExec *exec, const char *bytes, gsize size)
{
    g_string_append_len(exec->words, bytes, (gssize)size);
    if (exec->words->len > WORDS_MAX)
        g_string_erase(exec->words, 0, (gssize)(exec->words->len - WORDS_MAX));
}

/* Each step returns how much it moved, 0 if it has to wait; below 0: it is over. */

static gssize
take_words(SshExec *exec)
{
    char bytes[1024];
    gssize size = ssh.libssh2_channel_read_ex(exec->channel, SSH_EXTENDED_DATA_STDERR, bytes, sizeof bytes);

    if (size > 0)
        keep_words(exec, bytes, (gsize)size);
    return MAX(size, 0);
}

static gssize
take_from_channel(SshExec *exec)
{
    gssize size;

    if (!empty(&exec->down) || exec->down_ended)
        return 0;
    size = ssh.libssh2_channel_read_ex(exec->channel, 0, (char *)exec->down.bytes, PIECE);
    if (size == LIBSSH2_ERROR_EAGAIN)
        return 0;
    exec->down_ended = size == 0 && ssh.libssh2_channel_eof(exec->channel);
    exec->down.begin = 0;
    exec->down.end = (gsize)MAX(size, 0);
    return size;
}

static gssize
give_to_near(SshExec *exec)
{
    gssize size;

    if (empty(&exec->down) || exec->near < 0)
        return 0;
    size = send(exec->near, exec->down.bytes + exec->down.begin, exec->down.end - exec->down.begin, MSG_NOSIGNAL);
    if (size > 0)
        exec->down.begin += (gsize)size;
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : size;
}

/* libcurl's end is closed by this side alone. */
static gssize
take_from_near(SshExec *exec)
{
    gssize size;

    if (exec->near < 0 || !empty(&exec->up))
        return 0;
    size = read(exec->near, exec->up.bytes, PIECE);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    exec->up.begin = 0;
    exec->up.end = (gsize)size;
    return size > 0 ? size : -1;
}

static gssize
give_to_channel(SshExec *exec)
{
    gssize size;

    if (empty(&exec->up))
        return 0;
    size = ssh.libssh2_channel_write_ex(exec->channel, 0, (const char *)exec->up.bytes + exec->up.begin, exec->up.end - exec->up.begin);
    if (size > 0)
        exec->up.begin += (gsize)size;
    return size == LIBSSH2_ERROR_EAGAIN ? 0 : size;
}

/* Whatever asks libssh2 for one thing may read all that the socket has, and lay aside what is for another: no poll() would tell of that. */
static gboolean
something_is_here(SshExec *exec)
{
    return empty(&exec->down) && !exec->down_ended && (ssh.libssh2_poll_channel_read(exec->channel, 0) > 0 || ssh.libssh2_channel_eof(exec->channel) > 0);
}

/* FALSE: it is to stop.  The socket is not read when there is no room for what it brings, except while it must say that there is room for more of ours. */
static gboolean
wait_for_something(SshExec *exec)
{
    short in = empty(&exec->down) || !empty(&exec->up) ? POLLIN : 0, out = ssh_session_events(exec->session) & POLLOUT;
    short near = exec->near < 0 ? POLLIN : (short)((empty(&exec->down) ? 0 : POLLOUT) | (empty(&exec->up) ? POLLIN : 0));
    struct pollfd polled[] = {
        { .fd = ssh_session_descriptor(exec->session), .events = (short)(in | out) },
        { .fd = exec->near < 0 ? gate_descriptor(exec->gate) : exec->near, .events = near },
        { .fd = exec->stop, .events = POLLIN },
    };

    poll(polled, G_N_ELEMENTS(polled), -1);
    if (exec->near < 0)
        exec->near = gate_accept(exec->gate);
    else if (polled[1].revents & (POLLHUP | POLLERR))
        return FALSE;
    return polled[2].revents == 0;
}

/* The first that is over ends all. */
static gboolean
carry_on(SshExec *exec)
{
    static gssize (*const steps[])(SshExec *) = { take_words, take_from_channel, give_to_near, take_from_near, give_to_channel };
    gssize moved = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        gssize size = steps[i](exec);

        if (size < 0)
            return FALSE;
        moved += size;
    }
    if (exec->down_ended && empty(&exec->down))
        return FALSE;
    return moved > 0 || something_is_here(exec) || wait_for_something(exec);
}

/* The last line that says something. */
static char *
last_words(const SshExec *exec)
{
    g_autofree char *text = g_strndup(exec->words->str, exec->words->len);
    char *line;

    g_strchomp(text);
    line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    return name_printable(line, strlen(line), SHOWN_MAX);
}

/* A command that ended by itself says why on standard error and by its status, which come after its output. */
static char *
reason_of(SshExec *exec)
{
    gint64 deadline = g_get_monotonic_time() + FAREWELL;
    g_autofree char *words = NULL;
    int status;

    if (!exec->down_ended) {
        g_autoptr(GError) error = NULL;

        ssh_session_error(exec->session, "the connection has ended", &error);
        return g_strdup(error->message);
    }
    while (ssh.libssh2_channel_close(exec->channel) == LIBSSH2_ERROR_EAGAIN && g_get_monotonic_time() < deadline) {
        struct pollfd polled = { .fd = ssh_session_descriptor(exec->session), .events = ssh_session_events(exec->session) };

        poll(&polled, 1, 50);
    }
    while (take_words(exec) > 0)
        ;
    words = last_words(exec);
    status = ssh.libssh2_channel_get_exit_status(exec->channel);
    return g_strdup_printf("%s: SH6: want `chama serve --stdio` to answer there, have a command that ended with status %d; it said: %s", ssh_session_name(exec->session), status,
                           *words ? words : "nothing");
}

static gpointer
run(gpointer data)
{
    SshExec *exec = data;

    while (carry_on(exec))
        ;
    exec->reason = reason_of(exec);
    g_atomic_int_set(&exec->ended, TRUE);
    if (exec->near >= 0)
        shutdown(exec->near, SHUT_RDWR);
    return NULL;
}

void
ssh_exec_stop(SshExec *exec)
{
    if (!exec)
        return;
    if (exec->thread) {
        eventfd_write(exec->stop, 1);
        g_thread_join(exec->thread);
    }
    ssh_session_close(exec->session);
    if (exec->near >= 0)
        close(exec->near);
    if (exec->stop >= 0)
        close(exec->stop);
    g_free(exec->down.bytes);
    g_free(exec->up.bytes);
    g_string_free(exec->words, TRUE);
    g_free(exec->reason);
    g_free(exec);
}

static gboolean
open_channel(SshExec *exec, const char *command, GError **error)
{
    static const char kind[] = "session", request[] = "exec";
    g_autoptr(GError) waited = NULL;
    int result = -1;

    SSH_AGAIN_POINTER(exec->session, exec->channel,
                      ssh.libssh2_channel_open_ex(ssh_session_handle(exec->session), kind, sizeof kind - 1, WINDOW, LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0), &waited);
    if (exec->channel)
        SSH_AGAIN(exec->session, result, ssh.libssh2_channel_process_startup(exec->channel, request, sizeof request - 1, command, (unsigned)strlen(command)), &waited);
    if (waited)
        g_propagate_error(error, g_steal_pointer(&waited));
    return result == 0 || (error && *error ? FALSE : ssh_session_error(exec->session, "the command", error));
}

SshExec *
ssh_exec_start(SshSession *session, const char *command, Gate *gate, GError **error)
{
    g_autoptr(SshExec) exec = g_new0(SshExec, 1);

    exec->session = session;
    exec->gate = gate;
    exec->near = -1;
    exec->stop = eventfd(0, EFD_CLOEXEC);
    exec->down.bytes = g_malloc(PIECE);
    exec->up.bytes = g_malloc(PIECE);
    exec->words = g_string_new(NULL);
    if (exec->stop < 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "eventfd: %s", g_strerror(errno));
    if (!open_channel(exec, command, error))
        return NULL;
    exec->thread = g_thread_new("ssh", run, exec);
    return g_steal_pointer(&exec);
}
