#include "manifests/checkout/local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/tree/holes.h"

#define WINDOW (256 * 1024)

static gboolean
failed_at(const char *path, GError **error)
{
    int saved = errno;
    g_autofree char *shown = path_display(path);

    return chama_error_errno(error, saved, "%s", shown);
}

static LocalKind
kind_of(mode_t mode)
{
    return S_ISREG(mode) ? LOCAL_FILE : S_ISLNK(mode) ? LOCAL_LINK : S_ISDIR(mode) ? LOCAL_FOLDER : LOCAL_SPECIAL;
}

gboolean
local_look(BeneathFolder *folder, const char *path, Local *local, GError **error)
{
    int fd = beneath_folder_of(folder, path, FALSE);
    struct stat st;

    memset(local, 0, sizeof(*local));
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        local->kind = LOCAL_BLOCKED;
        return TRUE;
    }
    if (fd < 0 || fstatat(fd, beneath_name(path), &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || failed_at(path, error);
    local->kind = kind_of(st.st_mode);
    local->mode = st.st_mode;
    local->size = (guint64)st.st_size;
    local->stamp = stamp_of(&st);
    return TRUE;
}

typedef struct {
    int fd;
    const char *path;
    Progress *progress;
    DigestStream *stream;
    guint8 *window;
    Holes holes;
} Hashing;

/* From @offset on, as far as one window goes; *@count 0 at the end. */
static gboolean
hash_some(Hashing *hashing, guint64 offset, gsize *count, GError **error)
{
    static const guint8 zeros[WINDOW];
    gsize hole = (gsize)MIN(holes_at(&hashing->holes, offset), WINDOW);
    gssize n = hole > 0 ? (gssize)hole : TEMP_FAILURE_RETRY(pread(hashing->fd, hashing->window, WINDOW, (off_t)offset));

    if (progress_cancelled(hashing->progress))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
    if (n < 0)
        return failed_at(hashing->path, error);
    digest_stream_update(hashing->stream, hole > 0 ? zeros : hashing->window, (gsize)n);
    *count = (gsize)n;
    return TRUE;
}

static gboolean
hash_descriptor(int fd, const char *path, const Local *local, Progress *progress, Digest *digest, GError **error)
{
    g_autoptr(DigestStream) stream = digest_stream_new();
    g_autofree guint8 *window = g_malloc(WINDOW);
    Hashing hashing = { fd, path, progress, stream, window, { fd, local->size, 0 } };
    gsize count = 1;

    for (guint64 offset = 0; count > 0; offset += count)
        if (!hash_some(&hashing, offset, &count, error))
            return FALSE;
    digest_stream_reset(stream, digest);
    return TRUE;
}

static gboolean
hash_file(int folder, const char *path, Local *local, Progress *progress, GError **error)
{
    int fd = openat(folder, beneath_name(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return failed_at(path, error);
    gboolean ok = hash_descriptor(fd, path, local, progress, &local->digest, error);

    close(fd);
    return ok;
}

static gboolean
hash_link(int folder, const char *path, Local *local, GError **error)
{
    g_autofree char *target = beneath_read_link(folder, beneath_name(path));

    if (!target)
        return failed_at(path, error);
    digest_of(target, strlen(target), &local->digest);
    return TRUE;
}

static gboolean
may_be(const Local *local, const Side *side)
{
    switch (side->kind) {
    case ITEM_FILE:
    case ITEM_EXECUTABLE:
        return local->kind == LOCAL_FILE && local->size == side->size;
    case ITEM_LINK:
        return local->kind == LOCAL_LINK;
    case ITEM_FOLDER:
        return local->kind == LOCAL_FOLDER;
    default:
        return FALSE;
    }
}

gboolean
local_is(BeneathFolder *folder, const char *path, Local *local, const Side *side, Progress *progress, gboolean *is, GError **error)
{
    int fd;

    *is = may_be(local, side);
    if (!*is || side->kind == ITEM_FOLDER)
        return TRUE;
    if (!local->hashed) {
        if ((fd = beneath_folder_of(folder, path, FALSE)) < 0)
            return failed_at(path, error);
        if (local->kind == LOCAL_LINK ? !hash_link(fd, path, local, error) : !hash_file(fd, path, local, progress, error))
            return FALSE;
        local->hashed = TRUE;
    }
    *is = digest_equal(&local->digest, &side->digest);
    return TRUE;
}

char *
local_obstacle(int root, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        g_autofree char *above = g_strndup(path, (gsize)(slash - path));
        int fd = beneath_open(root, above, O_PATH | O_DIRECTORY, 0);

        if (fd < 0)
            return errno == ENOENT ? NULL : g_steal_pointer(&above);
        close(fd);
    }
    return NULL;
}
