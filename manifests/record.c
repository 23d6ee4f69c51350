#include "manifests/record.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/rotation.h"
#include "keys/sshsig.h"

#define TYPE_INCEPTION "inception/1"

struct RecordReceived {
    Record *record;
};

static const char *const common_members[] = { "node", "prev", "seq", "time", "type", NULL };

void
record_free(Record *record)
{
    if (!record)
        return;
    g_clear_pointer(&record->bytes, g_bytes_unref);
    g_clear_pointer(&record->signature, g_bytes_unref);
    g_free(record);
}

Record *
record_copy(const Record *record)
{
    Record *copy = g_memdup2(record, sizeof *record);

    g_bytes_ref(copy->bytes);
    g_bytes_ref(copy->signature);
    return copy;
}

void
record_received_free(RecordReceived *received)
{
    if (!received)
        return;
    record_free(received->record);
    g_free(received);
}

const Record *
record_received_claims(const RecordReceived *received)
{
    return received->record;
}

/* R3: [a-z][a-z0-9-]* / [1-9][0-9]* */
static gboolean
type_is_well_formed(const char *type)
{
    gsize name = strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789-");
    const char *number = type + name + 1;

    return g_ascii_islower(type[0]) && type[name] == '/' && number[0] >= '1' && number[0] <= '9'
        && strspn(number, "0123456789") == strlen(number);
}

/* R3: types that change the key state cannot be passed over as other unknown types are: what follows them could not be verified. */
static gboolean
type_changes_keys(const char *type)
{
    return (g_str_has_prefix(type, "rotation/") && strcmp(type, ROTATION_TYPE) != 0) || (g_str_has_prefix(type, "inception/") && strcmp(type, TYPE_INCEPTION) != 0);
}

static gboolean
read_type(Record *record, const json_t *object, GError **error)
{
    const char *type;

    if (!member_string(object, "record", "type", RECORD_TYPE_MAX - 1, &type, error))
        return FALSE;
    if (!type_is_well_formed(type))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record: R3: want a type such as manifest/1, have %s", type);
    if (type_changes_keys(type))
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "record: R3: %s changes keys in a way that this version does not know", type);
    g_strlcpy(record->type, type, sizeof record->type);
    return TRUE;
}

