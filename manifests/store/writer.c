/*
 * writer: objects into a pack of the writer's own.  Look-up and compression happen in the caller's thread; only appending and committing
 * are under the writer's mutex.
 */
#include <sys/file.h>

#include "keys/error.h"
#include "manifests/store/bases.h"
#include "manifests/store/codec.h"
#include "manifests/store/store_private.h"

/* P16: a writer commits by itself at these, so that its memory and what a crash can undo are bounded. */
#define PENDING_MAX 65536
#define PENDING_BYTES_MAX (256 * 1024 * 1024)
/* What is pending, and puts under way in other threads. */
#define CLAIMS_MAX (PENDING_MAX + 1024)

struct StoreWriter {
    Store *store;
    Index *index;
    Scope scope;
    int lock;
    GMutex mutex;           /* what follows */
    PackWriter *pack;       /* NULL until the first put */
    guint64 committed;      /* bytes of the pack */
    GHashTable *claimed;    /* digests put or being put since the last commit; they lie in claims */
    Digest *claims;
    PackPiece *pending;     /* appended since the last commit */
    guint pending_count;
    guint64 pending_bytes;
    GError *failure;        /* the first one: nothing goes on after it */
    gboolean in_doubt;      /* whether the index got what was being committed */
};

StoreWriter *
store_writer_new(Store *store, const Scope *scope, GError **error)
{
    g_autoptr(StoreWriter) writer = g_new0(StoreWriter, 1);

    g_mutex_init(&writer->mutex);
    writer->store = store;
    writer->scope = *scope;
    writer->claimed = g_hash_table_new(digest_hash, digest_equal);
    writer->claims = g_new(Digest, CLAIMS_MAX);
    writer->pending = g_new(PackPiece, PENDING_MAX);
    writer->lock = -1;
    if (!store_lock(store->lock_path, LOCK_SH, TRUE, &writer->lock, error) || !store_refresh(store, NULL, error) ||
        !store_salvage(store, error))
        return NULL;
    writer->index = store_index(store);
    /* P28: patches are made against what can be read from now on.  What was read before may have been lost since; if that is now stored anew, as a
     * patch against what was made against it, neither could ever be read. */
    base_cache_clear(store->bases);
    return g_steal_pointer(&writer);
}

void
store_writer_free(StoreWriter *writer)
{
    if (!writer)
        return;
    /* After a failure (a full disk) the room is needed more than what was not committed. */
    if (writer->pack && !writer->in_doubt && (writer->failure || pack_writer_size(writer->pack) == PACK_HEADER_SIZE))
        pack_writer_cut(writer->pack, writer->committed);
    pack_writer_free(writer->pack);
    g_hash_table_unref(writer->claimed);
    g_free(writer->claims);
    g_free(writer->pending);
    g_clear_error(&writer->failure);
    index_unref(writer->index);
    store_unlock(writer->lock);
    g_mutex_clear(&writer->mutex);
    g_free(writer);
}

/* ---- under the mutex ---- */

static gboolean
fail(StoreWriter *writer, GError *failed, GError **error)
{
    if (!writer->failure)
        writer->failure = g_error_copy(failed);
    g_propagate_error(error, failed);
    return FALSE;
}

static gboolean
failed_before(StoreWriter *writer, GError **error)
{
    if (writer->failure)
        g_propagate_error(error, g_error_copy(writer->failure));
    return writer->failure != NULL;
}

static int
compare_pieces(gconstpointer a, gconstpointer b)
{
    return digest_compare(&((const PackPiece *)a)->frame.digest, &((const PackPiece *)b)->frame.digest);
}

static int
compare_with_piece(gconstpointer digest, gconstpointer piece)
{
    return digest_compare(digest, &((const PackPiece *)piece)->frame.digest);
}

/* The claims of puts that other threads have under way stay, or what is being put would for a while count as absent.  The pieces are
 * sorted. */
static void
forget_committed(StoreWriter *writer)
{
    guint count = g_hash_table_size(writer->claimed), kept = 0;

    g_hash_table_remove_all(writer->claimed);
    for (guint i = 0; i < count; i++)
        if (!bsearch(&writer->claims[i], writer->pending, writer->pending_count, sizeof *writer->pending, compare_with_piece))
            writer->claims[kept++] = writer->claims[i];
    for (guint i = 0; i < kept; i++)
        g_hash_table_add(writer->claimed, &writer->claims[i]);
    writer->pending_count = 0;
    writer->pending_bytes = 0;
}

