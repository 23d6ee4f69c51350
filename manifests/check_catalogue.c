#include "manifests/check_catalogue.h"

#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/error.h"
#include "manifests/database.h"
#include "manifests/home_private.h"
#include "manifests/projection.h"

/* Not nodes.seen, which is what was last looked at and no projection. */
static const struct { const char *table, *columns; } tables[] = {
    { "nodes", "node, size, head" },
    { "records", "address, node, seq, prev, type, time, bytes, signature, known" },
    { "versions", "node, name, version, seq, share, record, previous" },
    { "grants", "record, owner, name, grantee, until, sealed" },
    { "revocations", "node, record" },
    { "statements", "record, node, type, subject, body" },
    { "sources", "source, node, seq, record" },
    { "derivations", "digest, node, seq, record" },
    { "anchors", "node, size, anchorer, seq, time" },
};

/* Rows that are in one of the two and not in the other. */
static gboolean
count_differing(sqlite3 *database, guint table, gint64 *count)
{
    const char *name = tables[table].table, *columns = tables[table].columns;
    /* NOT INDEXED: what is compared are the rows themselves. */
    g_autofree char *sql = g_strdup_printf("SELECT (SELECT count(*) FROM (SELECT %s FROM main.%s NOT INDEXED EXCEPT SELECT %s FROM kept.%s NOT INDEXED)) +"
                                           " (SELECT count(*) FROM (SELECT %s FROM kept.%s NOT INDEXED EXCEPT SELECT %s FROM main.%s NOT INDEXED))",
                                           columns, name, columns, name, columns, name, columns, name);
    sqlite3_stmt *query = NULL;
    gboolean done = sqlite3_prepare_v2(database, sql, -1, &query, NULL) == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW;

    if (done)
        *count = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return done;
}

/* The first table in which the two differ, or NULL if they are the same. */
static const char *
first_difference(sqlite3 *database)
{
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
        gint64 count = 0;

        if (!count_differing(database, i, &count) || count > 0)
            return tables[i].table;
    }
    return NULL;
}

static gboolean
attach(sqlite3 *database, const char *path)
{
    sqlite3_stmt *query = NULL;
    gboolean done = sqlite3_prepare_v2(database, "ATTACH ?1 AS kept", -1, &query, NULL) == SQLITE_OK &&
                    sqlite3_bind_text(query, 1, path, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(query) == SQLITE_DONE;

    sqlite3_finalize(query);
    return done;
}

/* Another process may project what it just stated between the two: then both are brought up to date, and looked at again. */
static gboolean
compare(Home *fresh, Home *home, const char *kept, CheckReport report, gpointer data, GError **error)
{
    sqlite3 *database = database_handle(catalogue_database(home_catalogue(fresh, error)));
    const char *table = attach(database, kept) ? first_difference(database) : "all";

    for (guint attempt = 0; table && attempt < 2; attempt++) {
        if (!home_refresh(fresh, error) || !home_refresh(home, error))
            return FALSE;
        table = first_difference(database);
    }
    if (table) {
        g_autofree char *message = g_strdup_printf("catalogue.sqlite: table %s is not what the ledgers say; it is removed, and the next command makes it anew", table);

        catalogue_set_damaged(home_catalogue(home, error));
        report(data, message);
    }
    return TRUE;
}

static void
remove_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        g_unlink(path);
    }
    g_rmdir(folder);
}

gboolean
check_catalogue(Home *home, CheckReport report, gpointer data, GError **error)
{
    g_autofree char *folder = g_dir_make_tmp("chama-check-XXXXXX", error);
    g_autofree char *kept = home_file(home, "catalogue.sqlite");
    g_autoptr(Home) fresh = folder && home_catalogue(home, error) ? home_open(home_path(home), error) : NULL;
    gboolean done = FALSE;

    if (fresh) {
        fresh->catalogue_path = g_build_filename(folder, "catalogue.sqlite", NULL);
        done = home_catalogue(fresh, error) && compare(fresh, home, kept, report, data, error);
    }
    g_clear_pointer(&fresh, home_close);
    if (folder)
        remove_folder(folder);
    return done;
}
