#include "manifests/tally.h"

#include <string.h>

/* Compiled in: the state on the stack must be the one that this header knows. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Type, length and bytes of each value; numbers in SQLite's own spelling. */
static guint64
row_checksum(int count, sqlite3_value **values)
{
    XXH3_state_t state = { .seed = 0 };

    XXH3_64bits_reset(&state);
    for (int i = 0; i < count; i++) {
        int type = sqlite3_value_type(values[i]);
        const void *bytes = type == SQLITE_BLOB ? sqlite3_value_blob(values[i]) : (const void *)sqlite3_value_text(values[i]);
        guint64 head[2] = { GUINT64_TO_LE((guint64)type), GUINT64_TO_LE((guint64)sqlite3_value_bytes(values[i])) };

        XXH3_64bits_update(&state, head, sizeof head);
        if (bytes)
            XXH3_64bits_update(&state, bytes, (gsize)sqlite3_value_bytes(values[i]));
    }
    return XXH3_64bits_digest(&state);
}

/* tally_add(sum, column...), tally_take(sum, column...): SQL's own + would turn into a floating point number. */
static void
sql_add(sqlite3_context *context, int count, sqlite3_value **values)
{
    guint64 sum = (guint64)sqlite3_value_int64(values[0]);

    sqlite3_result_int64(context, (gint64)(sum + row_checksum(count - 1, values + 1)));
}

static void
sql_take(sqlite3_context *context, int count, sqlite3_value **values)
{
    guint64 sum = (guint64)sqlite3_value_int64(values[0]);

    sqlite3_result_int64(context, (gint64)(sum - row_checksum(count - 1, values + 1)));
}

/* tally_total(column...): the sum over all rows. */
static void
sql_total_step(sqlite3_context *context, int count, sqlite3_value **values)
{
    guint64 *sum = sqlite3_aggregate_context(context, sizeof *sum);

    if (sum)
        *sum += row_checksum(count, values);
}

static void
sql_total_end(sqlite3_context *context)
{
    guint64 *sum = sqlite3_aggregate_context(context, 0);

    sqlite3_result_int64(context, sum ? (gint64)*sum : 0);
}

static int
add_functions(sqlite3 *database)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int result = sqlite3_create_function(database, "tally_add", -1, flags, NULL, sql_add, NULL, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_create_function(database, "tally_take", -1, flags, NULL, sql_take, NULL, NULL);
    return result == SQLITE_OK ? sqlite3_create_function(database, "tally_total", -1, flags, NULL, NULL, sql_total_step, sql_total_end) : result;
}

/* The one text that @sql gives, or NULL; the caller's. */
static char *
one_text(sqlite3 *database, const char *sql, const char *table)
{
    sqlite3_stmt *query = NULL;
    char *text = NULL;

    if (sqlite3_prepare_v2(database, sql, -1, &query, NULL) == SQLITE_OK) {
        sqlite3_bind_text(query, 1, table, -1, SQLITE_STATIC);
        if (sqlite3_step(query) == SQLITE_ROW)
            text = g_strdup((const char *)sqlite3_column_text(query, 0));
    }
    sqlite3_finalize(query);
    return text;
}

/* "NEW.a, NEW.b" for @prefix "NEW." */
static char *
columns_of(sqlite3 *database, const char *table, const char *prefix)
{
    g_autofree char *sql = g_strdup_printf("SELECT group_concat('%s\"' || name || '\"', ', ') FROM pragma_table_info(?1)", prefix);

    return one_text(database, sql, table);
}

static int
execute(sqlite3 *database, char *sql)
{
    int result = sqlite3_exec(database, sql, NULL, NULL, NULL);

    g_free(sql);
    return result;
}

/* What a table made before there was a tally holds is taken as it is. */
static int
begin_sum(sqlite3 *database, const char *table)
{
    g_autofree char *known = one_text(database, "SELECT name FROM tally WHERE name = ?1", table);
    g_autofree char *columns = known ? NULL : columns_of(database, table, "");

    if (known || !columns)
        return known ? SQLITE_OK : sqlite3_errcode(database);
    return execute(database, g_strdup_printf("INSERT OR IGNORE INTO tally (name, sum) SELECT '%s', tally_total(%s) FROM \"%s\"", table, columns, table));
}

