#include "manifests/checkout/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/tree/beneath.h"

static gboolean
failed_at(const char *path, GError **error)
{
    int saved = errno;
    g_autofree char *shown = path_display(path);

    return chama_error_errno(error, saved, "%s", shown);
}

/* Gone already, or the folder is not empty: as it should be. */
static gboolean
is_well(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP || errnum == ENOTEMPTY || errnum == EEXIST;
}

static int
unlink_beneath(BeneathFolder *folder, const char *path, int flags)
{
    int fd = beneath_folder_of(folder, path, FALSE);

    return fd < 0 ? -1 : unlinkat(fd, beneath_name(path), flags);
}

/* The folder of @path and those above it, as long as they are empty; never the top. */
static void
prune_above(int root, const char *path)
{
    g_autofree char *folder = beneath_parent(path);

    while (*folder) {
        g_auto(BeneathFolder) above = BENEATH_FOLDER_INIT(root);
        char *slash = strrchr(folder, '/');

        if (unlink_beneath(&above, folder, AT_REMOVEDIR) != 0)
            return;
        *(slash ? slash : folder) = 0;
    }
}

typedef struct {
    const Plan *plan;
    BeneathFolder folder;
    char *last;                /* the path removed last: its folder is pruned once nothing more of it goes */
    guint64 removed;
} Removing;

static void
removing_clear(Removing *removing)
{
    beneath_folder_clear(&removing->folder);
    g_clear_pointer(&removing->last, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Removing, removing_clear)

static gboolean
same_folder(const char *a, const char *b)
{
    gsize size = (gsize)(beneath_name(a) - a);

    return size == (gsize)(beneath_name(b) - b) && memcmp(a, b, size) == 0;
}

static gboolean
remove_one(Removing *removing, const Item *item, GError **error)
{
    if (removing->last && !same_folder(removing->last, item->path))
        prune_above(removing->plan->root, removing->last);
    g_free(removing->last);
    removing->last = g_strdup(item->path);
    if (unlink_beneath(&removing->folder, item->path, item->kind == ITEM_FOLDER ? AT_REMOVEDIR : 0) == 0) {
        removing->removed++;
        return TRUE;
    }
    return is_well(errno) || failed_at(item->path, error);
}

static gboolean
remove_of_base(Removing *removing, GError **error)
{
    const Plan *plan = removing->plan;
    g_autoptr(ListingCursor) cursor = listing_cursor_new(plan->options->base, store_listing_get, plan->store, error);
    GError *failed = NULL;
    const Item *item;

    if (!cursor)
        return FALSE;
    for (guint64 number = 0; listing_cursor_next(cursor, &item, NULL, NULL, &failed);) {
        guint8 decision;

        if (item->kind == ITEM_PART)
            continue;
        if (!spool_read(plan->of_base, number++, &decision, 1, error) ||
            (decision == DECIDE_REMOVE && !remove_one(removing, item, error)))
            return FALSE;
    }
    if (removing->last)
        prune_above(plan->root, removing->last);
    if (!failed)
        return TRUE;
    g_propagate_error(error, failed);
    return FALSE;
}

/* A folder and the folders in it; a file that has come into it meanwhile stops this. */
static int
remove_empty(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *found;

    if (!dir)
        return -1;
    while ((found = readdir(dir)))
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0 && remove_empty(fd, found->d_name) != 0)
            break;
    closedir(dir);
    return unlinkat(folder, name, AT_REMOVEDIR);
}

static gboolean
clear_one(BeneathFolder *folder, const char *path, GError **error)
{
    int fd = beneath_folder_of(folder, path, FALSE);

    if (fd < 0)
        return errno == ENOENT || failed_at(path, error);
    if (unlinkat(fd, beneath_name(path), 0) == 0 || errno == ENOENT)
        return TRUE;
    return (errno == EISDIR && remove_empty(fd, beneath_name(path)) == 0) || errno == ENOENT || failed_at(path, error);
}

gboolean
remove_planned(const Plan *plan, guint64 *removed, GError **error)
{
    g_auto(Removing) removing = { plan, BENEATH_FOLDER_INIT(plan->root), NULL, 0 };

    if (plan->removals > 0 && !remove_of_base(&removing, error))
        return FALSE;
    *removed = removing.removed;
    for (guint i = 0; i < plan->clear->len; i++) {
        beneath_folder_clear(&removing.folder);
        if (!clear_one(&removing.folder, g_ptr_array_index(plan->clear, i), error))
            return FALSE;
    }
    return TRUE;
}
