#include "keys/error.h"
#include "manifests/store/index_private.h"
#include "manifests/store/littleendian.h"

struct IndexChange {
    Index *index;
    MDB_txn *txn;
};

IndexChange *
index_change_begin(Index *index, GError **error)
{
    IndexChange *change;
    MDB_txn *txn;
    int rc = mdb_txn_begin(index->env, NULL, 0, &txn);

    if (rc) {
        index_error(error, rc, "begin");
        return NULL;
    }
    change = g_new0(IndexChange, 1);
    change->index = index_ref(index);
    change->txn = txn;
    return change;
}

void
index_change_free(IndexChange *change)
{
    if (!change)
        return;
    if (change->txn)
        mdb_txn_abort(change->txn);
    index_unref(change->index);
    g_free(change);
}

gboolean
index_change_commit(IndexChange *change, GError **error)
{
    int rc = mdb_txn_commit(change->txn);

    change->txn = NULL;
    return rc ? index_error(error, rc, "commit") : TRUE;
}

gboolean
index_change_find(IndexChange *change, const Digest *digest, IndexEntry *entry, GError **error)
{
    return index_get_entry(change->index, change->txn, digest, entry, error);
}

gboolean
index_change_find_mark(IndexChange *change, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error)
{
    return index_get_mark(change->index, change->txn, digest, scope, mark, error);
}

static gboolean
put(IndexChange *change, MDB_dbi table, const void *key_data, gsize key_size, const void *data, gsize size, GError **error)
{
    MDB_val key = index_bytes(key_data, key_size), value = index_bytes(data, size);
    int rc = mdb_put(change->txn, table, &key, &value, 0);

    return rc ? index_error(error, rc, "put") : TRUE;
}

/* FALSE without an error if there was nothing. */
static gboolean
delete(IndexChange *change, MDB_dbi table, const void *key_data, gsize key_size, GError **error)
{
    MDB_val key = index_bytes(key_data, key_size);
    int rc = mdb_del(change->txn, table, &key, NULL);

    if (rc && rc != MDB_NOTFOUND)
        index_error(error, rc, "delete");
    return rc == 0;
}

gboolean
index_change_open_pack(IndexChange *change, const PackHeader *header, IndexPack *pack, GError **error)
{
    g_autoptr(GError) failed = NULL;

    if (index_get_pack(change->index, change->txn, header->id, pack, &failed)) {
        if (digest_equal(&pack->scope, &header->scope))
            return TRUE;
        return index_damaged(error, "packs");
    }
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    memset(pack, 0, sizeof *pack);
    pack->id = header->id;
    pack->scope = header->scope;
    pack->length = PACK_HEADER_SIZE;
    return TRUE;
}

gboolean
index_change_put_pack(IndexChange *change, const IndexPack *pack, GError **error)
{
    guint8 key[INDEX_PACK_KEY_SIZE], value[INDEX_PACK_SIZE];

    put_le64(key, pack->id);
    index_pack_format(pack, value);
    return put(change, change->index->packs, key, sizeof key, value, sizeof value, error);
}

