#include "manifests/tree/holes.h"

#include <errno.h>
#include <unistd.h>

guint64
holes_at(Holes *holes, guint64 offset)
{
    off_t data, hole;

    if (offset >= holes->hole_from && offset < holes->hole_until)
        return holes->hole_until - offset;
    if (offset < holes->data_until || offset >= holes->size)
        return 0;
    data = lseek(holes->fd, (off_t)offset, SEEK_DATA);
    if (data < 0) {
        holes->data_until = errno == ENXIO ? 0 : holes->size;
        return errno == ENXIO ? holes->size - offset : 0;
    }
    if ((guint64)data > offset) {
        holes->hole_from = offset;
        holes->hole_until = MIN((guint64)data, holes->size);
        return holes->hole_until - offset;
    }
    hole = lseek(holes->fd, (off_t)offset, SEEK_HOLE);
    holes->data_until = hole < 0 ? holes->size : (guint64)hole;
    return 0;
}
