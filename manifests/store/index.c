#include "manifests/store/index.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/store/littleendian.h"

#define MAP_SIZE (G_GUINT64_CONSTANT(256) << 30) /* address space only: a ceiling of some 1.5 thousand million objects */
#define READERS_MAX 1022
#define IDLE_TXNS_MAX 64
#define ENTRY_SIZE 32
#define PACK_VALUE_SIZE 60
#define MARK_KEY_SIZE (2 * DIGEST_SIZE)
#define MARK_VALUE_SIZE 16
#define PACK_DOOMED 1

static const char format_key[] = "format", format_value[] = "chama-index/1"; /* P20 */

struct Index {
    gint references;
    dev_t device;
    ino_t inode;
    pid_t pid;
    MDB_env *env;
    MDB_dbi objects, packs, marks;
    GMutex mutex;     /* idle */
    GPtrArray *idle;  /* reset read transactions, of any thread (MDB_NOTLS) */
};

struct IndexChange {
    Index *index;
    MDB_txn *txn;
};

G_LOCK_DEFINE_STATIC(opened);
static GSList *opened; /* Indexes of this process */

static gboolean
lmdb_error(GError **error, int rc, const char *what)
{
    switch (rc) {
    case MDB_MAP_FULL:
    case MDB_DBS_FULL:
        return chama_error(error, CHAMA_ERROR_NO_SPACE, "index: %s: %s", what, mdb_strerror(rc));
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PANIC:
    case MDB_NOTFOUND:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_DBI:
    case MDB_BAD_VALSIZE:
        return chama_error(error, CHAMA_ERROR_DAMAGED, "index: P20: %s: %s; chama fsck --rebuild-index", what, mdb_strerror(rc));
    default:
        if (rc > 0)
            return chama_error_errno(error, rc, "index: %s", what);
        return chama_error(error, CHAMA_ERROR_FAILED, "index: %s: %s", what, mdb_strerror(rc));
    }
}

static gboolean
damaged_value(GError **error, const char *table)
{
    return chama_error(error, CHAMA_ERROR_DAMAGED, "index: P21: a value in %s that none of ours has; chama fsck --rebuild-index", table);
}

static MDB_val
value_of(const void *data, gsize size)
{
    MDB_val value = { size, (void *)data };

    return value;
}

/* ---- opening ---- */

static void
index_close(Index *index)
{
    for (guint i = 0; i < index->idle->len; i++)
        mdb_txn_abort(index->idle->pdata[i]);
    g_ptr_array_free(index->idle, TRUE);
    if (index->env)
        mdb_env_close(index->env);
    g_mutex_clear(&index->mutex);
    g_free(index);
}

Index *
index_ref(Index *index)
{
    g_atomic_int_inc(&index->references);
    return index;
}

void
index_unref(Index *index)
{
    gboolean last;

    if (!index)
        return;
    /* Under the lock of the list, so that it cannot be found there and die at once. */
    G_LOCK(opened);
    last = g_atomic_int_dec_and_test(&index->references);
    if (last)
        opened = g_slist_remove(opened, index);
    /* LMDB does not survive a fork: the child leaves its parent's environment alone. */
    if (last && index->pid == getpid())
        index_close(index);
    G_UNLOCK(opened);
}

