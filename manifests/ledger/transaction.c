#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/history.h"
#include "keys/sshsig.h"
#include "manifests/ledger/commit.h"
#include "manifests/ledger/internal.h"
#include "manifests/ledger/view.h"

void
transaction_free(Transaction *transaction)
{
    if (!transaction)
        return;
    projection_free(transaction->projection);
    identity_free(transaction->identity);
    g_free(transaction);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transaction, transaction_free)

/* The transaction under way, or a new one. */
static Transaction *
need_transaction(Ledger *ledger, GError **error)
{
    if (!ledger->lock)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: the lock is not held", ledger->git);
    if (ledger->transaction)
        return ledger->transaction;
    ledger->transaction = g_new0(Transaction, 1);
    ledger->transaction->head = ledger->head;
    ledger->transaction->commit = ledger->commit;
    ledger->transaction->root = ledger->root;
    return ledger->transaction;
}

static void
keep_object(gpointer objects, git_object_t type, const void *bytes, gsize size, const char *hint, git_oid *id)
{
    objects_add(objects, type, bytes, size, hint, id);
}

/* A failed batch leaves the projection half changed: the trees of the one before are read again when they are needed. */
static gboolean
need_projection(Ledger *ledger, Transaction *transaction, GError **error)
{
    Objects *objects = repository_objects(ledger->repository);

    if (!transaction->projection)
        transaction->projection = transaction->head.size == 0
            ? projection_new(keep_object, objects)
            : projection_load(ledger->repository, &transaction->root, transaction->head.size, keep_object, objects, error);
    return transaction->projection != NULL;
}

/* G8: a batch continues the ledger.  Who verified the records did so against this head. */
static gboolean
check_batch(Ledger *ledger, const LedgerHead *head, GPtrArray *records, GError **error)
{
    Digest prev = head->head;

    if (records->len == 0 || records->len > LEDGER_BATCH_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: G8: want 1 to %d records in a batch, have %u", ledger->git, LEDGER_BATCH_MAX, records->len);
    for (guint i = 0; i < records->len; i++) {
        const Record *record = g_ptr_array_index(records, i);
        const Record *first = g_ptr_array_index(records, 0);
        const char *node = head->identity ? head->identity->id : first->node;

        if (record->seq != head->size + i || (record->seq > 0 && !digest_equal(&record->prev, &prev)) || strcmp(record->node, node) != 0)
            return chama_error(error, CHAMA_ERROR_FORK, "%s: G8: record %" G_GUINT64_FORMAT " does not continue the ledger at %" G_GUINT64_FORMAT,
                               ledger->git, record->seq, head->size + i);
        prev = record->address;
    }
    return TRUE;
}

/* The key state after the batch: an inception or a rotation changes it. */
static Identity *
identity_after(const Transaction *transaction, GPtrArray *records, GError **error)
{
    g_autoptr(Identity) identity = transaction->head.identity ? identity_ref(transaction->head.identity) : NULL;

    for (guint i = 0; i < records->len; i++) {
        Identity *after = record_identity_after(g_ptr_array_index(records, i), identity, error);

        identity_free(identity);
        identity = after;
        if (!identity)
            return NULL;
    }
    return g_steal_pointer(&identity);
}

static gboolean
append_leaves(Ledger *ledger, GPtrArray *records, GError **error)
{
    g_autofree Digest *leaves = g_new(Digest, records->len);

    for (guint i = 0; i < records->len; i++) {
        g_autoptr(GBytes) entry = record_entry(g_ptr_array_index(records, i));

        merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaves[i]);
    }
    return merkle_file_append(ledger->merkle, leaves, records->len, error);
}

/* A batch between being rebuilt and being let in. */
typedef struct {
    GPtrArray *records;
    const Identity *identity; /* key state after it */
    git_oid root;
    GBytes *unsigned_bytes;   /* of its commit */
} Rebuilt;

