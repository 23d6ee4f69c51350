#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "keys/error.h"
#include "sync/transport/transport.h"

#define BIG (8 * 1024 * 1024)

/* A peer at the other end of a socket pair: reads one request after the other and writes what its path calls for. */
typedef struct {
    int fd;
    guint requests;
    gboolean closed_by_us;   /* the client's end was closed, as it should be in the end */
    GThread *thread;
} Peer;

static gboolean
put(Peer *peer, const void *bytes, gsize size)
{
    const char *from = bytes;

    while (size > 0) {
        gssize written = send(peer->fd, from, size, MSG_NOSIGNAL);

        if (written <= 0)
            return FALSE;
        from += written;
        size -= (gsize)written;
    }
    return TRUE;
}

static gboolean
put_text(Peer *peer, const char *text)
{
    return put(peer, text, strlen(text));
}

static gboolean
big(Peer *peer)
{
    g_autofree char *head = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG);
    g_autofree char *body = g_malloc(BIG);

    for (gsize i = 0; i < BIG; i++)
        body[i] = (char)(i % 251);
    return put_text(peer, head) && put(peer, body, BIG);
}

static gboolean
wide_head(Peer *peer)
{
    g_autofree char *wide = g_strnfill(30000, 'w');

    for (guint i = 0; i < 4; i++) {
        if (!put_text(peer, i == 0 ? "HTTP/1.1 200 OK\r\n" : "") || !put_text(peer, "X-Wide: ") || !put_text(peer, wide) || !put_text(peer, "\r\n"))
            return FALSE;
    }
    return put_text(peer, "Content-Length: 0\r\n\r\n");
}

