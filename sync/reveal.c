#include "sync/reveal.h"

#include "keys/error.h"
#include "sync/table.h"

static const char shown[] = "CREATE TABLE IF NOT EXISTS reveal (number INTEGER PRIMARY KEY, node TEXT NOT NULL, record BLOB NOT NULL, UNIQUE (node, record))";
static const char taken[] = "CREATE TABLE IF NOT EXISTS revealed (peer TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID";

static TableQuery *
ask(Home *home, const char *create, const char *sql, GError **error)
{
    State *state = home_state(home, error);

    return state ? table_query(state, create, sql, error) : NULL;
}

gboolean
reveal_add(Home *home, const char *node, const Digest *record, gboolean *added, GError **error)
{
    g_autoptr(TableQuery) query = ask(home, shown, "INSERT OR IGNORE INTO reveal (node, record) VALUES (?1, ?2)", error);

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    table_digest(query, 2, record);
    if (!table_run(query, error))
        return FALSE;
    *added = table_changes(home_state(home, NULL)) > 0;
    return TRUE;
}

static gboolean
read_row(TableQuery *query, Revelation *revelation, GError **error)
{
    revelation->number = (guint64)table_column_integer(query, 0);
    return table_column_digest(query, 1, &revelation->record) ||
           chama_error(error, CHAMA_ERROR_DAMAGED, "state.sqlite: what is revealed: want a digest, have something else");
}

GArray *
reveal_for(Home *home, const char *node, guint64 number, guint max, GError **error)
{
    g_autoptr(TableQuery) query = ask(home, shown, "SELECT number, record FROM reveal WHERE node = ?1 AND number >= ?2 ORDER BY number LIMIT ?3", error);
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Revelation));
    g_autoptr(GError) failed = NULL;
    Revelation revelation;

    if (!query)
        return NULL;
    table_text(query, 1, node);
    table_integer(query, 2, (gint64)MIN(number, G_MAXINT64));
    table_integer(query, 3, max);
    while (table_row(query, &failed) && read_row(query, &revelation, &failed))
        g_array_append_val(all, revelation);
    if (!failed)
        return g_steal_pointer(&all);
    g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

gboolean
reveal_next(Home *home, const char *peer, guint64 *number, GError **error)
{
    g_autoptr(TableQuery) query = ask(home, taken, "SELECT number FROM revealed WHERE peer = ?1", error);
    g_autoptr(GError) failed = NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    *number = table_row(query, &failed) ? (guint64)table_column_integer(query, 0) : 0;
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
reveal_note_next(Home *home, const char *peer, guint64 number, GError **error)
{
    g_autoptr(TableQuery) query =
        ask(home, taken, "INSERT INTO revealed (peer, number) VALUES (?1, ?2) ON CONFLICT (peer) DO UPDATE SET number = ?2", error);

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    table_integer(query, 2, (gint64)MIN(number, G_MAXINT64));
    return table_run(query, error);
}
