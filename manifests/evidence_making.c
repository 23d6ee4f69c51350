/* Making evidence: one spelling of each contradiction (EV1). */
#include <string.h>

#include "keys/canonical.h"
#include "manifests/evidence_private.h"

static json_t *
entry_to_json(GBytes *entry)
{
    gsize size;
    const char *text = g_bytes_get_data(entry, &size);

    return json_stringn(text, size);
}

static Identity *
identity_of(const EvidenceParts *parts, GError **error)
{
    g_autoptr(Identity) identity = NULL;

    for (guint i = 0; i < parts->key_count; i++) {
        Identity *after = record_identity_after(parts->keys[i], identity, error);

        identity_free(identity);
        identity = after;
        if (!after)
            return NULL;
    }
    return g_steal_pointer(&identity);
}

/* EV6, EV7: of two, this one is first. */
static gboolean
record_is_first(const Record *record, const Record *other)
{
    return record->seq != other->seq ? record->seq < other->seq : digest_compare(&record->address, &other->address) < 0;
}

static gboolean
checkpoint_is_first(const Checkpoint *checkpoint, const Checkpoint *other, gboolean rollback)
{
    if (rollback)
        return checkpoint->size > other->size;
    return checkpoint->size != other->size ? checkpoint->size < other->size : digest_compare(&checkpoint->root, &other->root) < 0;
}

static json_t *
records_to_json(const EvidenceParts *parts)
{
    gboolean turn = parts->record_count == 2 && !parts->checkpoints[0] && record_is_first(parts->records[1], parts->records[0]);
    json_t *array = json_array();

    for (guint i = 0; i < parts->record_count; i++) {
        g_autoptr(GBytes) entry = record_entry(parts->records[turn ? 1 - i : i]);

        json_array_append_new(array, entry_to_json(entry));
    }
    return array;
}

static json_t *
checkpoints_to_json(const EvidenceParts *parts, const Identity *identity, guint64 *limit, GError **error)
{
    g_autoptr(json_t) array = json_array();
    g_autoptr(Checkpoint) first = NULL;

    for (guint i = 0; i < 2; i++) {
        const char *note = parts->checkpoints[i];
        g_autoptr(Checkpoint) checkpoint = NULL;
        g_autofree char *alone = note ? evidence_bare(note, strlen(note), identity, &checkpoint, error) : NULL;

        if (note && !alone)
            return NULL;
        if (!note)
            continue;
        *limit = MAX(*limit, checkpoint->size);
        if (first && checkpoint_is_first(checkpoint, first, parts->rollback))
            json_array_insert_new(array, 0, json_string(alone));
        else
            json_array_append_new(array, json_string(alone));
        if (!first)
            first = g_steal_pointer(&checkpoint);
    }
    return g_steal_pointer(&array);
}

static void
set_unless_empty(json_t *root, const char *name, json_t *array)
{
    if (json_array_size(array) > 0)
        json_object_set_new(root, name, array);
    else
        json_decref(array);
}

/* EV3: those that counted for what is shown: before record @limit. */
static json_t *
keys_to_json(const EvidenceParts *parts, guint64 limit)
{
    json_t *array = json_array();

    for (guint i = 0; i < parts->key_count; i++) {
        g_autoptr(GBytes) entry = i == 0 || parts->keys[i]->seq < limit ? record_entry(parts->keys[i]) : NULL;

        if (entry)
            json_array_append_new(array, entry_to_json(entry));
    }
    return array;
}

static json_t *
parts_to_json(const EvidenceParts *parts, GError **error)
{
    g_autoptr(Identity) identity = identity_of(parts, error);
    guint64 limit = 0;
    g_autoptr(json_t) checkpoints = identity ? checkpoints_to_json(parts, identity, &limit, error) : NULL;
    json_t *hashes, *root;
    char text[DIGEST_TEXT_SIZE];

    if (!checkpoints)
        return NULL;
    if (json_array_size(checkpoints) == 0 && parts->record_count == 2)
        limit = MIN(parts->records[0]->seq, parts->records[1]->seq);
    root = json_pack("{s:s, s:s, s:s, s:o}", "type", EVIDENCE_TYPE, "node", identity->id, "kind", parts->rollback ? EVIDENCE_KIND_ROLLBACK : EVIDENCE_KIND_FORK, "keys",
                     keys_to_json(parts, limit));
    hashes = json_array();
    for (guint i = 0; i < parts->hash_count; i++) {
        g_autofree char *hash = base64_format(parts->hashes[i].bytes, DIGEST_SIZE);

        json_array_append_new(hashes, json_string(hash));
    }
    set_unless_empty(root, "checkpoints", g_steal_pointer(&checkpoints));
    set_unless_empty(root, "records", records_to_json(parts));
    set_unless_empty(root, "hashes", hashes);
    if (parts->root)
        json_object_set_new(root, "root", json_string(digest_format(parts->root, text)));
    return root;
}

GBytes *
evidence_make(const EvidenceParts *parts, GError **error)
{
    g_autoptr(json_t) root = parts_to_json(parts, error);
    g_autoptr(GBytes) bytes = root ? canonical_format(root, error) : NULL;
    g_autoptr(Contradiction) found = bytes ? evidence_verify(bytes, error) : NULL;

    return found ? g_steal_pointer(&bytes) : NULL;
}