static gboolean
open_env(Index *index, const char *path, GError **error)
{
    int dead, rc = mdb_env_create(&index->env);

    if (!rc)
        rc = mdb_env_set_mapsize(index->env, MAP_SIZE);
    if (!rc)
        rc = mdb_env_set_maxdbs(index->env, 4);
    if (!rc)
        rc = mdb_env_set_maxreaders(index->env, READERS_MAX);
    if (!rc)
        rc = mdb_env_open(index->env, path, MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (!rc)
        rc = mdb_reader_check(index->env, &dead);
    return rc ? lmdb_error(error, rc, "open") : TRUE;
}

static int
open_tables(Index *index, MDB_txn *txn, unsigned flags)
{
    int rc = mdb_dbi_open(txn, "objects", flags, &index->objects);

    if (!rc)
        rc = mdb_dbi_open(txn, "packs", flags, &index->packs);
    if (!rc)
        rc = mdb_dbi_open(txn, "marks", flags, &index->marks);
    return rc;
}

/* P20: the name of the format stands in LMDB's own first table. */
static gboolean
read_format(MDB_txn *txn, GError **error)
{
    MDB_val key = value_of(format_key, strlen(format_key)), value;
    MDB_dbi main_table;
    int rc = mdb_dbi_open(txn, NULL, 0, &main_table);

    if (!rc)
        rc = mdb_get(txn, main_table, &key, &value);
    if (rc)
        return lmdb_error(error, rc, "format");
    if (value.mv_size != strlen(format_value) || memcmp(value.mv_data, format_value, value.mv_size) != 0)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "index: P20: want %s, have another format; chama fsck --rebuild-index",
                           format_value);
    return TRUE;
}

static int
write_format(Index *index, MDB_txn *txn)
{
    MDB_val key = value_of(format_key, strlen(format_key)), value = value_of(format_value, strlen(format_value));
    MDB_dbi main_table;
    int rc = mdb_dbi_open(txn, NULL, 0, &main_table);

    if (!rc)
        rc = mdb_put(txn, main_table, &key, &value, 0);
    return rc ? rc : open_tables(index, txn, MDB_CREATE);
}

static gboolean
load(Index *index, gboolean create, GError **error)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(index->env, NULL, create ? 0 : MDB_RDONLY, &txn);

    if (rc)
        return lmdb_error(error, rc, "begin");
    if (!create && !read_format(txn, error)) {
        mdb_txn_abort(txn);
        return FALSE;
    }
    rc = create ? write_format(index, txn) : open_tables(index, txn, 0);
    if (rc) {
        mdb_txn_abort(txn);
        return lmdb_error(error, rc, "tables");
    }
    rc = mdb_txn_commit(txn);
    return rc ? lmdb_error(error, rc, "commit") : TRUE;
}

/* Called with the list locked. */
static Index *
open_new(const char *path, const struct stat *folder, gboolean create, GError **error)
{
    Index *index = g_new0(Index, 1);

    index->references = 1;
    index->device = folder->st_dev;
    index->inode = folder->st_ino;
    index->pid = getpid();
    g_mutex_init(&index->mutex);
    index->idle = g_ptr_array_new();
    if (!open_env(index, path, error) || !load(index, create, error)) {
        index_close(index);
        return NULL;
    }
    opened = g_slist_prepend(opened, index);
    return index;
}

static Index *
find_opened(const struct stat *folder)
{
    for (GSList *i = opened; i; i = i->next) {
        Index *index = i->data;

        if (index->device == folder->st_dev && index->inode == folder->st_ino && index->pid == getpid())
            return index_ref(index);
    }
    return NULL;
}

static Index *
open_or_create(const char *path, gboolean create, GError **error)
{
    struct stat folder;
    Index *index;

    if (stat(path, &folder) < 0) {
        chama_error_errno(error, errno, "%s", path);
        return NULL;
    }
    G_LOCK(opened);
    index = find_opened(&folder);
    if (!index)
        index = open_new(path, &folder, create, error);
    G_UNLOCK(opened);
    return index;
}

Index *
index_open(const char *path, GError **error)
{
    g_autofree char *data = g_build_filename(path, "data.mdb", NULL);

    /* LMDB would make an empty one. */
    if (access(data, F_OK) < 0)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no index", path);
    return open_or_create(path, FALSE, error);
}

Index *
index_create(const char *path, GError **error)
{
    g_autoptr(Index) index = NULL;

    if (!durable_mkdir(path, 0700, error))
        return NULL;
    index = open_or_create(path, TRUE, error);
    if (!index || !durable_fsync_folder(path, error))
        return NULL;
    return g_steal_pointer(&index);
}

