#include "sync/pull/evidence.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"

void
conflict_clear(Conflict *conflict)
{
    g_clear_pointer(&conflict->inception, g_bytes_unref);
    g_clear_pointer(&conflict->checkpoints[0], g_free);
    g_clear_pointer(&conflict->checkpoints[1], g_free);
    g_clear_pointer(&conflict->records, g_ptr_array_unref);
    g_clear_pointer(&conflict->hashes, g_array_unref);
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

/* The inception as a log entry: a node's id is the address of its inception. */
static GBytes *
known_inception(Home *home, const char *node, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Record) record = NULL;
    Digest address;

    if (!catalogue || !node_id_parse(node, &address, error))
        return NULL;
    record = catalogue_record(catalogue, &address, error);
    return record ? record_entry(record) : NULL;
}

static GBytes *
make_document(Home *home, const char *node, const Conflict *conflict, GError **error)
{
    g_autoptr(GBytes) inception = conflict->inception ? g_bytes_ref(conflict->inception) : known_inception(home, node, error);
    EvidenceParts parts = {
        .keys = &inception,
        .key_count = 1,
        .checkpoints = { conflict->checkpoints[0], conflict->checkpoints[1] },
        .root = conflict->has_root ? &conflict->root : NULL,
        .rollback = conflict->rollback,
    };

    if (conflict->records) {
        parts.records = (const Record *const *)conflict->records->pdata;
        parts.record_count = conflict->records->len;
    }
    if (conflict->hashes) {
        parts.hashes = (const Digest *)(gpointer)conflict->hashes->data;
        parts.hash_count = conflict->hashes->len;
    }
    return inception ? evidence_make(&parts, error) : NULL;
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

static gboolean
is_known(State *state, const char *node, const char *kind, gboolean *known, GError **error)
{
    g_autoptr(GPtrArray) all = state_evidence(state, error);

    *known = FALSE;
    for (guint i = 0; all && i < all->len && !*known; i++) {
        const Evidence *evidence = all->pdata[i];

        *known = strcmp(evidence->node, node) == 0 && strcmp(evidence->kind, kind) == 0;
    }
    return all != NULL;
}

static gboolean
keep(State *state, const char *node, const char *kind, GBytes *document, GError **error)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(document, NULL), g_bytes_get_size(document));
    gboolean known;

    return is_known(state, node, kind, &known, error) &&
           (known || state_add_evidence(state, node, kind, text, g_get_real_time() / G_USEC_PER_SEC, error));
}

gboolean
evidence_keep(Home *home, const char *node, const Conflict *conflict, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GError) why = NULL;
    g_autoptr(GBytes) document = state ? make_document(home, node, conflict, &why) : NULL;
    const char *kind = conflict->rollback ? EVIDENCE_ROLLBACK : strcmp(node, home_id(home)) == 0 ? EVIDENCE_OWN_FORK : EVIDENCE_FORK;

    if (!state)
        return FALSE;
    if (document)
        return keep(state, node, kind, document, error);
    document = make_observation(node, conflict, why, error);
    return document && keep(state, node, strcmp(kind, EVIDENCE_OWN_FORK) == 0 ? kind : EVIDENCE_SEEN, document, error);
}
