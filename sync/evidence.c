#include "sync/evidence.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "sync/peers.h"
#include "sync/table.h"

void
conflict_clear(Conflict *conflict)
{
    g_clear_pointer(&conflict->keys, g_ptr_array_unref);
    g_clear_pointer(&conflict->checkpoints[0], g_free);
    g_clear_pointer(&conflict->checkpoints[1], g_free);
    g_clear_pointer(&conflict->records, g_ptr_array_unref);
    g_clear_pointer(&conflict->hashes, g_array_unref);
}

void
conflict_add_key(Conflict *conflict, const Record *record)
{
    if (!conflict->keys)
        conflict->keys = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_ptr_array_add(conflict->keys, record_copy(record));
}

void
conflict_add_record(Conflict *conflict, const Record *record)
{
    if (!conflict->records)
        conflict->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_ptr_array_add(conflict->records, record_copy(record));
}

gboolean
conflict_of_checkpoints(Conflict *conflict, MerkleFile *tree, guint64 smaller, guint64 larger, GError **error)
{
    if (smaller == larger)
        return TRUE;
    conflict->has_root = TRUE;
    conflict->hashes = merkle_file_consistency(tree, smaller, larger, error);
    return conflict->hashes && merkle_file_root(tree, smaller, &conflict->root, error);
}

/* EV9: the records held, from where the checkpoint kept (of @kept records, maybe 0) ends. */
static gboolean
add_records_held(Conflict *conflict, Ledger *ledger, guint64 kept, guint64 size, GError **error)
{
    conflict->hashes = merkle_file_peaks(ledger_merkle(ledger), kept, error);
    for (guint64 seq = kept; conflict->hashes && seq < size && seq - kept < EVIDENCE_RECORDS_MAX; seq++) {
        g_autoptr(Record) record = ledger_get(ledger, seq, error);

        if (!record)
            return FALSE;
        conflict_add_record(conflict, record);
    }
    return conflict->hashes != NULL;
}

gboolean
conflict_of_copy(Conflict *conflict, Ledger *ledger, const char *note, const Checkpoint *checkpoint, GError **error)
{
    g_autofree char *own = ledger_checkpoint(ledger, NULL);
    g_autoptr(Checkpoint) kept = own ? checkpoint_verify_by(own, strlen(own), ledger_identity(ledger), NULL) : NULL;
    guint64 size = kept && kept->size <= ledger_head(ledger)->size ? kept->size : 0;

    if (size > 0 || conflict->rollback)
        conflict->checkpoints[0] = g_steal_pointer(&own);
    conflict->checkpoints[1] = g_strdup(note);
    if (conflict->rollback)
        return TRUE;
    if (size >= checkpoint->size && size > 0)
        return conflict_of_checkpoints(conflict, ledger_merkle(ledger), checkpoint->size, size, error);
    return add_records_held(conflict, ledger, size, checkpoint->size, error);
}

/* The inception and the rotations: those known here, then those that came. */
static GPtrArray *
all_keys(Home *home, const char *node, const Conflict *conflict, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    GPtrArray *keys = catalogue ? catalogue_key_records(catalogue, node, error) : NULL;

    for (guint i = 0; keys && conflict->keys && i < conflict->keys->len; i++) {
        const Record *record = conflict->keys->pdata[i];
        const Record *last = keys->len > 0 ? keys->pdata[keys->len - 1] : NULL;

        if (!last || record->seq > last->seq)
            g_ptr_array_add(keys, record_copy(record));
    }
    return keys;
}

static GBytes *
make_document(Home *home, const char *node, const Conflict *conflict, GError **error)
{
    g_autoptr(GPtrArray) keys = all_keys(home, node, conflict, error);
    EvidenceParts parts = {
        .checkpoints = { conflict->checkpoints[0], conflict->checkpoints[1] },
        .root = conflict->has_root ? &conflict->root : NULL,
        .rollback = conflict->rollback,
    };

    if (!keys || keys->len == 0)
        return keys ? chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "its inception is not known here") : NULL;
    parts.keys = (const Record *const *)keys->pdata;
    parts.key_count = keys->len;
    if (conflict->records) {
        parts.records = (const Record *const *)conflict->records->pdata;
        parts.record_count = conflict->records->len;
    }
    if (conflict->hashes) {
        parts.hashes = (const Digest *)(gpointer)conflict->hashes->data;
        parts.hash_count = conflict->hashes->len;
    }
    return evidence_make(&parts, error);
}

