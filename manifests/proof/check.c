#include "manifests/proof/check.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "keys/rotation.h"
#include "manifests/ledger/cosignature.h"

static void
seen_free(gpointer data)
{
    ProofSeen *seen = data;

    g_free(seen->name);
    g_free(seen);
}

static ProofVerified *
verified_new(void)
{
    ProofVerified *verified = g_new0(ProofVerified, 1);

    verified->seen = g_ptr_array_new_with_free_func(seen_free);
    return verified;
}

void
proof_verified_free(ProofVerified *verified)
{
    if (!verified)
        return;
    record_free(verified->record);
    identity_free(verified->identity);
    profile_free(verified->profile);
    checkpoint_free(verified->checkpoint);
    g_ptr_array_unref(verified->seen);
    opening_free(verified->opening);
    g_free(verified);
}

static gboolean
fails(GError **error, const char *what)
{
    return chama_error(error, CHAMA_ERROR_VERIFY, "proof: %s", what);
}

/* PF6: a log entry at its own place, signed by the key valid there; what it continues is a claim, for the tree proves its place. */
static Record *
check_signed(GBytes *entry, const guint64 *index, const Identity *identity, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(entry, &size);
    g_autoptr(RecordReceived) received = record_receive(data, size, error);
    const Record *claims = received ? record_received_claims(received) : NULL;

    if (!claims)
        return NULL;
    if (index && claims->seq != *index)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "proof: PF6: want record %" G_GUINT64_FORMAT ", have record %" G_GUINT64_FORMAT, *index, claims->seq);
    return record_verify(received, &(LedgerHead){ identity ? claims->seq : 0, claims->prev, identity }, error);
}

/* PF8. */
static gboolean
check_placed(const ProofEntry *entry, const Checkpoint *checkpoint, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(entry->entry, &size);
    Digest leaf;

    merkle_leaf(data, size, &leaf);
    return merkle_check_inclusion(entry->index, checkpoint->size, &leaf, (const Digest *)(const void *)entry->path->data, entry->path->len, &checkpoint->root,
                                  error);
}

/* PF7: the next key state: an inception first.  @index (may be NULL): where the record must be. */
static gboolean
follow_key(GBytes *entry, Identity **identity, const guint64 *index, GError **error)
{
    g_autoptr(Record) record = check_signed(entry, index, *identity, error);
    g_autoptr(Identity) before = g_steal_pointer(identity);

    if (!record)
        return FALSE;
    if (before && (strcmp(record->type, ROTATION_TYPE) != 0 || record->seq <= before->since))
        return fails(error, "PF7: want the inception and then rotations in order, have another record");
    *identity = record_identity_after(record, before, error);
    return *identity != NULL;
}

static gboolean
check_keys(const Proof *proof, ProofVerified *verified, GError **error)
{
    for (guint i = 0; i < proof->keys->len; i++) {
        const ProofEntry *key = proof->keys->pdata[i];

        if (!follow_key(key->entry, &verified->identity, &key->index, error))
            return FALSE;
    }
    return verified->identity || fails(error, "PF7: want the inception of the node, have none");
}

/* PF8: the checkpoint by the log key, and all entries under it. */
static gboolean
check_tree(const Proof *proof, ProofVerified *verified, GError **error)
{
    verified->checkpoint = checkpoint_verify_by(proof->note, strlen(proof->note), verified->identity, error);
    if (!verified->checkpoint || !check_placed(proof->record, verified->checkpoint, error))
        return FALSE;
    for (guint i = 0; i < proof->keys->len; i++)
        if (!check_placed(proof->keys->pdata[i], verified->checkpoint, error))
            return FALSE;
    return !proof->profile || check_placed(proof->profile, verified->checkpoint, error);
}

/* The key state before record @index, which it continues. */
static const Identity *
state_before(const ProofVerified *verified, guint64 index)
{
    return index == 0 ? NULL : identity_at(verified->identity, index - 1);
}

static gboolean
check_record(const Proof *proof, ProofVerified *verified, GError **error)
{
    guint64 index = proof->record->index;

    verified->record = check_signed(proof->record->entry, &index, state_before(verified, index), error);
    if (!verified->record)
        return FALSE;
    if (strcmp(verified->record->node, verified->identity->id) != 0)
        return fails(error, "PF6: want a record of the node whose keys these are, have another node's");
    verified->signer = identity_at(verified->identity, index);
    verified->disavowed = identity_disavowed(verified->identity, index);
    return strcmp(verified->record->type, ROTATION_TYPE) != 0 || verified->signer->since == index
           || fails(error, "PF7: want all rotations under the checkpoint, the one that is proven is missing");
}

/* PF10: what the node calls itself, said by itself. */
static gboolean
check_profile(const Proof *proof, ProofVerified *verified, GError **error)
{
    g_autoptr(Record) record = NULL;

    if (!proof->profile)
        return TRUE;
    if (proof->profile->index == proof->record->index)
        return fails(error, "PF10: want no profile beside one that is itself proven");
    record = check_signed(proof->profile->entry, &proof->profile->index, state_before(verified, proof->profile->index), error);
    verified->profile = record ? profile_parse(record, error) : NULL;
    return verified->profile != NULL;
}

/* PF4: the key state of a witness, by its inception and rotations alone: only who has its keys can have made them. */
static Identity *
witness_identity(const ProofWitness *witness, GError **error)
{
    g_autoptr(Identity) identity = NULL;

    for (guint i = 0; i < witness->keys->len; i++)
        if (!follow_key(witness->keys->pdata[i], &identity, NULL, error))
            return NULL;
    return g_steal_pointer(&identity);
}

