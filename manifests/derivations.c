/* The rows of the catalogue that say what was derived from what: of open versions, for those of others stand in details. */
#include "keys/error.h"
#include "manifests/lineage/derivation.h"
#include "manifests/projection.h"

static gboolean
insert_source(Catalogue *catalogue, const Manifest *m, const Digest *source, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query =
        database_query(database, "INSERT OR IGNORE INTO sources (source, node, seq, record) VALUES (?1, ?2, ?3, ?4)", error);

    if (!query)
        return FALSE;
    query_digest(query, 1, source);
    query_text(query, 2, m->node);
    query_integer(query, 3, (gint64)m->seq);
    query_digest(query, 4, &m->address);
    return database_run(database, query, error);
}

static gboolean
insert_derivation(Catalogue *catalogue, const Manifest *m, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = NULL;
    Digest digest;

    if (!derivation_digest(&m->listing, m->activity, m->inputs, &digest))
        return TRUE;
    query = database_query(database, "INSERT OR IGNORE INTO derivations (digest, node, seq, record) VALUES (?1, ?2, ?3, ?4)", error);
    if (!query)
        return FALSE;
    query_digest(query, 1, &digest);
    query_text(query, 2, m->node);
    query_integer(query, 3, (gint64)m->seq);
    query_digest(query, 4, &m->address);
    return database_run(database, query, error);
}

gboolean
catalogue_insert_derivations(Catalogue *catalogue, const Manifest *m, GError **error)
{
    for (guint i = 0; i < m->inputs->len; i++)
        if (!insert_source(catalogue, m, &((const Input *)m->inputs->pdata[i])->manifest, error))
            return FALSE;
    return m->inputs->len == 0 || insert_derivation(catalogue, m, error);
}

static GArray *
read_addresses(Catalogue *catalogue, Query *query, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(Digest));
    g_autoptr(GError) local = NULL;
    Digest address;

    while (!local && database_row(database, query, &local))
        if (database_digest(database, query, 0, &address, &local))
            g_array_append_val(addresses, address);
    if (!local)
        return g_steal_pointer(&addresses);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

GArray *
catalogue_derived(Catalogue *catalogue, const Digest *source, guint max, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue_database(catalogue),
                                            "SELECT record FROM sources WHERE source = ?1 ORDER BY node, seq LIMIT ?2", error);

    if (!query)
        return NULL;
    query_digest(query, 1, source);
    query_integer(query, 2, max);
    return read_addresses(catalogue, query, error);
}

GArray *
catalogue_same_derivation(Catalogue *catalogue, const Digest *digest, const char *node, guint max, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue_database(catalogue),
                                            "SELECT record FROM derivations WHERE digest = ?1 AND node != ?2 ORDER BY node, seq LIMIT ?3", error);

    if (!query)
        return NULL;
    query_digest(query, 1, digest);
    query_text(query, 2, node);
    query_integer(query, 3, max);
    return read_addresses(catalogue, query, error);
}
