/*
 * check: every byte of every pack, against its checksum, its SHA-256 and the index.  One thread reads; all cores hash.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/store/bases.h"
#include "manifests/store/codec.h"
#include "manifests/store/store_private.h"

#define BATCH_SIZE (2 * 1024 * 1024) /* more than the largest frame */

typedef struct {
    Store *store;
    Index *index;
    gboolean index_is_sound; /* else nothing is asked of it */
    StoreReport report;
    gpointer data;
    gint64 *bytes_done;
    GMutex mutex;            /* report, in_flight */
    GCond fewer;
    guint in_flight, in_flight_max;
    GThreadPool *pool;
    GHashTable *packs;       /* id -> PackCheck */
} StoreCheck;

typedef struct {
    StoreCheck *check;
    IndexPack record;
    char name[PACK_NAME_SIZE];
    gint objects;            /* that lie where the index says */
    gint64 plain_size;       /* the same */
    gboolean suspicious;     /* each index entry that leads here is looked at */
} PackCheck;

typedef struct {
    PackCheck *pack;
    GArray *pieces;          /* PackPiece, their bytes in room */
    gsize filled;
    guint8 *room;
} Batch;

static void tell(StoreCheck *check, const Digest *digest, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void
tell(StoreCheck *check, const Digest *digest, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_mutex_lock(&check->mutex);
    store_report(check->report, check->data, digest, "%s", message);
    g_mutex_unlock(&check->mutex);
}

static void
tell_piece(PackCheck *pack, const PackPiece *piece, const char *what)
{
    tell(pack->check, &piece->frame.digest, "pack %s: offset %" G_GUINT64_FORMAT ": %s", pack->name, piece->offset, what);
}

/* ---- one frame, in any thread ---- */

static void
check_mark(PackCheck *pack, const PackPiece *piece)
{
    g_autoptr(GError) failed = NULL;
    IndexMark mark;

    if (!index_find_mark(pack->check->index, &piece->frame.digest, &pack->record.scope, &mark, &failed))
        tell_piece(pack, piece, failed ? failed->message : "P22: a mark that is not in the index");
}

/* P22: the index may know another copy, or none any more; how many it knows here is compared at the end. */
static void
check_object(PackCheck *pack, const PackPiece *piece)
{
    g_autoptr(GError) failed = NULL;
    const Frame *frame = &piece->frame;
    IndexEntry entry;

    if (!index_find(pack->check->index, &frame->digest, NULL, &entry, NULL, &failed)) {
        if (failed)
            tell_piece(pack, piece, failed->message);
        return;
    }
    if (entry.pack != pack->record.id || entry.offset != piece->offset)
        return;
    g_atomic_int_inc(&pack->objects);
    __atomic_fetch_add(&pack->plain_size, frame->plain_size, __ATOMIC_RELAXED);
    if (entry.kind != frame->kind || entry.codec != frame->codec || entry.reach != frame->reach || entry.stored_size != frame->stored_size ||
        entry.plain_size != frame->plain_size || entry.number >= pack->record.frames)
        tell_piece(pack, piece, "P21: the index says something else about this frame");
    else if (frame->codec == CODEC_PATCH &&
             !store_open_entry(pack->check->store, &entry, piece->bytes + frame->header_size, frame->stored_size, codec_scratch(), &failed))
        tell(pack->check, &frame->digest, "%s", failed->message);
}

static void
check_piece(PackCheck *pack, const PackPiece *piece)
{
    g_autoptr(GError) failed = NULL;

    if (!store_frame_check(piece, &failed))
        tell_piece(pack, piece, failed->message);
    if (!pack->check->index_is_sound || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED))
        return;
    if (piece->frame.kind == FRAME_MARK)
        check_mark(pack, piece);
    else
        check_object(pack, piece);
}

/* ---- batches of frames ---- */

static Batch *
batch_new(PackCheck *pack)
{
    Batch *batch = g_new0(Batch, 1);

    batch->pack = pack;
    batch->pieces = g_array_new(FALSE, FALSE, sizeof(PackPiece));
    batch->room = g_malloc(BATCH_SIZE);
    return batch;
}

