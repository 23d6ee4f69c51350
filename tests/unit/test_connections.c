/* node/http/connections.c: when a server cuts a connection (E2). */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/http/connections.h"

typedef struct {
    Connections *all;
    Connection *one;
    int far;       /* the caller's end */
} Server;

static Server
serve_one(guint wait_seconds)
{
    const struct sockaddr_in address = { .sin_family = AF_INET };
    Server server = { .all = connections_new(wait_seconds, 1024) };
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    server.one = connections_add(server.all, ends[0], (const struct sockaddr *)&address);
    server.far = ends[1];
    return server;
}

static gboolean
is_cut(const Server *server, int milliseconds)
{
    struct pollfd end = { .fd = server->far, .events = POLLIN };

    return poll(&end, 1, milliseconds) == 1;
}

static void
leave(Server *server)
{
    int fd = server->one->fd;

    connections_remove(server->all, server->one);
    connections_free(server->all);
    close(fd);
    close(server->far);
}

/* Over TLS: who spent the time before its request line has none for what follows. */
static void
e2_wait_and_request(void)
{
    Server server = serve_one(REQUEST_SECONDS);

    server.one->since -= REQUEST_SECONDS;
    connection_begin(server.all, server.one, CONNECTION_ASKS);
    g_assert_true(is_cut(&server, 5000));
    leave(&server);
}

/* PS1: who may wait longer has the whole time for its request, and an answer has its own always. */
static void
e2_own_time(void)
{
    Server patient = serve_one(600), answered = serve_one(REQUEST_SECONDS);

    patient.one->since -= 300;
    connection_begin(patient.all, patient.one, CONNECTION_ASKS);
    answered.one->since -= REQUEST_SECONDS;
    connection_begin(answered.all, answered.one, CONNECTION_ASKS);
    connection_begin(answered.all, answered.one, CONNECTION_TAKES);
    g_assert_false(is_cut(&patient, 1500));
    g_assert_false(is_cut(&answered, 0));
    patient.one->since -= REQUEST_SECONDS + 1;
    g_assert_true(is_cut(&patient, 5000));
    leave(&patient);
    leave(&answered);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/connections/E2-wait-and-request", e2_wait_and_request);
    g_test_add_func("/connections/E2-PS1-own-time", e2_own_time);
    return g_test_run();
}