/* I1: the pack is durable before the index names anything in it. */
static gboolean
commit(StoreWriter *writer, GError **error)
{
    g_autoptr(IndexChange) change = NULL;
    IndexPack record;

    if (!pack_writer_sync(writer->pack, error))
        return FALSE;
    change = index_change_begin(writer->index, error);
    if (!change || !index_change_open_pack(change, pack_writer_header(writer->pack), &record, error))
        return FALSE;
    /* In the order of the index, which then touches each of its pages once. */
    qsort(writer->pending, writer->pending_count, sizeof *writer->pending, compare_pieces);
    for (guint i = 0; i < writer->pending_count; i++)
        if (!index_change_add(change, &record, &writer->pending[i], 0, error))
            return FALSE;
    record.length = pack_writer_size(writer->pack);
    if (!index_change_put_pack(change, &record, error))
        return FALSE;
    writer->in_doubt = TRUE;
    if (!index_change_commit(change, error))
        return FALSE;
    writer->in_doubt = FALSE;
    writer->committed = record.length;
    forget_committed(writer);
    return TRUE;
}

static gboolean
commit_or_fail(StoreWriter *writer, GError **error)
{
    GError *failed = NULL;

    if (failed_before(writer, error))
        return FALSE;
    if (writer->pending_count == 0)
        return TRUE;
    return commit(writer, &failed) || fail(writer, failed, error);
}

/* TRUE if @digest was not claimed: the caller puts it. */
static gboolean
claim(StoreWriter *writer, const Digest *digest)
{
    guint count = g_hash_table_size(writer->claimed);

    if (g_hash_table_contains(writer->claimed, digest))
        return FALSE;
    /* Then one is put twice, which does no harm (P22). */
    if (count == CLAIMS_MAX)
        return TRUE;
    writer->claims[count] = *digest;
    g_hash_table_add(writer->claimed, &writer->claims[count]);
    return TRUE;
}

static gboolean
open_pack(StoreWriter *writer, GError **error)
{
    writer->committed = 0;
    writer->pack = pack_writer_new(writer->store->packs_path, &writer->scope, error);
    return writer->pack != NULL;
}

/* P4: the pack would pass its size. */
static gboolean
roll_over(StoreWriter *writer, gsize stored_size, GError **error)
{
    if (writer->pack && pack_writer_size(writer->pack) + FRAME_HEADER_SIZE + stored_size <= PACK_SIZE_MAX)
        return TRUE;
    if (writer->pack && writer->pending_count && !commit(writer, error))
        return FALSE;
    g_clear_pointer(&writer->pack, pack_writer_free);
    return open_pack(writer, error);
}

static gboolean
append(StoreWriter *writer, const Frame *frame, const void *stored, GError **error)
{
    PackPiece *piece;

    if (!roll_over(writer, frame->stored_size, error))
        return FALSE;
    piece = &writer->pending[writer->pending_count];
    if (!pack_writer_append(writer->pack, frame, stored, piece, error))
        return FALSE;
    writer->pending_count++;
    writer->pending_bytes += piece->size;
    if (writer->pending_count < PENDING_MAX && writer->pending_bytes < PENDING_BYTES_MAX)
        return TRUE;
    return commit(writer, error);
}

/* ---- from any thread ---- */

static gboolean
claim_locked(StoreWriter *writer, const Digest *digest, gboolean *claimed, GError **error)
{
    gboolean ok;

    g_mutex_lock(&writer->mutex);
    ok = !failed_before(writer, error);
    *claimed = ok && claim(writer, digest);
    g_mutex_unlock(&writer->mutex);
    return ok;
}

static gboolean
append_locked(StoreWriter *writer, const Frame *frame, const void *stored, guint64 *new_bytes, GError **error)
{
    GError *failed = NULL;
    gboolean ok;

    g_mutex_lock(&writer->mutex);
    ok = !failed_before(writer, error) && (append(writer, frame, stored, &failed) || fail(writer, failed, error));
    g_mutex_unlock(&writer->mutex);
    if (ok && new_bytes)
        __atomic_fetch_add(new_bytes, FRAME_HEADER_SIZE + frame->stored_size, __ATOMIC_RELAXED);
    return ok;
}

typedef enum { PLACE_HELD, PLACE_OTHER_SCOPE, PLACE_NONE, PLACE_FAILED } Place;

static Place
look_up(StoreWriter *writer, const Digest *digest, GError **error)
{
    g_autoptr(GError) failed = NULL;
    gboolean held;

    if (index_find(writer->index, digest, &writer->scope, NULL, &held, &failed))
        return held ? PLACE_HELD : PLACE_OTHER_SCOPE;
    if (!failed)
        return PLACE_NONE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return PLACE_FAILED;
}

/* P9: the bytes are here under another scope. */
static gboolean
put_mark(StoreWriter *writer, const Digest *digest, guint64 *new_bytes, GError **error)
{
    Frame mark = { .kind = FRAME_MARK, .codec = CODEC_STORED, .digest = *digest };

    return append_locked(writer, &mark, "", new_bytes, error);
}

/* What is to be done about @digest; PLACE_HELD also if another thread is doing it. */
static Place
find_place(StoreWriter *writer, const Digest *digest, GError **error)
{
    Place place = look_up(writer, digest, error);
    gboolean claimed;

    if (place != PLACE_OTHER_SCOPE && place != PLACE_NONE)
        return place;
    if (!claim_locked(writer, digest, &claimed, error))
        return PLACE_FAILED;
    return claimed ? place : PLACE_HELD;
}

