#include "manifests/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/store/bases.h"
#include "manifests/store/codec.h"
#include "manifests/store/extent.h"
#include "manifests/store/store_private.h"

const Scope SCOPE_OPEN = { { 0 } };

struct StoreHold {
    Store *store;
    int lock;
};

/* ---- locks ---- */

gboolean
store_lock(const char *lock_path, int operation, gboolean wait, int *fd, GError **error)
{
    int rc;

    *fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return chama_error_errno(error, errno, "%s", lock_path);
    do
        rc = flock(*fd, operation | (wait ? 0 : LOCK_NB));
    while (rc < 0 && errno == EINTR);
    if (rc == 0)
        return TRUE;
    rc = errno;
    close(*fd);
    *fd = -1;
    if (!wait && rc == EWOULDBLOCK)
        return TRUE;
    return chama_error_errno(error, rc, "%s", lock_path);
}

void
store_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

StoreHold *
store_hold(Store *store, GError **error)
{
    StoreHold *hold;
    int fd;

    if (!store_lock(store->lock_path, LOCK_SH, TRUE, &fd, error))
        return NULL;
    if (!store_refresh(store, NULL, error)) {
        store_unlock(fd);
        return NULL;
    }
    hold = g_new0(StoreHold, 1);
    hold->lock = fd;
    hold->store = store;
    g_atomic_int_inc(&store->holds);
    return hold;
}

void
store_release(StoreHold *hold)
{
    if (!hold)
        return;
    g_atomic_int_add(&hold->store->holds, -1);
    store_unlock(hold->lock);
    g_free(hold);
}

/* ---- opening ---- */

Index *
store_index(Store *store)
{
    Index *index;

    g_mutex_lock(&store->mutex);
    index = index_ref(store->index);
    g_mutex_unlock(&store->mutex);
    return index;
}

gboolean
store_refresh(Store *store, gboolean *replaced, GError **error)
{
    gboolean ok = TRUE, stale;

    pack_folder_forget_removed(store->packs);
    g_mutex_lock(&store->mutex);
    stale = !index_is_at(store->index, store->index_path);
    if (stale) {
        Index *index = index_open(store->index_path, error);

        ok = index != NULL;
        if (ok) {
            index_unref(store->index);
            store->index = index;
        }
    }
    g_mutex_unlock(&store->mutex);
    if (replaced)
        *replaced = stale && ok;
    return ok;
}

static Store *
store_new(const char *path)
{
    Store *store = g_new0(Store, 1);

    store->path = g_strdup(path);
    store->index_path = g_build_filename(path, "index", NULL);
    store->packs_path = g_build_filename(path, "packs", NULL);
    store->lock_path = g_build_filename(path, "lock", NULL);
    store->packs = pack_folder_new(store->packs_path);
    store->bases = base_cache_new();
    store->idle_readings = g_async_queue_new_full(store_reading_destroy);
    g_mutex_init(&store->mutex);
    g_mutex_init(&store->writers_mutex);
    return store;
}

/* No index (a new store, or someone deleted it: I8): it is made from the packs, with nobody writing. */
static gboolean
make_index(Store *store, GError **error)
{
    int lock;
    gboolean ok;

    if (!store_lock(store->lock_path, LOCK_EX, TRUE, &lock, error))
        return FALSE;
    store->index = index_open(store->index_path, NULL);
    ok = store->index != NULL;
    if (!ok && store_rebuild_locked(store->path, NULL, NULL, error)) {
        store->index = index_open(store->index_path, error);
        ok = store->index != NULL;
    }
    store_unlock(lock);
    return ok;
}

static gboolean
open_index(Store *store, GError **error)
{
    g_autoptr(GError) failed = NULL;

    store->index = index_open(store->index_path, &failed);
    if (store->index)
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return make_index(store, error);
    g_propagate_prefixed_error(error, g_steal_pointer(&failed), "%s: ", store->path);
    return FALSE;
}

