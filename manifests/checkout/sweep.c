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
sweep_lock(int root, const char *folder, GError **error)
{
    /* A file system without locks gets on without. */
    if (flock(root, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_EXISTS, "%s: another checkout is being written there; wait for it", folder);
}