/* For what is to be done about @digest; TRUE and *@done if nothing more is. */
static gboolean
settle_place(StoreWriter *writer, const Digest *digest, gboolean *done, guint64 *new_bytes, GError **error)
{
    Place place = find_place(writer, digest, error);

    *done = place != PLACE_NONE;
    if (place == PLACE_OTHER_SCOPE)
        return put_mark(writer, digest, new_bytes, error);
    return place != PLACE_FAILED;
}

static gboolean
put_whole(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, guint64 *new_bytes, GError **error)
{
    Frame frame = { .kind = kind, .plain_size = (guint32)size, .digest = *digest };
    guint8 *room = codec_scratch();
    gsize stored_size = size;

    frame.codec = codec_compress(data, size, room, &stored_size);
    frame.stored_size = (guint32)stored_size;
    return append_locked(writer, &frame, frame.codec == CODEC_STORED ? data : room, new_bytes, error);
}

gboolean
store_writer_put(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, guint64 *new_bytes,
                 GError **error)
{
    gboolean done;

    if (!codec_check(CODEC_STORED, size, size, error) || !settle_place(writer, digest, &done, new_bytes, error))
        return FALSE;
    return done || put_whole(writer, kind, digest, data, size, new_bytes, error);
}

static gboolean
put_patch(StoreWriter *writer, ObjectKind kind, const Digest *digest, gsize plain_size, GBytes *patch, guint64 *new_bytes, GError **error)
{
    gsize size;
    const guint8 *stored = g_bytes_get_data(patch, &size);
    Frame frame = {
        .kind = kind, .codec = CODEC_PATCH, .plain_size = (guint32)plain_size, .stored_size = (guint32)size, .digest = *digest, .reach = stored[0],
    };

    return append_locked(writer, &frame, stored, new_bytes, error);
}

gboolean
store_writer_put_like(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, StoreLikeness likeness,
                      gpointer likeness_data, guint64 *new_bytes, GError **error)
{
    g_autoptr(GBytes) patch = NULL;
    gboolean done;

    if (!codec_check(CODEC_STORED, size, size, error) || !settle_place(writer, digest, &done, new_bytes, error))
        return FALSE;
    if (done)
        return TRUE;
    patch = store_find_patch(writer->store, digest, data, size, likeness, likeness_data);
    return patch ? put_patch(writer, kind, digest, size, patch, new_bytes, error)
                 : put_whole(writer, kind, digest, data, size, new_bytes, error);
}

/* P26: with the reach that it has in this store; whole if that is too much. */
static gboolean
put_received_patch(StoreWriter *writer, ObjectKind kind, const Digest *digest, GBytes *plain, const void *stored, gsize stored_size,
                   guint64 *new_bytes, GError **error)
{
    g_autoptr(GBytes) patch = NULL;
    gsize size;
    const void *data = g_bytes_get_data(plain, &size);

    if (!store_measure_patch(writer->store, stored, stored_size, &patch, error))
        return FALSE;
    return patch ? put_patch(writer, kind, digest, size, patch, new_bytes, error)
                 : put_whole(writer, kind, digest, data, size, new_bytes, error);
}

gboolean
store_writer_put_stored(StoreWriter *writer, ObjectKind kind, const Digest *digest, Codec codec, GBytes *plain, const void *stored,
                        gsize stored_size, guint64 *new_bytes, GError **error)
{
    gsize plain_size = g_bytes_get_size(plain);
    Frame frame = {
        .kind = kind, .codec = codec, .plain_size = (guint32)plain_size, .stored_size = (guint32)stored_size, .digest = *digest,
    };
    gboolean done;

    if (!codec_check(codec, plain_size, stored_size, error) || !settle_place(writer, digest, &done, new_bytes, error))
        return FALSE;
    if (done)
        return TRUE;
    return codec == CODEC_PATCH ? put_received_patch(writer, kind, digest, plain, stored, stored_size, new_bytes, error)
                                : append_locked(writer, &frame, stored, new_bytes, error);
}

gboolean
store_writer_has(StoreWriter *writer, const Digest *digest)
{
    gboolean claimed;

    /* In this order, for a commit takes it from there to the index. */
    g_mutex_lock(&writer->mutex);
    claimed = g_hash_table_contains(writer->claimed, digest);
    g_mutex_unlock(&writer->mutex);
    return claimed || look_up(writer, digest, NULL) == PLACE_HELD;
}

gboolean
store_writer_holds(StoreWriter *writer, const Digest *digests, guint count)
{
    return index_holds(writer->index, digests, count, &writer->scope);
}

gboolean
store_writer_commit(StoreWriter *writer, GError **error)
{
    gboolean ok;

    g_mutex_lock(&writer->mutex);
    ok = commit_or_fail(writer, error);
    g_mutex_unlock(&writer->mutex);
    return ok;
}