/* Who signs, under which name, by which key. */
static gboolean
read_witness(const ProofWitness *witness, ProofSeen *seen, PublicKey *key, GError **error)
{
    g_autoptr(NoteVerifier) verifier = witness->verifier ? note_verifier_parse(witness->verifier, error) : NULL;
    g_autoptr(Identity) identity = witness->verifier ? NULL : witness_identity(witness, error);

    if (!verifier && !identity)
        return FALSE;
    if (verifier && verifier->algorithm != NOTE_COSIGNATURE)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "proof: PF9: want a verifier key of algorithm 4, have %d", verifier->algorithm);
    if (identity)
        g_strlcpy(seen->node, identity->id, sizeof seen->node);
    seen->name = verifier ? g_strdup(verifier->name) : checkpoint_origin(identity->id);
    *key = verifier ? verifier->key : identity->log;
    return TRUE;
}

/* PF9: one key is one witness, and the log is none of its own. */
static gboolean
is_new_key(GArray *keys, const PublicKey *key)
{
    for (guint i = 0; i < keys->len; i++)
        if (memcmp(&g_array_index(keys, PublicKey, i), key, sizeof *key) == 0)
            return FALSE;
    g_array_append_val(keys, *key);
    return TRUE;
}

static gboolean
check_witness(const ProofWitness *witness, const NoteSignature *signature, const char *note, gsize text_size, GArray *keys, ProofVerified *verified, GError **error)
{
    ProofSeen *seen = g_new0(ProofSeen, 1);
    PublicKey key;

    g_ptr_array_add(verified->seen, seen);
    if (!read_witness(witness, seen, &key, error))
        return FALSE;
    if (!is_new_key(keys, &key) || strcmp(seen->node, verified->identity->id) == 0)
        return fails(error, "PF9: want each witness once, and not the node itself");
    return cosignature_check(signature, note, text_size, seen->name, &key, &seen->time, error);
}

/* PF9: behind the log's line as many cosignatures as witnesses are named, in their order; C2SP passes over lines of others, and their bits could be any. */
static gboolean
check_witnesses(const Proof *proof, ProofVerified *verified, GError **error)
{
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(proof->note, strlen(proof->note), &text_size, error);
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(PublicKey));

    if (!signatures)
        return FALSE;
    if (signatures->len != proof->witnesses->len + 1)
        return fails(error, "PF9: want one witness for each cosignature, and no other signature");
    g_array_append_val(keys, verified->identity->log);
    for (guint i = 0; i < proof->witnesses->len; i++)
        if (!check_witness(proof->witnesses->pdata[i], signatures->pdata[i + 1], proof->note, text_size, keys, verified, error))
            return FALSE;
    return TRUE;
}

static gboolean
check_opening(const Proof *proof, ProofVerified *verified, GError **error)
{
    Digest sealed, shown;

    verified->opening = opening_parse(proof->shown, error);
    if (!verified->opening || !sealed_parse(verified->record, &sealed, error))
        return FALSE;
    seal_digest(verified->opening->salt, verified->opening->body, &shown);
    return (digest_equal(&sealed, &shown) && digest_equal(&verified->opening->record, &verified->record->address))
           || fails(error, "PF11: the opening is not that of the sealed record");
}

static gboolean
check_content(const Proof *proof, ProofVerified *verified, GError **error)
{
    g_autoptr(Manifest) manifest = manifest_parse(verified->record, error);
    Digest digest;

    if (!manifest)
        return FALSE;
    digest_of_bytes(proof->shown, &digest);
    if (manifest->share == SHARE_OPEN || !digest_equal(&digest, &manifest->content))
        return fails(error, "PF11: the content document is not that of the manifest");
    verified->has_content = content_parse(proof->shown, &verified->content, error);
    return verified->has_content;
}

/* PF11: a document that is shown is the one of which the record has the digest. */
static gboolean
check_shown(const Proof *proof, ProofVerified *verified, GError **error)
{
    if (!proof->shown)
        return TRUE;
    if (strcmp(verified->record->type, "sealed/1") == 0)
        return check_opening(proof, verified, error);
    if (strcmp(verified->record->type, "manifest/1") == 0)
        return check_content(proof, verified, error);
    return fails(error, "PF11: want nothing shown beside a record that seals nothing");
}

ProofVerified *
proof_check(const Proof *proof, GError **error)
{
    g_autoptr(ProofVerified) verified = verified_new();

    if (!check_keys(proof, verified, error) || !check_tree(proof, verified, error) || !check_record(proof, verified, error)
        || !check_profile(proof, verified, error) || !check_witnesses(proof, verified, error) || !check_shown(proof, verified, error))
        return NULL;
    return g_steal_pointer(&verified);
}

gboolean
proof_listing(const ProofVerified *verified, Digest *root, GError **error)
{
    g_autoptr(Manifest) manifest = NULL;

    if (strcmp(verified->record->type, "manifest/1") != 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "proof: want the proof of a version to compare files with, have that of a record of type %s",
                           verified->record->type);
    manifest = manifest_parse(verified->record, error);
    if (!manifest)
        return FALSE;
    if (manifest->share != SHARE_OPEN && !verified->has_content)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND,
                           "proof: PF12: the version is not open, so its files cannot be compared; ask for a proof made with `chama prove --show`");
    *root = manifest->share == SHARE_OPEN ? manifest->listing : verified->content.listing;
    return TRUE;
}
