#include "manifests/tree/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"

/* The bytes [0, written) are in the file, the rest in memory. */
struct Spool {
    GByteArray *memory;
    gsize limit;
    guint64 written;
    int fd;
};

Spool *
spool_new(gsize memory_limit)
{
    Spool *spool = g_new0(Spool, 1);

    spool->memory = g_byte_array_new();
    spool->limit = memory_limit;
    spool->fd = -1;
    return spool;
}

void
spool_free(Spool *spool)
{
    if (!spool)
        return;
    if (spool->fd >= 0)
        close(spool->fd);
    g_byte_array_unref(spool->memory);
    g_free(spool);
}

static int
open_unnamed(void)
{
    g_autofree char *path = NULL;
    int fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    path = g_build_filename(g_get_tmp_dir(), "chama-XXXXXX", NULL);
    fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static gboolean
move_to_file(Spool *spool, GError **error)
{
    gsize done = 0;

    if (spool->fd < 0 && (spool->fd = open_unnamed()) < 0)
        return chama_error_errno(error, errno, "temporary file in %s", g_get_tmp_dir());
    while (done < spool->memory->len) {
        gssize n = pwrite(spool->fd, spool->memory->data + done, spool->memory->len - done, (off_t)(spool->written + done));

        if (n < 0 && errno != EINTR)
            return chama_error_errno(error, errno, "temporary file in %s", g_get_tmp_dir());
        done += n > 0 ? (gsize)n : 0;
    }
    spool->written += done;
    g_byte_array_set_size(spool->memory, 0);
    return TRUE;
}

gboolean
spool_add(Spool *spool, const void *data, gsize size, GError **error)
{
    if (size == 0)
        return TRUE;
    if (spool->memory->len + size > spool->limit && !move_to_file(spool, error))
        return FALSE;
    g_byte_array_append(spool->memory, data, (guint)size);
    return TRUE;
}

guint64
spool_size(const Spool *spool)
{
    return spool->written + spool->memory->len;
}

static gboolean
read_file(Spool *spool, guint64 offset, guint8 *data, gsize size, GError **error)
{
    while (size > 0) {
        gssize n = pread(spool->fd, data, size, (off_t)offset);

        if (n == 0 || (n < 0 && errno != EINTR))
            return chama_error_errno(error, n == 0 ? EIO : errno, "temporary file in %s", g_get_tmp_dir());
        if (n < 0)
            continue;
        data += n;
        offset += (guint64)n;
        size -= (gsize)n;
    }
    return TRUE;
}

gboolean
spool_read(Spool *spool, guint64 offset, void *data, gsize size, GError **error)
{
    gsize from_file = offset < spool->written ? (gsize)MIN(size, spool->written - offset) : 0;

    g_assert(offset + size <= spool_size(spool));
    if (from_file > 0 && !read_file(spool, offset, data, from_file, error))
        return FALSE;
    if (size > from_file)
        memcpy((guint8 *)data + from_file, spool->memory->data + (offset + from_file - spool->written), size - from_file);
    return TRUE;
}

gboolean
spool_reset(Spool *spool, GError **error)
{
    spool->written = 0;
    g_byte_array_set_size(spool->memory, 0);
    if (spool->fd >= 0 && ftruncate(spool->fd, 0) != 0)
        return chama_error_errno(error, errno, "temporary file in %s", g_get_tmp_dir());
    return TRUE;
}
