#include "sync/transport/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE (256 * 1024)

/* One of the two ways. */
typedef struct {
    int from, to;
    guint8 *bytes;
    gsize begin, end;        /* what was read and not yet written */
    gboolean ended;          /* nothing more comes */
    gboolean broken;         /* nothing more is taken */
} Way;

static void
no_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && !(flags & O_NONBLOCK))
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static gboolean
later(gssize result)
{
    return result < 0 && (errno == EAGAIN || errno == EINTR);
}

/* A read and a write, as far as they go at once. */
static void
advance(Way *way)
{
    gssize moved;

    if (way->begin == way->end && !way->ended) {
        moved = read(way->from, way->bytes, PIECE);
        way->begin = 0;
        way->end = moved > 0 ? (gsize)moved : 0;
        way->ended = moved == 0 || (moved < 0 && !later(moved));
    }
    if (way->begin < way->end && !way->broken) {
        moved = write(way->to, way->bytes + way->begin, way->end - way->begin);
        way->begin += moved > 0 ? (gsize)moved : 0;
        way->broken = moved < 0 && !later(moved);
    }
}

static gboolean
over(const Way *way)
{
    return way->broken || (way->ended && way->begin == way->end);
}

/* Waits for what each way lacks: something to read, or room to write.  FALSE: it is to stop. */
static gboolean
wait_for(const Way ways[2], int stop)
{
    struct pollfd polled[] = { { .fd = -1 }, { .fd = -1 }, { .fd = stop, .events = POLLIN } };

    for (gsize i = 0; i < 2; i++) {
        gboolean empty = ways[i].begin == ways[i].end;

        polled[i] = (struct pollfd){ .fd = over(&ways[i]) ? -1 : empty ? ways[i].from : ways[i].to, .events = empty ? POLLIN : POLLOUT };
    }
    poll(polled, G_N_ELEMENTS(polled), -1);
    return polled[2].revents == 0;
}

void
pump_run(int near, int far_in, int far_out, int stop)
{
    Way ways[2] = { { .from = near, .to = far_out, .bytes = g_malloc(PIECE) }, { .from = far_in, .to = near, .bytes = g_malloc(PIECE) } };
    gboolean told = FALSE;

    no_blocking(near);
    no_blocking(far_in);
    no_blocking(far_out);
    while (!over(&ways[0]) && wait_for(ways, stop)) {
        advance(&ways[0]);
        advance(&ways[1]);
        if (over(&ways[1]) && !told) {
            told = TRUE;
            shutdown(near, SHUT_WR);
        }
    }
    g_free(ways[0].bytes);
    g_free(ways[1].bytes);
}
