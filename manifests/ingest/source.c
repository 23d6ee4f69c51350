#include "manifests/ingest/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/listing/page.h"

static gboolean
failed_at(const char *path, int errnum, GError **error)
{
    g_autofree char *shown = path_display(path);

    if (errnum == EACCES)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: want leave to read it, have none; give it, or leave it out with --exclude", shown);
    return chama_error_errno(error, errnum, "%s", shown);
}

/* Not blocking: it may have become a FIFO since the walk. */
#define HOW (O_RDONLY | O_NONBLOCK | O_NOCTTY)

static SourceState
failed_to_open(const char *path, GError **error)
{
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO)
        return SOURCE_CHANGED;
    failed_at(path, errno, error);
    return SOURCE_FAILED;
}

static SourceState
ask(Source *source, const char *path, GError **error)
{
    struct stat st;

    if (fstat(source->fd, &st) != 0) {
        failed_at(path, errno, error);
        return SOURCE_FAILED;
    }
    source->mode = st.st_mode;
    source->stamp = stamp_of(&st);
    return S_ISREG(st.st_mode) ? SOURCE_READ : SOURCE_CHANGED;
}

SourceState
source_open(Source *source, int root, const char *path, GError **error)
{
    source->fd = beneath_open(root, path, HOW, 0);
    return source->fd < 0 ? failed_to_open(path, error) : ask(source, path, error);
}

SourceState
source_open_in(Source *source, BeneathFolder *folder, const char *path, const Found *seen, GError **error)
{
    int fd = beneath_folder_of(folder, path, FALSE);

    source->fd = fd < 0 ? -1 : openat(fd, beneath_name(path), HOW | O_NOFOLLOW | O_CLOEXEC);
    if (source->fd < 0)
        return failed_to_open(path, error);
    if (!seen)
        return ask(source, path, error);
    source->mode = seen->mode;
    source->stamp = seen->stamp;
    return SOURCE_READ;
}

SourceState
source_check(const Source *source)
{
    struct stat st;
    Stamp is;

    if (fstat(source->fd, &st) != 0)
        return SOURCE_CHANGED;
    is = stamp_of(&st);
    /* Also where a stamp says nothing, and so equals none. */
    return st.st_mode == source->mode && memcmp(&is, &source->stamp, sizeof is) == 0 ? SOURCE_READ : SOURCE_CHANGED;
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
