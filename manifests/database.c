#include "manifests/database.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"

#define BUSY_MILLISECONDS 10000

struct Database {
    sqlite3 *handle;
    const char *subject;
    GHashTable *queries; /* SQL -> sqlite3_stmt */
    gboolean damaged;
};

sqlite3 *
database_handle(Database *database)
{
    return database->handle;
}

static ChamaError
code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return CHAMA_ERROR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return CHAMA_ERROR_DAMAGED;
    default:
        return CHAMA_ERROR_FAILED;
    }
}

gboolean
database_error(Database *database, GError **error)
{
    int result = sqlite3_errcode(database->handle);
    ChamaError code = code_of(result);

    /* Also its index of the log, without which it cannot even read, needs room. */
    if ((result & 0xff) == SQLITE_IOERR && sqlite3_system_errno(database->handle) == ENOSPC)
        return chama_error_errno(error, ENOSPC, "%s", database->subject);
    database->damaged = database->damaged || code == CHAMA_ERROR_DAMAGED;
    return chama_error(error, code, "%s: %s", database->subject, sqlite3_errmsg(database->handle));
}

gboolean
database_damaged(const Database *database)
{
    return database->damaged;
}

void
database_set_damaged(Database *database)
{
    database->damaged = TRUE;
}

static void
finalize(gpointer query)
{
    sqlite3_finalize(query);
}

static gboolean
execute(Database *database, const char *sql, GError **error)
{
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK || database_error(database, error);
}

gboolean
database_begin(Database *database, GError **error)
{
    return execute(database, "BEGIN IMMEDIATE", error);
}

gboolean
database_commit(Database *database, GError **error)
{
    return execute(database, "COMMIT", error);
}

/* Some errors have rolled back already; then there is nothing to do. */
void
database_rollback(Database *database)
{
    if (!sqlite3_get_autocommit(database->handle))
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
}

static gboolean
read_version(Database *database, int *version, GError **error)
{
    g_autoptr(Query) query = database_query(database, "PRAGMA user_version", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    if (!database_row(database, query, &local)) {
        if (local)
            g_propagate_error(error, g_steal_pointer(&local));
        else
            chama_error(error, CHAMA_ERROR_DAMAGED, "%s: no schema version", database->subject);
        return FALSE;
    }
    *version = sqlite3_column_int(query, 0);
    return TRUE;
}

/* Two processes may both find the file empty: who gets the lock second finds the tables. */
static gboolean
make_tables(Database *database, const Schema *schema, GError **error)
{
    g_autofree char *pragma = g_strdup_printf("PRAGMA user_version = %d", schema->version);
    int version;

    if (!database_begin(database, error))
        return FALSE;
    if (read_version(database, &version, error) &&
        (version != 0 || (execute(database, schema->sql, error) && execute(database, pragma, error))) && database_commit(database, error))
        return TRUE;
    database_rollback(database);
    return FALSE;
}

static gboolean
check_schema(Database *database, const Schema *schema, GError **error)
{
    int version;

    if (!read_version(database, &version, error))
        return FALSE;
    if (version == 0 && (!make_tables(database, schema, error) || !read_version(database, &version, error)))
        return FALSE;
    if (version != schema->version)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: want schema version %d, have %d", schema->subject, schema->version, version);
    return TRUE;
}

/* SQLite would make the file readable by all; and a file whose name is not durable may vanish with what was committed to it. */
static gboolean
make_file(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == EEXIST || chama_error_errno(error, errno, "%s", path);
    close(fd);
    return durable_fsync_folder(folder, error);
}

/* SQLite waits for nobody where several connections turn the same new file to WAL: one of them is told at once that it is locked. */
static gboolean
turn_to_wal(Database *database, GError **error)
{
    gint64 until = g_get_monotonic_time() + BUSY_MILLISECONDS * 1000;
    int result;

    while (((result = sqlite3_exec(database->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) & 0xff) == SQLITE_BUSY && g_get_monotonic_time() < until)
        g_usleep(5000);
    return result == SQLITE_OK || database_error(database, error);
}

static gboolean
set_pragmas(Database *database, const Schema *schema, GError **error)
{
    g_autofree char *synchronous = g_strdup_printf("PRAGMA synchronous = %s", schema->synchronous);
    g_autofree char *cache = g_strdup_printf("PRAGMA cache_size = -%d", schema->cache_kib);

    sqlite3_busy_timeout(database->handle, BUSY_MILLISECONDS);
    sqlite3_extended_result_codes(database->handle, 1);
    return turn_to_wal(database, error) && execute(database, synchronous, error) &&
           execute(database, "PRAGMA foreign_keys = ON", error) && (schema->cache_kib == 0 || execute(database, cache, error));
}

Database *
database_open(const char *path, const Schema *schema, GError **error)
{
    g_autoptr(Database) database = g_new0(Database, 1);

    database->subject = schema->subject;
    database->queries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, finalize);
    if (!make_file(path, error))
        return NULL;
    if (sqlite3_open_v2(path, &database->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        chama_error(error, CHAMA_ERROR_FAILED, "%s: %s", path, sqlite3_errmsg(database->handle));
        return NULL;
    }
    if (!set_pragmas(database, schema, error) || !check_schema(database, schema, error))
        return NULL;
    return g_steal_pointer(&database);
}

void
database_close(Database *database)
{
    if (!database)
        return;
    g_hash_table_unref(database->queries);
    sqlite3_close(database->handle);
    g_free(database);
}

Query *
database_query(Database *database, const char *sql, GError **error)
{
    Query *query = g_hash_table_lookup(database->queries, sql);

    if (query)
        return query;
    if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &query, NULL) != SQLITE_OK) {
        database_error(database, error);
        return NULL;
    }
    g_hash_table_insert(database->queries, g_strdup(sql), query);
    return query;
}

