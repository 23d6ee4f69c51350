#include "manifests/proof/prove.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/sightings.h"
#include "manifests/verifiers.h"

static Ledger *
ledger_of(Home *home, const char *node, GError **error)
{
    Ledger *ledger = strcmp(node, home_id(home)) == 0 ? home_ledger(home, error) : home_peer_ledger(home, node, error);

    return ledger && ledger_refresh(ledger, error) ? ledger : NULL;
}

static Checkpoint *
read_note(Ledger *ledger, const char *note, GError **error)
{
    return checkpoint_verify_by(note, strlen(note), ledger_identity(ledger), error);
}

/* Somebody else than its owner has signed it, too. */
static gboolean
is_cosigned(const char *note)
{
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, strlen(note), &text_size, NULL);

    return signatures && signatures->len > 1;
}

static gboolean
covers(Ledger *ledger, const char *note, guint64 seq)
{
    g_autoptr(Checkpoint) checkpoint = note ? read_note(ledger, note, NULL) : NULL;

    return checkpoint && checkpoint->size > seq;
}

/* As new as can be, unless witnesses have seen the one that is kept; a node that must not sign has nothing newer. */
static char *
choose_own_note(Home *home, Ledger *ledger, guint64 seq, GError **error)
{
    g_autofree char *kept = ledger_checkpoint(ledger, NULL);
    gboolean good = covers(ledger, kept, seq);
    g_autofree char *fresh = good && is_cosigned(kept) ? NULL : home_checkpoint(home, good ? NULL : error);

    return fresh || !good ? g_steal_pointer(&fresh) : g_steal_pointer(&kept);
}

/* T18: of the checkpoints kept that cover the record the one that most witnesses have seen, if it is of the records held; NULL if there is none. */
static char *
seen_note(Home *home, Ledger *ledger, guint64 seq, const Policy *policy)
{
    g_autofree char *note = sightings_best_note(home, ledger_node(ledger), seq, policy, NULL);
    g_autoptr(Checkpoint) checkpoint = note ? read_note(ledger, note, NULL) : NULL;
    Digest root;

    if (!checkpoint || checkpoint->size > ledger_head(ledger)->size || !ledger_root(ledger, checkpoint->size, &root, NULL)
        || !digest_equal(&root, &checkpoint->root))
        return NULL;
    return g_steal_pointer(&note);
}

static char *
unseen_note(Home *home, Ledger *ledger, guint64 seq, GError **error)
{
    gboolean own = strcmp(ledger_node(ledger), home_id(home)) == 0;

    return own ? choose_own_note(home, ledger, seq, error) : ledger_checkpoint(ledger, error);
}

static Checkpoint *
take_note(Home *home, Ledger *ledger, guint64 seq, const ProveOptions *options, char **note, GError **error)
{
    g_autofree char *seen = options->newest ? NULL : seen_note(home, ledger, seq, options->policy);
    g_autoptr(GError) failed = NULL;
    g_autoptr(Checkpoint) checkpoint = NULL;

    *note = seen ? g_steal_pointer(&seen) : unseen_note(home, ledger, seq, &failed);
    checkpoint = *note ? read_note(ledger, *note, &failed) : NULL;
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    if (!checkpoint || checkpoint->size <= seq)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND,
                                "%s: no checkpoint is held here that covers record %" G_GUINT64_FORMAT "; run `chama sync` to have the newest",
                                ledger_node(ledger), seq);
    return g_steal_pointer(&checkpoint);
}

/* PF7: the states from the inception to @newest. */
static gboolean
add_keys(Proof *proof, const ProveSource *source, const Identity *newest, GError **error)
{
    ProofEntry *entry;

    if (newest->before && !add_keys(proof, source, newest->before, error))
        return FALSE;
    entry = source->place(source->data, newest->since, error);
    if (entry)
        g_ptr_array_add(proof->keys, entry);
    return entry != NULL;
}

/* PF10: the newest profile under the checkpoint, unless it is what is proven. */
static gboolean
add_profile(Proof *proof, Home *home, const ProveSource *source, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Record) record = catalogue ? catalogue_profile_record(catalogue, source->identity->id, error) : NULL;

    if (!record || record->seq >= source->checkpoint->size || record->seq == proof->record->index)
        return catalogue && !(error && *error);
    proof->profile = source->place(source->data, record->seq, error);
    return proof->profile != NULL;
}

