#include "manifests/ingest/source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/listing/page.h"
#include "manifests/tree/beneath.h"

static gboolean
failed_at(const char *path, int errnum, GError **error)
{
    g_autofree char *shown = path_display(path);

    if (errnum == EACCES)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: want leave to read it, have none; give it, or leave it out with --exclude", shown);
    return chama_error_errno(error, errnum, "%s", shown);
}

SourceState
source_open(Source *source, int root, const char *path, GError **error)
{
    /* Not blocking: it may have become a FIFO since the walk. */
    source->fd = beneath_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (source->fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO))
        return SOURCE_CHANGED;
    if (source->fd < 0 || fstat(source->fd, &source->st) != 0) {
        failed_at(path, errno, error);
        return SOURCE_FAILED;
    }
    return S_ISREG(source->st.st_mode) ? SOURCE_READ : SOURCE_CHANGED;
}

static gboolean
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

SourceState
source_check(const Source *source)
{
    const struct stat *was = &source->st;
    struct stat is;

    if (fstat(source->fd, &is) != 0 || is.st_size != was->st_size || is.st_mode != was->st_mode || !same_time(&is.st_mtim, &was->st_mtim) ||
        !same_time(&is.st_ctim, &was->st_ctim))
        return SOURCE_CHANGED;
    return SOURCE_READ;
}

void
source_clear(Source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

gboolean
source_read(const Source *source, const char *path, guint64 offset, guint8 *buffer, gsize size, gsize *count, GError **error)
{
    *count = 0;
    while (*count < size) {
        gssize n = pread(source->fd, buffer + *count, size - *count, (off_t)(offset + *count));

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return failed_at(path, errno, error);
        *count += n > 0 ? (gsize)n : 0;
    }
    return TRUE;
}
