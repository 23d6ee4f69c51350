/*
 * writer: objects into a pack of the writer's own.  Look-up and compression happen in the caller's thread; only appending is under the writer's
 * mutex.  A commit that a put makes necessary is done by a thread of its own, while others go on to append.
 */
#include <sys/file.h>

#include "keys/error.h"
#include "manifests/store/bases.h"
#include "manifests/store/codec.h"
#include "manifests/store/littleendian.h"
#include "manifests/store/pending.h"
#include "manifests/store/store_private.h"

/* P16: new digests lie everywhere in the index, so a commit changes up to one page for each, in memory: 64 MiB for so many. */
#define PENDING_IF_LARGE 16384
#define INDEX_LARGE 12288      /* leaves */

struct StoreWriter {
    Store *store;
    Index *index;
    Scope scope;
    int lock;
    GMutex mutex;           /* what follows */
    GCond idle;             /* committing became FALSE */
    PackWriter *pack;       /* NULL until the first put */
    guint64 committed;      /* bytes of the pack */
    GArray *under_way;      /* of Digest: being put, and not yet appended */
    Pending *filling;       /* appended since the last commit began */
    guint limit;            /* of filling */
    Pending *leaving;       /* appended before; while committing not to be changed */
    guint64 leaving_length; /* of the pack, with them */
    gboolean committing;
    GThread *thread;        /* of the last commit that a put began, until it is joined */
    GError *failure;        /* the first one: nothing goes on after it */
    gboolean in_doubt;      /* whether the index got what was being committed */
};

static guint
limit_for(Index *index)
{
    return index_leaves(index) < INDEX_LARGE ? PENDING_MAX : PENDING_IF_LARGE;
}

StoreWriter *
store_writer_new(Store *store, const Scope *scope, GError **error)
{
    g_autoptr(StoreWriter) writer = g_new0(StoreWriter, 1);

    g_mutex_init(&writer->mutex);
    writer->store = store;
    writer->scope = *scope;
    g_cond_init(&writer->idle);
    writer->under_way = g_array_new(FALSE, FALSE, sizeof(Digest));
    writer->filling = pending_new();
    writer->leaving = pending_new();
    writer->lock = -1;
    if (!store_lock(store->lock_path, LOCK_SH, TRUE, &writer->lock, error) || !store_refresh(store, NULL, error) ||
        !store_salvage(store, error))
        return NULL;
    writer->index = store_index(store);
    /* P28: patches are made against what can be read from now on.  What was read before may have been lost since; if that is now stored anew, as a
     * patch against what was made against it, neither could ever be read. */
    base_cache_clear(store->bases);
    writer->limit = limit_for(writer->index);
    g_mutex_lock(&store->writers_mutex);
    store->writers = g_slist_prepend(store->writers, writer);
    g_mutex_unlock(&store->writers_mutex);
    return g_steal_pointer(&writer);
}

/* Under the mutex, which others may have meanwhile. */
static void
wait_until_idle(StoreWriter *writer)
{
    while (writer->committing)
        g_cond_wait(&writer->idle, &writer->mutex);
    if (writer->thread)
        g_thread_join(g_steal_pointer(&writer->thread));
}