/* Not while gc works; and a store whose disk is full can still be read. */
static gboolean
salvage_if_possible(Store *store, GError **error)
{
    g_autoptr(GError) failed = NULL;
    int lock;

    if (!store_lock(store->lock_path, LOCK_SH, FALSE, &lock, error))
        return FALSE;
    if (lock < 0)
        return TRUE;
    store_salvage(store, &failed);
    store_unlock(lock);
    if (!failed || !g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

Store *
store_open(const char *path, GError **error)
{
    g_autoptr(Store) store = store_new(path);

    if (!durable_mkdir(path, 0700, error) || !durable_mkdir(store->packs_path, 0700, error))
        return NULL;
    if (!open_index(store, error) || !salvage_if_possible(store, error))
        return NULL;
    return g_steal_pointer(&store);
}

void
store_close(Store *store)
{
    if (!store)
        return;
    index_unref(store->index);
    pack_folder_free(store->packs);
    base_cache_free(store->bases);
    g_async_queue_unref(store->idle_readings);
    g_mutex_clear(&store->mutex);
    g_mutex_clear(&store->writers_mutex);
    g_free(store->path);
    g_free(store->index_path);
    g_free(store->packs_path);
    g_free(store->lock_path);
    g_free(store);
}

/* ---- reading ---- */

/* What is put goes from there to the index, so there must be looked first. */
static gboolean
locate_pending(Store *store, const Digest *digest, const Scope *owner, IndexEntry *entry, gboolean *mark)
{
    gboolean found = FALSE;

    *mark = FALSE;
    g_mutex_lock(&store->writers_mutex);
    for (GSList *i = store->writers; i && !found; i = i->next)
        found = store_writer_find(i->data, digest, owner, entry, mark);
    g_mutex_unlock(&store->writers_mutex);
    return found;
}

/* FALSE without an error if it is not here, even after a look whether the index was replaced. */
static gboolean
locate_indexed(Store *store, const Digest *digest, const Scope *owner, IndexEntry *entry, gboolean *held, GError **error)
{
    for (;;) {
        g_autoptr(Index) index = store_index(store);
        g_autoptr(GError) failed = NULL;
        gboolean replaced;

        if (index_find(index, digest, owner, entry, held, &failed))
            return TRUE;
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        if (g_atomic_int_get(&store->holds) > 0 || index_is_at(index, store->index_path) || !store_refresh(store, &replaced, error) || !replaced)
            return FALSE;
    }
}

static gboolean
locate(Store *store, const Digest *digest, const Scope *owner, IndexEntry *entry, gboolean *held, GError **error)
{
    gboolean mark;

    if (!g_atomic_pointer_get(&store->writers) || !locate_pending(store, digest, owner, entry, &mark))
        return locate_indexed(store, digest, owner, entry, held, error);
    if (held)
        *held = TRUE;
    return !mark || !entry || locate_indexed(store, digest, NULL, entry, NULL, error);
}

gboolean
store_has(Store *store, const Digest *digest, const Scope *owner)
{
    gboolean held = FALSE;

    return locate(store, digest, owner, NULL, &held, NULL) && held;
}

gboolean
store_locate(Store *store, const Digest *digest, IndexEntry *entry)
{
    return locate_indexed(store, digest, NULL, entry, NULL, NULL);
}

gboolean
store_locate_put(Store *store, const Digest *digest, IndexEntry *entry)
{
    return locate(store, digest, NULL, entry, NULL, NULL);
}

static gboolean
damaged(GError **error, const IndexEntry *entry, const char *what)
{
    char name[PACK_NAME_SIZE], text[DIGEST_TEXT_SIZE];

    return chama_error(error, CHAMA_ERROR_DAMAGED, "pack %s: offset %" G_GUINT64_FORMAT ": %s: %s", pack_name_format(entry->pack, name),
                       entry->offset, digest_format(&entry->digest, text), what);
}

gboolean
store_check_frame_apart(const IndexEntry *entry, const guint8 *header, const void *stored, GError **error)
{
    Frame frame;

    if (!frame_parse(header, FRAME_HEADER_SIZE, &frame, NULL) || frame.header_size != FRAME_HEADER_SIZE || frame.stored_size != entry->stored_size)
        return damaged(error, entry, "P5: no such frame");
    if (!digest_equal(&frame.digest, &entry->digest) || frame.kind != entry->kind || frame.codec != entry->codec ||
        frame.plain_size != entry->plain_size)
        return damaged(error, entry, "P21: another frame than the index says");
    if (frame_checksum_apart(entry->pack, header, stored, &frame) != frame.checksum)
        return damaged(error, entry, "P7: the checksum does not hold");
    return TRUE;
}

gboolean
store_check_frame(const IndexEntry *entry, const guint8 *bytes, gsize size, GError **error)
{
    if (size != FRAME_HEADER_SIZE + entry->stored_size)
        return damaged(error, entry, "P5: no such frame");
    return store_check_frame_apart(entry, bytes, bytes + FRAME_HEADER_SIZE, error);
}

GBytes *
store_read_entry(Store *store, const IndexEntry *entry, GError **error)
{
    g_autoptr(PackFile) file = pack_folder_get(store->packs, entry->pack, error);
    gsize size = FRAME_HEADER_SIZE + entry->stored_size;
    g_autofree guint8 *bytes = NULL;
    g_autoptr(GBytes) frame = NULL;
    char name[PACK_NAME_SIZE];

    if (!file)
        return NULL;
    bytes = g_malloc(size);
    if (!pack_pread(file->fd, pack_name_format(entry->pack, name), entry->offset, bytes, size, error) ||
        !store_check_frame(entry, bytes, size, error))
        return NULL;
    frame = g_bytes_new_take(g_steal_pointer(&bytes), size);
    return g_bytes_new_from_bytes(frame, FRAME_HEADER_SIZE, entry->stored_size);
}

/* Twice: gc may have moved it between the index and the pack. */
GBytes *
store_find_stored(Store *store, const Digest *digest, const Scope *owner, IndexEntry *entry, GError **error)
{
    char text[DIGEST_TEXT_SIZE];

    for (int attempt = 0;; attempt++) {
        g_autoptr(GError) failed = NULL;
        gboolean held = FALSE;
        GBytes *stored;

        if (!locate(store, digest, owner, entry, &held, &failed) || !held) {
            if (!failed)
                chama_error(&failed, CHAMA_ERROR_NOT_FOUND, "%s: not in the store", digest_format(digest, text));
            g_propagate_error(error, g_steal_pointer(&failed));
            return NULL;
        }
        stored = store_read_entry(store, entry, &failed);
        if (stored)
            return stored;
        if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
            if (attempt == 0 && store_refresh(store, NULL, error))
                continue;
            g_clear_error(error);
            damaged(error, entry, "P4: the pack is missing");
            return NULL;
        }
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
}

GBytes *
store_get(Store *store, const Digest *digest, GError **error)
{
    IndexEntry entry;
    g_autoptr(GBytes) stored = store_find_stored(store, digest, NULL, &entry, error);
    g_autofree guint8 *plain = NULL;
    gsize size;
    const void *data;

    if (!stored)
        return NULL;
    data = g_bytes_get_data(stored, &size);
    if (entry.codec == CODEC_STORED) {
        if (size == entry.plain_size && codec_prove(digest, data, size, NULL))
            return g_steal_pointer(&stored);
        damaged(error, &entry, "P14: the digest does not hold");
        return NULL;
    }
    plain = g_malloc(MAX(entry.plain_size, 1));
    if (!store_open_entry(store, &entry, data, size, plain, error))
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&plain), entry.plain_size);
}