gboolean
index_is_at(const Index *index, const char *path)
{
    struct stat folder;

    return stat(path, &folder) == 0 && folder.st_dev == index->device && folder.st_ino == index->inode;
}

/* ---- values ---- */

static gboolean
parse_entry(const Digest *digest, const MDB_val *value, IndexEntry *entry, GError **error)
{
    const guint8 *at = value->mv_data;

    if (value->mv_size != ENTRY_SIZE)
        return damaged_value(error, "objects");
    entry->digest = *digest;
    entry->pack = get_le64(at);
    entry->offset = get_le64(at + 8);
    entry->number = get_le32(at + 16);
    entry->stored_size = get_le32(at + 20);
    entry->plain_size = get_le32(at + 24);
    entry->kind = at[28];
    entry->codec = at[29];
    /* P21: what is read from here sizes allocations and places reads. */
    if (entry->stored_size > OBJECT_SIZE_MAX || entry->plain_size > OBJECT_SIZE_MAX || entry->offset < PACK_HEADER_SIZE ||
        entry->offset > G_MAXINT64 || entry->kind < OBJECT_CHUNK || entry->kind > OBJECT_DOCUMENT || entry->codec > CODEC_ZSTD ||
        get_le16(at + 30) != 0)
        return damaged_value(error, "objects");
    return TRUE;
}

static void
format_entry(const IndexEntry *entry, guint8 bytes[ENTRY_SIZE])
{
    put_le64(bytes, entry->pack);
    put_le64(bytes + 8, entry->offset);
    put_le32(bytes + 16, entry->number);
    put_le32(bytes + 20, entry->stored_size);
    put_le32(bytes + 24, entry->plain_size);
    bytes[28] = entry->kind;
    bytes[29] = entry->codec;
    put_le16(bytes + 30, 0);
}

static gboolean
parse_pack(guint64 id, const MDB_val *value, IndexPack *pack, GError **error)
{
    const guint8 *at = value->mv_data;

    if (value->mv_size != PACK_VALUE_SIZE)
        return damaged_value(error, "packs");
    pack->id = id;
    memcpy(pack->scope.bytes, at, DIGEST_SIZE);
    pack->length = get_le64(at + 32);
    pack->plain_size = get_le64(at + 40);
    pack->objects = get_le32(at + 48);
    pack->frames = get_le32(at + 52);
    pack->doomed = (get_le32(at + 56) & PACK_DOOMED) != 0;
    if (pack->length < PACK_HEADER_SIZE || pack->length > G_MAXINT64 || pack->objects > pack->frames ||
        (get_le32(at + 56) & ~(guint32)PACK_DOOMED) != 0)
        return damaged_value(error, "packs");
    return TRUE;
}

static void
format_pack(const IndexPack *pack, guint8 bytes[PACK_VALUE_SIZE])
{
    memcpy(bytes, pack->scope.bytes, DIGEST_SIZE);
    put_le64(bytes + 32, pack->length);
    put_le64(bytes + 40, pack->plain_size);
    put_le32(bytes + 48, pack->objects);
    put_le32(bytes + 52, pack->frames);
    put_le32(bytes + 56, pack->doomed ? PACK_DOOMED : 0);
}

static gboolean
parse_mark(const guint8 *key, const MDB_val *value, IndexMark *mark, GError **error)
{
    const guint8 *at = value->mv_data;

    if (value->mv_size != MARK_VALUE_SIZE)
        return damaged_value(error, "marks");
    memcpy(mark->digest.bytes, key, DIGEST_SIZE);
    memcpy(mark->scope.bytes, key + DIGEST_SIZE, DIGEST_SIZE);
    mark->pack = get_le64(at);
    mark->offset = get_le64(at + 8);
    if (mark->offset < PACK_HEADER_SIZE || mark->offset > G_MAXINT64)
        return damaged_value(error, "marks");
    return TRUE;
}

