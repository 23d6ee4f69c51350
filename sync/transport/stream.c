#include "sync/transport/stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"
#include "sync/transport/gate.h"
#include "sync/transport/pump.h"

struct Road {
    HttpClient *http;
    Gate *gate;
    int fd;
    GThread *pump;
    int stop;                /* an eventfd */
};

/* Between the gate and the descriptor, from the first request until the road is closed. */
static gpointer
carry(gpointer data)
{
    Road *road = data;
    struct pollfd polled[] = { { .fd = gate_descriptor(road->gate), .events = POLLIN }, { .fd = road->stop, .events = POLLIN } };
    int near = -1;

    while (near < 0 && polled[1].revents == 0) {
        poll(polled, G_N_ELEMENTS(polled), -1);
        near = gate_accept(road->gate);
    }
    if (near >= 0) {
        pump_run(near, road->fd, road->fd, road->stop);
        close(near);
    }
    shutdown(road->fd, SHUT_RDWR);
    return NULL;
}

static void
stream_close(Road *road)
{
    if (road->pump) {
        eventfd_write(road->stop, 1);
        g_thread_join(road->pump);
    }
    http_free(road->http);
    gate_close(road->gate);
    if (road->stop >= 0)
        close(road->stop);
    close(road->fd);
    g_free(road);
}

Road *
stream_open(int fd, const char *name, const TransportOptions *options, GError **error)
{
    Road *road = g_new0(Road, 1);

    road->fd = fd;
    road->stop = eventfd(0, EFD_CLOEXEC);
    road->gate = road->stop >= 0 ? gate_open(error) : chama_error_null(error, CHAMA_ERROR_FAILED, "eventfd: %s", g_strerror(errno));
    road->http = road->gate ? http_new("http://peer", name, "http", options, error) : NULL;
    if (!road->http || !gate_lead(road->gate, road->http, error)) {
        stream_close(road);
        return NULL;
    }
    road->pump = g_thread_new("stream", carry, road);
    return road;
}

static gboolean
stream_request(Road *road, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error)
{
    g_autoptr(GError) trouble = NULL;

    if (http_request(road->http, request, body, data, status, &trouble))
        return TRUE;
    if (gate_passed_twice(road->gate))
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: the connection has ended", http_name(road->http));
    g_propagate_error(error, g_steal_pointer(&trouble));
    return FALSE;
}

static gboolean
stream_peer_pin(Road *road, Digest *pin)
{
    return FALSE;
}

const RoadKind road_stream = { .close = stream_close, .request = stream_request, .peer_pin = stream_peer_pin, .library = http_library };
