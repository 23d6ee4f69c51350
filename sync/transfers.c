#include "sync/transfers.h"

#include <string.h>

#include "keys/error.h"
#include "sync/table.h"

static const char served[] = "CREATE TABLE IF NOT EXISTS served (manifest BLOB NOT NULL, node TEXT NOT NULL, grant_record BLOB NOT NULL, time INTEGER NOT NULL,"
                             " PRIMARY KEY (manifest, node)) WITHOUT ROWID";
static const char delivering[] = "CREATE TABLE IF NOT EXISTS delivering (transfer TEXT NOT NULL, manifest BLOB NOT NULL, node TEXT NOT NULL, grant_record BLOB NOT NULL,"
                                 " time INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (transfer, node)) WITHOUT ROWID";
static const char arrived[] = "CREATE TABLE IF NOT EXISTS arrived (transfer TEXT NOT NULL, manifest BLOB NOT NULL, node TEXT NOT NULL, grant_record BLOB NOT NULL,"
                              " time INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (transfer, node)) WITHOUT ROWID";

static const struct {
    const char *create, *select, *set, *forget;
} tables[] = {
    [TRANSFERS_SERVED] = { served, "SELECT '', manifest, node, grant_record, time, zeroblob(32) FROM served ORDER BY time, manifest, node LIMIT ?1", NULL, NULL },
    [TRANSFERS_DELIVERING] = { delivering, "SELECT transfer, manifest, node, grant_record, time, record FROM delivering ORDER BY time, transfer LIMIT ?1",
                               "UPDATE delivering SET record = ?3 WHERE transfer = ?1 AND node = ?2", "DELETE FROM delivering WHERE transfer = ?1 AND node = ?2" },
    [TRANSFERS_ARRIVED] = { arrived, "SELECT transfer, manifest, node, grant_record, time, record FROM arrived ORDER BY time, transfer LIMIT ?1",
                            "UPDATE arrived SET record = ?3 WHERE transfer = ?1 AND node = ?2", "DELETE FROM arrived WHERE transfer = ?1 AND node = ?2" },
};

static gint64
now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* One statement may speak of two of them. */
static TableQuery *
ask(Home *home, const char *create, const char *sql, GError **error)
{
    State *state = home_state(home, error);

    return state && state_make_table(state, served, error) && state_make_table(state, delivering, error) ? table_query(state, create, sql, error) : NULL;
}

/* The table keeps one row a version and receiver; the first of several requests makes it, so most only look. */
static gboolean
is_served(Home *home, const Digest *manifest, const char *receiver, gboolean *yes, GError **error)
{
    g_autoptr(TableQuery) query = ask(home, served, "SELECT 1 FROM served WHERE manifest = ?1 AND node = ?2", error);
    g_autoptr(GError) failed = NULL;

    if (!query)
        return FALSE;
    table_digest(query, 1, manifest);
    table_text(query, 2, receiver);
    *yes = table_row(query, &failed);
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return *yes || !error || !*error;
}

gboolean
transfers_note_served(Home *home, const Digest *manifest, const char *receiver, const Digest *grant, GError **error)
{
    g_autoptr(TableQuery) query = NULL;
    gboolean noted;

    if (!is_served(home, manifest, receiver, &noted, error))
        return FALSE;
    if (noted)
        return TRUE;
    query = ask(home, served, "INSERT OR IGNORE INTO served (manifest, node, grant_record, time) VALUES (?1, ?2, ?3, ?4)", error);
    if (!query)
        return FALSE;
    table_digest(query, 1, manifest);
    table_text(query, 2, receiver);
    table_digest(query, 3, grant);
    table_integer(query, 4, now());
    return table_run(query, error);
}

/* Moves the row of what was served, if there is one, under the transfer's name. */
static gboolean
move_served(Home *home, const char *receiver, const Digest *manifest, const TransferId *id, gboolean *moved, GError **error)
{
    g_autoptr(TableQuery) insert = ask(home, delivering,
                                       "INSERT OR IGNORE INTO delivering (transfer, manifest, node, grant_record, time, record)"
                                       " SELECT ?3, manifest, node, grant_record, time, zeroblob(32) FROM served WHERE manifest = ?1 AND node = ?2",
                                       error);
    g_autoptr(TableQuery) take = insert ? ask(home, served, "DELETE FROM served WHERE manifest = ?1 AND node = ?2", error) : NULL;

    if (!take)
        return FALSE;
    table_digest(insert, 1, manifest);
    table_text(insert, 2, receiver);
    table_text(insert, 3, id->text);
    if (!table_run(insert, error))
        return FALSE;
    *moved = table_changes(home_state(home, NULL)) > 0;
    table_digest(take, 1, manifest);
    table_text(take, 2, receiver);
    return !*moved || table_run(take, error);
}

