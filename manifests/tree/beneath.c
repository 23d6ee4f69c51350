#include "manifests/tree/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/listing/page.h"

#define RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

static int
open_resolved(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (guint64)(flags | O_CLOEXEC | O_NOFOLLOW),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE,
    };
    long fd;

    do
        fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return (int)fd;
}

/* Asked once: an old kernel says ENOSYS, an old container EPERM, to whatever is opened. */
static gpointer
probe(gpointer unused)
{
    int fd = open_resolved(AT_FDCWD, ".", O_PATH, 0);

    if (fd < 0)
        return GINT_TO_POINTER(errno == ENOSYS || errno == EPERM ? 0 : 1);
    close(fd);
    return GINT_TO_POINTER(1);
}

int
beneath_open_stepwise(int root, const char *path, int flags, mode_t mode)
{
    int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const char *rest = path, *slash;

    while (at >= 0 && (slash = strchr(rest, '/'))) {
        g_autofree char *name = g_strndup(rest, (gsize)(slash - rest));
        int next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int saved = errno;

        close(at);
        errno = saved;
        at = next;
        rest = slash + 1;
    }
    if (at < 0)
        return -1;
    int fd = openat(at, *rest ? rest : ".", flags | O_NOFOLLOW | O_CLOEXEC, mode);
    int saved = errno;

    close(at);
    errno = saved;
    return fd;
}

int
beneath_open(int root, const char *path, int flags, mode_t mode)
{
    static GOnce once = G_ONCE_INIT;

    if (g_once(&once, probe, NULL))
        return open_resolved(root, path, flags, mode);
    return beneath_open_stepwise(root, path, flags, mode);
}

const char *
beneath_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *
beneath_parent(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
}

gboolean
beneath_make_folder(int root, const char *path)
{
    g_autofree char *parent = NULL;
    int above, saved;

    if (!*path)
        return TRUE;
    parent = beneath_parent(path);
    above = beneath_open(root, parent, O_PATH | O_DIRECTORY, 0);
    if (above < 0 && errno == ENOENT && beneath_make_folder(root, parent))
        above = beneath_open(root, parent, O_PATH | O_DIRECTORY, 0);
    if (above < 0)
        return FALSE;
    gboolean made = mkdirat(above, beneath_name(path), 0777) == 0 || errno == EEXIST;

    saved = errno;
    close(above);
    errno = saved;
    return made;
}

void
beneath_folder_clear(BeneathFolder *cache)
{
    if (cache->fd >= 0)
        close(cache->fd);
    cache->fd = -1;
    g_clear_pointer(&cache->path, g_free);
}

static gboolean
is_folder_of(const char *folder, const char *path, gsize length)
{
    return folder && strlen(folder) == length && memcmp(folder, path, length) == 0;
}

int
beneath_folder_of(BeneathFolder *cache, const char *path, gboolean make)
{
    const char *name = beneath_name(path);

    if (is_folder_of(cache->path, path, name > path ? (gsize)(name - path) - 1 : 0))
        return cache->fd;
    g_autofree char *folder = beneath_parent(path);

    beneath_folder_clear(cache);
    cache->fd = beneath_open(cache->root, folder, O_PATH | O_DIRECTORY, 0);
    if (cache->fd < 0 && make && errno == ENOENT && beneath_make_folder(cache->root, folder))
        cache->fd = beneath_open(cache->root, folder, O_PATH | O_DIRECTORY, 0);
    if (cache->fd < 0)
        return -1;
    cache->path = g_steal_pointer(&folder);
    return cache->fd;
}

char *
beneath_read_link(int fd, const char *name)
{
    char target[LINK_TARGET_MAX + 2];
    gssize size = readlinkat(fd, name, target, sizeof(target));

    if (size < 0)
        return NULL;
    if (size > LINK_TARGET_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return g_strndup(target, (gsize)size);
}

/* A component of a target: "" and "." stay, ".." goes up, all else goes down. */
static gboolean
climbs(const char *part, gsize size)
{
    return size == 2 && part[0] == '.' && part[1] == '.';
}

static gboolean
stays(const char *part, gsize size)
{
    return size == 0 || (size == 1 && part[0] == '.');
}

static const char *
link_fault(const char *path, const char *target)
{
    guint depth = 0;
    gboolean named = FALSE;

    if (*target == '/')
        return "an absolute one";
    for (const char *c = path; *c; c++)
        depth += *c == '/';
    for (const char *part = target; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        gsize size = strcspn(part, "/");

        if (climbs(part, size) && named)
            return "\"..\" after a name";
        if (climbs(part, size) && depth-- == 0)
            return "one above the top";
        named = named || !(climbs(part, size) || stays(part, size));
    }
    return NULL;
}

gboolean
link_check(const char *path, const char *target, GError **error)
{
    const char *fault = link_fault(path, target);

    if (!fault)
        return TRUE;
    g_autofree char *shown_path = path_display(path), *shown_target = path_display(target);

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: CO1: want a link target within the folder, have %s: %s", shown_path, fault, shown_target);
}
