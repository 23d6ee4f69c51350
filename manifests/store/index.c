#include "manifests/store/index.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/store/index_check.h"
#include "manifests/store/index_private.h"
#include "manifests/store/littleendian.h"

#define MAP_SIZE (G_GUINT64_CONSTANT(256) << 30) /* address space only: a ceiling of some 1.5 thousand million objects */
#define READERS_MAX 1022
#define IDLE_TXNS_MAX 64

static const char format_key[] = "format", format_value[] = "chama-index/1"; /* P20 */

G_LOCK_DEFINE_STATIC(opened);
static GSList *opened; /* Indexes of this process */

gboolean
index_error(GError **error, int rc, const char *what)
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
    return rc ? index_error(error, rc, "open") : TRUE;
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
    MDB_val key = index_bytes(format_key, strlen(format_key)), value;
    MDB_dbi main_table;
    int rc = mdb_dbi_open(txn, NULL, 0, &main_table);

    if (!rc)
        rc = mdb_get(txn, main_table, &key, &value);
    if (rc)
        return index_error(error, rc, "format");
    if (value.mv_size != strlen(format_value) || memcmp(value.mv_data, format_value, value.mv_size) != 0)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "index: P20: want %s, have another format; chama fsck --rebuild-index",
                           format_value);
    return TRUE;
}

static int
write_format(Index *index, MDB_txn *txn)
{
    MDB_val key = index_bytes(format_key, strlen(format_key)), value = index_bytes(format_value, strlen(format_value));
    MDB_dbi main_table;
    int rc = mdb_dbi_open(txn, NULL, 0, &main_table);

    if (!rc)
        rc = mdb_put(txn, main_table, &key, &value, 0);
    return rc ? rc : open_tables(index, txn, MDB_CREATE);
}

static gboolean
check_pages(const Index *index, MDB_txn *txn, gboolean whole, GError **error)
{
    int fd, rc = mdb_env_get_fd(index->env, &fd);

    return rc ? index_error(error, rc, "check") : index_check_pages(fd, mdb_txn_id(txn), whole, error);
}

static gboolean
load(Index *index, gboolean create, GError **error)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(index->env, NULL, create ? 0 : MDB_RDONLY, &txn);

    if (rc)
        return index_error(error, rc, "begin");
    /* P24: before LMDB follows what lies there. */
    if (!create && (!check_pages(index, txn, FALSE, error) || !read_format(txn, error))) {
        mdb_txn_abort(txn);
        return FALSE;
    }
    rc = create ? write_format(index, txn) : open_tables(index, txn, 0);
    if (rc) {
        mdb_txn_abort(txn);
        return index_error(error, rc, "tables");
    }
    rc = mdb_txn_commit(txn);
    return rc ? index_error(error, rc, "commit") : TRUE;
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
    if (!index_check_head(data, error))
        return NULL;
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

gboolean
index_state(const Index *index, IndexState *state)
{
    MDB_envinfo info;

    if (mdb_env_info(index->env, &info) != 0)
        return FALSE;
    *state = (IndexState){ index->device, index->inode, info.me_last_txnid };
    return TRUE;
}

/* ---- looking up, in a transaction ---- */

/* TRUE with *@value set; FALSE without an error if there is none. */
static gboolean
get(MDB_txn *txn, MDB_dbi table, const void *key_data, gsize key_size, MDB_val *value, GError **error)
{
    MDB_val key = index_bytes(key_data, key_size);
    int rc = mdb_get(txn, table, &key, value);

    if (rc && rc != MDB_NOTFOUND)
        index_error(error, rc, "look up");
    return rc == 0;
}

gboolean
index_get_entry(const Index *index, MDB_txn *txn, const Digest *digest, IndexEntry *entry, GError **error)
{
    MDB_val value;

    return get(txn, index->objects, digest->bytes, DIGEST_SIZE, &value, error) && index_entry_parse(digest, &value, entry, error);
}

gboolean
index_get_pack(const Index *index, MDB_txn *txn, guint64 id, IndexPack *pack, GError **error)
{
    guint8 key[INDEX_PACK_KEY_SIZE];
    MDB_val value;

    put_le64(key, id);
    return get(txn, index->packs, key, sizeof key, &value, error) && index_pack_parse(id, &value, pack, error);
}

gboolean
index_get_mark(const Index *index, MDB_txn *txn, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error)
{
    guint8 key[INDEX_MARK_KEY_SIZE];
    MDB_val value;

    index_mark_key(digest, scope, key);
    return get(txn, index->marks, key, sizeof key, &value, error) && index_mark_parse(key, &value, mark, error);
}

