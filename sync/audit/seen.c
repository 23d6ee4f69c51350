#include "sync/audit/seen.h"

#include "keys/error.h"
#include "sync/table.h"

static const char create[] = "CREATE TABLE IF NOT EXISTS seen (node TEXT PRIMARY KEY, note TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,"
                             " time INTEGER NOT NULL, verified INTEGER NOT NULL, head BLOB NOT NULL) WITHOUT ROWID";

void
seen_clear(Seen *seen)
{
    g_clear_pointer(&seen->note, g_free);
}

static gboolean
read_row(TableQuery *query, const char *node, Seen *seen, GError **error)
{
    seen->size = (guint64)table_column_integer(query, 1);
    seen->time = table_column_integer(query, 3);
    seen->verified = (guint64)table_column_integer(query, 4);
    if (!table_column_digest(query, 2, &seen->root) || !table_column_digest(query, 5, &seen->head) || seen->verified > seen->size)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "state.sqlite: what was seen of %s cannot be read", node);
    seen->note = table_column_text(query, 0);
    return TRUE;
}

gboolean
seen_get(Home *home, const char *node, Seen *seen, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, create, "SELECT note, size, root, time, verified, head FROM seen WHERE node = ?", error) : NULL;
    g_autoptr(GError) local = NULL;

    *seen = (Seen){ 0 };
    if (!query)
        return FALSE;
    table_text(query, 1, node);
    if (table_row(query, &local))
        return read_row(query, node, seen, error);
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

gboolean
seen_set(Home *home, const char *node, const Seen *seen, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query =
        state ? table_query(state, create, "INSERT OR REPLACE INTO seen (node, note, size, root, time, verified, head) VALUES (?, ?, ?, ?, ?, ?, ?)", error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    table_text(query, 2, seen->note);
    table_integer(query, 3, (gint64)seen->size);
    table_digest(query, 4, &seen->root);
    table_integer(query, 5, seen->time);
    table_integer(query, 6, (gint64)seen->verified);
    table_digest(query, 7, &seen->head);
    return table_run(query, error);
}