/* What cannot be shown to others is written down for this node's people: what was met, and why it is no proof. */
static GBytes *
make_observation(const char *node, const Conflict *conflict, const GError *why, GError **error)
{
    g_autoptr(json_t) root = json_pack("{s:s, s:s, s:s}", "node", node, "type", "observation/1", "why", why->message);
    json_t *checkpoints = json_array(), *records = json_array();

    for (guint i = 0; i < 2; i++)
        if (conflict->checkpoints[i])
            json_array_append_new(checkpoints, json_string(conflict->checkpoints[i]));
    /* Of many the last says how far they went. */
    if (conflict->records && conflict->records->len > 0) {
        g_autoptr(GBytes) entry = record_entry(g_ptr_array_index(conflict->records, conflict->records->len - 1));

        json_array_append_new(records, json_stringn(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry)));
    }
    json_object_set_new(root, "checkpoints", checkpoints);
    json_object_set_new(root, "records", records);
    return canonical_format(root, error);
}

/* The row of this node and kind, the oldest, borrowed from @all; NULL if there is none. */
static const Evidence *
find(const GPtrArray *all, const char *node, const char *kind)
{
    for (guint i = 0; i < all->len; i++) {
        const Evidence *evidence = all->pdata[i];

        if (strcmp(evidence->node, node) == 0 && strcmp(evidence->kind, kind) == 0)
            return evidence;
    }
    return NULL;
}

static const char *
kind_of(gboolean rollback, gboolean own)
{
    if (rollback)
        return EVIDENCE_ROLLBACK;
    return own ? EVIDENCE_OWN_FORK : EVIDENCE_FORK;
}

/* What this node alone saw, of itself perhaps, is no proof. */
static gboolean
can_be_shown(const Evidence *evidence)
{
    return strcmp(evidence->kind, EVIDENCE_SEEN) != 0 && g_str_has_suffix(evidence->text, "\"type\":\"evidence/1\"}");
}

static gboolean
keep(State *state, const char *node, const char *kind, GBytes *document, gboolean proof, gboolean *fresh, GError **error)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(document, NULL), g_bytes_get_size(document));
    g_autoptr(GPtrArray) all = state_evidence(state, error);
    const Evidence *known = all ? find(all, node, kind) : NULL;

    if (fresh)
        *fresh = all && !known;
    /* A proof is kept beside an observation of the same. */
    if (known && (!proof || can_be_shown(known)))
        return TRUE;
    return all && state_add_evidence(state, node, kind, text, g_get_real_time() / G_USEC_PER_SEC, error);
}

static gboolean
is_settled(const Evidence *evidence, const Identity *newest)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(evidence->text, strlen(evidence->text));
    g_autoptr(Contradiction) contradiction = evidence_verify(bytes, NULL);

    if (strcmp(evidence->kind, EVIDENCE_REPUDIATED) == 0)
        return FALSE;
    return contradiction ? !digest_equal(&contradiction->identity->record, &newest->record) : evidence->time <= newest->time;
}

gboolean
evidence_settle(Home *home, const char *node, const Identity *newest, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) all = state && newest && newest->before ? state_evidence(state, error) : NULL;

    for (guint i = 0; all && i < all->len; i++) {
        const Evidence *evidence = all->pdata[i];

        if (strcmp(evidence->node, node) == 0 && is_settled(evidence, newest) && !state_settle_evidence(state, evidence, EVIDENCE_REPUDIATED, error))
            return FALSE;
    }
    return state && (all || !newest || !newest->before);
}

/* What was kept just now may be of keys that were ended long ago: then it is no news to anybody. */
static gboolean
settle_new(Home *home, const char *node, const char *kind, gboolean *fresh, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Identity) newest = catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
    g_autoptr(GPtrArray) all = NULL;

    if (!catalogue || !evidence_settle(home, node, newest, error))
        return FALSE;
    if (!newest || !newest->before || !fresh || !*fresh)
        return TRUE;
    all = state_evidence(home_state(home, error), error);
    *fresh = all && find(all, node, kind);
    return all != NULL;
}