static void
mark_key(const Digest *digest, const Scope *scope, guint8 key[MARK_KEY_SIZE])
{
    memcpy(key, digest->bytes, DIGEST_SIZE);
    memcpy(key + DIGEST_SIZE, scope->bytes, DIGEST_SIZE);
}

/* ---- looking up, in a transaction ---- */

/* TRUE with *@value set; FALSE without an error if there is none. */
static gboolean
get(MDB_txn *txn, MDB_dbi table, const void *key_data, gsize key_size, MDB_val *value, GError **error)
{
    MDB_val key = value_of(key_data, key_size);
    int rc = mdb_get(txn, table, &key, value);

    if (rc && rc != MDB_NOTFOUND)
        lmdb_error(error, rc, "look up");
    return rc == 0;
}

static gboolean
get_entry(const Index *index, MDB_txn *txn, const Digest *digest, IndexEntry *entry, GError **error)
{
    MDB_val value;

    return get(txn, index->objects, digest->bytes, DIGEST_SIZE, &value, error) && parse_entry(digest, &value, entry, error);
}

static gboolean
get_pack(const Index *index, MDB_txn *txn, guint64 id, IndexPack *pack, GError **error)
{
    guint8 key[8];
    MDB_val value;

    put_le64(key, id);
    return get(txn, index->packs, key, sizeof key, &value, error) && parse_pack(id, &value, pack, error);
}

static gboolean
get_mark(const Index *index, MDB_txn *txn, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error)
{
    guint8 key[MARK_KEY_SIZE];
    MDB_val value;

    mark_key(digest, scope, key);
    return get(txn, index->marks, key, sizeof key, &value, error) && parse_mark(key, &value, mark, error);
}