static void
batch_check(gpointer data, gpointer user_data)
{
    Batch *batch = data;
    StoreCheck *check = user_data;

    for (guint i = 0; i < batch->pieces->len; i++)
        check_piece(batch->pack, &g_array_index(batch->pieces, PackPiece, i));
    if (check->bytes_done)
        __atomic_fetch_add(check->bytes_done, (gint64)batch->filled, __ATOMIC_RELAXED);
    g_array_unref(batch->pieces);
    g_free(batch->room);
    g_free(batch);
    g_mutex_lock(&check->mutex);
    check->in_flight--;
    g_cond_signal(&check->fewer);
    g_mutex_unlock(&check->mutex);
}

/* Hands a batch to the pool, once it has fewer than in_flight_max. */
static void
batch_send(Batch *batch, StoreCheck *check)
{
    g_mutex_lock(&check->mutex);
    while (check->in_flight >= check->in_flight_max)
        g_cond_wait(&check->fewer, &check->mutex);
    check->in_flight++;
    g_mutex_unlock(&check->mutex);
    g_thread_pool_push(check->pool, batch, NULL);
}

static Batch *
batch_add(Batch *batch, const PackPiece *piece)
{
    PackPiece copy = *piece;
    PackCheck *pack = batch->pack;

    if (batch->filled + piece->size > BATCH_SIZE) {
        batch_send(batch, pack->check);
        batch = batch_new(pack);
    }
    copy.bytes = memcpy(batch->room + batch->filled, piece->bytes, piece->size);
    batch->filled += piece->size;
    g_array_append_val(batch->pieces, copy);
    return batch;
}

/* ---- one pack ---- */

static void
check_header(PackCheck *pack, int fd)
{
    g_autoptr(GError) failed = NULL;
    guint8 bytes[PACK_HEADER_SIZE];
    PackHeader header;

    if (!pack_pread(fd, pack->name, 0, bytes, sizeof bytes, &failed) || !pack_header_parse(bytes, sizeof bytes, &header, &failed))
        tell(pack->check, NULL, "pack %s: %s", pack->name, failed->message);
    else if (header.id != pack->record.id)
        tell(pack->check, NULL, "pack %s: P3: the header names another pack", pack->name);
    else if (pack->check->index_is_sound && !digest_equal(&header.scope, &pack->record.scope))
        tell(pack->check, NULL, "pack %s: P21: the index says another scope than the header", pack->name);
}

/* P18: damaged bytes that nothing in the index leads to are of no consequence; but then every entry of the pack is looked at. */
static void
note_damage(PackCheck *pack, const PackPiece *piece)
{
    pack->suspicious = TRUE;
    if (!pack->check->index_is_sound)
        tell(pack->check, NULL, "pack %s: offset %" G_GUINT64_FORMAT ": P18: %" G_GUINT64_FORMAT " damaged bytes", pack->name,
             piece->offset, piece->size);
}

static void
check_frames(PackCheck *pack, int fd, guint64 length)
{
    g_autoptr(PackReader) reader = pack_reader_new(fd, pack->name, pack->record.id, PACK_HEADER_SIZE, length);
    g_autoptr(GError) failed = NULL;
    Batch *batch = batch_new(pack);
    PackPiece piece;
    PackStep step;

    while ((step = pack_reader_next(reader, &piece, &failed)) == PACK_FRAME || step == PACK_DAMAGE) {
        if (step == PACK_FRAME)
            batch = batch_add(batch, &piece);
        else
            note_damage(pack, &piece);
    }
    batch_send(batch, pack->check);
    if (step != PACK_FAILED)
        return;
    pack->suspicious = TRUE;
    tell(pack->check, NULL, "pack %s: %s", pack->name, failed->message);
}

/* Bytes behind what the index knows, and no writer that is about to commit them. */
static void
check_tail(PackCheck *pack, const char *path)
{
    guint64 size;
    int fd;

    if (!store_open_dead_pack(path, &fd, &size, NULL) || fd < 0)
        return;
    close(fd);
    if (size > pack->record.length)
        tell(pack->check, NULL, "pack %s: P18: %" G_GUINT64_FORMAT " bytes behind the last frame", pack->name, size - pack->record.length);
}

