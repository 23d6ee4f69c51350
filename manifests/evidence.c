#include "manifests/evidence.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "manifests/ledger/merkle.h"

#define TYPE "evidence/1"
#define BOTH_TRUE "evidence: %s: these can all be true: %s"

static const char *const known[] = { "checkpoints", "hashes", "keys", "kind", "node", "records", "root", "type", NULL };

/* A document while it is read. */
typedef struct {
    Contradiction *found;
    gboolean has_root;
    Digest root;
    GArray *hashes;      /* of Digest */
    gboolean rollback;   /* what it says it is */
} Reading;

static void
reading_clear(Reading *reading)
{
    g_clear_pointer(&reading->found, contradiction_free);
    g_clear_pointer(&reading->hashes, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

void
contradiction_free(Contradiction *contradiction)
{
    if (!contradiction)
        return;
    identity_free(contradiction->identity);
    g_ptr_array_unref(contradiction->records);
    g_ptr_array_unref(contradiction->checkpoints);
    g_free(contradiction);
}

static Contradiction *
contradiction_new(void)
{
    Contradiction *contradiction = g_new0(Contradiction, 1);

    contradiction->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    contradiction->checkpoints = g_ptr_array_new_with_free_func((GDestroyNotify)checkpoint_free);
    return contradiction;
}

const char *
contradiction_kind(const Contradiction *contradiction)
{
    return contradiction->form == CONTRADICTION_ROLLBACK ? EVIDENCE_KIND_ROLLBACK : EVIDENCE_KIND_FORK;
}

static const Checkpoint *
checkpoint_at(const Contradiction *contradiction, guint i)
{
    return g_ptr_array_index(contradiction->checkpoints, i);
}

static const Record *
record_at(const Contradiction *contradiction, guint i)
{
    return g_ptr_array_index(contradiction->records, i);
}

static char *
describe_records(const Contradiction *contradiction)
{
    const Record *first = record_at(contradiction, 0), *second = record_at(contradiction, 1);
    char address[2][DIGEST_TEXT_SIZE];

    if (first->seq == second->seq)
        return g_strdup_printf("it signed two different records with the number %" G_GUINT64_FORMAT ": %s and %s", first->seq,
                               digest_format(&first->address, address[0]), digest_format(&second->address, address[1]));
    return g_strdup_printf("it signed record %" G_GUINT64_FORMAT " as %s, and a record %" G_GUINT64_FORMAT " that continues another, %s", first->seq,
                           digest_format(&first->address, address[0]), second->seq, digest_format(&second->prev, address[1]));
}

static char *
describe_rollback(const Contradiction *contradiction)
{
    const Checkpoint *before = checkpoint_at(contradiction, 0), *after = checkpoint_at(contradiction, 1);
    char time[2][TIME_TEXT_SIZE];

    return g_strdup_printf("it signed that it had %" G_GUINT64_FORMAT " records on %s, and %" G_GUINT64_FORMAT " on %s", before->size,
                           time_format(before->time, time[0]), after->size, time_format(after->time, time[1]));
}

char *
contradiction_describe(const Contradiction *contradiction)
{
    switch (contradiction->form) {
    case CONTRADICTION_RECORDS:
        return describe_records(contradiction);
    case CONTRADICTION_ROOTS:
        return g_strdup_printf("it signed two checkpoints of %" G_GUINT64_FORMAT " records with different roots", contradiction->size);
    case CONTRADICTION_PREFIX:
        return g_strdup_printf("it signed a checkpoint of %" G_GUINT64_FORMAT " records, and one of %" G_GUINT64_FORMAT " of which the first %" G_GUINT64_FORMAT
                               " are others", contradiction->size, checkpoint_at(contradiction, 1)->size, contradiction->size);
    case CONTRADICTION_CHECKPOINT:
        return g_strdup_printf("it signed a checkpoint of %" G_GUINT64_FORMAT " records that is not that of the records that it signed", contradiction->size);
    case CONTRADICTION_ROLLBACK:
        break;
    }
    return describe_rollback(contradiction);
}

/* Reading: EV1 to EV5. */

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
read_key(Reading *reading, const json_t *entry, GError **error)
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
read_keys(Reading *reading, const json_t *root, GError **error)
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
read_record(Reading *reading, const json_t *entry, GError **error)
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
read_records(Reading *reading, const json_t *root, GError **error)
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
static char *
bare(const char *note, gsize size, const Identity *identity, Checkpoint **checkpoint, GError **error)
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
read_checkpoint(Reading *reading, const json_t *string, GError **error)
{
    const char *note = json_string_value(string);
    gsize size = json_string_length(string);
    g_autoptr(Checkpoint) checkpoint = NULL;
    g_autofree char *alone = bare(note, size, reading->found->identity, &checkpoint, error);

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
read_checkpoints(Reading *reading, const json_t *root, GError **error)
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
read_hashes(Reading *reading, const json_t *root, GError **error)
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
read_head(Reading *reading, const json_t *root, GError **error)
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
    if (strcmp(type, TYPE) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "evidence: EV1: want type " TYPE ", have %s", type);
    return member_only(root, "evidence", known, error) ? g_steal_pointer(&root) : NULL;
}

/* Judging: EV6 to EV10. */

static gboolean
out_of_order(GError **error, const char *rule, const char *what)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: %s: want %s", rule, what);
}

/* EV6 */
static gboolean
judge_records(Contradiction *found, GError **error)
{
    const Record *first = record_at(found, 0), *second = record_at(found, 1);

    found->form = CONTRADICTION_RECORDS;
    found->size = first->seq + 1;
    if (first->seq == second->seq) {
        int order = digest_compare(&first->address, &second->address);

        if (order == 0)
            return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV6", "the two records are one");
        return order < 0 || out_of_order(error, "EV6", "the record of the lower address first");
    }
    if (second->seq < first->seq)
        return out_of_order(error, "EV6", "the record of the lower number first");
    if (second->seq > first->seq + 1)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV6", "the records do not have one number, nor follow each other");
    if (digest_equal(&second->prev, &first->address))
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV6", "the second record continues the first");
    return TRUE;
}

/* EV7 */
static gboolean
judge_roots(Contradiction *found, GError **error)
{
    const Checkpoint *first = checkpoint_at(found, 0), *second = checkpoint_at(found, 1);
    int order = digest_compare(&first->root, &second->root);

    found->form = CONTRADICTION_ROOTS;
    found->size = first->size;
    if (order == 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV7", "both checkpoints are of one size and root");
    return order < 0 || out_of_order(error, "EV7", "the checkpoint of the lower root first");
}

/* EV8: the proof shows which root the larger tree's first records have; by the hash function there is one alone. */
static gboolean
judge_prefix(const Reading *reading, GError **error)
{
    Contradiction *found = reading->found;
    const Checkpoint *smaller = checkpoint_at(found, 0), *larger = checkpoint_at(found, 1);

    found->form = CONTRADICTION_PREFIX;
    found->size = smaller->size;
    if (!reading->has_root)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV8", "the checkpoints are of different sizes, and no root shows that one does not continue the other");
    if (!merkle_check_consistency(smaller->size, &reading->root, larger->size, &larger->root, (const Digest *)(gpointer)reading->hashes->data,
                                  reading->hashes->len, error)) {
        g_prefix_error(error, "evidence: EV8: ");
        return FALSE;
    }
    if (digest_equal(&reading->root, &smaller->root))
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV8", "the larger checkpoint continues the smaller one");
    return TRUE;
}

/* EV10 */
static gboolean
judge_rollback(Contradiction *found, GError **error)
{
    const Checkpoint *before = checkpoint_at(found, 0), *after = checkpoint_at(found, 1);

    found->form = CONTRADICTION_ROLLBACK;
    if (before->time == 0 || after->time == 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV10", "not both checkpoints say when they were signed");
    if (after->size >= before->size || after->time <= before->time)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV10", "the second checkpoint is not of fewer records and a later time");
    return TRUE;
}

/* The complete subtrees of a tree that grows, the largest first. */
typedef struct {
    Digest peaks[EVIDENCE_HASHES_MAX];
    guint count;
    guint64 size;
} Frontier;

static void
frontier_add(Frontier *frontier, const Digest *leaf)
{
    frontier->peaks[frontier->count++] = *leaf;
    frontier->size++;
    for (guint64 size = frontier->size; size % 2 == 0; size /= 2) {
        merkle_node(&frontier->peaks[frontier->count - 2], &frontier->peaks[frontier->count - 1], &frontier->peaks[frontier->count - 2]);
        frontier->count--;
    }
}

static void
frontier_root(const Frontier *frontier, Digest *root)
{
    digest_of("", 0, root);
    if (frontier->count > 0)
        *root = frontier->peaks[frontier->count - 1];
    for (guint i = frontier->count; i > 1; i--)
        merkle_node(&frontier->peaks[i - 2], root, root);
}

/* EV9: where the records begin: at 0, or under the first checkpoint, of which the complete subtrees are given. */
static gboolean
begin_records(const Reading *reading, Frontier *frontier, GError **error)
{
    const Contradiction *found = reading->found;
    const Checkpoint *first = found->checkpoints->len == 2 ? checkpoint_at(found, 0) : NULL;
    guint64 size = first ? first->size : 0;
    guint peaks = 0;
    Digest root;

    for (guint64 rest = size; rest > 0; rest &= rest - 1)
        peaks++;
    if (first && size == 0)
        return out_of_order(error, "EV9", "no first checkpoint where the records begin with the inception");
    if (reading->hashes->len != peaks)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV9: want %u hashes below the first checkpoint, have %u", peaks, reading->hashes->len);
    *frontier = (Frontier){ .count = peaks, .size = size };
    if (peaks > 0)
        memcpy(frontier->peaks, reading->hashes->data, peaks * sizeof(Digest));
    frontier_root(frontier, &root);
    if (first && !digest_equal(&root, &first->root))
        return chama_error(error, CHAMA_ERROR_VERIFY, "evidence: EV9: the hashes are not those below the first checkpoint");
    return TRUE;
}

static gboolean
add_records(const Contradiction *found, Frontier *frontier, GError **error)
{
    for (guint i = 0; i < found->records->len; i++) {
        const Record *record = record_at(found, i);
        g_autoptr(GBytes) entry = record_entry(record);
        Digest leaf;

        if (record->seq != frontier->size || (i > 0 && !digest_equal(&record->prev, &record_at(found, i - 1)->address)))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV9: want records from %" G_GUINT64_FORMAT " on that continue each other, have %" G_GUINT64_FORMAT,
                               frontier->size, record->seq);
        merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaf);
        frontier_add(frontier, &leaf);
    }
    return TRUE;
}

static gboolean
judge_checkpoint(const Reading *reading, GError **error)
{
    Contradiction *found = reading->found;
    const Checkpoint *last = checkpoint_at(found, found->checkpoints->len - 1);
    Frontier frontier;
    Digest root;

    found->form = CONTRADICTION_CHECKPOINT;
    found->size = last->size;
    if (!begin_records(reading, &frontier, error) || !add_records(found, &frontier, error))
        return FALSE;
    if (frontier.size != last->size)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV9", "the checkpoint is of another number of records");
    frontier_root(&frontier, &root);
    if (digest_equal(&root, &last->root))
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV9", "the checkpoint is that of the records");
    return TRUE;
}

/* What stands in the document says which form it has; each has its members, and no others. */
static gboolean
judge(const Reading *reading, GError **error)
{
    Contradiction *found = reading->found;
    guint records = found->records->len, checkpoints = found->checkpoints->len;
    gboolean bare = !reading->has_root && reading->hashes->len == 0;

    if (reading->rollback && records == 0 && checkpoints == 2 && bare)
        return judge_rollback(found, error);
    if (!reading->rollback && records == 2 && checkpoints == 0 && bare)
        return judge_records(found, error);
    if (!reading->rollback && records > 0 && checkpoints > 0 && !reading->has_root)
        return judge_checkpoint(reading, error);
    if (reading->rollback || records > 0 || checkpoints != 2)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV2: want one of the forms EV6 to EV10, have %u records and %u checkpoints", records, checkpoints);
    if (checkpoint_at(found, 1)->size < checkpoint_at(found, 0)->size)
        return out_of_order(error, "EV8", "the smaller checkpoint first");
    if (checkpoint_at(found, 1)->size > checkpoint_at(found, 0)->size)
        return judge_prefix(reading, error);
    return bare ? judge_roots(found, error) : out_of_order(error, "EV7", "neither root nor hashes beside two checkpoints of one size");
}

Contradiction *
evidence_verify(GBytes *bytes, GError **error)
{
    g_autoptr(json_t) root = parse_document(bytes, error);
    g_auto(Reading) reading = { .found = contradiction_new(), .hashes = g_array_new(FALSE, FALSE, sizeof(Digest)) };

    if (!root || !read_head(&reading, root, error) || !read_keys(&reading, root, error) || !read_records(&reading, root, error) ||
        !read_checkpoints(&reading, root, error) || !read_hashes(&reading, root, error) || !judge(&reading, error))
        return NULL;
    digest_of_bytes(bytes, &reading.found->address);
    return g_steal_pointer(&reading.found);
}

/* Making. */

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
        g_autofree char *alone = note ? bare(note, strlen(note), identity, &checkpoint, error) : NULL;

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
    root = json_pack("{s:s, s:s, s:s, s:o}", "type", TYPE, "node", identity->id, "kind", parts->rollback ? EVIDENCE_KIND_ROLLBACK : EVIDENCE_KIND_FORK, "keys",
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
