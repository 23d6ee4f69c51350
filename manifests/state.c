#include "manifests/state.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/evidence.h"
#include "manifests/tally.h"

/* I6: a peer that forks its ledger again and again must neither fill the disk nor crowd out what is known about others. */
#define EVIDENCE_ROWS_MAX 1000
#define EVIDENCE_NODE_MAX 100
#define EVIDENCE_BYTES_MAX (64 * 1024 * 1024)
#define EVIDENCE_SETTLED_MAX 10

struct State {
    Database *database;
    GHashTable *made; /* statements by which others made their tables: borrowed */
};

static const Schema schema = {
    .subject = "state.sqlite",
    .version = 1,
    .synchronous = "FULL",
    .sql = "CREATE TABLE held (manifest BLOB PRIMARY KEY, listing BLOB NOT NULL, details BLOB NOT NULL, content BLOB NOT NULL,"
           "                   complete INTEGER NOT NULL);"
           "CREATE TABLE checkout (folder BLOB PRIMARY KEY, manifest BLOB NOT NULL);"
           /* Older homes get it when it is first asked for (erasing.c): three fsyncs in the first command that publishes what did not change. */
           "CREATE TABLE erasing (manifest BLOB PRIMARY KEY, done INTEGER NOT NULL) WITHOUT ROWID;"
           "CREATE TABLE evidence (id INTEGER PRIMARY KEY, node TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, time INTEGER NOT NULL,"
           "                       UNIQUE (node, kind, text));",
};

State *
state_open(const char *path, GError **error)
{
    Database *database = database_open(path, &schema, error);
    State *state;

    if (!database)
        return NULL;
    state = g_new0(State, 1);
    state->database = database;
    state->made = g_hash_table_new(g_direct_hash, g_direct_equal);
    if (tally_begin(database_handle(database)) == SQLITE_OK)
        return state;
    state_error(state, error);
    state_close(state);
    return NULL;
}

void
state_close(State *state)
{
    if (!state)
        return;
    g_hash_table_unref(state->made);
    database_close(state->database);
    g_free(state);
}

sqlite3 *
state_database(State *state)
{
    return database_handle(state->database);
}

Database *
state_file(State *state)
{
    return state->database;
}

gboolean
state_error(State *state, GError **error)
{
    return database_error(state->database, error);
}

gboolean
state_make_table(State *state, const char *create, GError **error)
{
    sqlite3 *database = database_handle(state->database);

    if (g_hash_table_contains(state->made, create))
        return TRUE;
    if (sqlite3_exec(database, create, NULL, NULL, NULL) != SQLITE_OK || tally_watch(database) != SQLITE_OK)
        return database_error(state->database, error);
    /* In a transaction it may yet be undone. */
    if (sqlite3_get_autocommit(database))
        g_hash_table_add(state->made, (gpointer)create);
    return TRUE;
}

gboolean
state_check(State *state, void (*report)(gpointer data, const char *table), gpointer data, GError **error)
{
    return tally_check(database_handle(state->database), report, data) == SQLITE_OK || database_error(state->database, error);
}

gboolean
state_hold(State *state, const Held *held, GError **error)
{
    g_autoptr(Query) query = database_query(state->database,
                                            "INSERT INTO held (manifest, listing, details, content, complete) VALUES (?1, ?2, ?3, ?4, ?5)"
                                            " ON CONFLICT (manifest) DO UPDATE SET listing = ?2, details = ?3, content = ?4, complete = ?5",
                                            error);
    if (!query)
        return FALSE;
    query_digest(query, 1, &held->manifest);
    query_digest(query, 2, &held->listing);
    query_digest(query, 3, &held->details);
    query_digest(query, 4, &held->content);
    query_integer(query, 5, !held->complete ? 0 : held->published ? 2 : 1);
    return database_run(state->database, query, error);
}

gboolean
state_begin(State *state, GError **error)
{
    return database_begin(state->database, error);
}

gboolean
state_commit(State *state, GError **error)
{
    return database_commit(state->database, error);
}

void
state_rollback(State *state)
{
    database_rollback(state->database);
}

gboolean
state_drop(State *state, const Digest *manifest, GError **error)
{
    g_autoptr(Query) query = database_query(state->database, "DELETE FROM held WHERE manifest = ?1", error);

    if (!query)
        return FALSE;
    query_digest(query, 1, manifest);
    return database_run(state->database, query, error);
}

static gboolean
read_held(State *state, Query *query, Held *held, GError **error)
{
    Held read = { .complete = sqlite3_column_int(query, 4) != 0, .published = sqlite3_column_int(query, 4) == 2 };

    if (!database_digest(state->database, query, 0, &read.manifest, error) || !database_digest(state->database, query, 1, &read.listing, error) ||
        !database_digest(state->database, query, 2, &read.details, error) || !database_digest(state->database, query, 3, &read.content, error))
        return FALSE;
    *held = read;
    return TRUE;
}

gboolean
state_held(State *state, const Digest *manifest, Held *held, GError **error)
{
    g_autoptr(Query) query =
        database_query(state->database, "SELECT manifest, listing, details, content, complete FROM held WHERE manifest = ?1", error);

    if (!query)
        return FALSE;
    query_digest(query, 1, manifest);
    return database_row(state->database, query, error) && read_held(state, query, held, error);
}

