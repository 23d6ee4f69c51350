#include "sync/evidence_private.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
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

const Evidence *
evidence_row(const GPtrArray *rows, const char *kind)
{
    for (guint i = 0; i < rows->len; i++) {
        const Evidence *evidence = rows->pdata[i];

        if (strcmp(evidence->kind, kind) == 0)
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
is_proof(const Evidence *evidence)
{
    return strcmp(evidence->kind, EVIDENCE_SEEN) != 0 && g_str_has_suffix(evidence->text, EVIDENCE_PROOF_END);
}

const Evidence *
evidence_row_shown(const GPtrArray *rows, gboolean rollback)
{
    for (guint i = 0; i < rows->len; i++) {
        const Evidence *evidence = rows->pdata[i];

        if ((strcmp(evidence->kind, EVIDENCE_ROLLBACK) == 0) == rollback && strcmp(evidence->kind, EVIDENCE_REPUDIATED) != 0 && is_proof(evidence))
            return evidence;
    }
    return NULL;
}

/* PU22: whoever makes ids, or brings ledgers of his own making, must not crowd out what concerns this node and its peers. */
static gboolean
has_room(Home *home, const char *node, gboolean *room, GError **error)
{
    g_autoptr(Peer) peer = peers_get(home, node, NULL);
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, "", "SELECT count(*) FROM evidence", error) : NULL;

    if (!query || !table_row(query, error))
        return FALSE;
    *room = strcmp(node, home_id(home)) == 0 || (peer && peer->status == PEER_ACCEPTED) || table_column_integer(query, 0) < EVIDENCE_OTHERS_MAX;
    return TRUE;
}

/* What could not be kept is no news either: it would be news each time. */
static gboolean
add(Home *home, const char *node, const char *kind, GBytes *document, gboolean *fresh, GError **error)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(document, NULL), g_bytes_get_size(document));
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) rows = NULL;

    if (!state || !state_add_evidence(state, node, kind, text, g_get_real_time() / G_USEC_PER_SEC, error))
        return FALSE;
    rows = state_evidence_of(state, node, error);
    *fresh = rows && *fresh && evidence_row(rows, kind);
    return rows != NULL;
}

static gboolean
keep(Home *home, const char *node, const char *kind, GBytes *document, gboolean proof, gboolean *fresh, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) rows = state ? state_evidence_of(state, node, error) : NULL;
    const Evidence *known = rows ? evidence_row(rows, kind) : NULL;
    gboolean room = TRUE, unused;

    if (!fresh)
        fresh = &unused;
    *fresh = rows && !known;
    if (!rows || !has_room(home, node, &room, error))
        return FALSE;
    *fresh = *fresh && room;
    /* A proof is kept beside an observation of the same. */
    return !room || (known && (!proof || is_proof(known))) || add(home, node, kind, document, fresh, error);
}

/* By the keys that signed the oldest part: who has them and no newer ones could have made it, however new what it was put beside. */
static gboolean
is_of_ended_keys(const Contradiction *contradiction, const Identity *newest)
{
    return identity_judge(newest, contradiction->oldest) == BRANCH_HELD;
}

static gboolean
is_settled(const Evidence *evidence, const Identity *newest)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(evidence->text, strlen(evidence->text));
    g_autoptr(Contradiction) contradiction = NULL;

    if (strcmp(evidence->kind, EVIDENCE_REPUDIATED) == 0)
        return FALSE;
    contradiction = evidence_verify(bytes, NULL);
    return contradiction ? is_of_ended_keys(contradiction, newest) : evidence->time <= newest->time;
}

gboolean
evidence_settle(Home *home, const char *node, const Identity *newest, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) rows = state && newest && newest->before ? state_evidence_of(state, node, error) : NULL;

    for (guint i = 0; rows && i < rows->len; i++) {
        const Evidence *evidence = rows->pdata[i];

        if (is_settled(evidence, newest) && !state_settle_evidence(state, evidence, EVIDENCE_REPUDIATED, error))
            return FALSE;
    }
    return state && (rows || !newest || !newest->before);
}

/* What was kept just now may be of keys that were ended long ago: then it is no news to anybody. */
static gboolean
settle_new(Home *home, const char *node, const char *kind, gboolean *fresh, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Identity) newest = catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
    g_autoptr(GPtrArray) rows = NULL;

    if (!catalogue || !evidence_settle(home, node, newest, error))
        return FALSE;
    if (!newest || !newest->before || !fresh || !*fresh)
        return TRUE;
    rows = state_evidence_of(home_state(home, error), node, error);
    *fresh = rows && evidence_row(rows, kind);
    return rows != NULL;
}

gboolean
evidence_keep(Home *home, const char *node, const Conflict *conflict, gboolean *fresh, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GBytes) document = make_document(home, node, conflict, &why);
    const char *kind = kind_of(conflict->rollback, conflict->own);

    if (document)
        return keep(home, node, kind, document, TRUE, fresh, error) && settle_new(home, node, kind, fresh, error);
    document = make_observation(node, conflict, why, error);
    kind = conflict->own ? kind : EVIDENCE_SEEN;
    return document && keep(home, node, kind, document, FALSE, fresh, error) && settle_new(home, node, kind, fresh, error);
}

gboolean
evidence_keep_document(Home *home, const Contradiction *found, GBytes *document, gboolean *fresh, GError **error)
{
    const char *kind = kind_of(found->form == CONTRADICTION_ROLLBACK, FALSE);
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Identity) newest = catalogue ? catalogue_identity(catalogue, found->node, NULL) : NULL;
    State *state = catalogue ? home_state(home, error) : NULL;
    g_autoptr(GPtrArray) rows = state ? state_evidence_of(state, found->node, error) : NULL;

    if (!rows)
        return FALSE;
    /* Of keys that were ended one is enough. */
    *fresh = FALSE;
    if (newest && is_of_ended_keys(found, newest) && evidence_row(rows, EVIDENCE_REPUDIATED))
        return TRUE;
    return keep(home, found->node, kind, document, TRUE, fresh, error) && settle_new(home, found->node, kind, fresh, error);
}

gboolean
evidence_fork_size(Home *home, const char *node, guint64 *size, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) rows = state ? state_evidence_of(state, node, error) : NULL;
    const Evidence *evidence = rows ? evidence_row_shown(rows, FALSE) : NULL;

    *size = 0;
    if (evidence) {
        g_autoptr(GBytes) document = g_bytes_new(evidence->text, strlen(evidence->text));
        g_autoptr(Contradiction) found = evidence_verify(document, NULL);

        *size = found ? found->size : 0;
    }
    return rows != NULL;
}
