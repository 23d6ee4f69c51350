#include "sync/pull/refusals.h"

#include "sync/table.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS refusal (peer TEXT NOT NULL, manifest BLOB NOT NULL, node TEXT NOT NULL, time INTEGER NOT NULL,"
                            " PRIMARY KEY (peer, manifest)) WITHOUT ROWID";

static gint64
now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

gboolean
refusals_note(Home *home, const char *peer, const Manifest *manifest, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query =
        state ? table_query(state, table, "INSERT OR REPLACE INTO refusal (peer, manifest, node, time) VALUES (?1, ?2, ?3, ?4)", error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    table_digest(query, 2, &manifest->address);
    table_text(query, 3, manifest->node);
    table_integer(query, 4, now());
    return table_run(query, error);
}

/* A time to come is a clock that was set back: that must not silence a version for years. */
gboolean
refusals_recent(Home *home, const char *peer, const Digest *manifest, guint seconds)
{
    State *state = home_state(home, NULL);
    g_autoptr(TableQuery) query =
        state ? table_query(state, table, "SELECT 1 FROM refusal WHERE peer = ?1 AND manifest = ?2 AND time > ?3 AND time <= ?4", NULL) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    table_digest(query, 2, manifest);
    table_integer(query, 3, now() - seconds);
    table_integer(query, 4, now());
    return table_row(query, NULL);
}

gboolean
refusals_forget(Home *home, const char *node, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table, "DELETE FROM refusal WHERE node = ?1 OR peer = ?1", error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    return table_run(query, error);
}
