#include "sync/pull/heard.h"

#include "sync/table.h"

#define NODE_HALF "8"
#define ALL_MAX "512"

static const char table[] = "CREATE TABLE IF NOT EXISTS heard (id INTEGER PRIMARY KEY, node TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,"
                            " note TEXT NOT NULL, settled INTEGER NOT NULL, UNIQUE (node, size, root))";

static TableQuery *
query_of(Home *home, const char *sql, GError **error)
{
    State *state = home_state(home, error);

    return state ? table_query(state, table, sql, error) : NULL;
}

static TableQuery *
query_one(Home *home, const char *sql, const char *node, const Checkpoint *checkpoint, GError **error)
{
    TableQuery *query = query_of(home, sql, error);

    if (!query)
        return NULL;
    table_text(query, 1, node);
    table_integer(query, 2, (gint64)checkpoint->size);
    table_digest(query, 3, &checkpoint->root);
    return query;
}

gboolean
heard_state(Home *home, const char *node, const Checkpoint *checkpoint, HeardState *state, GError **error)
{
    g_autoptr(TableQuery) query = query_one(home, "SELECT settled FROM heard WHERE node = ?1 AND size = ?2 AND root = ?3", node, checkpoint, error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    *state = HEARD_NOT;
    if (table_row(query, &local))
        *state = table_column_integer(query, 0) ? HEARD_SETTLED : HEARD_OPEN;
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

/* I6: whoever signs many makes room only of his own, and not by pushing out what was heard first; of all those give way of whose nodes there are most. */
static gboolean
make_room(Home *home, const char *node, GError **error)
{
    g_autoptr(TableQuery) of_node =
        query_of(home, "DELETE FROM heard WHERE node = ?1 AND id NOT IN (SELECT id FROM heard WHERE node = ?1 ORDER BY id DESC LIMIT " NODE_HALF ")"
                 " AND id NOT IN (SELECT id FROM heard WHERE node = ?1 ORDER BY id LIMIT " NODE_HALF ")", error);
    g_autoptr(TableQuery) of_all =
        of_node ? query_of(home, "DELETE FROM heard WHERE id NOT IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY node ORDER BY id) AS place FROM heard)"
                           " ORDER BY place, id DESC LIMIT " ALL_MAX ")", error) : NULL;

    if (!of_all)
        return FALSE;
    table_text(of_node, 1, node);
    return table_run(of_node, error) && table_run(of_all, error);
}

gboolean
heard_keep(Home *home, const char *node, const char *note, const Checkpoint *checkpoint, gboolean settled, GError **error)
{
    static const char sql[] = "INSERT INTO heard (node, size, root, note, settled) VALUES (?1, ?2, ?3, ?4, ?5)"
                              " ON CONFLICT (node, size, root) DO UPDATE SET settled = ?5 WHERE settled <> ?5";
    g_autoptr(TableQuery) query = query_one(home, sql, node, checkpoint, error);

    if (!query)
        return FALSE;
    table_text(query, 4, note);
    table_integer(query, 5, settled ? 1 : 0);
    return table_run(query, error) && make_room(home, node, error);
}

gboolean
heard_forget(Home *home, const char *node, const Checkpoint *checkpoint, GError **error)
{
    g_autoptr(TableQuery) query = query_one(home, "DELETE FROM heard WHERE node = ?1 AND size = ?2 AND root = ?3", node, checkpoint, error);

    return query && table_run(query, error);
}

static void
heard_free(gpointer data)
{
    Heard *heard = data;

    g_free(heard->node);
    g_free(heard->note);
    g_free(heard);
}

GPtrArray *
heard_open(Home *home, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(heard_free);
    g_autoptr(TableQuery) query = query_of(home, "SELECT node, note FROM heard WHERE settled = 0 ORDER BY id", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    while (table_row(query, &local)) {
        Heard *heard = g_new0(Heard, 1);

        heard->node = table_column_text(query, 0);
        heard->note = table_column_text(query, 1);
        g_ptr_array_add(all, heard);
    }
    if (!local)
        return g_steal_pointer(&all);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}