/* R4, of an inception: seq 0, and its node id is the hash of its bytes.  What else it holds is keys/IDENTITY.md's. */
static gboolean
read_inception(Record *record, const json_t *object, GError **error)
{
    g_autoptr(Identity) identity = NULL;

    if (record->seq != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record: R4: want seq 0 of an inception, have %" G_GUINT64_FORMAT, record->seq);
    identity = identity_parse_inception(record->bytes, error);
    if (!identity)
        return FALSE;
    g_strlcpy(record->node, identity->id, sizeof record->node);
    return TRUE;
}

static gboolean
read_continuation(Record *record, const json_t *object, GError **error)
{
    const char *node;

    if (record->seq == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record: R4: want an inception as seq 0, have %s", record->type);
    if (!member_string(object, "record", "node", NODE_ID_LENGTH, &node, error)
        || !member_digest(object, "record", "prev", &record->prev, error))
        return FALSE;
    if (!node_id_valid(node))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record: R4: want a node id as node, have %s", node);
    g_strlcpy(record->node, node, sizeof record->node);
    return TRUE;
}

static gboolean
read_members(Record *record, const json_t *object, GError **error)
{
    gint64 seq;

    if (!json_is_object(object))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record: R1: want an object, have an array");
    if (!read_type(record, object, error) || !member_integer(object, "record", "seq", 0, RECORD_SEQ_MAX, &seq, error)
        || !member_time(object, "record", "time", &record->time, error))
        return FALSE;
    record->seq = (guint64)seq;
    if (strcmp(record->type, TYPE_INCEPTION) == 0)
        return read_inception(record, object, error);
    return read_continuation(record, object, error);
}

/* R1, R3, R4: everything about the bytes alone. */
static Record *
record_new(const void *data, gsize size, GBytes *signature, GError **error)
{
    g_autoptr(Record) record = g_new0(Record, 1);
    g_autoptr(json_t) object = NULL;

    if (size > RECORD_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "record: R1: want at most %d bytes, have %" G_GSIZE_FORMAT, RECORD_SIZE_MAX, size);
    object = canonical_parse(data, size, RECORD_SIZE_MAX, "record", error);
    if (!object)
        return NULL;
    record->bytes = g_bytes_new(data, size);
    record->signature = signature ? g_bytes_ref(signature) : NULL;
    digest_of(data, size, &record->address);
    if (!read_members(record, object, error))
        return NULL;
    return g_steal_pointer(&record);
}

/* R2: record, LF, base64, LF.  Canonical JSON holds no LF, so the first one ends the record. */
static Record *
entry_parse(const void *entry, gsize size, GError **error)
{
    const char *text = entry;
    const char *end = size > 0 ? memchr(text, '\n', MIN(size, RECORD_SIZE_MAX + 1)) : NULL;
    g_autoptr(GBytes) signature = NULL;

    if (size > ENTRY_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "record: R2: want an entry of at most %d bytes, have %" G_GSIZE_FORMAT,
                                ENTRY_SIZE_MAX, size);
    if (!end && size > RECORD_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "record: R1: want at most %d bytes, have more", RECORD_SIZE_MAX);
    if (!end || text[size - 1] != '\n' || end == text + size - 1)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "record: R2: want a record and its signature, a line each");
    signature = base64_parse(end + 1, (gsize)(text + size - 1 - (end + 1)), SSHSIG_SIZE_MAX, error);
    if (!signature) {
        g_prefix_error(error, "record: R2: ");
        return NULL;
    }
    return record_new(text, (gsize)(end - text), signature, error);
}

RecordReceived *
record_receive(const void *entry, gsize size, GError **error)
{
    Record *record = entry_parse(entry, size, error);
    RecordReceived *received;

    if (!record)
        return NULL;
    received = g_new0(RecordReceived, 1);
    received->record = record;
    return received;
}

Record *
record_trust(const void *entry, gsize size, GError **error)
{
    return entry_parse(entry, size, error);
}

/* R5-R7: does @record come next? */
static gboolean
check_continues(const Record *record, const LedgerHead *head, GError **error)
{
    char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];

    if (head->identity && strcmp(record->node, head->identity->id) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "record %" G_GUINT64_FORMAT ": R7: want node %s, have %s", record->seq,
                           head->identity->id, record->node);
    if (record->seq != head->size)
        return chama_error(error, CHAMA_ERROR_FORK, "record %" G_GUINT64_FORMAT ": R5: want seq %" G_GUINT64_FORMAT, record->seq, head->size);
    if (head->size > 0 && !digest_equal(&record->prev, &head->head))
        return chama_error(error, CHAMA_ERROR_FORK, "record %" G_GUINT64_FORMAT ": R6: want prev %s, have %s", record->seq,
                           digest_format(&head->head, want), digest_format(&record->prev, have));
    return TRUE;
}

Identity *
record_identity_after(const Record *record, const Identity *before, GError **error)
{
    g_autoptr(Identity) identity = NULL;

    if (before && strcmp(record->type, ROTATION_TYPE) != 0)
        return identity_ref(before);
    identity = before ? identity_rotate(before, record->bytes, error) : identity_parse_inception(record->bytes, error);
    if (!identity && before)
        g_prefix_error(error, "record %" G_GUINT64_FORMAT ": ", record->seq);
    return g_steal_pointer(&identity);
}

/* R8, R9: the key that signs the record at @head; inceptions and rotations bring their own. */
static gboolean
signing_key(const Record *record, const LedgerHead *head, PublicKey *key, GError **error)
{
    g_autoptr(Identity) after = record_identity_after(record, head->identity, error);

    if (after)
        *key = after->signing;
    return after != NULL;
}

