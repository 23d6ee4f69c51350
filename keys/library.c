#include "keys/library.h"

#include <dlfcn.h>
#include <string.h>

#include "keys/error.h"

/* The pointers have as many types as there are functions: POSIX says that they are of the size of a pointer to an object. */
static gboolean
find_all(const Library *library, void *handle, GError **error)
{
    for (gsize i = 0; i < library->count; i++) {
        void *found = dlsym(handle, library->functions[i].name);

        if (!found)
            return chama_error(error, CHAMA_ERROR_FAILED, "%s: want %s() in it, have an older or another library; install the one that chama was built with",
                               library->file, library->functions[i].name);
        memcpy(library->functions[i].pointer, &found, sizeof found);
    }
    return TRUE;
}

/* What is loaded is never unloaded: libraries leave threads and exit handlers behind. */
gboolean
library_load(Library *library, GError **error)
{
    static GMutex mutex;
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);
    void *handle;

    if (library->loaded)
        return TRUE;
    handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: %s; install it", library->file, dlerror());
    library->loaded = find_all(library, handle, error);
    return library->loaded;
}
