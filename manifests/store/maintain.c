#include "manifests/store/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/store/store_private.h"

/* ---- making the index anew ---- */

typedef struct {
    const char *packs_path;
    Index *index;
    StoreReport report;
    gpointer data;
} Rebuild;

/* P23: a whole pack in one change. */
static gboolean
rebuild_from(Rebuild *rebuild, int fd, const char *path, const PackHeader *header, guint64 size, GError **error)
{
    g_autoptr(IndexChange) change = index_change_begin(rebuild->index, error);
    g_autoptr(PackReader) reader = pack_reader_new(fd, path, header->id, PACK_HEADER_SIZE, size);
    IndexPack pack;
    guint64 end = PACK_HEADER_SIZE;

    if (!change || !index_change_open_pack(change, header, &pack, error) ||
        !store_index_frames(change, &pack, reader, FALSE, rebuild->report, rebuild->data, &end, error))
        return FALSE;
    pack.length = end;
    return index_change_put_pack(change, &pack, error) && index_change_commit(change, error);
}

static gboolean
rebuild_pack(Rebuild *rebuild, guint64 id, GError **error)
{
    char name[PACK_NAME_SIZE];
    g_autofree char *path = g_build_filename(rebuild->packs_path, pack_name_format(id, name), NULL);
    g_autoptr(GError) failed = NULL;
    guint8 bytes[PACK_HEADER_SIZE];
    PackHeader header;
    struct stat about;
    gboolean ok;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || fstat(fd, &about) < 0)
        return chama_error_errno(error, errno, "%s", path);
    /* Cut off before its header was written, or copied while it was: there is nothing in it. */
    if (about.st_size < PACK_HEADER_SIZE) {
        close(fd);
        return TRUE;
    }
    if (!pack_pread(fd, name, 0, bytes, sizeof bytes, &failed) || !pack_header_parse(bytes, sizeof bytes, &header, &failed)) {
        store_report(rebuild->report, rebuild->data, NULL, "pack %s: %s", name, failed->message);
        ok = TRUE;
    } else if (header.id != id) {
        store_report(rebuild->report, rebuild->data, NULL, "pack %s: P3: the header names another pack", name);
        ok = TRUE;
    } else {
        ok = rebuild_from(rebuild, fd, path, &header, (guint64)about.st_size, error);
    }
    close(fd);
    return ok;
}

/* An environment of LMDB is a folder with two files. */
static void
remove_index(const char *path)
{
    g_autofree char *data = g_build_filename(path, "data.mdb", NULL);
    g_autofree char *lock = g_build_filename(path, "lock.mdb", NULL);

    unlink(data);
    unlink(lock);
    rmdir(path);
}

/* Between the two renames there is no index, which the next opening takes as a reason to make one. */
static gboolean
replace_index(const char *new_path, const char *index_path, const char *old_path, GError **error)
{
    if (access(index_path, F_OK) == 0 && !durable_rename(index_path, old_path, error))
        return FALSE;
    if (!durable_rename(new_path, index_path, error))
        return FALSE;
    remove_index(old_path);
    return TRUE;
}

gboolean
store_rebuild_locked(const char *path, StoreReport report, gpointer data, GError **error)
{
    g_autofree char *packs_path = g_build_filename(path, "packs", NULL);
    g_autofree char *index_path = g_build_filename(path, "index", NULL);
    g_autofree char *new_path = g_build_filename(path, "index.new", NULL);
    g_autofree char *old_path = g_build_filename(path, "index.old", NULL);
    g_autoptr(GArray) ids = pack_folder_list(packs_path, NULL, error);
    g_autoptr(Index) index = NULL;
    Rebuild rebuild = { .packs_path = packs_path, .report = report, .data = data };

    if (!ids)
        return FALSE;
    remove_index(new_path);
    remove_index(old_path);
    index = rebuild.index = index_create(new_path, error);
    for (guint i = 0; index && i < ids->len; i++)
        if (!rebuild_pack(&rebuild, g_array_index(ids, guint64, i), error))
            return FALSE;
    return index && store_let_orphans_go(index, packs_path, report, data, error) && replace_index(new_path, index_path, old_path, error);
}

gboolean
store_renew_index_locked(const char *path, Index *index, GError **error)
{
    g_autofree char *index_path = g_build_filename(path, "index", NULL);
    g_autofree char *new_path = g_build_filename(path, "index.new", NULL);
    g_autofree char *old_path = g_build_filename(path, "index.old", NULL);
    g_autoptr(Index) copy = NULL;

    remove_index(new_path);
    remove_index(old_path);
    copy = index_copy(index, new_path, error);
    return copy && replace_index(new_path, index_path, old_path, error);
}

gboolean
store_rebuild_index(const char *path, StoreReport report, gpointer data, GError **error)
{
    g_autofree char *lock_path = g_build_filename(path, "lock", NULL);
    gboolean ok;
    int lock;

    if (!store_lock(lock_path, LOCK_EX, TRUE, &lock, error))
        return FALSE;
    ok = store_rebuild_locked(path, report, data, error);
    store_unlock(lock);
    return ok;
}