/* Into *@pack, unless it holds that one already (id 0: none). */
static gboolean
need_pack(const Index *index, MDB_txn *txn, const IndexEntry *entry, IndexPack *pack, GError **error)
{
    g_autoptr(GError) failed = NULL;

    if ((pack->id != 0 && pack->id == entry->pack) || index_get_pack(index, txn, entry->pack, pack, &failed))
        return TRUE;
    if (!failed)
        return index_damaged(error, "objects");
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* The scope of the object's pack, or a mark, for SCOPE_OPEN or @owner.  @pack: as need_pack() has it. */
static gboolean
is_held(const Index *index, MDB_txn *txn, const IndexEntry *entry, const Scope *owner, IndexPack *pack, gboolean *held, GError **error)
{
    g_autoptr(GError) failed = NULL;
    IndexMark mark;

    *held = TRUE;
    if (!owner)
        return TRUE;
    if (!need_pack(index, txn, entry, pack, error))
        return FALSE;
    if (digest_equal(&pack->scope, &SCOPE_OPEN) || digest_equal(&pack->scope, owner))
        return TRUE;
    *held = index_get_mark(index, txn, &entry->digest, &SCOPE_OPEN, &mark, &failed) ||
            (!failed && index_get_mark(index, txn, &entry->digest, owner, &mark, &failed));
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
        index_error(error, rc, "begin");
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
    IndexPack pack = { 0 };
    IndexEntry found;
    gboolean ok;

    if (!txn)
        return FALSE;
    ok = index_get_entry(index, txn, digest, &found, error) && (!held || is_held(index, txn, &found, owner, &pack, held, error));
    read_end(index, txn);
    if (ok && entry)
        *entry = found;
    return ok;
}

static gboolean
holds(const Index *index, MDB_txn *txn, const Digest *digest, const Scope *owner, IndexPack *pack)
{
    IndexEntry entry;
    gboolean held = FALSE;

    return index_get_entry(index, txn, digest, &entry, NULL) && is_held(index, txn, &entry, owner, pack, &held, NULL) && held;
}

gboolean
index_holds(Index *index, const Digest *digests, guint count, const Scope *owner)
{
    /* What is asked for together mostly lies in one pack. */
    IndexPack pack = { 0 };
    MDB_txn *txn;
    guint held = 0;

    if (count == 0)
        return TRUE;
    if (!(txn = read_begin(index, NULL)))
        return FALSE;
    while (held < count && holds(index, txn, &digests[held], owner, &pack))
        held++;
    read_end(index, txn);
    return held == count;
}

gboolean
index_find_mark(Index *index, const Digest *digest, const Scope *scope, IndexMark *mark, GError **error)
{
    MDB_txn *txn = read_begin(index, error);
    gboolean ok;

    if (!txn)
        return FALSE;
    ok = index_get_mark(index, txn, digest, scope, mark, error);
    read_end(index, txn);
    return ok;
}

guint64
index_leaves(Index *index)
{
    MDB_txn *txn = read_begin(index, NULL);
    MDB_stat about;
    guint64 leaves = 0;

    if (!txn)
        return 0;
    if (mdb_stat(txn, index->objects, &about) == 0)
        leaves = about.ms_leaf_pages;
    read_end(index, txn);
    return leaves;
}

gboolean
index_find_pack(Index *index, guint64 id, IndexPack *pack, GError **error)
{
    MDB_txn *txn = read_begin(index, error);
    gboolean ok;

    if (!txn)
        return FALSE;
    ok = index_get_pack(index, txn, id, pack, error);
    read_end(index, txn);
    return ok;
}

gboolean
index_check(Index *index, GError **error)
{
    MDB_txn *txn = read_begin(index, error);
    gboolean ok;

    if (!txn)
        return FALSE;
    ok = check_pages(index, txn, TRUE, error);
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
        return index_error(error, rc, "walk");
    }
    for (rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); !rc && ok; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        ok = key.mv_size == key_size ? visit(data, &key, &value, error) : index_damaged(error, "keys");
    mdb_cursor_close(cursor);
    read_end(index, txn);
    if (ok && rc != MDB_NOTFOUND)
        return index_error(error, rc, "walk");
    return ok;
}

static gboolean
visit_pack(gpointer data, const MDB_val *key, const MDB_val *value, GError **error)
{
    IndexPack pack;

    if (!index_pack_parse(get_le64(key->mv_data), value, &pack, error))
        return FALSE;
    g_array_append_val((GArray *)data, pack);
    return TRUE;
}

GArray *
index_packs(Index *index, GError **error)
{
    g_autoptr(GArray) packs = g_array_new(FALSE, FALSE, sizeof(IndexPack));

    if (!walk(index, index->packs, INDEX_PACK_KEY_SIZE, visit_pack, packs, error))
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
    return index_entry_parse(&digest, value, &entry, error) && visitor->entry(visitor->data, &entry, error);
}

static gboolean
visit_mark(gpointer data, const MDB_val *key, const MDB_val *value, GError **error)
{
    const Visitor *visitor = data;
    IndexMark mark;

    return index_mark_parse(key->mv_data, value, &mark, error) && visitor->mark(visitor->data, &mark, error);
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

    return walk(index, index->marks, INDEX_MARK_KEY_SIZE, visit_mark, &visitor, error);
}