void
query_end(Query *query)
{
    sqlite3_reset(query);
    sqlite3_clear_bindings(query);
}

void
query_integer(Query *query, int index, gint64 value)
{
    sqlite3_bind_int64(query, index, value);
}

void
query_text(Query *query, int index, const char *value)
{
    sqlite3_bind_text(query, index, value, -1, SQLITE_STATIC);
}

/* A length of 0 with a NULL pointer would bind NULL. */
void
query_bytes(Query *query, int index, GBytes *value)
{
    gsize size;
    const void *data = g_bytes_get_data(value, &size);

    sqlite3_bind_blob64(query, index, data ? data : "", size, SQLITE_STATIC);
}

void
query_digest(Query *query, int index, const Digest *value)
{
    sqlite3_bind_blob(query, index, value->bytes, DIGEST_SIZE, SQLITE_STATIC);
}

gboolean
database_row(Database *database, Query *query, GError **error)
{
    int result = sqlite3_step(query);

    if (result != SQLITE_ROW && result != SQLITE_DONE)
        database_error(database, error);
    return result == SQLITE_ROW;
}

gboolean
database_run(Database *database, Query *query, GError **error)
{
    int result = sqlite3_step(query);

    return result == SQLITE_DONE || database_error(database, error);
}

gboolean
database_digest(Database *database, Query *query, int column, Digest *digest, GError **error)
{
    const void *blob = sqlite3_column_blob(query, column);

    if (!blob || sqlite3_column_bytes(query, column) != DIGEST_SIZE)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: want a digest of %d bytes, have something else", database->subject, DIGEST_SIZE);
    memcpy(digest->bytes, blob, DIGEST_SIZE);
    return TRUE;
}

GBytes *
query_column_bytes(Query *query, int column)
{
    const void *blob = sqlite3_column_blob(query, column);

    return g_bytes_new(blob, (gsize)sqlite3_column_bytes(query, column));
}

char *
query_column_text(Query *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query, column);

    return g_strdup(text ? text : "");
}
