#include "manifests/lineage/places.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "keys/sshsig.h"

/* A ledger, and what proves the place of a record in it. */
typedef struct {
    Ledger *ledger;           /* NULL: not held whole; borrowed */
    Checkpoint *checkpoint;   /* its owner's newest that holds; NULL: none */
    Identity *identity;       /* its owner's newest key state known; NULL: none */
    LedgerVerified verified;  /* what an audit has verified of it; size 0: nothing */
} Log;

static void
log_free(gpointer data)
{
    Log *log = data;

    g_clear_pointer(&log->checkpoint, checkpoint_free);
    g_clear_pointer(&log->identity, identity_free);
    g_free(log);
}

struct Places {
    LineageLedgers ledgers;
    LineageBeyond beyond;
    GHashTable *logs;         /* node id to Log */
};

Places *
places_new(const LineageLedgers *ledgers, const LineageBeyond *beyond)
{
    Places *places = g_new0(Places, 1);

    places->ledgers = *ledgers;
    if (beyond)
        places->beyond = *beyond;
    places->logs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, log_free);
    return places;
}

void
places_free(Places *places)
{
    if (!places)
        return;
    g_hash_table_unref(places->logs);
    g_free(places);
}

/* The newest checkpoint kept, if its owner signed it and the ledger here has its root. */
static Checkpoint *
checkpoint_of(Ledger *ledger)
{
    g_autofree char *note = ledger_checkpoint(ledger, NULL);
    g_autoptr(Checkpoint) checkpoint = note ? checkpoint_verify_by(note, strlen(note), ledger_identity(ledger), NULL) : NULL;
    Digest root;

    if (!checkpoint || checkpoint->size > ledger_head(ledger)->size || !ledger_root(ledger, checkpoint->size, &root, NULL) ||
        !digest_equal(&root, &checkpoint->root))
        return NULL;
    return g_steal_pointer(&checkpoint);
}

static const Log *
log_of(Places *places, const char *node)
{
    Log *log = g_hash_table_lookup(places->logs, node);

    if (log)
        return log;
    log = g_new0(Log, 1);
    log->ledger = places->ledgers.ledger(places->ledgers.data, node);
    if (log->ledger && ledger_head(log->ledger)->size == 0)
        log->ledger = NULL;
    if (log->ledger)
        log->checkpoint = checkpoint_of(log->ledger);
    if (log->ledger && places->beyond.remembered)
        places->beyond.remembered(places->beyond.remembered_data, node, &log->verified);
    log->identity = log->ledger ? identity_copy(ledger_identity(log->ledger)) : catalogue_identity(places->ledgers.catalogue, node, NULL);
    g_hash_table_insert(places->logs, g_strdup(node), log);
    return log;
}

/* The key that was valid at the record's place. */
static gboolean
signature_holds(const Record *record, const Identity *identity, GError **error)
{
    gsize size;
    const void *bytes = g_bytes_get_data(record->bytes, &size);

    return sshsig_verify(record->signature, &identity_at(identity, record->seq)->signing, SSHSIG_NAMESPACE_RECORD, bytes, size, error);
}

/* LI1: the log entry is the leaf at its place, and the tree of the checkpoint has that leaf there. */
static gboolean
is_leaf(const Log *log, const Record *record, char **place, GError **error)
{
    MerkleFile *file = ledger_merkle(log->ledger);
    g_autoptr(GBytes) entry = record_entry(record);
    g_autoptr(GArray) proof = NULL;
    Digest leaf, there;

    merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaf);
    if (!merkle_file_leaf(file, record->seq, &there, error))
        return FALSE;
    if (!digest_equal(&leaf, &there))
        return chama_error(error, CHAMA_ERROR_DAMAGED, "the Merkle log has another entry at its place; run `chama fsck`");
    if (!log->checkpoint || record->seq >= log->checkpoint->size) {
        *place = g_strdup_printf("record %" G_GUINT64_FORMAT " of its ledger, under no checkpoint yet", record->seq);
        return TRUE;
    }
    proof = merkle_file_inclusion(file, record->seq, log->checkpoint->size, error);
    if (!proof || !merkle_check_inclusion(record->seq, log->checkpoint->size, &leaf, (const Digest *)(gpointer)proof->data, proof->len, &log->checkpoint->root, error))
        return FALSE;
    *place = g_strdup_printf("record %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " under its owner's checkpoint", record->seq, log->checkpoint->size);
    return TRUE;
}

/* AU11: the record with its signature, as it lies there now, is under a root of which each signature was checked. */
static gboolean
was_verified(const Log *log, const Record *record)
{
    MerkleFile *file = ledger_merkle(log->ledger);
    g_autoptr(GBytes) entry = record->seq < log->verified.size ? record_entry(record) : NULL;
    g_autoptr(GArray) proof = entry ? merkle_file_inclusion(file, record->seq, log->verified.size, NULL) : NULL;
    Digest leaf;

    if (!proof)
        return FALSE;
    merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaf);
    return merkle_check_inclusion(record->seq, log->verified.size, &leaf, (const Digest *)(gpointer)proof->data, proof->len, &log->verified.root, NULL);
}

/* LI1: the ledger is what counts, the catalogue only leads to it. */
static gboolean
holds_in_ledger(const Log *log, const Record *record, char **place, GError **error)
{
    g_autoptr(Record) there = ledger_get(log->ledger, record->seq, error);

    if (!there)
        return FALSE;
    if (!digest_equal(&there->address, &record->address))
        return chama_error(error, CHAMA_ERROR_VERIFY, "its ledger has another record at number %" G_GUINT64_FORMAT, record->seq);
    return (was_verified(log, there) || signature_holds(there, ledger_identity(log->ledger), error)) && is_leaf(log, there, place, error);
}

static gboolean
holds_sparsely(Places *places, const Record *record, char **place, GError **error)
{
    const Log *log = log_of(places, record->node);

    if (!log->identity)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "its node's keys are not known here");
    if (!signature_holds(record, log->identity, error))
        return FALSE;
    if (places->beyond.stands)
        return places->beyond.stands(places->beyond.data, record, place, error);
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "nothing here proves its place in its ledger");
}

/* M19: its number names it and no other. */
static gboolean
counts_as_version(Places *places, const Record *record, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(Manifest) manifest = catalogue_manifest(places->ledgers.catalogue, &record->address, &failed);

    if (manifest)
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return chama_error(error, CHAMA_ERROR_VERIFY, "M19: it does not continue its dataset, and is no version of it");
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
places_record_holds(Places *places, const Record *record, char **place, GError **error)
{
    const Log *log = log_of(places, record->node);
    gboolean whole = log->ledger && record->seq < ledger_head(log->ledger)->size;

    return (whole ? holds_in_ledger(log, record, place, error) : holds_sparsely(places, record, place, error)) && counts_as_version(places, record, error);
}

const Identity *
places_identity(Places *places, const char *node)
{
    return log_of(places, node)->identity;
}