static gboolean
rebuild(Ledger *ledger, Transaction *transaction, Rebuilt *rebuilt, GError **error)
{
    g_autoptr(GPtrArray) views = NULL;

    if (!need_projection(ledger, transaction, error))
        return FALSE;
    views = views_of(rebuilt->records);
    projection_add(transaction->projection, rebuilt->records, views, rebuilt->identity, &rebuilt->root);
    rebuilt->unsigned_bytes = commit_format(&rebuilt->root, &transaction->commit, rebuilt->records, views);
    return TRUE;
}

/* G10: the commit's signature, made here or checked. */
static GBytes *
settle_signature(const Rebuilt *rebuilt, GBytes *received, const Keypair *signing, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(rebuilt->unsigned_bytes, &size);

    if (signing)
        return sshsig_sign(signing, SSHSIG_NAMESPACE_GIT, data, size, error);
    if (!sshsig_verify(received, &rebuilt->identity->signing, SSHSIG_NAMESPACE_GIT, data, size, error)) {
        g_prefix_error(error, "commit of record %" G_GUINT64_FORMAT ": G10: ", ((const Record *)g_ptr_array_index(rebuilt->records, 0))->seq);
        return NULL;
    }
    return g_bytes_ref(received);
}

/* Lets a rebuilt batch into the transaction: from here on it is part of what finish commits. */
static gboolean
admit(Ledger *ledger, Transaction *transaction, const Rebuilt *rebuilt, GBytes *signature, GError **error)
{
    g_autoptr(GBytes) commit = commit_with_signature(rebuilt->unsigned_bytes, signature);
    const Record *last = g_ptr_array_index(rebuilt->records, rebuilt->records->len - 1);
    Objects *objects = repository_objects(ledger->repository);

    if (!append_leaves(ledger, rebuilt->records, error))
        return FALSE;
    objects_add(objects, GIT_OBJECT_COMMIT, g_bytes_get_data(commit, NULL), g_bytes_get_size(commit), "commit", &transaction->commit);
    transaction->root = rebuilt->root;
    transaction->head.size += rebuilt->records->len;
    transaction->head.head = last->address;
    transaction->head.identity = rebuilt->identity;
    return objects_size(objects) < OBJECTS_SIZE_MAX || objects_flush(objects, repository_git(ledger->repository), error);
}

/* Either @received or @signing is given. */
static gboolean
add_batch(Ledger *ledger, GPtrArray *records, GBytes *received, const Keypair *signing, GError **error)
{
    Transaction *transaction = need_transaction(ledger, error);
    g_autoptr(Identity) identity = NULL;
    g_autoptr(GBytes) unsigned_bytes = NULL;
    g_autoptr(GBytes) signature = NULL;
    Rebuilt rebuilt = { .records = records };

    if (!transaction || !check_batch(ledger, &transaction->head, records, error) || !(identity = identity_after(transaction, records, error)))
        return FALSE;
    rebuilt.identity = identity;
    if (rebuild(ledger, transaction, &rebuilt, error)) {
        unsigned_bytes = rebuilt.unsigned_bytes;
        signature = settle_signature(&rebuilt, received, signing, error);
    }
    if (!signature) {
        g_clear_pointer(&transaction->projection, projection_free);
        return FALSE;
    }
    if (identity != transaction->head.identity) {
        identity_free(transaction->identity);
        transaction->identity = identity_ref(identity);
    }
    return admit(ledger, transaction, &rebuilt, signature, error);
}

gboolean
ledger_replicate(Ledger *ledger, GPtrArray *records, GBytes *commit_signature, GError **error)
{
    return add_batch(ledger, records, commit_signature, NULL, error);
}

gboolean
ledger_write_signers(Ledger *ledger, const Identity *identity, GError **error)
{
    g_autofree char *path = g_build_filename(ledger->git, REPOSITORY_SIGNERS, NULL);
    g_autofree char *lines = identity_allowed_signers(identity);
    g_autofree char *present = NULL;

    if (g_file_get_contents(path, &present, NULL, NULL) && strcmp(present, lines) == 0)
        return TRUE;
    return durable_write(path, lines, strlen(lines), 0644, error);
}