gboolean
evidence_keep(Home *home, const char *node, const Conflict *conflict, gboolean *fresh, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GError) why = NULL;
    g_autoptr(GBytes) document = state ? make_document(home, node, conflict, &why) : NULL;
    const char *kind = kind_of(conflict->rollback, conflict->own);

    if (!state)
        return FALSE;
    if (document)
        return keep(state, node, kind, document, TRUE, fresh, error) && settle_new(home, node, kind, fresh, error);
    document = make_observation(node, conflict, why, error);
    kind = conflict->own ? kind : EVIDENCE_SEEN;
    return document && keep(state, node, kind, document, FALSE, fresh, error) && settle_new(home, node, kind, fresh, error);
}

/* Passing on. */

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
    static const char sql[] = "SELECT (SELECT count(*) FROM evidence_brought WHERE peer = ?1), (SELECT count(*) FROM evidence_brought)";
    g_autoptr(TableQuery) query = table_query(state, table, sql, error);

    if (!query)
        return FALSE;
    table_text(query, 1, peer);
    if (!table_row(query, error))
        return FALSE;
    *fit = table_column_integer(query, 0) < EVIDENCE_STRANGERS_MAX && table_column_integer(query, 1) < EVIDENCE_STRANGERS_ALL_MAX;
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
    gboolean rollback = found && found->form == CONTRADICTION_ROLLBACK;
    gboolean stranger = found && is_stranger(home, found->node);
    const char *kind = found ? kind_of(rollback, FALSE) : NULL;

    if (!found || !check_quota(home, peer, found, stranger, error) || !keep(home_state(home, error), found->node, kind, document, TRUE, fresh, error) ||
        !settle_new(home, found->node, kind, fresh, error))
        return FALSE;
    if (stranger && *fresh && !note_brought(home_state(home, error), peer, found->node, kind, error))
        return FALSE;
    *out = g_steal_pointer(&found);
    return TRUE;
}

GArray *
evidence_names(Home *home, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) all = state ? state_evidence(state, error) : NULL;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GArray *names;

    if (!all)
        return NULL;
    names = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    for (guint i = 0; i < all->len && names->len < WIRE_EVIDENCE_MAX; i++) {
        const Evidence *evidence = all->pdata[i];
        EvidenceName name = { .rollback = strcmp(evidence->kind, EVIDENCE_ROLLBACK) == 0 };

        if (!can_be_shown(evidence) || !g_hash_table_add(seen, g_strconcat(evidence->node, name.rollback ? "r" : "f", NULL)))
            continue;
        g_strlcpy(name.node, evidence->node, sizeof name.node);
        g_array_append_val(names, name);
    }
    return names;
}

/* The row that shows it, borrowed from @all.  An own fork is a fork to others. */
static const Evidence *
find_shown(const GPtrArray *all, const EvidenceName *name)
{
    for (guint i = 0; i < all->len; i++) {
        const Evidence *evidence = all->pdata[i];

        if (strcmp(evidence->node, name->node) == 0 && (strcmp(evidence->kind, EVIDENCE_ROLLBACK) == 0) == name->rollback && can_be_shown(evidence))
            return evidence;
    }
    return NULL;
}

GArray *
evidence_lacking(Home *home, const char *peer, const GArray *names, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) all = state ? state_evidence(state, error) : NULL;
    gboolean fit = TRUE;
    GArray *lacking;

    if (!all || (names->len > 0 && !strangers_fit(state, peer, &fit, error)))
        return NULL;
    lacking = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    for (guint i = 0; i < names->len; i++) {
        const EvidenceName *name = &g_array_index(names, EvidenceName, i);

        if (!find_shown(all, name) && (fit || !is_stranger(home, name->node)))
            g_array_append_val(lacking, *name);
    }
    return lacking;
}

GBytes *
evidence_document(Home *home, const EvidenceName *name, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) all = state ? state_evidence(state, error) : NULL;
    const Evidence *evidence = all ? find_shown(all, name) : NULL;

    if (!evidence)
        return error && *error ? NULL : chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no such evidence is held here", name->node);
    return g_bytes_new(evidence->text, strlen(evidence->text));
}

gboolean
evidence_fork_size(Home *home, const char *node, guint64 *size, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) all = state ? state_evidence(state, error) : NULL;
    EvidenceName name = { .rollback = FALSE };
    const Evidence *evidence;

    *size = 0;
    g_strlcpy(name.node, node, sizeof name.node);
    evidence = all ? find_shown(all, &name) : NULL;
    if (evidence) {
        g_autoptr(GBytes) document = g_bytes_new(evidence->text, strlen(evidence->text));
        g_autoptr(Contradiction) found = evidence_verify(document, NULL);

        *size = found ? found->size : 0;
    }
    return all != NULL;
}