static void
check_pack(PackCheck *pack)
{
    g_autofree char *path = pack_folder_file(pack->check->store->packs, pack->record.id);
    g_autoptr(GError) failed = NULL;
    g_autoptr(PackFile) file = pack_folder_get(pack->check->store->packs, pack->record.id, &failed);
    struct stat about;

    if (!file || fstat(file->fd, &about) < 0) {
        pack->suspicious = TRUE;
        tell(pack->check, NULL, "pack %s: P4: the pack is missing", pack->name);
        return;
    }
    check_header(pack, file->fd);
    if ((guint64)about.st_size < pack->record.length) {
        pack->suspicious = TRUE;
        tell(pack->check, NULL, "pack %s: P4: want %" G_GUINT64_FORMAT " bytes, have %" G_GINT64_FORMAT, pack->name, pack->record.length,
             (gint64)about.st_size);
    }
    check_frames(pack, file->fd, MIN((guint64)about.st_size, pack->record.length));
    if (pack->check->index_is_sound && (guint64)about.st_size > pack->record.length)
        check_tail(pack, path);
}

/* ---- from the index to the packs ---- */

/* An entry of a pack in which something is wrong, or of one that nobody knows. */
static gboolean
visit_entry(gpointer data, const IndexEntry *entry, GError **error)
{
    StoreCheck *check = data;
    const PackCheck *pack = g_hash_table_lookup(check->packs, &entry->pack);
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) stored = NULL;
    char name[PACK_NAME_SIZE];

    /* A pack that grew, or came, while packs were read was not checked. */
    if (pack && (!pack->suspicious || entry->offset >= pack->record.length))
        return TRUE;
    stored = store_read_entry(check->store, entry, &failed);
    if (stored)
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        tell(check, &entry->digest, "pack %s: offset %" G_GUINT64_FORMAT ": P4: the pack is missing", pack_name_format(entry->pack, name),
             entry->offset);
    else
        tell(check, &entry->digest, "%s", failed->message);
    return TRUE;
}

/* P22: a mark of the index is a mark, or a copy, in a pack of its scope. */
static gboolean
mark_is_there(StoreCheck *check, const IndexMark *mark)
{
    g_autoptr(PackFile) file = pack_folder_get(check->store->packs, mark->pack, NULL);
    guint8 bytes[FRAME_HEADER_SIZE];
    IndexPack pack;
    Frame frame;

    return file && pack_pread(file->fd, "", mark->offset, bytes, sizeof bytes, NULL) && frame_parse(bytes, sizeof bytes, &frame, NULL) &&
           digest_equal(&frame.digest, &mark->digest) &&
           (frame.kind != FRAME_MARK || (frame_check(&frame, NULL) && frame_checksum(mark->pack, bytes, &frame) == frame.checksum)) &&
           index_find_pack(check->index, mark->pack, &pack, NULL) && digest_equal(&pack.scope, &mark->scope);
}

static gboolean
visit_mark(gpointer data, const IndexMark *mark, GError **error)
{
    StoreCheck *check = data;
    char name[PACK_NAME_SIZE];

    if (!mark_is_there(check, mark))
        tell(check, &mark->digest, "pack %s: offset %" G_GUINT64_FORMAT ": P22: the mark is not there", pack_name_format(mark->pack, name),
             mark->offset);
    return TRUE;
}

static void
compare_counts(StoreCheck *check)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, check->packs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        PackCheck *pack = value;

        if ((guint32)pack->objects == pack->record.objects && (guint64)pack->plain_size == pack->record.plain_size)
            continue;
        /* Damage explains it, and is told object by object. */
        if (!pack->suspicious)
            tell(check, NULL, "pack %s: P21: the index counts %u objects of %" G_GUINT64_FORMAT " bytes, here are %d of %" G_GINT64_FORMAT,
                 pack->name, pack->record.objects, pack->record.plain_size, pack->objects, pack->plain_size);
        pack->suspicious = TRUE;
    }
}

static gboolean
check_index(StoreCheck *check, GError **error)
{
    compare_counts(check);
    return index_foreach(check->index, visit_entry, check, error) && index_foreach_mark(check->index, visit_mark, check, error);
}