/* PF11. */
static gboolean
add_shown(Proof *proof, Home *home, GError **error)
{
    g_autoptr(Record) record = record_trust(g_bytes_get_data(proof->record->entry, NULL), g_bytes_get_size(proof->record->entry), error);
    g_autoptr(Manifest) manifest = NULL;

    if (!record)
        return FALSE;
    if (strcmp(record->type, "sealed/1") == 0) {
        proof->shown = home_opening(home, &record->address, error);
        return proof->shown != NULL;
    }
    manifest = strcmp(record->type, "manifest/1") == 0 ? manifest_parse(record, error) : NULL;
    if (!manifest || manifest->share == SHARE_OPEN) {
        g_clear_error(error);
        return chama_error(error, CHAMA_ERROR_USAGE, "record %" G_GUINT64_FORMAT ": nothing is sealed in it that could be shown", record->seq);
    }
    proof->shown = home_store(home, error) ? store_get(home_store(home, error), &manifest->content, error) : NULL;
    return proof->shown != NULL;
}

/* The node that cosigns under @name: "chama/<node id>". */
static const char *
node_of_name(const char *name)
{
    const char *id = g_str_has_prefix(name, "chama/") ? name + strlen("chama/") : "";

    return node_id_valid(id) ? id : NULL;
}

/* PF4: by what the witness itself signed, up to the key state whose log key this is. */
static ProofWitness *
witness_by_records(Home *home, const char *node, const NoteSignature *signature, const char *text, gsize text_size)
{
    Catalogue *catalogue = node ? home_catalogue(home, NULL) : NULL;
    g_autoptr(GPtrArray) records = catalogue ? catalogue_key_records(catalogue, node, NULL) : NULL;
    g_autoptr(ProofWitness) witness = proof_witness_new();
    g_autoptr(Identity) identity = NULL;

    for (guint i = 0; records && i < records->len; i++) {
        Identity *after = record_identity_after(records->pdata[i], identity, NULL);
        gint64 time;

        identity_free(identity);
        identity = after;
        if (!identity)
            return NULL;
        g_ptr_array_add(witness->keys, record_entry(records->pdata[i]));
        if (cosignature_check(signature, text, text_size, signature->name, &identity->log, &time, NULL))
            return g_steal_pointer(&witness);
    }
    return NULL;
}

/* The same by the key alone, where a policy names one, or did (T18). */
static ProofWitness *
witness_by_key(const NoteVerifier *verifier, const NoteSignature *signature, const char *text, gsize text_size)
{
    ProofWitness *witness;
    gint64 time;

    if (verifier->algorithm != NOTE_COSIGNATURE || !cosignature_check(signature, text, text_size, verifier->name, &verifier->key, &time, NULL))
        return NULL;
    witness = proof_witness_new();
    witness->verifier = note_verifier_format(verifier->name, verifier->algorithm, &verifier->key);
    return witness;
}

static ProofWitness *
witness_by_keys(Home *home, const Policy *policy, const NoteSignature *signature, const char *text, gsize text_size)
{
    g_autoptr(NoteVerifier) known = verifiers_by_line(home, signature);
    ProofWitness *witness = known ? witness_by_key(known, signature, text, text_size) : NULL;

    for (guint i = 0; !witness && policy && i < policy_witnesses(policy); i++)
        witness = witness_by_key(policy_witness(policy, i).verifier, signature, text, text_size);
    return witness;
}