void
store_writer_free(StoreWriter *writer)
{
    if (!writer)
        return;
    g_mutex_lock(&writer->store->writers_mutex);
    writer->store->writers = g_slist_remove(writer->store->writers, writer);
    g_mutex_unlock(&writer->store->writers_mutex);
    g_mutex_lock(&writer->mutex);
    wait_until_idle(writer);
    g_mutex_unlock(&writer->mutex);
    /* After a failure (a full disk) the room is needed more than what was not committed. */
    if (writer->pack && !writer->in_doubt && (writer->failure || pack_writer_size(writer->pack) == PACK_HEADER_SIZE))
        pack_writer_cut(writer->pack, writer->committed);
    pack_writer_free(writer->pack);
    g_array_unref(writer->under_way);
    pending_free(writer->filling);
    pending_free(writer->leaving);
    g_clear_error(&writer->failure);
    index_unref(writer->index);
    store_unlock(writer->lock);
    g_cond_clear(&writer->idle);
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

static gboolean
is_under_way(const StoreWriter *writer, const Digest *digest, guint *at)
{
    for (*at = 0; *at < writer->under_way->len; (*at)++)
        if (digest_equal(&g_array_index(writer->under_way, Digest, *at), digest))
            return TRUE;
    return FALSE;
}

static gboolean
is_claimed(const StoreWriter *writer, const Digest *digest)
{
    guint at;

    return pending_has(writer->filling, digest) || pending_has(writer->leaving, digest) || is_under_way(writer, digest, &at);
}

/* TRUE if @digest was not claimed: the caller puts it. */
static gboolean
claim(StoreWriter *writer, const Digest *digest)
{
    if (is_claimed(writer, digest))
        return FALSE;
    g_array_append_val(writer->under_way, *digest);
    return TRUE;
}

static void
claim_is_kept(StoreWriter *writer, const Digest *digest)
{
    guint at;

    if (is_under_way(writer, digest, &at))
        g_array_remove_index_fast(writer->under_way, at);
}

/* What is filling leaves: run_commit() is to follow. */
static gboolean
begin_commit(StoreWriter *writer, GError **error)
{
    Pending *leaving = writer->filling;

    if (!pack_writer_flush(writer->pack, error))
        return FALSE;
    writer->leaving_length = pack_writer_size(writer->pack);
    writer->filling = writer->leaving;
    writer->leaving = leaving;
    writer->committing = TRUE;
    return TRUE;
}

/* ---- with or without the mutex, while committing ---- */

static gboolean
index_leaving(StoreWriter *writer, IndexChange *change, GError **error)
{
    g_autofree const PackPiece **sorted = pending_sorted(writer->leaving);
    IndexPack record;

    if (!index_change_open_pack(change, pack_writer_header(writer->pack), &record, error))
        return FALSE;
    /* In the order of the index, which then touches each of its pages once. */
    for (guint i = 0; i < writer->leaving->count; i++)
        if (!index_change_add(change, &record, sorted[i], 0, error))
            return FALSE;
    record.length = writer->leaving_length;
    return index_change_put_pack(change, &record, error);
}

/* I1: the pack is durable before the index names anything in it. */
static gboolean
commit_leaving(StoreWriter *writer, GError **error)
{
    g_autoptr(IndexChange) change = NULL;

    if (!pack_writer_make_durable(writer->pack, error))
        return FALSE;
    change = index_change_begin(writer->index, error);
    if (!change || !index_leaving(writer, change, error))
        return FALSE;
    writer->in_doubt = TRUE;
    if (!index_change_commit(change, error))
        return FALSE;
    writer->in_doubt = FALSE;
    return TRUE;
}

/* Not under the mutex. */
static gpointer
run_commit(gpointer data)
{
    StoreWriter *writer = data;
    GError *failed = NULL;
    gboolean committed = commit_leaving(writer, &failed);

    g_mutex_lock(&writer->mutex);
    if (committed) {
        writer->committed = writer->leaving_length;
        writer->limit = limit_for(writer->index);
        pending_clear(writer->leaving);
    } else
        fail(writer, failed, NULL);
    writer->committing = FALSE;
    g_cond_broadcast(&writer->idle);
    g_mutex_unlock(&writer->mutex);
    return NULL;
}

/* ---- under the mutex ---- */

static gboolean
open_pack(StoreWriter *writer, GError **error)
{
    writer->committed = 0;
    writer->pack = pack_writer_new(writer->store->packs_path, &writer->scope, error);
    return writer->pack != NULL;
}

/* P4, P16. */
static gboolean
has_room(const StoreWriter *writer, gsize stored_size)
{
    return writer->pack && pack_writer_size(writer->pack) + FRAME_HEADER_SIZE + stored_size <= PACK_SIZE_MAX &&
           writer->filling->count < writer->limit && writer->filling->bytes < PENDING_BYTES_MAX;
}

/* One step towards it: what is full leaves; once nothing is left in a full pack, another one is begun. */
static gboolean
make_room(StoreWriter *writer, GError **error)
{
    if (writer->committing || writer->thread) {
        wait_until_idle(writer);
        return !failed_before(writer, error);
    }
    if (writer->filling->count == 0) {
        g_clear_pointer(&writer->pack, pack_writer_free);
        return open_pack(writer, error);
    }
    if (!begin_commit(writer, error))
        return FALSE;
    writer->thread = g_thread_new("commit", run_commit, writer);
    return TRUE;
}

static gboolean
append(StoreWriter *writer, const Frame *frame, const void *stored, GError **error)
{
    while (!has_room(writer, frame->stored_size))
        if (!make_room(writer, error))
            return FALSE;
    if (!pack_writer_append(writer->pack, frame, stored, pending_next(writer->filling), error))
        return FALSE;
    pending_add(writer->filling);
    claim_is_kept(writer, &frame->digest);
    return TRUE;
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

/* What lies whole in a pack: its frame, and its stored bytes, which are @data or the thread's scratch. */
static const void *
compress_whole(ObjectKind kind, const Digest *digest, const void *data, gsize size, Frame *frame)
{
    guint8 *room = codec_scratch();
    gsize stored_size = size;

    *frame = (Frame){ .kind = kind, .plain_size = (guint32)size, .digest = *digest };
    frame->codec = codec_compress(data, size, room, &stored_size);
    frame->stored_size = (guint32)stored_size;
    return frame->codec == CODEC_STORED ? data : room;
}

static gboolean
put_whole(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, guint64 *new_bytes, GError **error)
{
    Frame frame;
    const void *stored = compress_whole(kind, digest, data, size, &frame);

    return append_locked(writer, &frame, stored, new_bytes, error);
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

/* P28: reading a patch takes more than reading what is whole. */
static gboolean
put_smaller(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, GBytes *patch, guint64 *new_bytes, GError **error)
{
    Frame frame;
    const void *stored = compress_whole(kind, digest, data, size, &frame);

    return g_bytes_get_size(patch) <= frame.stored_size / 2 ? put_patch(writer, kind, digest, size, patch, new_bytes, error)
                                                            : append_locked(writer, &frame, stored, new_bytes, error);
}

gboolean
store_writer_put_like(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, StoreLikeness likeness,
                      gpointer likeness_data, guint64 *new_bytes, GError **error)
{
    g_autoptr(GBytes) patch = NULL;
    gboolean done, surely;

    if (!codec_check(CODEC_STORED, size, size, error) || !settle_place(writer, digest, &done, new_bytes, error))
        return FALSE;
    if (done)
        return TRUE;
    patch = store_find_patch(writer->store, digest, data, size, likeness, likeness_data, &surely);
    if (!patch)
        return put_whole(writer, kind, digest, data, size, new_bytes, error);
    return surely ? put_patch(writer, kind, digest, size, patch, new_bytes, error)
                  : put_smaller(writer, kind, digest, data, size, patch, new_bytes, error);
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
    claimed = is_claimed(writer, digest);
    g_mutex_unlock(&writer->mutex);
    return claimed || look_up(writer, digest, NULL) == PLACE_HELD;
}

/* Under the mutex.  What is pending lies in the present pack. */
static gboolean
describe(StoreWriter *writer, const PackPiece *piece, IndexEntry *entry)
{
    const Frame *frame = &piece->frame;

    *entry = (IndexEntry){ .digest = frame->digest, .pack = pack_writer_header(writer->pack)->id, .offset = piece->offset, .stored_size = frame->stored_size,
                           .plain_size = frame->plain_size, .kind = (guint8)frame->kind, .codec = (guint8)frame->codec, .reach = frame->reach };
    return piece->offset + piece->size <= pack_writer_flushed(writer->pack) || pack_writer_flush(writer->pack, NULL);
}

gboolean
store_writer_find(StoreWriter *writer, const Digest *digest, const Scope *owner, IndexEntry *entry, gboolean *mark)
{
    const PackPiece *piece;
    gboolean found;

    if (owner && !digest_equal(&writer->scope, &SCOPE_OPEN) && !digest_equal(&writer->scope, owner))
        return FALSE;
    g_mutex_lock(&writer->mutex);
    piece = pending_find(writer->filling, digest);
    if (!piece)
        piece = pending_find(writer->leaving, digest);
    *mark = piece && piece->frame.kind == FRAME_MARK;
    found = piece && (*mark || !entry || describe(writer, piece, entry));
    g_mutex_unlock(&writer->mutex);
    return found;
}

gboolean
store_writer_holds(StoreWriter *writer, const Digest *digests, guint count)
{
    return index_holds(writer->index, digests, count, &writer->scope);
}

gboolean
store_writer_state(StoreWriter *writer, Digest *state)
{
    guint8 text[3 * 8 + DIGEST_SIZE];
    IndexState index;

    if (!index_state(writer->index, &index))
        return FALSE;
    put_le64(text, index.device);
    put_le64(text + 8, index.inode);
    put_le64(text + 16, index.change);
    memcpy(text + 24, writer->scope.bytes, DIGEST_SIZE);
    digest_of(text, sizeof text, state);
    return TRUE;
}

gboolean
store_writer_commit(StoreWriter *writer, GError **error)
{
    GError *failed = NULL;
    gboolean ok;

    g_mutex_lock(&writer->mutex);
    wait_until_idle(writer);
    if (!writer->failure && writer->filling->count > 0) {
        if (begin_commit(writer, &failed)) {
            g_mutex_unlock(&writer->mutex);
            run_commit(writer);
            g_mutex_lock(&writer->mutex);
        } else
            fail(writer, failed, NULL);
    }
    ok = !failed_before(writer, error);
    g_mutex_unlock(&writer->mutex);
    return ok;
}
