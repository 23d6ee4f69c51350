#include <string.h>

#include "keys/error.h"
#include "manifests/projection.h"

gboolean
catalogue_insert_grant(Catalogue *catalogue, const Digest *record, const Grant *grant, gboolean sealed, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(
        database, "INSERT OR REPLACE INTO grants (record, owner, name, grantee, until, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", error);

    if (!query)
        return FALSE;
    query_digest(query, 1, record);
    query_text(query, 2, grant->owner);
    query_text(query, 3, grant->name);
    query_text(query, 4, grant->grantee);
    query_integer(query, 5, grant->until);
    query_integer(query, 6, sealed ? 1 : 0);
    return database_run(database, query, error);
}

gboolean
catalogue_insert_revocation(Catalogue *catalogue, const char *node, const Digest *record, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "INSERT OR IGNORE INTO revocations (node, record) VALUES (?1, ?2)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, node);
    query_digest(query, 2, record);
    return database_run(database, query, error);
}

/* What cannot be read counts as revoked: a grant too few is a nuisance, one too many is a leak. */
gboolean
catalogue_revoked(Catalogue *catalogue, const char *node, const Digest *record)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT 1 FROM revocations WHERE node = ?1 AND record = ?2", NULL);
    g_autoptr(GError) local = NULL;

    if (!query)
        return TRUE;
    query_text(query, 1, node);
    query_digest(query, 2, record);
    return database_row(database, query, &local) || local != NULL;
}

gboolean
catalogue_revoked_at(Catalogue *catalogue, const char *node, const Digest *record, gint64 *time)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = NULL;
    Digest of;

    if (!catalogue_revoked(catalogue, node, record))
        return FALSE;
    query = database_query(database, "SELECT " RECORD_COLUMNS " FROM records r WHERE r.node = ?1 AND r.type = 'revocation/1' AND r.known = 1 ORDER BY r.seq", NULL);
    if (!query)
        return FALSE;
    query_text(query, 1, node);
    while (database_row(database, query, NULL)) {
        g_autoptr(Record) revocation = catalogue_read_record(catalogue, query, NULL);

        if (revocation && revocation_parse(revocation, &of, NULL) && digest_equal(&of, record)) {
            *time = revocation->time;
            return TRUE;
        }
    }
    return FALSE;
}

static GrantRow *
read_row(Catalogue *catalogue, Query *query, GError **error)
{
    g_autofree GrantRow *row = g_new0(GrantRow, 1);
    g_autofree char *owner = query_column_text(query, 1), *name = query_column_text(query, 2), *grantee = query_column_text(query, 3);

    g_strlcpy(row->grant.owner, owner, sizeof row->grant.owner);
    g_strlcpy(row->grant.name, name, sizeof row->grant.name);
    g_strlcpy(row->grant.grantee, grantee, sizeof row->grant.grantee);
    row->grant.until = sqlite3_column_int64(query, 4);
    row->sealed = sqlite3_column_int(query, 5) != 0;
    row->seq = (guint64)sqlite3_column_int64(query, 6);
    row->time = sqlite3_column_int64(query, 7);
    row->revoked = sqlite3_column_int(query, 8) != 0;
    if (!database_digest(catalogue_database(catalogue), query, 0, &row->record, error))
        return NULL;
    return g_steal_pointer(&row);
}

/* A condition for each of the three that is asked for, so that an index serves it; the values are bound. */
static char *
select_grants(const char *owner, const char *name, const char *grantee)
{
    return g_strconcat("SELECT g.record, g.owner, g.name, g.grantee, g.until, g.sealed, r.seq, r.time,"
                       " EXISTS (SELECT 1 FROM revocations x WHERE x.node = g.owner AND x.record = g.record)"
                       " FROM grants g JOIN records r ON r.address = g.record AND r.node = g.owner WHERE 1",
                       owner ? " AND g.owner = ?1" : "", name ? " AND g.name = ?2" : "", grantee ? " AND g.grantee = ?3" : "",
                       " ORDER BY g.owner, r.seq", NULL);
}

GPtrArray *
catalogue_grants(Catalogue *catalogue, const char *owner, const char *name, const char *grantee, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *sql = select_grants(owner, name, grantee);
    g_autoptr(Query) query = database_query(catalogue_database(catalogue), sql, error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    query_text(query, 1, owner);
    query_text(query, 2, name);
    query_text(query, 3, grantee);
    while (!local && database_row(catalogue_database(catalogue), query, &local)) {
        GrantRow *row = read_row(catalogue, query, &local);

        if (row)
            g_ptr_array_add(rows, row);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&rows);
}

gboolean
catalogue_openings_learned(Catalogue *catalogue)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT 1 FROM openings WHERE learned = 1", NULL);

    return query && database_row(database, query, NULL);
}

gboolean
catalogue_set_openings_learned(Catalogue *catalogue, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "UPDATE openings SET learned = 1", error);

    return query && database_run(database, query, error);
}

gboolean
catalogue_openings_to_learn(Catalogue *catalogue, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "UPDATE openings SET learned = 0 WHERE learned", error);

    return query && database_run(database, query, error);
}