/* PF9: the note with its owner's line and those of witnesses who can be named, in their order. */
static gboolean
add_witnesses(Proof *proof, Home *home, const Identity *log, const Policy *policy, GError **error)
{
    g_autofree char *origin = checkpoint_origin_of(log);
    g_autofree char *bare = note_bare(proof->note, strlen(proof->note), origin, &log->log, error);
    gsize text_size;
    g_autoptr(GPtrArray) signatures = bare ? note_signatures(proof->note, strlen(proof->note), &text_size, error) : NULL;
    g_autoptr(GPtrArray) named = g_ptr_array_new();
    char *note;

    for (guint i = 0; signatures && i < signatures->len; i++) {
        const NoteSignature *signature = signatures->pdata[i];
        const char *node = node_of_name(signature->name);
        ProofWitness *witness;

        /* the node itself is no witness */
        if (g_strcmp0(node, log->id) == 0)
            continue;
        witness = witness_by_records(home, node, signature, proof->note, text_size);
        if (!witness)
            witness = witness_by_keys(home, policy, signature, proof->note, text_size);
        if (!witness)
            continue;
        g_ptr_array_add(proof->witnesses, witness);
        g_ptr_array_add(named, (gpointer)signature);
    }
    note = signatures ? note_merge(bare, strlen(bare), named, error) : NULL;
    if (!note)
        return FALSE;
    g_free(proof->note);
    proof->note = note;
    return TRUE;
}

Proof *
prove_from(Home *home, const ProveSource *source, guint64 seq, const ProveOptions *options, GError **error)
{
    g_autoptr(Proof) proof = proof_new();

    proof->note = g_strdup(source->note);
    proof->record = source->place(source->data, seq, error);
    if (!proof->record || !add_keys(proof, source, source->identity, error) || !add_profile(proof, home, source, error)
        || !add_witnesses(proof, home, source->identity, options->policy, error) || (options->show && !add_shown(proof, home, error)))
        return NULL;
    return g_steal_pointer(&proof);
}

/* A ledger held whole, and the size of the tree. */
typedef struct {
    Ledger *ledger;
    guint64 size;
} Whole;

static ProofEntry *
place_in_whole(gpointer data, guint64 seq, GError **error)
{
    const Whole *whole = data;
    g_autoptr(Record) record = ledger_get(whole->ledger, seq, error);
    g_autoptr(GArray) path = record ? merkle_file_inclusion(ledger_merkle(whole->ledger), seq, whole->size, error) : NULL;
    g_autoptr(GBytes) entry = path ? record_entry(record) : NULL;

    return entry ? proof_entry_new(seq, entry, path) : NULL;
}

Proof *
prove_record(Home *home, const char *node, guint64 seq, const ProveOptions *options, GError **error)
{
    g_autofree char *note = NULL;
    Ledger *ledger = ledger_of(home, node, error);
    g_autoptr(Record) record = ledger ? ledger_get(ledger, seq, error) : NULL;
    g_autoptr(Checkpoint) checkpoint = record ? take_note(home, ledger, seq, options, &note, error) : NULL;
    Whole whole = { ledger, checkpoint ? checkpoint->size : 0 };
    ProveSource source = { place_in_whole, &whole, NULL, checkpoint, note };

    if (!checkpoint)
        return NULL;
    source.identity = identity_at(ledger_identity(ledger), checkpoint->size - 1);
    return prove_from(home, &source, seq, options, error);
}

typedef struct {
    const Digest *address;
    guint64 seq;
    gboolean found;
} Search;

static gboolean
compare_record(gpointer data, const Record *record, GError **error)
{
    Search *search = data;

    if (!digest_equal(&record->address, search->address))
        return TRUE;
    search->seq = record->seq;
    search->found = TRUE;
    return chama_error(error, CHAMA_ERROR_CANCELLED, "found");
}

gboolean
prove_find(Home *home, const Digest *address, char node[NODE_ID_SIZE], guint64 *seq, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Record) record = catalogue ? catalogue_record(catalogue, address, NULL) : NULL;
    g_autoptr(GPtrArray) ids = catalogue && !record ? home_ledgers(home, error) : NULL;
    char text[DIGEST_TEXT_SIZE];

    if (record) {
        g_strlcpy(node, record->node, NODE_ID_SIZE);
        *seq = record->seq;
        return TRUE;
    }
    for (guint i = 0; ids && i < ids->len; i++) {
        Ledger *ledger = ledger_of(home, ids->pdata[i], NULL);
        Search search = { .address = address };
        g_autoptr(GError) stopped = NULL;

        if (!ledger || ledger_foreach(ledger, 0, compare_record, &search, &stopped) || !search.found)
            continue;
        g_strlcpy(node, ids->pdata[i], NODE_ID_SIZE);
        *seq = search.seq;
        return TRUE;
    }
    return ids && chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no such record is held here", digest_format(address, text));
}
