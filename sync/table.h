/*
 * table: statements on sync's own tables in state.sqlite.  Each noun (follow, peers, ...) makes its table when it first asks for it.
 */
#ifndef CHAMA_SYNC_TABLE_H
#define CHAMA_SYNC_TABLE_H

#include "manifests/state.h"

typedef struct TableQuery TableQuery;

/* Prepares @sql after @create ("CREATE TABLE IF NOT EXISTS ..."). */
TableQuery *table_query(State *state, const char *create, const char *sql, GError **error);
void table_query_free(TableQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableQuery, table_query_free)

/* Parameters, from 1; what is given must outlive the query. */
void table_text(TableQuery *query, int index, const char *value);
void table_digest(TableQuery *query, int index, const Digest *value);
void table_integer(TableQuery *query, int index, gint64 value);

/* The next row: FALSE without an error after the last.  table_run(): to the end. */
gboolean table_row(TableQuery *query, GError **error);
gboolean table_run(TableQuery *query, GError **error);

/* Columns of the row, from 0. */
gint64 table_column_integer(TableQuery *query, int column);
char *table_column_text(TableQuery *query, int column);
/* FALSE if what stands there is no digest. */
gboolean table_column_digest(TableQuery *query, int column, Digest *digest);

/* Rows that the last table_run() on this state changed. */
int table_changes(State *state);

#endif
