/* Reading evidence: EV1 to EV5 of manifests/FORMAT.md, part 13.  Nothing here says whether it can all be true. */
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "manifests/evidence_private.h"

static const char *const known[] = { "checkpoints", "hashes", "keys", "kind", "node", "records", "root", "type", NULL };

void
evidence_reading_clear(EvidenceReading *reading)
{
    g_clear_pointer(&reading->found, contradiction_free);
    g_clear_pointer(&reading->hashes, g_array_unref);
}

/* EV1: an array of strings, left out where it is empty, as there is one way to say nothing. */
static gboolean
read_array(const json_t *root, const char *name, gsize max, const json_t **array, GError **error)
{
    const json_t *item;
    size_t i;

    *array = NULL;
    if (!member_has(root, name))
        return TRUE;
    if (!member_array(root, "evidence", name, max, array, error))
        return FALSE;
    if (json_array_size(*array) == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV1: want no \"%s\" where there are none, have an empty list", name);
    json_array_foreach(*array, i, item)
        if (!json_is_string(item))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV1: want strings in \"%s\", have something else", name);
    return TRUE;
}

/* EV3: who the node is, and its keys: each rotation by those before it. */
static gboolean
read_key(EvidenceReading *reading, const json_t *entry, GError **error)
{
    Contradiction *found = reading->found;
    g_autoptr(RecordReceived) received = record_receive(json_string_value(entry), json_string_length(entry), error);
    const Record *claims = received ? record_received_claims(received) : NULL;
    LedgerHead head = { .size = 0 };
    g_autoptr(Record) record = NULL;
    Identity *after;

    if (claims && found->identity && (strcmp(claims->type, ROTATION_TYPE) != 0 || claims->seq <= found->identity->since))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "want the inception and the rotations in order, have another record");
    if (claims && found->identity)
        head = (LedgerHead){ claims->seq, claims->prev, found->identity };
    record = received ? record_verify(received, &head, error) : NULL;
    if (record && strcmp(record->node, found->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "want the inception of %s, have that of %s", found->node, record->node);
    after = record ? record_identity_after(record, found->identity, error) : NULL;
    if (!after)
        return FALSE;
    identity_free(found->identity);
    found->identity = after;
    return TRUE;
}

static gboolean
read_keys(EvidenceReading *reading, const json_t *root, GError **error)
{
    const json_t *array, *entry;
    size_t i;

    if (!read_array(root, "keys", EVIDENCE_KEYS_MAX, &array, error))
        return FALSE;
    if (!array)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV3: want the node's inception in \"keys\", have none");
    json_array_foreach(array, i, entry) {
        if (!read_key(reading, entry, error)) {
            g_prefix_error(error, "evidence: EV3: ");
            return FALSE;
        }
    }
    return TRUE;
}

