#include "sync/pull/quota.h"

#include "sync/table.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS quota (peer TEXT NOT NULL, node TEXT NOT NULL, relayed INTEGER NOT NULL, first INTEGER NOT NULL,"
                            " bytes INTEGER NOT NULL, PRIMARY KEY (peer, node)) WITHOUT ROWID";

gboolean
quota_used(Home *home, const char *peer, const char *node, QuotaUsed *used, GError **error)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM quota WHERE peer = ?1 AND relayed AND first),"
                              " (SELECT coalesce(sum(bytes), 0) FROM quota WHERE peer = ?1 AND relayed),"
                              " (SELECT coalesce(sum(bytes), 0) FROM quota WHERE node = ?2)";
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table, sql, error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    table_text(query, 2, node);
    if (!table_row(query, error))
        return FALSE;
    used->ledgers = (guint64)table_column_integer(query, 0);
    used->peer_bytes = (guint64)table_column_integer(query, 1);
    used->ledger_bytes = (guint64)table_column_integer(query, 2);
    return TRUE;
}

gboolean
quota_add(Home *home, const char *peer, const char *node, gboolean relayed, gboolean first, guint64 bytes, GError **error)
{
    static const char sql[] = "INSERT INTO quota (peer, node, relayed, first, bytes) VALUES (?1, ?2, ?3, ?4, ?5)"
                              " ON CONFLICT (peer, node) DO UPDATE SET relayed = ?3, first = max(first, ?4), bytes = bytes + ?5";
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table, sql, error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    table_text(query, 2, node);
    table_integer(query, 3, relayed ? 1 : 0);
    table_integer(query, 4, first ? 1 : 0);
    table_integer(query, 5, (gint64)bytes);
    return table_run(query, error);
}

GPtrArray *
quota_bringers(Home *home, const char *node, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table, "SELECT peer FROM quota WHERE node = ?1 ORDER BY first DESC, peer", error) : NULL;
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    GError *failed = NULL;

    if (!query)
        return NULL;
    table_text(query, 1, node);
    while (table_row(query, &failed))
        g_ptr_array_add(all, table_column_text(query, 0));
    if (!failed)
        return g_steal_pointer(&all);
    g_propagate_error(error, failed);
    return NULL;
}
