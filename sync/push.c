#include "sync/push.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"
#include "sync/pull/ledgers.h"
#include "sync/pull/session.h"
#include "sync/wire.h"

#define PUSH_PATH "/v1/push"
#define ANSWERS_PATH "/v1/push/answers"
#define WORD "?push=%016" G_GINT64_MODIFIER "x"
#define PIECE (64 * 1024)
#define QUIET 600   /* seconds: the peer may be verifying what it got */
#define LOOK_EVERY (G_USEC_PER_SEC / 5)   /* for a person who wants to stop */

struct Push {
    Transport *transport;
    char *url;
    int fd;
    /* PS5: along two requests; else all of it is empty. */
    Transport *questions;
    int inner;               /* the other end of @fd; -1 */
    char *prefix;
    guint64 word;            /* by which the peer tells its connections from those of another push */
    int far;                 /* where answers go */
    GThread *asks, *answers;
    GMutex lock;
    GCond changed;
    gboolean begun, ended;   /* the peer has asked something; it asks no more */
    GError *error;           /* why either has ended */
    gint stop;
};

/* Of what ends both, the first. */
static void
note_trouble(Push *push, GError *failed)
{
    g_mutex_lock(&push->lock);
    if (!push->error)
        push->error = g_steal_pointer(&failed);
    g_mutex_unlock(&push->lock);
    g_clear_error(&failed);
}

gboolean
push_trouble(Push *push, GError **error)
{
    g_mutex_lock(&push->lock);
    if (push->error)
        g_propagate_error(error, g_error_copy(push->error));
    g_mutex_unlock(&push->lock);
    return error && *error;
}

void
push_close(Push *push)
{
    if (!push)
        return;
    g_atomic_int_set(&push->stop, 1);
    for (int *fd = (int[]){ push->fd, push->inner, push->far, -2 }; *fd != -2; fd++)
        if (*fd >= 0)
            shutdown(*fd, SHUT_RDWR);
    g_clear_pointer(&push->asks, g_thread_join);
    g_clear_pointer(&push->answers, g_thread_join);
    transport_close(push->questions);
    transport_close(push->transport);
    for (int *fd = (int[]){ push->fd, push->inner, push->far, -2 }; *fd != -2; fd++)
        if (*fd >= 0)
            close(*fd);
    g_clear_error(&push->error);
    g_mutex_clear(&push->lock);
    g_cond_clear(&push->changed);
    g_free(push->prefix);
    g_free(push->url);
    g_free(push);
}

int
push_descriptor(const Push *push)
{
    return push->fd;
}

const char *
push_url(const Push *push)
{
    return push->url;
}

/* FALSE: nothing came for STALL_TIMEOUT, or a person stopped it. */
static gboolean
wait_for_answer(int fd, const char *url, const gint *cancelled, GError **error)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    for (int i = 0; i < STALL_TIMEOUT * 5; i++) {
        if (cancelled && g_atomic_int_get(cancelled))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped", url);
        if (poll(&polled, 1, 200) > 0)
            return TRUE;
    }
    return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: no answer for %d seconds", url, STALL_TIMEOUT);
}