static gboolean
trickle(Peer *peer)
{
    put_text(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (put_text(peer, "1\r\nx\r\n"))
        g_usleep(200 * 1000);
    return FALSE;
}

/* FALSE: the peer hangs up. */
static gboolean
answer(Peer *peer, const char *path)
{
    static const struct {
        const char *path, *text;
        gboolean stays;
    } answers[] = {
        { "/v1/hello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", TRUE },
        { "/v1/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", TRUE },
        { "/v1/missing", "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n", TRUE },
        { "/v1/last", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", FALSE },
        { "/v1/cut", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", FALSE },
        { "/v1/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", FALSE },
        { "/v1/cut-head", "HTTP/1.1 200 OK\r\nContent-Le", FALSE },
        { "/v1/gone", "", FALSE },
        { "/v1/rubbish", "SSH-2.0-OpenSSH_9.2\r\nnothing of the kind\r\n\r\n", FALSE },
        { "/v1/stall", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh", TRUE },
        { "/v1/away", "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", TRUE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        if (strcmp(path, answers[i].path) == 0)
            return put_text(peer, answers[i].text) && answers[i].stays;
    }
    return strcmp(path, "/v1/big") == 0 ? big(peer) : strcmp(path, "/v1/head") == 0 ? wide_head(peer) : trickle(peer);
}

/* Requests of the tests have no body. */
static gpointer
serve(gpointer data)
{
    Peer *peer = data;
    g_autoptr(GString) head = g_string_new(NULL);
    char byte;

    while (recv(peer->fd, &byte, 1, 0) == 1) {
        g_string_append_c(head, byte);
        if (!g_str_has_suffix(head->str, "\r\n\r\n"))
            continue;
        g_auto(GStrv) words = g_strsplit(head->str, " ", 3);

        peer->requests++;
        g_string_truncate(head, 0);
        if (!answer(peer, words[1])) {
            shutdown(peer->fd, SHUT_RDWR);
            return NULL;
        }
    }
    peer->closed_by_us = TRUE;
    return NULL;
}

static Transport *
meet(Peer *peer, gint *cancelled)
{
    const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 1, .patience = 2, .cancelled = cancelled };
    g_autoptr(GError) error = NULL;
    Transport *transport;
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    *peer = (Peer){ .fd = pair[0] };
    peer->thread = g_thread_new("peer", serve, peer);
    transport = transport_over(pair[1], "the stream", &options, &error);
    g_assert_no_error(error);
    return transport;
}

static void
part(Peer *peer, Transport *transport)
{
    transport_close(transport);
    g_thread_join(peer->thread);
    close(peer->fd);
}

static void
assert_fetch(Transport *transport, const char *path, const char *want)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(transport, "GET", path, NULL, NULL, 1024, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), want, strlen(want));
}

static void
assert_refused(Transport *transport, const char *path, int code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(transport, "GET", path, NULL, NULL, 1024, &error);

    g_assert_null(bytes);
    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_null(strchr(error->message, '\n'));
}

static void
test_one_after_the_other(void)
{
    Digest pin;
    Peer peer;
    Transport *transport = meet(&peer, NULL);

    for (guint i = 0; i < 50; i++) {
        assert_fetch(transport, "/v1/hello", "hello");
        assert_fetch(transport, "/v1/chunked", "hello");
        assert_refused(transport, "/v1/missing", CHAMA_ERROR_NOT_FOUND);
    }
    assert_refused(transport, "/v1/away", CHAMA_ERROR_FAILED);
    assert_fetch(transport, "/v1/hello", "hello");
    g_assert_false(transport_peer_pin(transport, &pin));
    g_assert_null(transport_another(transport, NULL));
    part(&peer, transport);
    g_assert_cmpuint(peer.requests, ==, 152);
    g_assert_true(peer.closed_by_us);
}

static void
test_much(void)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    Peer peer;
    Transport *transport = meet(&peer, NULL);
    const guint8 *got;
    gsize size;

    bytes = transport_fetch(transport, "GET", "/v1/big", NULL, NULL, BIG, &error);
    g_assert_no_error(error);
    got = g_bytes_get_data(bytes, &size);
    g_assert_cmpuint(size, ==, BIG);
    for (gsize i = 0; i < size; i++)
        g_assert_cmpuint(got[i], ==, i % 251);
    part(&peer, transport);
}

/* A stream does not come back: what follows says so at once, and the peer is not asked. */
static void
test_ends(void)
{
    static const char *const cuts[] = { "/v1/cut", "/v1/cut-chunk", "/v1/cut-head", "/v1/gone", "/v1/rubbish" };

    for (gsize i = 0; i < G_N_ELEMENTS(cuts); i++) {
        Peer peer;
        Transport *transport = meet(&peer, NULL);

        assert_fetch(transport, "/v1/hello", "hello");
        assert_refused(transport, cuts[i], CHAMA_ERROR_UNREACHABLE);
        assert_refused(transport, "/v1/hello", CHAMA_ERROR_UNREACHABLE);
        part(&peer, transport);
        g_assert_cmpuint(peer.requests, ==, 2);
    }
}

static void
test_the_end_between_two_requests(void)
{
    g_autoptr(GError) error = NULL;
    Peer peer;
    Transport *transport = meet(&peer, NULL);

    assert_fetch(transport, "/v1/last", "hello");
    g_assert_null(transport_fetch(transport, "GET", "/v1/hello", NULL, NULL, 1024, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE);
    g_assert_cmpstr(error->message, ==, "the stream: the connection has ended");
    part(&peer, transport);
    g_assert_cmpuint(peer.requests, ==, 1);
}

static void
test_patience(void)
{
    static const struct {
        const char *path;
        int code;
    } cases[] = { { "/v1/stall", CHAMA_ERROR_UNREACHABLE }, { "/v1/trickle", CHAMA_ERROR_UNREACHABLE }, { "/v1/head", CHAMA_ERROR_LIMIT }, { "/v1/big", CHAMA_ERROR_LIMIT } };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 begun = g_get_monotonic_time();
        Peer peer;
        Transport *transport = meet(&peer, NULL);

        assert_refused(transport, cases[i].path, cases[i].code);
        g_assert_cmpint(g_get_monotonic_time() - begun, <, 6 * G_USEC_PER_SEC);
        part(&peer, transport);
    }
}

static gpointer
cancel_soon(gpointer data)
{
    g_usleep(100 * 1000);
    g_atomic_int_set((gint *)data, 1);
    return NULL;
}

static void
test_cancel(void)
{
    gint cancelled = 0;
    GThread *thread = g_thread_new("cancel", cancel_soon, &cancelled);
    Peer peer;
    Transport *transport = meet(&peer, &cancelled);

    assert_refused(transport, "/v1/trickle", CHAMA_ERROR_CANCELLED);
    g_thread_join(thread);
    part(&peer, transport);
}

/* A peer that reads nothing and says nothing does not hold up who hangs up, used or not. */
static void
test_closing_beside_a_peer_that_is_stuck(void)
{
    gint cancelled = 0;
    const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 60, .cancelled = &cancelled };
    g_autofree char *much = g_malloc0(BIG);
    g_autoptr(GBytes) body = g_bytes_new_static(much, BIG);
    GThread *thread = g_thread_new("cancel", cancel_soon, &cancelled);
    gint64 begun = g_get_monotonic_time();

    for (guint used = 0; used < 2; used++) {
        g_autoptr(Transport) transport = NULL;
        g_autoptr(GError) error = NULL;
        int pair[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
        transport = transport_over(pair[1], "the stream", &options, NULL);
        if (used > 0)
            g_assert_null(transport_fetch(transport, "POST", "/v1/hello", body, NULL, 1024, &error));
        g_clear_pointer(&transport, transport_close);
        close(pair[0]);
    }
    g_thread_join(thread);
    g_assert_cmpint(g_get_monotonic_time() - begun, <, 6 * G_USEC_PER_SEC);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    g_test_add_func("/stream/one-after-the-other", test_one_after_the_other);
    g_test_add_func("/stream/much", test_much);
    g_test_add_func("/stream/ends", test_ends);
    g_test_add_func("/stream/the-end-between-two-requests", test_the_end_between_two_requests);
    g_test_add_func("/stream/patience", test_patience);
    g_test_add_func("/stream/cancel", test_cancel);
    g_test_add_func("/stream/closing-beside-a-peer-that-is-stuck", test_closing_beside_a_peer_that_is_stuck);
    return g_test_run();
}