Record *
record_verify(const RecordReceived *received, const LedgerHead *head, GError **error)
{
    const Record *record = received->record;
    PublicKey key;
    gsize size;
    const void *data = g_bytes_get_data(record->bytes, &size);

    if (!check_continues(record, head, error) || !signing_key(record, head, &key, error))
        return NULL;
    if (!sshsig_verify(record->signature, &key, SSHSIG_NAMESPACE_RECORD, data, size, error)) {
        g_prefix_error(error, "record %" G_GUINT64_FORMAT ": %s: ", record->seq, head->identity ? "R8" : "R9");
        return NULL;
    }
    return record_copy(record);
}

/* R4: the members that stand in every record but an inception. */
static gboolean
add_common_members(json_t *object, const LedgerHead *head, const char *type, gint64 time, GError **error)
{
    char prev[DIGEST_TEXT_SIZE], when[TIME_TEXT_SIZE];

    for (guint i = 0; common_members[i]; i++)
        if (member_has(object, common_members[i]))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "record: R4: %s is not a member that a type may set", common_members[i]);
    json_object_set_new(object, "node", json_string(head->identity->id));
    json_object_set_new(object, "prev", json_string(digest_format(&head->head, prev)));
    json_object_set_new(object, "seq", json_integer((json_int_t)head->size));
    json_object_set_new(object, "time", json_string(time_format(time, when)));
    json_object_set_new(object, "type", json_string(type));
    return TRUE;
}

GBytes *
record_format(const LedgerHead *head, const char *type, GBytes *members, gint64 time, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(members, &size);
    g_autoptr(json_t) object = NULL;

    if (!head->identity)
        return g_bytes_ref(members);
    if (size > RECORD_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "record: R1: want at most %d bytes, have %" G_GSIZE_FORMAT, RECORD_SIZE_MAX, size);
    object = canonical_parse(data, size, RECORD_SIZE_MAX, "record", error);
    if (!object)
        return NULL;
    if (!json_is_object(object))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "record: R1: want an object, have an array");
    if (!add_common_members(object, head, type, time, error))
        return NULL;
    return canonical_format(object, error);
}

/* R8: a record by another key could never be verified, so it must not be made. */
static gboolean
check_signer(const Record *record, const LedgerHead *head, const Keypair *signing, GError **error)
{
    PublicKey key;

    if (!signing_key(record, head, &key, error))
        return FALSE;
    if (memcmp(key.bytes, keypair_public(signing)->bytes, sizeof key.bytes) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "record %" G_GUINT64_FORMAT ": R8: the signing key is not the one of node %s",
                           record->seq, record->node);
    return TRUE;
}

Record *
record_sign(const LedgerHead *head, const char *type, GBytes *members, gint64 time, const Keypair *signing, GError **error)
{
    g_autoptr(GBytes) bytes = record_format(head, type, members, time, error);
    g_autoptr(Record) record = NULL;
    const void *data;
    gsize size;

    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &size);
    record = record_new(data, size, NULL, error);
    if (!record)
        return NULL;
    if (strcmp(record->type, type) != 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "record: R3: want type %s, have %s", type, record->type);
    if (!check_continues(record, head, error) || !check_signer(record, head, signing, error))
        return NULL;
    record->signature = sshsig_sign(signing, SSHSIG_NAMESPACE_RECORD, data, size, error);
    return record->signature ? g_steal_pointer(&record) : NULL;
}

GBytes *
record_entry(const Record *record)
{
    gsize size, signature_size;
    const char *data = g_bytes_get_data(record->bytes, &size);
    const void *signature = g_bytes_get_data(record->signature, &signature_size);
    g_autofree char *text = base64_format(signature, signature_size);
    GString *entry = g_string_sized_new(size + strlen(text) + 2);

    g_string_append_len(entry, data, (gssize)size);
    g_string_append_c(entry, '\n');
    g_string_append(entry, text);
    g_string_append_c(entry, '\n');
    return g_string_free_to_bytes(entry);
}