/* G12: all that the commit needs is on disk before the ref names it. */
static gboolean
make_durable(Ledger *ledger, const Transaction *transaction, GError **error)
{
    return objects_flush(repository_objects(ledger->repository), repository_git(ledger->repository), error)
        && merkle_file_sync(ledger->merkle, error) && ledger_write_signers(ledger, transaction->head.identity, error)
        && repository_set_head(ledger->repository, &ledger->commit, &transaction->commit, error);
}

/* The ledger takes over what the transaction reached. */
static void
take_over(Ledger *ledger, Transaction *transaction)
{
    ledger->commit = transaction->commit;
    ledger->root = transaction->root;
    ledger->head = transaction->head;
    if (transaction->identity)
        ledger_set_identity(ledger, g_steal_pointer(&transaction->identity));
    /* Whatever it is if this fails: then the hashes are not held for those of the records, and made anew. */
    merkle_file_leaf(ledger->merkle, ledger->head.size - 1, &ledger->leaf, NULL);
}

gboolean
ledger_replicate_finish(Ledger *ledger, GError **error)
{
    g_autoptr(Transaction) transaction = NULL;

    if (!ledger->transaction || ledger->transaction->head.size == ledger->head.size) {
        ledger_replicate_abort(ledger);
        return TRUE;
    }
    if (!make_durable(ledger, ledger->transaction, error)) {
        ledger_replicate_abort(ledger);
        return FALSE;
    }
    transaction = g_steal_pointer(&ledger->transaction);
    take_over(ledger, transaction);
    objects_keep(repository_objects(ledger->repository));
    /* What is committed stays committed if tidying up fails; the next writer tries again. */
    ledger_pack(ledger, NULL);
    return TRUE;
}

void
ledger_replicate_abort(Ledger *ledger)
{
    if (!ledger->transaction)
        return;
    g_clear_pointer(&ledger->transaction, transaction_free);
    /* If it cannot be opened anew, the next to read does it. */
    if (objects_drop(repository_objects(ledger->repository), ledger->git))
        repository_reopen(ledger->repository, NULL);
    /* If this fails, the next to lock does it. */
    if (merkle_file_size(ledger->merkle) > ledger->head.size)
        merkle_file_truncate(ledger->merkle, ledger->head.size, NULL);
}

const LedgerHead *
ledger_replicate_head(Ledger *ledger)
{
    return ledger->transaction ? &ledger->transaction->head : &ledger->head;
}

gboolean
ledger_replicate_root(Ledger *ledger, guint64 size, Digest *root, GError **error)
{
    return merkle_file_root(ledger->merkle, size, root, error);
}

/* A commit by another key could never be verified. */
static gboolean
check_signer(Ledger *ledger, GPtrArray *records, const Keypair *signing, GError **error)
{
    const Transaction present = { .head = ledger->head };
    g_autoptr(Identity) after = identity_after(&present, records, error);

    if (!after)
        return records->len > 0 ? FALSE : chama_error(error, CHAMA_ERROR_LIMIT, "%s: G8: want at least one record in a batch", ledger->git);
    if (memcmp(after->signing.bytes, keypair_public(signing)->bytes, ED25519_PUBLIC_SIZE) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: G10: the signing key is not the one of the node", ledger->git);
    return TRUE;
}

gboolean
ledger_append(Ledger *ledger, GPtrArray *records, const Keypair *signing, GError **error)
{
    if (ledger->transaction)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot append while replicating", ledger->git);
    if (!check_signer(ledger, records, signing, error))
        return FALSE;
    if (add_batch(ledger, records, NULL, signing, error))
        return ledger_replicate_finish(ledger, error);
    ledger_replicate_abort(ledger);
    return FALSE;
}
