/* Passing evidence on: PU22 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/evidence_private.h"
#include "sync/peers.h"
#include "sync/table.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS evidence_brought (peer TEXT NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL,"
                            " PRIMARY KEY (peer, node, kind)) WITHOUT ROWID";

/* A node of which something stands in the catalogue, or that is a peer. */
static gboolean
is_stranger(Home *home, const char *node)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Identity) identity = catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
    g_autoptr(Peer) peer = identity ? NULL : peers_get(home, node, NULL);

    return !identity && !peer && strcmp(node, home_id(home)) != 0;
}

/* PU22: who makes ids and forks them must not crowd out what concerns nodes that are known here. */
static gboolean
strangers_fit(State *state, const char *peer, gboolean *fit, GError **error)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM evidence_brought WHERE peer = ?1), (SELECT count(*) FROM evidence_brought),"
                              " (SELECT coalesce(sum(length(CAST(text AS BLOB))), 0) FROM evidence WHERE node IN (SELECT node FROM evidence_brought))";
    g_autoptr(TableQuery) query = table_query(state, table, sql, error);

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    if (!table_row(query, error))
        return FALSE;
    *fit = table_column_integer(query, 0) < EVIDENCE_STRANGERS_MAX && table_column_integer(query, 1) < EVIDENCE_STRANGERS_ALL_MAX &&
           table_column_integer(query, 2) < EVIDENCE_STRANGERS_BYTES_MAX;
    return TRUE;
}

static gboolean
note_brought(State *state, const char *peer, const char *node, const char *kind, GError **error)
{
    g_autoptr(TableQuery) query = table_query(state, table, "INSERT OR IGNORE INTO evidence_brought (peer, node, kind) VALUES (?1, ?2, ?3)", error);

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    table_text(query, 2, node);
    table_text(query, 3, kind);
    return table_run(query, error);
}

static gboolean
check_quota(Home *home, const char *peer, const Contradiction *found, gboolean stranger, GError **error)
{
    State *state = home_state(home, error);
    gboolean fit = TRUE;

    if (!state || (stranger && !strangers_fit(state, peer, &fit, error)))
        return FALSE;
    return fit || chama_error(error, CHAMA_ERROR_LIMIT, "evidence: PU22: want at most %d about nodes that are not known here from one peer, have as many",
                              EVIDENCE_STRANGERS_MAX);
}

gboolean
evidence_accept(Home *home, const char *peer, GBytes *document, gboolean *fresh, Contradiction **out, GError **error)
{
    g_autoptr(Contradiction) found = evidence_verify(document, error);
    gboolean stranger = found && is_stranger(home, found->node);

    if (!found || !check_quota(home, peer, found, stranger, error) || !evidence_keep_document(home, found, document, fresh, error))
        return FALSE;
    if (stranger && *fresh && !note_brought(home_state(home, error), peer, found->node, contradiction_kind(found), error))
        return FALSE;
    *out = g_steal_pointer(&found);
    return TRUE;
}

/* What a rotation of its owner settled is no news to tell: who does not know of the rotation gets that. */
GArray *
evidence_names(Home *home, GError **error)
{
    static const char sql[] = "SELECT DISTINCT node, kind = '" EVIDENCE_ROLLBACK "' FROM evidence WHERE kind IN ('" EVIDENCE_FORK "', '" EVIDENCE_ROLLBACK "')"
                              " OR (kind = '" EVIDENCE_OWN_FORK "' AND text LIKE '%' || ?1) ORDER BY id";
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, "", sql, error) : NULL;
    g_autoptr(GArray) names = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    table_text(query, 1, EVIDENCE_PROOF_END);
    while (names->len < WIRE_EVIDENCE_MAX && table_row(query, &local)) {
        g_autofree char *node = table_column_text(query, 0);
        EvidenceName name = { .rollback = table_column_integer(query, 1) != 0 };

        g_strlcpy(name.node, node, sizeof name.node);
        g_array_append_val(names, name);
    }
    if (!local)
        return g_steal_pointer(&names);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

static gboolean
is_named(const GArray *names, const EvidenceName *wanted)
{
    for (guint i = 0; i < names->len; i++) {
        const EvidenceName *name = &g_array_index(names, EvidenceName, i);

        if (name->rollback == wanted->rollback && strcmp(name->node, wanted->node) == 0)
            return TRUE;
    }
    return FALSE;
}

/* About nodes that are known here first: of strangers a peer can name as many as it likes. */
GArray *
evidence_lacking(Home *home, const char *peer, const GArray *names, GError **error)
{
    g_autoptr(GArray) held = evidence_names(home, error);
    gboolean fit = TRUE;
    GArray *lacking;

    if (!held || (names->len > 0 && !strangers_fit(home_state(home, error), peer, &fit, error)))
        return NULL;
    lacking = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    for (guint turn = 0; turn < (fit ? 2 : 1); turn++) {
        for (guint i = 0; i < names->len; i++) {
            const EvidenceName *name = &g_array_index(names, EvidenceName, i);

            if (!is_named(held, name) && is_stranger(home, name->node) == (turn == 1))
                g_array_append_val(lacking, *name);
        }
    }
    return lacking;
}

GBytes *
evidence_document(Home *home, const EvidenceName *name, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) rows = state ? state_evidence_of(state, name->node, error) : NULL;
    const Evidence *evidence = rows ? evidence_row_shown(rows, name->rollback) : NULL;

    if (!rows)
        return NULL;
    if (!evidence)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no such evidence is held here", name->node);
    return g_bytes_new(evidence->text, strlen(evidence->text));
}