gboolean
store_find_extent(Store *store, const Digest *digest, const Scope *owner, StoreExtent *extent)
{
    gboolean held = FALSE;

    return locate(store, digest, owner, extent, &held, NULL) && held;
}

gboolean
store_get_stored(Store *store, const Digest *digest, const Scope *owner, StoredObject *object, GError **error)
{
    IndexEntry entry;
    GBytes *stored = store_find_stored(store, digest, owner, &entry, error);

    if (!stored)
        return FALSE;
    object->kind = entry.kind;
    object->codec = entry.codec;
    object->plain_size = entry.plain_size;
    object->stored = stored;
    return TRUE;
}

void
stored_object_clear(StoredObject *object)
{
    g_clear_pointer(&object->stored, g_bytes_unref);
}

/* In the change, so that what another put meanwhile stays. */
static gboolean
forget_entry(Store *store, const IndexEntry *entry, GError **error)
{
    g_autoptr(Index) index = store_index(store);
    g_autoptr(IndexChange) change = index_change_begin(index, error);
    g_autoptr(GError) failed = NULL;
    IndexEntry now;

    if (!change)
        return FALSE;
    if (index_change_find(change, &entry->digest, &now, &failed) && now.pack == entry->pack && now.offset == entry->offset &&
        index_change_remove(change, &entry->digest, &failed))
        return index_change_commit(change, error);
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
store_forget(Store *store, const Digest *digest, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(StoreHold) hold = store_hold(store, error);
    g_autoptr(GBytes) plain = NULL;
    IndexEntry entry;

    if (!hold)
        return FALSE;
    base_cache_clear(store->bases);
    plain = store_get(store, digest, &failed);
    if (plain || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) && locate(store, digest, NULL, &entry, NULL, NULL))
        return forget_entry(store, &entry, error);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
store_totals(Store *store, StoreTotals *totals, GError **error)
{
    g_autoptr(Index) index = store_index(store);
    g_autoptr(GArray) packs = index_packs(index, error);

    if (!packs)
        return FALSE;
    memset(totals, 0, sizeof *totals);
    for (guint i = 0; i < packs->len; i++) {
        const IndexPack *pack = &g_array_index(packs, IndexPack, i);

        if (pack->doomed)
            continue;
        totals->packs++;
        totals->objects += pack->objects;
        totals->pack_bytes += pack->length;
        totals->plain_bytes += pack->plain_size;
    }
    return TRUE;
}

void
store_report(StoreReport report, gpointer data, const Digest *digest, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    if (!report)
        return;
    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    report(data, digest, message);
}
