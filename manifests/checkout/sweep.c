#include "manifests/checkout/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/checkout/fresh.h"
#include "manifests/tree/beneath.h"

static gboolean
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Takes over @fd, which may be -1. */
static void
remove_all(int fd)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *found;

    while (dir && (found = readdir(dir)))
        if (!is_dots(found->d_name))
            sweep_tree(fd, found->d_name);
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}

void
sweep_tree(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
        return;
    remove_all(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    unlinkat(folder, name, AT_REMOVEDIR);
}

void
sweep_folder(int root, const char *path)
{
    int fd = beneath_open(root, path, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *found;

    if (!dir)
        return;
    while ((found = readdir(dir)))
        if (fresh_is_temporary(found->d_name))
            unlinkat(fd, found->d_name, 0);
    closedir(dir);
}

gboolean
sweep_top(int root, const char *stage)
{
    int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    gboolean empty = dir != NULL;
    struct dirent *found;

    while (dir && (found = readdir(dir))) {
        if (!fresh_is_temporary(found->d_name))
            empty = empty && is_dots(found->d_name);
        else if (strcmp(found->d_name, stage) != 0)
            sweep_tree(fd, found->d_name);
    }
    if (dir)
        closedir(dir);
    return empty;
}

gboolean
sweep_lock(int root, const char *folder, GError **error)
{
    /* A file system without locks gets on without. */
    if (flock(root, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_EXISTS, "%s: another checkout is being written there; wait for it", folder);
}