/* The scope of the object's pack, or a mark, for SCOPE_OPEN or @owner. */
static gboolean
is_held(const Index *index, MDB_txn *txn, const IndexEntry *entry, const Scope *owner, gboolean *held, GError **error)
{
    g_autoptr(GError) failed = NULL;
    IndexPack pack;
    IndexMark mark;

    *held = TRUE;
    if (!owner)
        return TRUE;
    if (!get_pack(index, txn, entry->pack, &pack, &failed)) {
        if (!failed)
            return damaged_value(error, "objects");
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (digest_equal(&pack.scope, &SCOPE_OPEN) || digest_equal(&pack.scope, owner))
        return TRUE;
    *held = get_mark(index, txn, &entry->digest, &SCOPE_OPEN, &mark, &failed) ||
            (!failed && get_mark(index, txn, &entry->digest, owner, &mark, &failed));
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return *held || !failed;
}

/* ---- reading ---- */

static MDB_txn *
take_idle(Index *index)
{
    MDB_txn *txn = NULL;

    g_mutex_lock(&index->mutex);
    if (index->idle->len)
        txn = g_ptr_array_steal_index_fast(index->idle, index->idle->len - 1);
    g_mutex_unlock(&index->mutex);
    return txn;
}

/* Slots of readers that were killed are free again after a check. */
static int
begin_new(Index *index, MDB_txn **txn)
{
    int dead, rc = mdb_txn_begin(index->env, NULL, MDB_RDONLY, txn);

    if (rc != MDB_READERS_FULL)
        return rc;
    mdb_reader_check(index->env, &dead);
    return mdb_txn_begin(index->env, NULL, MDB_RDONLY, txn);
}

static MDB_txn *
read_begin(Index *index, GError **error)
{
    MDB_txn *txn = take_idle(index);
    int rc;

    if (txn && mdb_txn_renew(txn) == 0)
        return txn;
    if (txn)
        mdb_txn_abort(txn);
    rc = begin_new(index, &txn);
    if (rc) {
        lmdb_error(error, rc, "begin");
        return NULL;
    }
    return txn;
}

static void
read_end(Index *index, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    g_mutex_lock(&index->mutex);
    if (index->idle->len < IDLE_TXNS_MAX) {
        g_ptr_array_add(index->idle, txn);
        txn = NULL;
    }
    g_mutex_unlock(&index->mutex);
    if (txn)
        mdb_txn_abort(txn);
}

gboolean
index_find(Index *index, const Digest *digest, const Scope *owner, IndexEntry *entry, gboolean *held, GError **error)
{
    MDB_txn *txn = read_begin(index, error);
    IndexEntry found;
    gboolean ok;

    if (!txn)
        return FALSE;
    ok = get_entry(index, txn, digest, &found, error) && (!held || is_held(index, txn, &found, owner, held, error));
    read_end(index, txn);
    if (ok && entry)
        *entry = found;
    return ok;
}

gboolean
index_find_mark(Index *index, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error)
{
    MDB_txn *txn = read_begin(index, error);
    gboolean ok;

    if (!txn)
        return FALSE;
    ok = get_mark(index, txn, digest, scope, mark, error);
    read_end(index, txn);
    return ok;
}

gboolean
index_find_pack(Index *index, guint64 id, IndexPack *pack, GError **error)
{
    MDB_txn *txn = read_begin(index, error);
    gboolean ok;

    if (!txn)
        return FALSE;
    ok = get_pack(index, txn, id, pack, error);
    read_end(index, txn);
    return ok;
}

/* What a walk does with one key and value. */
typedef gboolean (*Visit)(gpointer data, const MDB_val *key, const MDB_val *value, GError **error);

static gboolean
walk(Index *index, MDB_dbi table, gsize key_size, Visit visit, gpointer data, GError **error)
{
    MDB_txn *txn = read_begin(index, error);
    MDB_cursor *cursor;
    MDB_val key, value;
    gboolean ok = TRUE;
    int rc;

    if (!txn)
        return FALSE;
    rc = mdb_cursor_open(txn, table, &cursor);
    if (rc) {
        read_end(index, txn);
        return lmdb_error(error, rc, "walk");
    }
    for (rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); !rc && ok; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        ok = key.mv_size == key_size ? visit(data, &key, &value, error) : damaged_value(error, "keys");
    mdb_cursor_close(cursor);
    read_end(index, txn);
    if (ok && rc != MDB_NOTFOUND)
        return lmdb_error(error, rc, "walk");
    return ok;
}

static gboolean
visit_pack(gpointer data, const MDB_val *key, const MDB_val *value, GError **error)
{
    IndexPack pack;

    if (!parse_pack(get_le64(key->mv_data), value, &pack, error))
        return FALSE;
    g_array_append_val((GArray *)data, pack);
    return TRUE;
}

GArray *
index_packs(Index *index, GError **error)
{
    g_autoptr(GArray) packs = g_array_new(FALSE, FALSE, sizeof(IndexPack));

    if (!walk(index, index->packs, 8, visit_pack, packs, error))
        return NULL;
    return g_steal_pointer(&packs);
}

typedef struct {
    IndexVisit entry;
    IndexVisitMark mark;
    gpointer data;
} Visitor;

static gboolean
visit_entry(gpointer data, const MDB_val *key, const MDB_val *value, GError **error)
{
    const Visitor *visitor = data;
    IndexEntry entry;
    Digest digest;

    memcpy(digest.bytes, key->mv_data, DIGEST_SIZE);
    return parse_entry(&digest, value, &entry, error) && visitor->entry(visitor->data, &entry, error);
}

static gboolean
visit_mark(gpointer data, const MDB_val *key, const MDB_val *value, GError **error)
{
    const Visitor *visitor = data;
    IndexMark mark;

    return parse_mark(key->mv_data, value, &mark, error) && visitor->mark(visitor->data, &mark, error);
}

gboolean
index_foreach(Index *index, IndexVisit visit, gpointer data, GError **error)
{
    Visitor visitor = { .entry = visit, .data = data };

    return walk(index, index->objects, DIGEST_SIZE, visit_entry, &visitor, error);
}

gboolean
index_foreach_mark(Index *index, IndexVisitMark visit, gpointer data, GError **error)
{
    Visitor visitor = { .mark = visit, .data = data };

    return walk(index, index->marks, MARK_KEY_SIZE, visit_mark, &visitor, error);
}

/* ---- changing ---- */

IndexChange *
index_change_begin(Index *index, GError **error)
{
    IndexChange *change;
    MDB_txn *txn;
    int rc = mdb_txn_begin(index->env, NULL, 0, &txn);

    if (rc) {
        lmdb_error(error, rc, "begin");
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
    return rc ? lmdb_error(error, rc, "commit") : TRUE;
}

gboolean
index_change_find(IndexChange *change, const Digest *digest, IndexEntry *entry, GError **error)
{
    return get_entry(change->index, change->txn, digest, entry, error);
}

gboolean
index_change_find_mark(IndexChange *change, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error)
{
    return get_mark(change->index, change->txn, digest, scope, mark, error);
}

static gboolean
put(IndexChange *change, MDB_dbi table, const void *key_data, gsize key_size, const void *data, gsize size, GError **error)
{
    MDB_val key = value_of(key_data, key_size), value = value_of(data, size);
    int rc = mdb_put(change->txn, table, &key, &value, 0);

    return rc ? lmdb_error(error, rc, "put") : TRUE;
}

/* FALSE without an error if there was nothing. */
static gboolean
delete(IndexChange *change, MDB_dbi table, const void *key_data, gsize key_size, GError **error)
{
    MDB_val key = value_of(key_data, key_size);
    int rc = mdb_del(change->txn, table, &key, NULL);

    if (rc && rc != MDB_NOTFOUND)
        lmdb_error(error, rc, "delete");
    return rc == 0;
}

gboolean
index_change_open_pack(IndexChange *change, const PackHeader *header, IndexPack *pack, GError **error)
{
    g_autoptr(GError) failed = NULL;

    if (get_pack(change->index, change->txn, header->id, pack, &failed)) {
        if (digest_equal(&pack->scope, &header->scope))
            return TRUE;
        return damaged_value(error, "packs");
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
    guint8 key[8], value[PACK_VALUE_SIZE];

    put_le64(key, pack->id);
    format_pack(pack, value);
    return put(change, change->index->packs, key, sizeof key, value, sizeof value, error);
}

gboolean
index_change_remove_pack(IndexChange *change, guint64 id, GError **error)
{
    g_autoptr(GError) failed = NULL;
    guint8 key[8];

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
    guint8 key[MARK_KEY_SIZE], value[MARK_VALUE_SIZE];
    IndexMark mark;

    if (get_mark(change->index, change->txn, &piece->frame.digest, &pack->scope, &mark, &failed) && mark.pack != replace)
        return TRUE;
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    mark_key(&piece->frame.digest, &pack->scope, key);
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
    };
    guint8 value[ENTRY_SIZE];

    format_entry(&entry, value);
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
    if (get_pack(change->index, change->txn, first->pack, &other, &failed))
        return digest_equal(&other.scope, &pack->scope) || add_mark(change, pack, piece, replace, error);
    if (!failed)
        return damaged_value(error, "objects");
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
index_change_add(IndexChange *change, IndexPack *pack, const PackPiece *piece, guint64 replace, GError **error)
{
    g_autoptr(GError) failed = NULL;
    guint32 number = pack->frames++;
    IndexEntry first;

    if (piece->frame.kind == FRAME_MARK)
        return add_mark(change, pack, piece, replace, error);
    if (get_entry(change->index, change->txn, &piece->frame.digest, &first, &failed) && first.pack != replace)
        return add_copy(change, pack, piece, &first, replace, error);
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

    if (!get_entry(change->index, change->txn, digest, &entry, error))
        return FALSE;
    if (get_pack(change->index, change->txn, entry.pack, &pack, NULL) && pack.objects > 0) {
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
    guint8 key[MARK_KEY_SIZE];

    mark_key(digest, scope, key);
    return delete(change, change->index->marks, key, sizeof key, error);
}
