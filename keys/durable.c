#include "keys/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/error.h"

static gboolean
write_all(int fd, const char *path, const guint8 *data, gsize size, GError **error)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return chama_error_errno(error, errno, "%s: cannot write", path);
        data += written;
        size -= (gsize)written;
    }
    return TRUE;
}

gboolean
durable_fsync(int fd, const char *path, GError **error)
{
    if (fsync(fd) != 0)
        return chama_error_errno(error, errno, "%s: cannot fsync", path);
    return TRUE;
}

gboolean
durable_fsync_folder(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status, saved;

    if (fd < 0)
        return chama_error_errno(error, errno, "%s: cannot open", path);
    status = fsync(fd);
    saved = errno;
    close(fd);
    /* EINVAL: a file system that has no such thing as syncing a folder; its renames are as durable as they get. */
    if (status != 0 && saved != EINVAL)
        return chama_error_errno(error, saved, "%s: cannot fsync", path);
    return TRUE;
}

static gboolean
fsync_parent(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    return durable_fsync_folder(folder, error);
}

/* mkostemp() makes the file 0600, so that a secret is never readable, not even for an instant; chmod only where the mode is another,
 * for a memory stick's file system refuses it. */
static gboolean
fill(int fd, const char *path, const void *data, gsize size, mode_t mode, GError **error)
{
    if (!write_all(fd, path, data, size, error))
        return FALSE;
    if (mode != 0600 && fchmod(fd, mode) != 0)
        return chama_error_errno(error, errno, "%s: cannot set the mode", path);
    return durable_fsync(fd, path, error);
}

/* Writes a temporary file beside @path.  Returns its name, the caller's. */
static char *
write_beside(const char *path, const void *data, gsize size, mode_t mode, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".tmp-XXXXXX", NULL);
    int fd = mkostemp(temporary, O_CLOEXEC);
    gboolean ok;

    if (fd < 0) {
        chama_error_errno(error, errno, "%s: cannot create", path);
        return NULL;
    }
    ok = fill(fd, path, data, size, mode, error);
    if (close(fd) != 0 && ok)
        ok = chama_error_errno(error, errno, "%s: cannot close", path);
    if (!ok) {
        unlink(temporary);
        return NULL;
    }
    return g_steal_pointer(&temporary);
}

gboolean
durable_write(const char *path, const void *data, gsize size, mode_t mode, GError **error)
{
    g_autofree char *temporary = write_beside(path, data, size, mode, error);

    if (!temporary)
        return FALSE;
    if (rename(temporary, path) != 0) {
        chama_error_errno(error, errno, "%s: cannot rename into place", path);
        unlink(temporary);
        return FALSE;
    }
    return fsync_parent(path, error);
}

/* RENAME_NOREPLACE where the file system has it (FAT has no links), link and unlink where it has not (NFS has no such rename). */
static int
rename_to_absent(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (link(from, to) != 0)
        return errno;
    unlink(from);
    return 0;
}

gboolean
durable_create(const char *path, const void *data, gsize size, mode_t mode, GError **error)
{
    g_autofree char *temporary = write_beside(path, data, size, mode, error);
    int status;

    if (!temporary)
        return FALSE;
    status = rename_to_absent(temporary, path);
    if (status == 0)
        return fsync_parent(path, error);
    unlink(temporary);
    if (status == EEXIST)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want no file of this name, have one", path);
    return chama_error_errno(error, status, "%s: cannot rename into place", path);
}

struct DurableFile {
    char *path, *temporary;    /* temporary: NULL once it has its name */
    gboolean replace;
    int fd;
};

static gboolean
check_place(const char *path, gboolean replace, GError **error)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT || chama_error_errno(error, errno, "%s", path);
    if (!S_ISREG(status.st_mode))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want a file to write, have something else of this name", path);
    return replace || chama_error(error, CHAMA_ERROR_EXISTS, "%s: want no file of this name, have one", path);
}

DurableFile *
durable_file_new(const char *path, mode_t mode, gboolean replace, GError **error)
{
    g_autoptr(DurableFile) file = g_new0(DurableFile, 1);

    file->fd = -1;
    if (!check_place(path, replace, error))
        return NULL;
    file->path = g_strdup(path);
    file->replace = replace;
    file->temporary = g_strconcat(path, ".tmp-XXXXXX", NULL);
    file->fd = g_mkstemp_full(file->temporary, O_WRONLY | O_CLOEXEC, (int)mode);
    if (file->fd >= 0)
        return g_steal_pointer(&file);
    chama_error_errno(error, errno, "%s: cannot create", path);
    g_clear_pointer(&file->temporary, g_free);
    return NULL;
}

