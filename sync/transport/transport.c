#include "sync/transport/transport.h"

#include <string.h>

#include "keys/error.h"
#include "sync/transport/road.h"
#include "sync/transport/stream.h"
#include "sync/wire.h"

static const RoadKind *const roads[] = { &road_https, &road_ssh };

struct Transport {
    const RoadKind *kind;
    Road *road;
    gatomicrefcount refs;
    GMutex mutex;             /* held for a request */
    guint64 bytes, requests;
    Limit *limit;
    const gint *cancelled;
};

static Transport *
along(const RoadKind *kind, Road *road, Limit *limit, const gint *cancelled)
{
    Transport *transport = g_new0(Transport, 1);

    transport->kind = kind;
    transport->road = road;
    transport->limit = limit ? limit_ref(limit) : NULL;
    transport->cancelled = cancelled;
    g_atomic_ref_count_init(&transport->refs);
    g_mutex_init(&transport->mutex);
    return transport;
}

Transport *
transport_along(const RoadKind *kind, Road *road)
{
    return along(kind, road, NULL, NULL);
}

/* Where the body of one answer goes: to the caller if it is good, else it is a problem document. */
typedef struct {
    Transport *transport;
    TransportSink sink;
    gpointer data;
    GByteArray *problem;
} Answered;

static const RoadKind *
road_to(const char *url)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roads); i++) {
        if (g_str_has_prefix(url, roads[i]->scheme))
            return roads[i];
    }
    return NULL;
}

gboolean
transport_reaches(const char *url)
{
    return road_to(url) != NULL;
}

gboolean
transport_wants_pins(const char *url)
{
    const RoadKind *kind = road_to(url);

    return !kind || !kind->judges;
}

gboolean
transport_is_single(const char *url)
{
    const RoadKind *kind = road_to(url);

    return kind && kind->single;
}

Transport *
transport_open(const char *url, const TransportOptions *options, GError **error)
{
    const RoadKind *kind = road_to(url);
    Road *road;

    if (!kind)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: want an address that begins with https:// or ssh://", url);
    road = kind->open(url, options, error);
    return road ? along(kind, road, options->limit, options->cancelled) : NULL;
}

Transport *
transport_brought(const char *path, GBytes *bytes)
{
    return along(&road_brought, road_brought_open(path, bytes), NULL, NULL);
}

Transport *
transport_over(int fd, const char *name, const TransportOptions *options, GError **error)
{
    Road *road = stream_open(fd, name, options, error);

    return road ? along(&road_stream, road, options->limit, options->cancelled) : NULL;
}

Transport *
transport_another(Transport *transport, GError **error)
{
    Road *road = transport->kind->another ? transport->kind->another(transport->road, error) : NULL;

    return road ? along(transport->kind, road, transport->limit, transport->cancelled) : NULL;
}

Transport *
transport_ref(Transport *transport)
{
    g_atomic_ref_count_inc(&transport->refs);
    return transport;
}

int
transport_bare(Transport *transport, char **prefix, GError **error)
{
    if (transport->kind->bare)
        return transport->kind->bare(transport->road, prefix, error);
    chama_error(error, CHAMA_ERROR_USAGE, "this road has no connection by itself");
    return -1;
}

void
transport_close(Transport *transport)
{
    if (!transport || !g_atomic_ref_count_dec(&transport->refs))
        return;
    transport->kind->close(transport->road);
    limit_unref(transport->limit);
    g_mutex_clear(&transport->mutex);
    g_free(transport);
}

/* PU50: what was read is paid for before more is read. */
static gboolean
rest(const Transport *transport, gsize size, GError **error)
{
    return limit_rest(limit_take(transport->limit, size), transport->cancelled) || chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
}

static gboolean
take_body(gpointer data, int status, const void *bytes, gsize size, GError **error)
{
    Answered *answered = data;

    answered->transport->bytes += size;
    if (!rest(answered->transport, size, error))
        return FALSE;
    if (status == 200)
        return answered->sink(answered->data, bytes, size, error);
    if (size > WIRE_PROBLEM_MAX - answered->problem->len)
        return chama_error(error, CHAMA_ERROR_LIMIT, "answer with status %d: want at most %d bytes that say what is wrong", status, WIRE_PROBLEM_MAX);
    g_byte_array_append(answered->problem, bytes, (guint)size);
    return TRUE;
}

gboolean
transport_request(Transport *transport, const char *method, const char *path, GBytes *body, const char *grant, TransportSink sink, gpointer data,
                  GError **error)
{
    g_autoptr(GByteArray) problem = g_byte_array_new();
    Answered answered = { transport, sink, data, problem };
    RoadRequest request = { method, path, grant, body };
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&transport->mutex);
    int status = 0;

    transport->requests++;
    if (!transport->kind->request(transport->road, &request, take_body, &answered, &status, error))
        return FALSE;
    if (status != 200) {
        g_autoptr(GBytes) document = g_byte_array_free_to_bytes(g_steal_pointer(&problem));

        problem_read(document, status, error);
        return FALSE;
    }
    return TRUE;
}

typedef struct {
    GByteArray *bytes;
    gsize limit;
    const char *path;
} Whole;

static gboolean
gather(gpointer data, const void *bytes, gsize size, GError **error)
{
    Whole *whole = data;

    if (size > whole->limit - whole->bytes->len)
        return chama_error(error, CHAMA_ERROR_LIMIT, "answer to %s: want at most %" G_GSIZE_FORMAT " bytes", whole->path, whole->limit);
    g_byte_array_append(whole->bytes, bytes, (guint)size);
    return TRUE;
}

GBytes *
transport_fetch(Transport *transport, const char *method, const char *path, GBytes *body, const char *grant, gsize limit, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Whole whole = { bytes, limit, path };

    if (!transport_request(transport, method, path, body, grant, gather, &whole, error))
        return NULL;
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

/* An answer of any status. */
static gboolean
gather_any(gpointer data, int status, const void *bytes, gsize size, GError **error)
{
    return gather(data, bytes, size, error);
}

GBytes *
transport_ask(Transport *transport, const char *method, const char *path, GBytes *body, gsize limit, int *status, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Whole whole = { bytes, limit, path };
    const RoadRequest request = { method, path, NULL, body };
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&transport->mutex);

    transport->requests++;
    if (!transport->kind->request(transport->road, &request, gather_any, &whole, status, error))
        return NULL;
    transport->bytes += bytes->len;
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

gboolean
transport_peer_pin(Transport *transport, Digest *pin)
{
    return transport->kind->peer_pin(transport->road, pin);
}

guint64
transport_bytes(Transport *transport)
{
    return transport->bytes;
}

guint64
transport_requests(Transport *transport)
{
    return transport->requests;
}

const char *
transport_library(const char *scheme)
{
    return road_to(scheme)->library();
}
