#include "sync/table.h"

#include <string.h>

struct TableQuery {
    State *state;
    sqlite3_stmt *statement;
};

TableQuery *
table_query(State *state, const char *create, const char *sql, GError **error)
{
    sqlite3 *database = state_database(state);
    sqlite3_stmt *statement = NULL;
    TableQuery *query;

    if (!state_make_table(state, create, error))
        return NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK) {
        state_error(state, error);
        return NULL;
    }
    query = g_new0(TableQuery, 1);
    query->state = state;
    query->statement = statement;
    return query;
}

void
table_query_free(TableQuery *query)
{
    if (!query)
        return;
    sqlite3_finalize(query->statement);
    g_free(query);
}

void
table_text(TableQuery *query, int index, const char *value)
{
    sqlite3_bind_text(query->statement, index, value, -1, SQLITE_STATIC);
}

void
table_digest(TableQuery *query, int index, const Digest *value)
{
    sqlite3_bind_blob(query->statement, index, value->bytes, DIGEST_SIZE, SQLITE_STATIC);
}

void
table_integer(TableQuery *query, int index, gint64 value)
{
    sqlite3_bind_int64(query->statement, index, value);
}

gboolean
table_row(TableQuery *query, GError **error)
{
    int status = sqlite3_step(query->statement);

    if (status == SQLITE_ROW)
        return TRUE;
    if (status != SQLITE_DONE)
        state_error(query->state, error);
    return FALSE;
}

gboolean
table_run(TableQuery *query, GError **error)
{
    int status;

    do
        status = sqlite3_step(query->statement);
    while (status == SQLITE_ROW);
    return status == SQLITE_DONE || state_error(query->state, error);
}

gint64
table_column_integer(TableQuery *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

char *
table_column_text(TableQuery *query, int column)
{
    return g_strdup((const char *)sqlite3_column_text(query->statement, column));
}

gboolean
table_column_digest(TableQuery *query, int column, Digest *digest)
{
    const void *bytes = sqlite3_column_blob(query->statement, column);

    if (!bytes || sqlite3_column_bytes(query->statement, column) != DIGEST_SIZE)
        return FALSE;
    memcpy(digest->bytes, bytes, DIGEST_SIZE);
    return TRUE;
}

int
table_changes(State *state)
{
    return sqlite3_changes(state_database(state));
}