void
durable_file_free(DurableFile *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    g_free(file->temporary);
    g_free(file->path);
    g_free(file);
}

int
durable_file_fd(const DurableFile *file)
{
    return file->fd;
}

gboolean
durable_file_write(DurableFile *file, const void *data, gsize size, GError **error)
{
    return write_all(file->fd, file->path, data, size, error);
}

gboolean
durable_file_commit(DurableFile *file, GError **error)
{
    int status;

    if (!durable_fsync(file->fd, file->path, error))
        return FALSE;
    if (close(g_steal_fd(&file->fd)) != 0)
        return chama_error_errno(error, errno, "%s: cannot close", file->path);
    status = file->replace ? (rename(file->temporary, file->path) == 0 ? 0 : errno) : rename_to_absent(file->temporary, file->path);
    if (status == EEXIST)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want no file of this name, have one", file->path);
    if (status != 0)
        return chama_error_errno(error, status, "%s: cannot rename into place", file->path);
    g_clear_pointer(&file->temporary, g_free);
    return fsync_parent(file->path, error);
}

gboolean
durable_mkdir(const char *path, mode_t mode, GError **error)
{
    struct stat status;

    if (mkdir(path, mode) == 0)
        return fsync_parent(path, error);
    if (errno != EEXIST)
        return chama_error_errno(error, errno, "%s: cannot make the folder", path);
    if (stat(path, &status) != 0)
        return chama_error_errno(error, errno, "%s: cannot look at it", path);
    if (!S_ISDIR(status.st_mode))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want a folder, have something else of this name", path);
    return TRUE;
}

gboolean
durable_rename(const char *from, const char *to, GError **error)
{
    if (rename(from, to) != 0)
        return chama_error_errno(error, errno, "%s: cannot rename to %s", from, to);
    return fsync_parent(to, error);
}

gboolean
durable_unlink(const char *path, GError **error)
{
    if (unlink(path) != 0)
        return chama_error_errno(error, errno, "%s: cannot remove", path);
    return fsync_parent(path, error);
}

void
durable_clear_stale(const char *folder, gint64 age)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat status;

        if (g_pattern_match_simple("*.tmp-??????", name) && lstat(path, &status) == 0 && S_ISREG(status.st_mode) && now - status.st_mtime >= age)
            unlink(path);
    }
}

static GBytes *
read_open_file(int fd, const char *path, gsize limit, GError **error)
{
    g_autofree guint8 *data = NULL;
    struct stat status;
    gsize size, have = 0;

    if (fstat(fd, &status) != 0) {
        chama_error_errno(error, errno, "%s: cannot look at it", path);
        return NULL;
    }
    if (!S_ISREG(status.st_mode))
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: want a regular file, have something else", path);
    if ((guint64)status.st_size > limit)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "%s: want at most %zu bytes, have %" G_GINT64_FORMAT,
                                path, limit, (gint64)status.st_size);
    size = (gsize)status.st_size;
    data = g_malloc(size + 1);
    while (have < size) {
        ssize_t got = read(fd, data + have, size - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            chama_error_errno(error, errno, "%s: cannot read", path);
            return NULL;
        }
        if (got == 0)
            return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: want %zu bytes, have %zu: it was cut while being read",
                                    path, size, have);
        have += (gsize)got;
    }
    return g_bytes_new_take(g_steal_pointer(&data), size);
}

GBytes *
durable_read(const char *path, gsize limit, GError **error)
{
    /* O_NONBLOCK: a pipe in the place of a file must not hold the program; it means nothing for a file. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    GBytes *bytes;

    if (fd < 0) {
        chama_error_errno(error, errno, "%s: cannot open", path);
        return NULL;
    }
    bytes = read_open_file(fd, path, limit, error);
    close(fd);
    return bytes;
}

gboolean
durable_remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *below = g_build_filename(path, name, NULL);

        if (g_file_test(below, G_FILE_TEST_IS_DIR) && !g_file_test(below, G_FILE_TEST_IS_SYMLINK))
            durable_remove_tree(below);
        else
            g_unlink(below);
    }
    return g_rmdir(path) == 0;
}