gboolean
index_change_remove_pack(IndexChange *change, guint64 id, GError **error)
{
    g_autoptr(GError) failed = NULL;
    guint8 key[INDEX_PACK_KEY_SIZE];

    put_le64(key, id);
    if (delete(change, change->index->packs, key, sizeof key, &failed) || !failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* Unless a mark in another pack than @replace says it already. */
static gboolean
add_mark(IndexChange *change, const IndexPack *pack, const PackPiece *piece, guint64 replace, GError **error)
{
    g_autoptr(GError) failed = NULL;
    guint8 key[INDEX_MARK_KEY_SIZE], value[INDEX_MARK_SIZE];
    IndexMark mark;

    if (index_get_mark(change->index, change->txn, &piece->frame.digest, &pack->scope, &mark, &failed) && mark.pack != replace)
        return TRUE;
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    index_mark_key(&piece->frame.digest, &pack->scope, key);
    put_le64(value, pack->id);
    put_le64(value + 8, piece->offset);
    return put(change, change->index->marks, key, sizeof key, value, sizeof value, error);
}

static gboolean
put_object(IndexChange *change, IndexPack *pack, const PackPiece *piece, guint32 number, GError **error)
{
    IndexEntry entry = {
        .pack = pack->id, .offset = piece->offset, .number = number, .stored_size = piece->frame.stored_size,
        .plain_size = piece->frame.plain_size, .kind = (guint8)piece->frame.kind, .codec = (guint8)piece->frame.codec,
        .reach = (guint8)piece->frame.reach,
    };
    guint8 value[INDEX_ENTRY_SIZE];

    index_entry_format(&entry, value);
    if (!put(change, change->index->objects, piece->frame.digest.bytes, DIGEST_SIZE, value, sizeof value, error))
        return FALSE;
    pack->objects++;
    pack->plain_size += piece->frame.plain_size;
    return TRUE;
}

/* P22: of two copies the first counts; a copy in a pack of another scope says what a mark would. */
static gboolean
add_copy(IndexChange *change, IndexPack *pack, const PackPiece *piece, const IndexEntry *first, guint64 replace, GError **error)
{
    g_autoptr(GError) failed = NULL;
    IndexPack other;

    if (first->pack == pack->id)
        return TRUE;
    if (index_get_pack(change->index, change->txn, first->pack, &other, &failed))
        return digest_equal(&other.scope, &pack->scope) || add_mark(change, pack, piece, replace, error);
    if (!failed)
        return index_damaged(error, "objects");
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* P22: of two copies the one of less reach counts, whichever came first: so no two patches ever need each other.  The other one still says what a
 * mark would. */
static gboolean
supersede(IndexChange *change, IndexPack *pack, const PackPiece *piece, const IndexEntry *first, guint32 number, GError **error)
{
    PackPiece old = { .offset = first->offset, .frame = { .digest = piece->frame.digest } };
    g_autoptr(GError) failed = NULL;
    IndexPack other = *pack;

    if (first->pack == pack->id) {
        pack->objects--;
        pack->plain_size -= MIN(pack->plain_size, first->plain_size);
        return put_object(change, pack, piece, number, error);
    }
    if (!index_change_remove(change, &piece->frame.digest, &failed) || !index_get_pack(change->index, change->txn, first->pack, &other, &failed)) {
        if (!failed)
            return index_damaged(error, "objects");
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return (digest_equal(&other.scope, &pack->scope) || add_mark(change, &other, &old, 0, error)) &&
           put_object(change, pack, piece, number, error);
}

gboolean
index_change_add(IndexChange *change, IndexPack *pack, const PackPiece *piece, guint64 replace, GError **error)
{
    g_autoptr(GError) failed = NULL;
    guint32 number = pack->frames++;
    IndexEntry first;

    if (piece->frame.kind == FRAME_MARK)
        return add_mark(change, pack, piece, replace, error);
    if (index_get_entry(change->index, change->txn, &piece->frame.digest, &first, &failed) && first.pack != replace)
        return piece->frame.reach < first.reach ? supersede(change, pack, piece, &first, number, error)
                                                : add_copy(change, pack, piece, &first, replace, error);
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return put_object(change, pack, piece, number, error);
}

gboolean
index_change_remove(IndexChange *change, const Digest *digest, GError **error)
{
    IndexEntry entry;
    IndexPack pack;

    if (!index_get_entry(change->index, change->txn, digest, &entry, error))
        return FALSE;
    if (index_get_pack(change->index, change->txn, entry.pack, &pack, NULL) && pack.objects > 0) {
        pack.objects--;
        pack.plain_size -= MIN(pack.plain_size, entry.plain_size);
        if (!index_change_put_pack(change, &pack, error))
            return FALSE;
    }
    return delete(change, change->index->objects, digest->bytes, DIGEST_SIZE, error);
}

gboolean
index_change_remove_mark(IndexChange *change, const Digest *digest, const Scope *scope, GError **error)
{
    guint8 key[INDEX_MARK_KEY_SIZE];

    index_mark_key(digest, scope, key);
    return delete(change, change->index->marks, key, sizeof key, error);
}
