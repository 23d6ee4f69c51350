#include "manifests/checkout/fresh.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/listing/page.h"
#include "manifests/tree/beneath.h"

#define BLOCK 4096
#define NAME_ATTEMPTS 100
#define CREATE (O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

static gboolean
failed_at(const char *path, GError **error)
{
    int saved = errno;
    g_autofree char *shown = path_display(path);

    return chama_error_errno(error, saved, "%s", shown);
}

/* Fills in a name that is very likely free; what opens it says whether it is. */
static void
choose_name(Fresh *fresh, int folder)
{
    fresh->folder = folder;
    g_snprintf(fresh->name, sizeof(fresh->name), ".chama-%08x%08x.tmp", g_random_int(), g_random_int());
}

gboolean
fresh_is_temporary(const char *name)
{
    const char *digits = name + strlen(".chama-");

    return g_str_has_prefix(name, ".chama-") && strspn(digits, "0123456789abcdef") == 16 && strcmp(digits + 16, ".tmp") == 0;
}

/* The name under which the folder lists what @name opens; NULL if it is not found. */
static char *
name_in_folder(int folder, const char *name)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *found = NULL;
    struct stat st;
    char *listed = NULL;

    if (dir && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        while (!listed && (found = readdir(dir)))
            if (found->d_ino == st.st_ino)
                listed = g_strdup(found->d_name);
    if (dir)
        closedir(dir);
    return listed;
}

gboolean
fresh_refuse_taken(int folder, const char *path, GError **error)
{
    g_autofree char *listed = name_in_folder(folder, beneath_name(path)), *shown = path_display(path), *other = NULL;

    if (!listed || strcmp(listed, beneath_name(path)) == 0)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: it was made by someone else meanwhile", shown);
    other = path_display(listed);
    return chama_error(error, CHAMA_ERROR_EXISTS, "%s: CO5: want a file system that holds it beside \"%s\", have one that takes them for the same",
                       shown, other);
}

static gboolean
open_staged(Fresh *fresh, int folder, const char *path, GError **error)
{
    fresh->folder = folder;
    fresh->fd = openat(folder, beneath_name(path), CREATE, 0666);
    if (fresh->fd < 0)
        return errno == EEXIST ? fresh_refuse_taken(fresh->folder, path, error) : failed_at(path, error);
    fresh->named = beneath_name(path);
    return TRUE;
}

gboolean
fresh_open(Fresh *fresh, int folder, const char *path, gboolean staged, GError **error)
{
    if (staged)
        return open_staged(fresh, folder, path, error);
    for (guint i = 0; i < NAME_ATTEMPTS && fresh->fd < 0; i++) {
        choose_name(fresh, folder);
        fresh->fd = openat(folder, fresh->name, CREATE, 0666);
        if (fresh->fd < 0 && errno != EEXIST)
            break;
    }
    if (fresh->fd >= 0)
        return TRUE;
    fresh->name[0] = 0;
    return failed_at(path, error);
}

gboolean
fresh_link(Fresh *fresh, int folder, const char *path, const char *target, GError **error)
{
    for (guint i = 0; i < NAME_ATTEMPTS; i++) {
        choose_name(fresh, folder);
        if (symlinkat(target, folder, fresh->name) == 0)
            return TRUE;
        if (errno != EEXIST)
            break;
    }
    fresh->name[0] = 0;
    return failed_at(path, error);
}

void
fresh_clear(Fresh *fresh)
{
    if (fresh->fd >= 0)
        close(fresh->fd);
    if (fresh->name[0] || fresh->named)
        unlinkat(fresh->folder, fresh->named ? fresh->named : fresh->name, 0);
    fresh->fd = -1;
    fresh->named = NULL;
    fresh->name[0] = 0;
}

static gboolean
write_all(int fd, const char *path, guint64 offset, const guint8 *data, gsize size, GError **error)
{
    while (size > 0) {
        gssize n = pwrite(fd, data, size, (off_t)offset);

        if (n < 0 && errno != EINTR)
            return failed_at(path, error);
        n = MAX(n, 0);
        data += n;
        offset += (guint64)n;
        size -= (gsize)n;
    }
    return TRUE;
}

static gboolean
is_zero(const guint8 *data, gsize size)
{
    static const guint8 zero[BLOCK];

    return data[0] == 0 && memcmp(data, zero, size) == 0;
}

/* How long the run of zero (or of other) blocks is with which @data begins; blocks are those of the file. */
static gsize
run_length(guint64 offset, const guint8 *data, gsize size, gboolean *zero)
{
    gsize length = 0;

    while (length < size) {
        gsize block = MIN(size - length, BLOCK - (gsize)((offset + length) % BLOCK));
        gboolean is = block == BLOCK && is_zero(data + length, block);

        if (length == 0)
            *zero = is;
        if (is != *zero)
            break;
        length += block;
    }
    return length;
}

static void
note_end(Fresh *fresh, guint64 end)
{
    guint64 before = __atomic_load_n(&fresh->end, __ATOMIC_RELAXED);

    while (end > before && !__atomic_compare_exchange_n(&fresh->end, &before, end, TRUE, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

gboolean
fresh_write(Fresh *fresh, const char *path, guint64 offset, const guint8 *data, gsize size, GError **error)
{
    while (size > 0) {
        gboolean zero;
        gsize length = run_length(offset, data, size, &zero);

        if (!zero && !write_all(fresh->fd, path, offset, data, length, error))
            return FALSE;
        data += length;
        offset += length;
        if (!zero)
            note_end(fresh, offset);
        size -= length;
    }
    return TRUE;
}

gboolean
fresh_set_executable(int fd, const char *path, gboolean executable, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed_at(path, error);
    mode_t mode = st.st_mode & 07777;
    /* May execute: who may read. The umask has decided who that is. */
    mode_t wanted = executable ? mode | (mode & 0444) >> 2 : mode & ~(mode_t)0111;

    return mode == wanted || fchmod(fd, wanted) == 0 || failed_at(path, error);
}

gboolean
fresh_finish(Fresh *fresh, const char *path, guint64 size, gboolean executable, GError **error)
{
    if (fresh->end != size && ftruncate(fresh->fd, (off_t)size) != 0)
        return failed_at(path, error);
    return !executable || fresh_set_executable(fresh->fd, path, TRUE, error);
}

/* Without RENAME_NOREPLACE (some network file systems) a look before has to do. */
int
fresh_rename_to_free(int folder, const char *name, int to_folder, const char *to)
{
    struct stat st;
    int status = renameat2(folder, name, to_folder, to, RENAME_NOREPLACE);

    if (status == 0 || (errno != EINVAL && errno != ENOSYS))
        return status;
    if (fstatat(to_folder, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(folder, name, to_folder, to);
}

gboolean
fresh_place(Fresh *fresh, const char *path, gboolean replace, GError **error)
{
    const char *name = beneath_name(path);
    int status;

    if (fresh->named) {
        fresh->named = NULL;
        return TRUE;
    }
    status = replace ? renameat(fresh->folder, fresh->name, fresh->folder, name)
                     : fresh_rename_to_free(fresh->folder, fresh->name, fresh->folder, name);
    if (status != 0)
        return errno == EEXIST ? fresh_refuse_taken(fresh->folder, path, error) : failed_at(path, error);
    fresh->name[0] = 0;
    return TRUE;
}
