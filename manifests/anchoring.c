#include "manifests/anchoring.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/projection.h"

/* Those of which more is known than the last anchor says, the one that waits longest first.  Anchors alone are no growth, or nodes that state nothing would
 * anchor each other's anchors for ever. */
static GPtrArray *
nodes_that_grew(Catalogue *catalogue, const char *own, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Query) query = database_query(database,
                                            "SELECT n.node FROM nodes n LEFT JOIN (SELECT node, size, max(seq) AS seq FROM anchors WHERE anchorer = ?1 GROUP BY node) a"
                                            " ON a.node = n.node WHERE n.node <> ?1 AND n.size - coalesce(a.size, 0) >"
                                            " (SELECT count(DISTINCT o.seq) FROM anchors o WHERE o.anchorer = n.node AND o.seq >= coalesce(a.size, 0))"
                                            " ORDER BY coalesce(a.seq, -1), n.node",
                                            error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    query_text(query, 1, own);
    while (database_row(database, query, &local))
        g_ptr_array_add(nodes, query_column_text(query, 0));
    if (!local)
        return g_steal_pointer(&nodes);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

static int
compare_anchored(gconstpointer a, gconstpointer b)
{
    return strcmp(((const Anchored *)a)->node, ((const Anchored *)b)->node);
}

GArray *
anchoring_due(Home *home, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GPtrArray) nodes = catalogue ? nodes_that_grew(catalogue, home_id(home), error) : NULL;
    GArray *due;

    if (!nodes)
        return NULL;
    due = g_array_new(FALSE, TRUE, sizeof(Anchored));
    for (guint i = 0; i < nodes->len && due->len < ANCHOR_LEDGERS_MAX; i++) {
        Ledger *ledger = home_peer_ledger(home, nodes->pdata[i], NULL);
        Anchored anchored = { .size = 0 };

        if (!ledger || !ledger_refresh(ledger, NULL) || ledger_head(ledger)->size == 0)
            continue;
        anchored.size = ledger_head(ledger)->size;
        g_strlcpy(anchored.node, nodes->pdata[i], sizeof anchored.node);
        if (ledger_root(ledger, anchored.size, &anchored.root, NULL))
            g_array_append_val(due, anchored);
    }
    g_array_sort(due, compare_anchored);
    return due;
}

/* The last by its place: of a clock that ran ahead for a day one may say a time that is years away, and would make each later one seem the first. */
static gboolean
last_anchor(Catalogue *catalogue, const char *own, gint64 *time, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT coalesce((SELECT time FROM anchors WHERE anchorer = ?1 ORDER BY seq DESC LIMIT 1), 0)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, own);
    if (!database_row(database, query, error))
        return FALSE;
    *time = sqlite3_column_int64(query, 0);
    return TRUE;
}

/* With the lock held: another process may have stated one. */
static GBytes *
build(gpointer data, Home *home, GError **error)
{
    g_autoptr(GArray) due = anchoring_due(home, error);

    return due && due->len > 0 ? anchor_format(due, error) : NULL;
}

Record *
anchoring_state(Home *home, gint64 age, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GArray) due = NULL;
    g_autoptr(GError) local = NULL;
    gint64 last, now = g_get_real_time() / G_USEC_PER_SEC;
    Record *record;

    /* One from the future, of a clock that was set back, must not silence it for years. */
    if (!catalogue || !last_anchor(catalogue, home_id(home), &last, error) || (now - last < age && last <= now))
        return NULL;
    due = anchoring_due(home, error);
    if (!due || due->len == 0)
        return NULL;
    record = home_state_built(home, ANCHOR, build, NULL, NULL, &local);
    if (local && !g_error_matches(local, CHAMA_ERROR, CHAMA_ERROR_DENIED))
        g_propagate_error(error, g_steal_pointer(&local));
    return record;
}
