/* Rows of the catalogue that say whom an opening is for: catalogue_openings_for(). */
#include "keys/error.h"
#include "manifests/projection.h"
#include "manifests/statements.h"

gboolean
catalogue_insert_audience(Catalogue *catalogue, const char *node, const Digest *record, const char *audience, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "INSERT OR IGNORE INTO audience (audience, node, record) VALUES (?1, ?2, ?3)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, audience);
    query_text(query, 2, node);
    query_digest(query, 3, record);
    return database_run(database, query, error);
}

GArray *
catalogue_openings_for(Catalogue *catalogue, const char *node, const char *audience, guint64 from, guint max, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database,
                                            "SELECT a.record, r.seq FROM audience a JOIN records r ON r.address = a.record AND r.node = a.node"
                                            " WHERE a.audience = ?1 AND a.node = ?2 AND r.seq >= ?3 ORDER BY r.seq LIMIT ?4",
                                            error);
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(OpeningPlace));
    g_autoptr(GError) local = NULL;
    OpeningPlace place;

    if (!query)
        return NULL;
    query_text(query, 1, audience);
    query_text(query, 2, node);
    query_integer(query, 3, (gint64)MIN(from, G_MAXINT64));
    query_integer(query, 4, max);
    while (database_row(database, query, &local) && database_digest(database, query, 0, &place.record, &local)) {
        place.seq = (guint64)sqlite3_column_int64(query, 1);
        g_array_append_val(places, place);
    }
    if (!local)
        return g_steal_pointer(&places);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

gboolean
catalogue_opening_known(Catalogue *catalogue, const Digest *record)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(
        database, "SELECT 1 FROM statements WHERE record = ?1 AND body IS NOT NULL UNION ALL SELECT 1 FROM grants WHERE record = ?1 AND sealed", NULL);

    if (!query)
        return FALSE;
    query_digest(query, 1, record);
    return database_row(database, query, NULL);
}