/* ---- all of it ---- */

static PackCheck *
add_pack(StoreCheck *check, const IndexPack *record)
{
    PackCheck *pack = g_new0(PackCheck, 1);

    pack->check = check;
    pack->record = *record;
    pack_name_format(record->id, pack->name);
    g_hash_table_insert(check->packs, &pack->record.id, pack);
    return pack;
}

/* A pack that the index does not know: being written, or, as salvage has left it, none of ours. */
static void
check_unknown(StoreCheck *check, guint64 id)
{
    g_autofree char *path = pack_folder_file(check->store->packs, id);
    IndexPack record = { .id = id };
    guint64 size;
    int fd;

    if (!store_open_dead_pack(path, &fd, &size, NULL) || fd < 0)
        return;
    if (!check->index_is_sound) {
        record.length = size;
        check_pack(add_pack(check, &record));
    } else if (!index_find_pack(check->index, id, &record, NULL)) {
        tell(check, NULL, "%s: P2: not a pack", path);
    }
    close(fd);
}

static gboolean
check_packs(StoreCheck *check, GError **error)
{
    g_autoptr(GPtrArray) strange = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) ids = pack_folder_list(check->store->packs_path, strange, error);
    g_autoptr(GArray) records = NULL;

    if (ids && check->index_is_sound)
        records = index_packs(check->index, error);
    if (!ids || (check->index_is_sound && !records))
        return FALSE;
    for (guint i = 0; i < strange->len; i++)
        tell(check, NULL, "%s/%s: P1: not a pack", check->store->packs_path, (const char *)strange->pdata[i]);
    for (guint i = 0; records && i < records->len; i++)
        if (!g_array_index(records, IndexPack, i).doomed)
            check_pack(add_pack(check, &g_array_index(records, IndexPack, i)));
    for (guint i = 0; i < ids->len; i++)
        if (!g_hash_table_contains(check->packs, &g_array_index(ids, guint64, i)))
            check_unknown(check, g_array_index(ids, guint64, i));
    return TRUE;
}

/* What the index's pages and their order cannot show is seen when values are read. */
static gboolean
told_or_failed(StoreCheck *check, GError *failed, GError **error)
{
    g_autoptr(GError) mine = failed;

    if (g_error_matches(mine, CHAMA_ERROR, CHAMA_ERROR_DAMAGED)) {
        tell(check, NULL, "%s", mine->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&mine));
    return FALSE;
}

static void
prepare(StoreCheck *check)
{
    g_autoptr(GError) failed = NULL;

    check->index_is_sound = index_check(check->index, &failed);
    /* A salvage that fails for want of room leaves its tails to be told. */
    if (check->index_is_sound)
        store_salvage(check->store, &failed);
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED))
        tell(check, NULL, "%s", failed->message);
}

static gboolean
check_all(StoreCheck *check, GError **error)
{
    guint threads = MAX(2, g_get_num_processors());
    GError *failed = NULL;
    gboolean ok;

    prepare(check);
    check->in_flight_max = 2 * threads;
    check->pool = g_thread_pool_new(batch_check, check, (gint)threads, FALSE, NULL);
    ok = check_packs(check, &failed);
    g_thread_pool_free(check->pool, FALSE, TRUE);
    ok = ok && (!check->index_is_sound || check_index(check, &failed));
    return ok || told_or_failed(check, failed, error);
}

gboolean
store_check(Store *store, StoreReport report, gpointer data, gint64 *bytes_done, GError **error)
{
    StoreCheck check = { .store = store, .report = report, .data = data, .bytes_done = bytes_done };
    g_autoptr(StoreHold) hold = store_hold(store, error);
    gboolean ok;

    if (!hold)
        return FALSE;
    /* What was read before says nothing of what lies there now. */
    base_cache_clear(store->bases);
    check.index = store_index(store);
    check.packs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    g_mutex_init(&check.mutex);
    g_cond_init(&check.fewer);
    ok = check_all(&check, error);
    g_cond_clear(&check.fewer);
    g_mutex_clear(&check.mutex);
    g_hash_table_unref(check.packs);
    index_unref(check.index);
    return ok;
}
