#include "sync/audit/verified.h"

#include "keys/error.h"
#include "sync/table.h"

static const char create[] = "CREATE TABLE IF NOT EXISTS verified (node TEXT PRIMARY KEY, rules INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,"
                             " commits BLOB NOT NULL) WITHOUT ROWID";

gboolean
verified_get(Home *home, const char *node, LedgerVerified *verified, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, create, "SELECT size, root, commits FROM verified WHERE node = ? AND rules = ?", error) : NULL;
    g_autoptr(GError) local = NULL;
    LedgerVerified read = { 0 };

    *verified = read;
    if (!query)
        return FALSE;
    table_text(query, 1, node);
    table_integer(query, 2, VERIFIED_RULES);
    if (table_row(query, &local)) {
        read.size = (guint64)table_column_integer(query, 0);
        if (!table_column_digest(query, 1, &read.root) || !table_column_digest(query, 2, &read.commits))
            return chama_error(error, CHAMA_ERROR_DAMAGED, "state.sqlite: what was verified of %s cannot be read", node);
        *verified = read;
    }
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

gboolean
verified_set(Home *home, const char *node, const LedgerVerified *verified, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query =
        state ? table_query(state, create, "INSERT OR REPLACE INTO verified (node, rules, size, root, commits) VALUES (?, ?, ?, ?, ?)", error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    table_integer(query, 2, VERIFIED_RULES);
    table_integer(query, 3, (gint64)verified->size);
    table_digest(query, 4, &verified->root);
    table_digest(query, 5, &verified->commits);
    return table_run(query, error);
}