/* Byte by byte: what comes after the head is the peer's first question. */
static gboolean
read_head(int fd, const char *url, const gint *cancelled, guint *status, GError **error)
{
    char head[PUSH_HEAD_MAX];
    gsize size = 0;

    while (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0) {
        ssize_t got;

        if (size == sizeof head)
            return chama_error(error, CHAMA_ERROR_LIMIT, "%s: PS4: want an answer's head of at most %d bytes", url, PUSH_HEAD_MAX);
        if (!wait_for_answer(fd, url, cancelled, error))
            return FALSE;
        got = read(fd, head + size, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: the connection has ended before an answer", url);
        size++;
    }
    return push_head_parse(head, size, status, error);
}

/* PS3 */
static gboolean
ask(int fd, const char *prefix, const char *url, const gint *cancelled, guint *status, GError **error)
{
    g_autofree char *request = g_strdup_printf("POST %s" PUSH_PATH " HTTP/1.1\r\nHost: peer\r\nConnection: Upgrade\r\nUpgrade: " PUSH_PROTOCOL "\r\nContent-Length: 0\r\n\r\n", prefix);
    gsize size = strlen(request);

    /* a new socket has room for it */
    if (send(fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: the connection has ended before an answer", url);
    return read_head(fd, url, cancelled, status, error);
}

/* Over TLS the peer's questions are the answer to one request, and the answers the body of another (PS5). */

static gboolean
write_all(int fd, const char *bytes, gsize size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return FALSE;
        bytes += sent;
        size -= (gsize)sent;
    }
    return TRUE;
}

/* What the peer says there before it has all answers, or that nothing comes from there any more, is the end of it. */
static void
note_early_end(Push *push)
{
    char line[] = "HTTP/1.1 200";
    ssize_t size = recv(push->far, line, sizeof line - 1, MSG_DONTWAIT);

    if (size == sizeof line - 1 && g_str_has_prefix(line, "HTTP/1.1 "))
        note_trouble(push, g_error_new(CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE, "it takes no more answers, status %s", line + strlen("HTTP/1.1 ")));
    else
        note_trouble(push, g_error_new(CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE, "the connection for answers was cut"));
}

/* Until @fd is ready for @events; FALSE: it is over. */
static gboolean
wait_to(Push *push, int fd, short events)
{
    struct pollfd polled[] = { { .fd = push->far, .events = POLLIN }, { .fd = fd, .events = events } };

    if (fd == push->far)
        polled[0].events |= events;
    while (poll(polled, fd == push->far ? 1 : 2, -1) < 0 && errno == EINTR)
        ;
    if ((polled[0].revents & ~POLLOUT) == 0)
        return TRUE;
    note_early_end(push);
    return FALSE;
}

static gboolean
give_answer(Push *push, const char *bytes, gsize size)
{
    while (size > 0) {
        ssize_t sent;

        if (!wait_to(push, push->far, POLLOUT))
            return FALSE;
        sent = send(push->far, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR && errno != EAGAIN)
            return FALSE;
        bytes += MAX(sent, 0);
        size -= (gsize)MAX(sent, 0);
    }
    return TRUE;
}

static gpointer
carry_answers(gpointer data)
{
    Push *push = data;
    g_autofree char *bytes = g_malloc(PIECE + 2);
    g_autofree char *head = g_strdup_printf("POST %s" ANSWERS_PATH WORD " HTTP/1.1\r\nHost: peer\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n", push->prefix, push->word);
    gboolean good = give_answer(push, head, strlen(head));

    while (good && (good = wait_to(push, push->inner, POLLIN))) {
        ssize_t size = read(push->inner, bytes, PIECE);
        char length[20];

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            break;
        g_snprintf(length, sizeof length, "%zx\r\n", (gsize)size);
        memcpy(bytes + size, "\r\n", 2);
        good = give_answer(push, length, strlen(length)) && give_answer(push, bytes, (gsize)size + 2);
    }
    if (good)
        give_answer(push, "0\r\n\r\n", 5);
    /* what is asked now would not be answered */
    g_atomic_int_set(&push->stop, 1);
    shutdown(push->inner, SHUT_RDWR);
    return NULL;
}

static gboolean
take_question(gpointer data, const void *bytes, gsize size, GError **error)
{
    Push *push = data;

    g_mutex_lock(&push->lock);
    if (!push->begun)
        push->answers = g_thread_new("answers", carry_answers, push);
    push->begun = TRUE;
    g_cond_broadcast(&push->changed);
    g_mutex_unlock(&push->lock);
    return (!g_atomic_int_get(&push->stop) && write_all(push->inner, bytes, size)) || chama_error(error, CHAMA_ERROR_CANCELLED, "push: stopped");
}

static gpointer
carry_questions(gpointer data)
{
    Push *push = data;
    g_autoptr(GBytes) none = g_bytes_new_static("", 0);
    g_autofree char *path = g_strdup_printf(PUSH_PATH WORD, push->word);
    GError *failed = NULL;

    transport_request(push->questions, "POST", path, none, NULL, take_question, push, &failed);
    if (failed)
        note_trouble(push, failed);
    g_mutex_lock(&push->lock);
    push->ended = TRUE;
    g_cond_broadcast(&push->changed);
    g_mutex_unlock(&push->lock);
    shutdown(push->inner, SHUT_RDWR);
    return NULL;
}

/* FALSE: nothing is asked; *@ended: and nothing will be. */
static gboolean
wait_for_question(Push *push, const gint *cancelled, gboolean *ended)
{
    gint64 until = g_get_monotonic_time() + STALL_TIMEOUT * (gint64)G_USEC_PER_SEC;
    gboolean begun;

    g_mutex_lock(&push->lock);
    while (!push->begun && !push->ended) {
        g_cond_wait_until(&push->changed, &push->lock, g_get_monotonic_time() + LOOK_EVERY);
        if ((cancelled && g_atomic_int_get(cancelled)) || g_get_monotonic_time() > until)
            break;
    }
    begun = push->begun;
    *ended = push->ended;
    g_mutex_unlock(&push->lock);
    return begun;
}

/* What the first question, or its absence, says. */
static gboolean
begins(Push *push, const gint *cancelled, GError **error)
{
    gboolean ended;

    if (wait_for_question(push, cancelled, &ended))
        return TRUE;
    if (cancelled && g_atomic_int_get(cancelled))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped", push->url);
    if (!ended)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: no question for %d seconds", push->url, STALL_TIMEOUT);
    if (g_error_matches(push->error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: takes no push from this node", push->url);
    if (!push->error)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: the connection has ended before a question", push->url);
    g_propagate_prefixed_error(error, g_steal_pointer(&push->error), "%s: ", push->url);
    return FALSE;
}

static gboolean
open_apart(Push *push, Session *session, GError **error)
{
    int pair[2];

    push->questions = session_connect_quiet(session, push->url, QUIET, &push->stop, error);
    push->transport = push->questions ? session_connect(session, push->url, error) : NULL;
    if (push->transport)
        push->far = transport_bare(push->transport, &push->prefix, error);
    if (push->far < 0)
        return FALSE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return chama_error_errno(error, errno, "socketpair");
    push->fd = pair[0];
    push->inner = pair[1];
    push->asks = g_thread_new("questions", carry_questions, push);
    return begins(push, session_cancelled(session->options), error);
}

static gboolean
refuse(const char *url, guint status, GError **error)
{
    if (status == 404)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: takes no push from this node", url);
    return chama_error(error, status == 409 ? CHAMA_ERROR_EXISTS : CHAMA_ERROR_UNREACHABLE, "%s: it takes no push now (status %u): try again later", url, status);
}

static gboolean
open_single(Push *push, Session *session, GError **error)
{
    const gint *cancelled = session_cancelled(session->options);
    guint status;

    push->transport = session_connect(session, push->url, error);
    if (push->transport)
        push->fd = transport_bare(push->transport, &push->prefix, error);
    if (push->fd < 0 || !ask(push->fd, push->prefix, push->url, cancelled, &status, error))
        return FALSE;
    return status == 101 || refuse(push->url, status, error);
}

static Push *
open_at(Session *session, const char *url, GError **error)
{
    g_autoptr(Push) push = g_new0(Push, 1);

    push->fd = push->inner = push->far = -1;
    push->url = g_strdup(url);
    push->word = (guint64)g_random_int() << 32 | g_random_int();
    g_mutex_init(&push->lock);
    g_cond_init(&push->changed);
    if (transport_is_single(url) ? open_single(push, session, error) : open_apart(push, session, error))
        return g_steal_pointer(&push);
    return NULL;
}

/* Another address would say the same; where nobody or a stranger answers, the next may be right. */
static gboolean
is_last_word(const GError *failed)
{
    return g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DENIED) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_EXISTS) ||
           g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
}

/* In turn; of those that failed the graver is told. */
static Push *
open_somewhere(Session *session, GError **error)
{
    const GPtrArray *urls = session->peer->urls;
    g_autoptr(GError) failed = NULL;

    for (guint i = 0; i < urls->len && !is_last_word(failed); i++) {
        GError *here = NULL;
        Push *push = open_at(session, urls->pdata[i], &here);

        if (push)
            return push;
        pull_keep_graver(&failed, here);
    }
    g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

/* PS8: the exchange that a sync begins with shows the peer who this node is, so that its people have somebody to accept.  Takes @refused. */
static void
introduce(Session *session, GError *refused, GError **error)
{
    PullResult result = { .problems = g_ptr_array_new_with_free_func(g_free), .alarms = g_ptr_array_new_with_free_func(g_free) };
    g_autoptr(GError) failed = NULL;

    session->result = &result;
    if (pull_exchange(session, &failed))
        chama_error(error, CHAMA_ERROR_DENIED, "%s: PS8: this node has introduced itself: its people accept it there (`chama peer accept %s`), then push again", refused->message,
                    home_id(session->home));
    else if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DENIED))
        g_propagate_error(error, g_error_copy(refused));   /* the road is not open to it at all */
    else
        chama_error(error, CHAMA_ERROR_DENIED, "%s, and no introduction (%s): its people have to accept it as a peer, `chama peer accept %s` there", refused->message,
                    failed->message, home_id(session->home));
    session_hang_up(session);
    session->result = NULL;
    pull_result_clear(&result);
    g_error_free(refused);
}

Claim *
push_claim(Home *home, const Peer *peer, GError **error)
{
    g_autoptr(GError) failed = NULL;
    Claim *claim = claim_try(home, CLAIM_PUSH, peer->node, &failed);

    if (!claim && !failed)
        return chama_error_null(error, CHAMA_ERROR_EXISTS, "PS6: a push to %s is under way here; wait for its end", peer->alias);
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return claim;
}

Push *
push_open(Home *home, const Peer *peer, guint64 slowest, Progress *progress, GError **error)
{
    const PullOptions options = { .slowest = slowest, .progress = progress };
    g_auto(Session) session = { .home = home, .options = &options, .peer = peers_get(home, peer->node, error) };
    GError *failed = NULL;
    Push *push;

    if (!session.peer)
        return NULL;
    if (session.peer->urls->len == 0)
        return chama_error_null(error, CHAMA_ERROR_UNREACHABLE, "%s: no address of it is known: it has to dial this node", peer->alias);
    push = open_somewhere(&session, &failed);
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DENIED))
        introduce(&session, failed, error);
    else if (failed)
        g_propagate_error(error, failed);
    return push;
}