GArray *
state_all_held(State *state, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Held));
    g_autoptr(Query) query =
        database_query(state->database, "SELECT manifest, listing, details, content, complete FROM held ORDER BY manifest", error);
    g_autoptr(GError) local = NULL;
    Held held;

    if (!query)
        return NULL;
    while (database_row(state->database, query, &local) && read_held(state, query, &held, &local))
        g_array_append_val(all, held);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&all);
}

/* Folders are kept as bytes: a path need not be UTF-8. */
static void
query_folder(Query *query, int index, const char *folder)
{
    sqlite3_bind_blob64(query, index, folder, strlen(folder), SQLITE_STATIC);
}

gboolean
state_checkout_set(State *state, const char *folder, const Digest *manifest, GError **error)
{
    g_autoptr(Query) query = database_query(state->database,
                                            "INSERT INTO checkout (folder, manifest) VALUES (?1, ?2)"
                                            " ON CONFLICT (folder) DO UPDATE SET manifest = ?2",
                                            error);
    if (!query)
        return FALSE;
    query_folder(query, 1, folder);
    query_digest(query, 2, manifest);
    return database_run(state->database, query, error);
}

gboolean
state_checkout_get(State *state, const char *folder, Digest *manifest, GError **error)
{
    g_autoptr(Query) query = database_query(state->database, "SELECT manifest FROM checkout WHERE folder = ?1", error);

    if (!query)
        return FALSE;
    query_folder(query, 1, folder);
    return database_row(state->database, query, error) && database_digest(state->database, query, 0, manifest, error);
}

/* The bound is kept by the statement itself, so that several processes cannot pass it together. */
gboolean
state_add_evidence(State *state, const char *node, const char *kind, const char *text, gint64 time, GError **error)
{
    g_autoptr(Query) query = NULL;

    if (strlen(text) > EVIDENCE_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "evidence: want at most %d bytes, have %" G_GSIZE_FORMAT, EVIDENCE_SIZE_MAX, strlen(text));
    query = database_query(state->database,
                           "INSERT OR IGNORE INTO evidence (node, kind, text, time) SELECT ?1, ?2, ?3, ?4"
                           " WHERE (SELECT count(*) FROM evidence) < ?5 AND (SELECT count(*) FROM evidence WHERE node = ?1) < ?6"
                           " AND (SELECT coalesce(sum(length(CAST(text AS BLOB))), 0) FROM evidence) <= ?7",
                           error);
    if (!query)
        return FALSE;
    query_text(query, 1, node);
    query_text(query, 2, kind);
    query_text(query, 3, text);
    query_integer(query, 4, time);
    query_integer(query, 5, EVIDENCE_ROWS_MAX);
    query_integer(query, 6, EVIDENCE_NODE_MAX);
    query_integer(query, 7, EVIDENCE_BYTES_MAX - (gint64)strlen(text));
    return database_run(state->database, query, error);
}

static gboolean
forget_settled(State *state, const Evidence *evidence, const char *settled, GError **error)
{
    g_autoptr(Query) query = database_query(state->database,
                                            "DELETE FROM evidence WHERE node = ?1 AND kind = ?2 AND id NOT IN"
                                            " (SELECT id FROM evidence WHERE node = ?1 AND kind = ?2 ORDER BY id LIMIT ?3)",
                                            error);

    if (!query)
        return FALSE;
    query_text(query, 1, evidence->node);
    query_text(query, 2, settled);
    query_integer(query, 3, EVIDENCE_SETTLED_MAX);
    return database_run(state->database, query, error);
}

gboolean
state_settle_evidence(State *state, const Evidence *evidence, const char *settled, GError **error)
{
    g_autoptr(Query) query =
        database_query(state->database, "UPDATE OR REPLACE evidence SET kind = ?3 WHERE node = ?1 AND kind = ?2 AND text = ?4", error);

    if (!query)
        return FALSE;
    query_text(query, 1, evidence->node);
    query_text(query, 2, evidence->kind);
    query_text(query, 3, settled);
    query_text(query, 4, evidence->text);
    return database_run(state->database, query, error) && forget_settled(state, evidence, settled, error);
}

void
evidence_free(Evidence *evidence)
{
    if (!evidence)
        return;
    g_free(evidence->node);
    g_free(evidence->kind);
    g_free(evidence->text);
    g_free(evidence);
}

static GPtrArray *
read_evidence(State *state, const char *sql, const char *node, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)evidence_free);
    g_autoptr(Query) query = database_query(state->database, sql, error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    if (node)
        query_text(query, 1, node);
    while (database_row(state->database, query, &local)) {
        Evidence *evidence = g_new0(Evidence, 1);

        evidence->node = query_column_text(query, 0);
        evidence->kind = query_column_text(query, 1);
        evidence->text = query_column_text(query, 2);
        evidence->time = sqlite3_column_int64(query, 3);
        g_ptr_array_add(all, evidence);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&all);
}

GPtrArray *
state_evidence(State *state, GError **error)
{
    return read_evidence(state, "SELECT node, kind, text, time FROM evidence ORDER BY id", NULL, error);
}

GPtrArray *
state_evidence_of(State *state, const char *node, GError **error)
{
    return read_evidence(state, "SELECT node, kind, text, time FROM evidence WHERE node = ?1 ORDER BY id", node, error);
}