static gboolean
is_delivering(Home *home, const char *receiver, const Digest *manifest, const TransferId *id, gboolean *yes, GError **error)
{
    g_autoptr(TableQuery) query = ask(home, delivering, "SELECT 1 FROM delivering WHERE transfer = ?1 AND node = ?2 AND manifest = ?3", error);
    g_autoptr(GError) failed = NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, id->text);
    table_text(query, 2, receiver);
    table_digest(query, 3, manifest);
    *yes = table_row(query, &failed);
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return *yes || !error || !*error;
}

gboolean
transfers_confirm(Home *home, const char *receiver, const Digest *manifest, const TransferId *id, gboolean *known, GError **error)
{
    return is_delivering(home, receiver, manifest, id, known, error) && (*known || move_served(home, receiver, manifest, id, known, error));
}

gboolean
transfers_add_arrived(State *state, const TransferRow *row, GError **error)
{
    static const Digest none;
    g_autoptr(TableQuery) query =
        table_query(state, arrived, "INSERT INTO arrived (transfer, manifest, node, grant_record, time, record) VALUES (?1, ?2, ?3, ?4, ?5, ?4)", error);

    if (!query)
        return FALSE;
    table_text(query, 1, row->id.text);
    table_digest(query, 2, &row->manifest);
    table_text(query, 3, row->node);
    table_digest(query, 4, &none);
    table_integer(query, 5, row->time);
    return table_run(query, error);
}

static gboolean
read_row(TableQuery *query, TransferRow *row, GError **error)
{
    g_autofree char *id = table_column_text(query, 0), *node = table_column_text(query, 2);

    *row = (TransferRow){ .time = table_column_integer(query, 4) };
    if ((*id && !transfer_id_parse(id, &row->id, NULL)) || !node_id_valid(node) || !table_column_digest(query, 1, &row->manifest) ||
        !table_column_digest(query, 3, &row->grant) || !table_column_digest(query, 5, &row->record))
        return chama_error(error, CHAMA_ERROR_DAMAGED, "state.sqlite: a row of a transfer holds something else");
    g_strlcpy(row->node, node, sizeof row->node);
    return TRUE;
}

GArray *
transfers_all(Home *home, TransferKind kind, guint max, GError **error)
{
    g_autoptr(TableQuery) query = ask(home, tables[kind].create, tables[kind].select, error);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(TransferRow));
    g_autoptr(GError) failed = NULL;
    TransferRow row;

    if (!query)
        return NULL;
    table_integer(query, 1, max);
    while (table_row(query, &failed) && read_row(query, &row, &failed))
        g_array_append_val(rows, row);
    if (!failed)
        return g_steal_pointer(&rows);
    g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

static gboolean
change_row(Home *home, const char *create, const char *sql, const TransferRow *row, gboolean set, GError **error)
{
    g_autoptr(TableQuery) query = ask(home, create, sql, error);

    if (!query)
        return FALSE;
    table_text(query, 1, row->id.text);
    table_text(query, 2, row->node);
    if (set)
        table_digest(query, 3, &row->record);
    return table_run(query, error);
}

static gboolean
change_all(Home *home, const char *create, const char *sql, const GArray *rows, gboolean set, GError **error)
{
    State *state = home_state(home, error);

    if (!state || rows->len == 0)
        return state != NULL;
    if (!state_begin(state, error))
        return FALSE;
    for (guint i = 0; i < rows->len; i++)
        if (!change_row(home, create, sql, &g_array_index(rows, TransferRow, i), set, error)) {
            state_rollback(state);
            return FALSE;
        }
    if (state_commit(state, error))
        return TRUE;
    state_rollback(state);
    return FALSE;
}

gboolean
transfers_set_records(Home *home, TransferKind kind, const GArray *rows, GError **error)
{
    return change_all(home, tables[kind].create, tables[kind].set, rows, TRUE, error);
}

gboolean
transfers_forget(Home *home, TransferKind kind, const GArray *rows, GError **error)
{
    return change_all(home, tables[kind].create, tables[kind].forget, rows, FALSE, error);
}
