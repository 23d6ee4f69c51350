#include "manifests/store/extent.h"

#include <errno.h>
#include <sys/uio.h>

#include "manifests/store/store_private.h"

#define RUN_MAX 256          /* extents in one read */
#define GAP_MAX 4096         /* bytes between two extents that are read with them, because that is cheaper than another read */

/* One read: a header and a room for each extent, and what lies between. */
typedef struct {
    struct iovec pieces[3 * RUN_MAX];
    guint count;
    guint8 headers[RUN_MAX][FRAME_HEADER_SIZE];
    guint8 gap[GAP_MAX];
} Run;

static guint64
end_of(const StoreExtent *extent)
{
    return extent->offset + FRAME_HEADER_SIZE + extent->stored_size;
}

static gboolean
follows(const StoreExtent *before, const StoreExtent *extent)
{
    return extent->pack == before->pack && extent->offset >= end_of(before) && extent->offset - end_of(before) <= GAP_MAX;
}

static void
add_piece(Run *run, void *room, gsize size)
{
    if (size > 0)
        run->pieces[run->count++] = (struct iovec){ room, size };
}

/* How many of the extents one read brings. */
static guint
make_run(Run *run, const StoreExtent *extents, guint8 *const *rooms, guint count)
{
    guint i;

    run->count = 0;
    for (i = 0; i < MIN(count, RUN_MAX) && (i == 0 || follows(&extents[i - 1], &extents[i])); i++) {
        if (i > 0)
            add_piece(run, run->gap, (gsize)(extents[i].offset - end_of(&extents[i - 1])));
        add_piece(run, run->headers[i], FRAME_HEADER_SIZE);
        add_piece(run, rooms[i], extents[i].stored_size);
    }
    return i;
}

/* A read that brings less than all is gone on with behind what it brought. */
static gboolean
read_run(Run *run, int fd, guint64 offset)
{
    struct iovec *piece = run->pieces, *end = run->pieces + run->count;

    while (piece < end) {
        gssize got = preadv(fd, piece, (int)MIN(end - piece, IOV_MAX), (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return FALSE;
        offset += (guint64)got;
        for (; piece < end && (gsize)got >= piece->iov_len; piece++)
            got -= (gssize)piece->iov_len;
        if (piece < end) {
            piece->iov_base = (guint8 *)piece->iov_base + got;
            piece->iov_len -= (gsize)got;
        }
    }
    return TRUE;
}

gboolean
store_read_extents(Store *store, const StoreExtent *extents, guint8 *const *rooms, guint count)
{
    g_autofree Run *run = g_malloc(sizeof *run);

    for (guint i = 0; i < count;) {
        g_autoptr(PackFile) file = pack_folder_get(store->packs, extents[i].pack, NULL);
        guint length = make_run(run, extents + i, rooms + i, count - i);

        if (!file || !read_run(run, file->fd, extents[i].offset))
            return FALSE;
        for (guint k = 0; k < length; k++)
            if (!store_check_frame_apart(&extents[i + k], run->headers[k], rooms[i + k], NULL))
                return FALSE;
        i += length;
    }
    return TRUE;
}
