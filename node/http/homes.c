#include "node/http/homes.h"

#define KEPT_MAX 16

struct Homes {
    char *path;
    GMutex lock;
    GPtrArray *free;    /* of Home* */
};

Homes *
homes_new(const char *path)
{
    Homes *homes = g_new0(Homes, 1);

    homes->path = g_strdup(path);
    homes->free = g_ptr_array_new_with_free_func((GDestroyNotify)home_close);
    g_mutex_init(&homes->lock);
    return homes;
}

void
homes_free(Homes *homes)
{
    g_ptr_array_unref(homes->free);
    g_mutex_clear(&homes->lock);
    g_free(homes->path);
    g_free(homes);
}

Home *
homes_take(Homes *homes, GError **error)
{
    g_autoptr(Home) home = NULL;

    g_mutex_lock(&homes->lock);
    if (homes->free->len > 0)
        home = g_ptr_array_steal_index(homes->free, homes->free->len - 1);
    g_mutex_unlock(&homes->lock);
    if (!home)
        home = home_open(homes->path, error);
    return home && home_refresh(home, error) ? g_steal_pointer(&home) : NULL;
}

void
homes_give(Homes *homes, Home *home)
{
    g_mutex_lock(&homes->lock);
    if (homes->free->len < KEPT_MAX)
        g_ptr_array_add(homes->free, g_steal_pointer(&home));
    g_mutex_unlock(&homes->lock);
    home_close(home);
}
