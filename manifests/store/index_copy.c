/* An index in fresh pages: index_copy(). */
#include "keys/error.h"
#include "manifests/store/index_private.h"

#define ROWS_AT_ONCE 65536   /* in one transaction: so many pages may wait for it */

/* One table on its way. */
typedef struct {
    Index *to;
    MDB_dbi source, target;
    MDB_txn *out;
    guint rows;              /* in @out */
} Copying;

static int
put(Copying *copying, MDB_val *key, MDB_val *value)
{
    int rc = copying->out ? 0 : mdb_txn_begin(copying->to->env, NULL, 0, &copying->out);

    if (!rc)
        rc = mdb_put(copying->out, copying->target, key, value, MDB_APPEND);
    if (rc || ++copying->rows < ROWS_AT_ONCE)
        return rc;
    copying->rows = 0;
    return mdb_txn_commit(g_steal_pointer(&copying->out));
}

static int
copy_rows(Copying *copying, MDB_txn *in)
{
    MDB_val key, value;
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(in, copying->source, &cursor);

    if (rc)
        return rc;
    while (!(rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) && !(rc = put(copying, &key, &value)))
        ;
    mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        rc = copying->out ? mdb_txn_commit(g_steal_pointer(&copying->out)) : 0;
    g_clear_pointer(&copying->out, mdb_txn_abort);
    return rc;
}

static gboolean
copy_tables(Index *from, Index *to, MDB_txn *in, GError **error)
{
    const MDB_dbi tables[][2] = { { from->objects, to->objects }, { from->packs, to->packs }, { from->marks, to->marks } };

    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
        Copying copying = { .to = to, .source = tables[i][0], .target = tables[i][1] };
        int rc = copy_rows(&copying, in);

        if (rc)
            return index_error(error, rc, "copy");
    }
    return TRUE;
}

Index *
index_copy(Index *from, const char *path, GError **error)
{
    g_autoptr(Index) to = index_create(path, error);
    MDB_txn *in = NULL;
    gboolean done;
    int rc;

    if (!to)
        return NULL;
    rc = mdb_txn_begin(from->env, NULL, MDB_RDONLY, &in);
    if (rc) {
        index_error(error, rc, "begin");
        return NULL;
    }
    done = copy_tables(from, to, in, error);
    mdb_txn_abort(in);
    return done ? g_steal_pointer(&to) : NULL;
}