/* EV4: signed by the key valid there.  What it says it continues is its own claim, and what evidence is made of. */
static gboolean
read_record(EvidenceReading *reading, const json_t *entry, GError **error)
{
    g_autoptr(RecordReceived) received = record_receive(json_string_value(entry), json_string_length(entry), error);
    const Record *claims = received ? record_received_claims(received) : NULL;
    LedgerHead head = { .size = 0 };
    Record *record;

    if (!claims) {
        g_prefix_error(error, "evidence: EV4: ");
        return FALSE;
    }
    if (strcmp(claims->node, reading->found->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "evidence: EV4: want records of %s, have one of %s", reading->found->node, claims->node);
    if (claims->seq > 0)
        head = (LedgerHead){ claims->seq, claims->prev, identity_at(reading->found->identity, claims->seq - 1) };
    record = record_verify(received, &head, error);
    if (!record) {
        g_prefix_error(error, "evidence: EV4: ");
        return FALSE;
    }
    g_ptr_array_add(reading->found->records, record);
    return TRUE;
}

static gboolean
read_records(EvidenceReading *reading, const json_t *root, GError **error)
{
    const json_t *array, *entry;
    size_t i;

    if (!read_array(root, "records", EVIDENCE_RECORDS_MAX, &array, error))
        return FALSE;
    json_array_foreach(array, i, entry)
        if (!read_record(reading, entry, error))
            return FALSE;
    return TRUE;
}

/* EV5: the same note with the line of its owner alone; the keys are those that the node had at its size. */
char *
evidence_bare(const char *note, gsize size, const Identity *identity, Checkpoint **checkpoint, GError **error)
{
    const Identity *then;
    g_autofree char *origin = NULL;

    *checkpoint = checkpoint_verify_by(note, size, identity, error);
    if (!*checkpoint)
        return NULL;
    then = identity_at(identity, (*checkpoint)->size > 0 ? (*checkpoint)->size - 1 : 0);
    origin = checkpoint_origin_of(then);
    return note_bare(note, size, origin, &then->log, error);
}

/* EV5: what others wrote below it could be altered. */
static gboolean
read_checkpoint(EvidenceReading *reading, const json_t *string, GError **error)
{
    const char *note = json_string_value(string);
    gsize size = json_string_length(string);
    g_autoptr(Checkpoint) checkpoint = NULL;
    g_autofree char *alone = evidence_bare(note, size, reading->found->identity, &checkpoint, error);

    if (!alone) {
        g_prefix_error(error, "evidence: EV5: ");
        return FALSE;
    }
    if (strlen(alone) != size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV5: want checkpoints signed by their owner alone, have another signature line");
    g_ptr_array_add(reading->found->checkpoints, g_steal_pointer(&checkpoint));
    return TRUE;
}

static gboolean
read_checkpoints(EvidenceReading *reading, const json_t *root, GError **error)
{
    const json_t *array, *note;
    size_t i;

    if (!read_array(root, "checkpoints", 2, &array, error))
        return FALSE;
    json_array_foreach(array, i, note)
        if (!read_checkpoint(reading, note, error))
            return FALSE;
    return TRUE;
}

static gboolean
read_hashes(EvidenceReading *reading, const json_t *root, GError **error)
{
    const json_t *array, *item;
    size_t i;

    if (!read_array(root, "hashes", EVIDENCE_HASHES_MAX, &array, error))
        return FALSE;
    json_array_foreach(array, i, item) {
        g_autoptr(GBytes) bytes = base64_parse(json_string_value(item), json_string_length(item), DIGEST_SIZE, NULL);
        Digest hash;

        if (!bytes || g_bytes_get_size(bytes) != DIGEST_SIZE)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV1: want hashes of 32 bytes in base64");
        memcpy(hash.bytes, g_bytes_get_data(bytes, NULL), DIGEST_SIZE);
        g_array_append_val(reading->hashes, hash);
    }
    reading->has_root = member_has(root, "root");
    return !reading->has_root || member_digest(root, "evidence", "root", &reading->root, error);
}

/* EV2 */
static gboolean
read_head(EvidenceReading *reading, const json_t *root, GError **error)
{
    const char *node, *kind;

    if (!member_string(root, "evidence", "node", NODE_ID_LENGTH, &node, error) || !member_string(root, "evidence", "kind", 16, &kind, error))
        return FALSE;
    if (!node_id_valid(node))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV2: want a node id, have \"%s\"", node);
    reading->rollback = strcmp(kind, EVIDENCE_KIND_ROLLBACK) == 0;
    if (!reading->rollback && strcmp(kind, EVIDENCE_KIND_FORK) != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "evidence: EV2: want the kind fork or rollback, have \"%s\"", kind);
    g_strlcpy(reading->found->node, node, NODE_ID_SIZE);
    return TRUE;
}

/* EV1 */
static json_t *
parse_document(GBytes *bytes, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    g_autoptr(json_t) root = canonical_parse(size > 0 ? data : "", size, EVIDENCE_SIZE_MAX, "evidence", error);
    const char *type;

    if (!root)
        return NULL;
    if (!json_is_object(root))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "evidence: EV1: want an object, have an array");
    if (!member_string(root, "evidence", "type", RECORD_TYPE_MAX, &type, error))
        return NULL;
    if (strcmp(type, EVIDENCE_TYPE) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "evidence: EV1: want type " EVIDENCE_TYPE ", have %s", type);
    return member_only(root, "evidence", known, error) ? g_steal_pointer(&root) : NULL;
}

gboolean
evidence_read(EvidenceReading *reading, GBytes *bytes, GError **error)
{
    g_autoptr(json_t) root = parse_document(bytes, error);

    reading->found = contradiction_new();
    reading->hashes = g_array_new(FALSE, FALSE, sizeof(Digest));
    return root && read_head(reading, root, error) && read_keys(reading, root, error) && read_records(reading, root, error) &&
           read_checkpoints(reading, root, error) && read_hashes(reading, root, error);
}
