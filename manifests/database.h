/*
 * database: an SQLite file as this program opens it: WAL, a busy timeout of ten seconds, the schema's version in user_version, prepared
 * statements kept for the next time.  For state and catalogue.
 *
 * A Database belongs to one thread; other threads and processes open their own.
 */
#ifndef CHAMA_MANIFESTS_DATABASE_H
#define CHAMA_MANIFESTS_DATABASE_H

#include <sqlite3.h>

#include "keys/digest.h"

typedef struct Database Database;

typedef struct {
    const char *subject;      /* in errors: "state.sqlite" */
    int version;              /* > 0 */
    const char *sql;          /* makes the tables of this version in an empty file */
    const char *synchronous;  /* "FULL", "NORMAL" */
    int cache_kib;            /* at most this much memory for pages; 0: as SQLite has it */
} Schema;

/* Opens or makes @path (mode 0600).  UNSUPPORTED if its schema is of another version, DAMAGED if SQLite says that it is no database or corrupt. */
Database *database_open(const char *path, const Schema *schema, GError **error);
void database_close(Database *database);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Database, database_close)
sqlite3 *database_handle(Database *database);

/* Sets @error from the last error of SQLite: NO_SPACE, DAMAGED or FAILED. */
gboolean database_error(Database *database, GError **error);
/* TRUE once SQLite has called the file damaged. */
gboolean database_damaged(const Database *database);
/* The same where it is not SQLite that noticed. */
void database_set_damaged(Database *database);

/* A prepared statement, without values.  Borrowed from the database by g_autoptr(Query), which ends it; not to be asked for again before. */
typedef struct sqlite3_stmt Query;
Query *database_query(Database *database, const char *sql, GError **error);
void query_end(Query *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Query, query_end)

/* Values of parameters, from 1.  Text and bytes are borrowed until the query ends; NULL text binds NULL. */
void query_integer(Query *query, int index, gint64 value);
void query_text(Query *query, int index, const char *value);
void query_bytes(Query *query, int index, GBytes *value);
void query_digest(Query *query, int index, const Digest *value);

/* The next row: FALSE without an error after the last one. */
gboolean database_row(Database *database, Query *query, GError **error);
/* To the end, for statements that give no rows. */
gboolean database_run(Database *database, Query *query, GError **error);

/* Columns of a row, from 0.  DAMAGED unless it holds exactly a digest. */
gboolean database_digest(Database *database, Query *query, int column, Digest *digest, GError **error);
/* The caller's. */
GBytes *query_column_bytes(Query *query, int column);
char *query_column_text(Query *query, int column);

/* A transaction that writes, or one that sees one state in several reads; rolled back unless committed. */
gboolean database_begin(Database *database, GError **error);
gboolean database_commit(Database *database, GError **error);
void database_rollback(Database *database);

#endif
