/* The rows of the catalogue that say which ledger knew how much of which other (anchor.h). */
#include "manifests/anchor.h"
#include "manifests/projection.h"

static gboolean
insert(Catalogue *catalogue, const Record *record, const Anchored *anchored, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "INSERT OR REPLACE INTO anchors (node, size, anchorer, seq, time) VALUES (?1, ?2, ?3, ?4, ?5)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, anchored->node);
    query_integer(query, 2, (gint64)anchored->size);
    query_text(query, 3, record->node);
    query_integer(query, 4, (gint64)record->seq);
    query_integer(query, 5, record->time);
    return database_run(database, query, error);
}

gboolean
catalogue_project_anchor(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    g_autoptr(GArray) ledgers = NULL;

    if (!catalogue_project_statement(catalogue, record, whole, known, error))
        return FALSE;
    ledgers = *known ? anchor_parse(record->bytes, NULL) : NULL;
    for (guint i = 0; ledgers && i < ledgers->len; i++)
        if (!insert(catalogue, record, &g_array_index(ledgers, Anchored, i), error))
            return FALSE;
    return TRUE;
}

static GArray *
read_all(Catalogue *catalogue, const char *sql, const char *node, guint64 seq, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(Anchor));
    g_autoptr(Query) query = database_query(database, sql, error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    query_text(query, 1, node);
    query_integer(query, 2, (gint64)seq);
    while (database_row(database, query, &local)) {
        g_autofree char *of = query_column_text(query, 0), *by = query_column_text(query, 2);
        Anchor anchor = { .size = (guint64)sqlite3_column_int64(query, 1), .seq = (guint64)sqlite3_column_int64(query, 3), .time = sqlite3_column_int64(query, 4) };

        g_strlcpy(anchor.node, of, sizeof anchor.node);
        g_strlcpy(anchor.by, by, sizeof anchor.by);
        g_array_append_val(all, anchor);
    }
    if (!local)
        return g_steal_pointer(&all);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* SQLite takes the other columns from the row that has the maximum (minimum). */
GArray *
catalogue_anchors_before(Catalogue *catalogue, const char *by, guint64 seq, GError **error)
{
    return read_all(catalogue, "SELECT node, size, anchorer, max(seq), time FROM anchors WHERE anchorer = ?1 AND seq < ?2 GROUP BY node ORDER BY node", by, seq, error);
}

GArray *
catalogue_anchors_of(Catalogue *catalogue, const char *node, guint64 seq, GError **error)
{
    return read_all(catalogue, "SELECT node, size, anchorer, min(seq), time FROM anchors WHERE node = ?1 AND size > ?2 AND anchorer <> ?1 GROUP BY anchorer"
                    " ORDER BY anchorer", node, seq, error);
}