static int
watch_one(sqlite3 *database, const char *table)
{
    g_autofree char *before = columns_of(database, table, "OLD."), *after = columns_of(database, table, "NEW.");
    g_autofree char *add = g_strdup_printf("tally_add(sum, %s)", after), *take = g_strdup_printf("tally_take(sum, %s)", before);
    int result = begin_sum(database, table);

    if (result == SQLITE_OK)
        result = execute(database, g_strdup_printf(
            "CREATE TEMP TRIGGER IF NOT EXISTS \"tally_%s_in\" AFTER INSERT ON main.\"%s\" BEGIN UPDATE tally SET sum = %s WHERE name = '%s'; END;"
            "CREATE TEMP TRIGGER IF NOT EXISTS \"tally_%s_out\" AFTER DELETE ON main.\"%s\" BEGIN UPDATE tally SET sum = %s WHERE name = '%s'; END;"
            "CREATE TEMP TRIGGER IF NOT EXISTS \"tally_%s_change\" AFTER UPDATE ON main.\"%s\" BEGIN UPDATE tally SET sum = %s WHERE name = '%s';"
            " UPDATE tally SET sum = %s WHERE name = '%s'; END",
            table, table, add, table, table, table, take, table, table, table, take, table, add, table));
    return result;
}

/* Names of tables are this program's own: they need no quoting. */
static GPtrArray *
tables_of(sqlite3 *database, int *result)
{
    GPtrArray *tables = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *query = NULL;

    *result = sqlite3_prepare_v2(database, "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name <> 'tally'",
                                 -1, &query, NULL);
    while (*result == SQLITE_OK && (*result = sqlite3_step(query)) == SQLITE_ROW) {
        g_ptr_array_add(tables, g_strdup((const char *)sqlite3_column_text(query, 0)));
        *result = SQLITE_OK;
    }
    *result = *result == SQLITE_DONE ? SQLITE_OK : *result;
    sqlite3_finalize(query);
    return tables;
}

int
tally_begin(sqlite3 *database)
{
    int result = add_functions(database);

    /* Without the pragma a row that another one replaces goes without a trigger. */
    if (result == SQLITE_OK)
        result = sqlite3_exec(database, "PRAGMA recursive_triggers = ON; CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, sum INTEGER NOT NULL) WITHOUT ROWID",
                              NULL, NULL, NULL);
    return result == SQLITE_OK ? tally_watch(database) : result;
}

int
tally_watch(sqlite3 *database)
{
    int result;
    g_autoptr(GPtrArray) tables = tables_of(database, &result);

    for (guint i = 0; i < tables->len && result == SQLITE_OK; i++)
        result = watch_one(database, g_ptr_array_index(tables, i));
    return result;
}

int
tally_check(sqlite3 *database, void (*report)(gpointer data, const char *table), gpointer data)
{
    int result;
    g_autoptr(GPtrArray) tables = tables_of(database, &result);

    for (guint i = 0; i < tables->len && result == SQLITE_OK; i++) {
        const char *table = g_ptr_array_index(tables, i);
        g_autofree char *columns = columns_of(database, table, "");
        /* One statement, so that no other process writes in between. */
        g_autofree char *sql = g_strdup_printf("SELECT CASE WHEN tally_total(%s) IS (SELECT sum FROM tally WHERE name = ?1) THEN 'y' ELSE 'n' END FROM \"%s\"",
                                               columns ? columns : "NULL", table);
        g_autofree char *same = one_text(database, sql, table);

        if (!same)
            result = sqlite3_errcode(database) != SQLITE_OK ? sqlite3_errcode(database) : SQLITE_CORRUPT;
        else if (*same != 'y')
            report(data, table);
    }
    return result;
}
