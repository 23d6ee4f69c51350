#include "sync/sparse_proof.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "manifests/sightings.h"
#include "sync/sparse.h"
#include "sync/wire.h"

/* What was kept: entries by their number, and the checkpoint that they came with. */
typedef struct {
    const char *node;
    GHashTable *entries;   /* guint64* -> ProofEntry* */
    char *note;
} Kept;

static void
kept_clear(Kept *kept)
{
    g_clear_pointer(&kept->entries, g_hash_table_unref);
    g_clear_pointer(&kept->note, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Kept, kept_clear)

static gboolean
keep_entry(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    Kept *kept = data;
    g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(Digest));
    g_autoptr(GBytes) bytes = g_bytes_new(entry, size);

    g_array_append_vals(path, proof, count);
    g_hash_table_insert(kept->entries, g_memdup2(&index, sizeof index), proof_entry_new(index, bytes, path));
    return TRUE;
}

static gboolean
keep_checkpoint(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    Kept *kept = data;

    g_free(kept->note);
    kept->note = g_strndup(note, size);
    return TRUE;
}

static gboolean
read_stream(GBytes *stream, Kept *kept, GError **error)
{
    static const RecordStreamEvents events = { .sparse = keep_entry, .checkpoint = keep_checkpoint };
    g_autoptr(RecordStream) parser = record_stream_new(&events, kept);
    gsize size;
    const void *data = g_bytes_get_data(stream, &size);

    kept->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)proof_entry_free);
    if (!record_stream_feed(parser, data, size, error) || !record_stream_end(parser, error))
        return FALSE;
    return kept->note || chama_error(error, CHAMA_ERROR_DAMAGED, "sparse/%s: Z8: want a checkpoint, have none", kept->node);
}

static ProofEntry *
place(gpointer data, guint64 seq, GError **error)
{
    const Kept *kept = data;
    const ProofEntry *entry = g_hash_table_lookup(kept->entries, &seq);

    if (!entry)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: record %" G_GUINT64_FORMAT " is not held here: only the open part of this ledger is", kept->node, seq);
    return proof_entry_new(entry->index, entry->entry, entry->path);
}

Proof *
sparse_prove(Home *home, const char *node, guint64 seq, const ProveOptions *options, GError **error)
{
    g_autoptr(GBytes) stream = sparse_stream(home, node, error);
    g_auto(Kept) kept = { .node = node };
    Catalogue *catalogue = stream && read_stream(stream, &kept, error) ? home_catalogue(home, error) : NULL;
    g_autoptr(Identity) identity = catalogue ? catalogue_identity(catalogue, node, error) : NULL;
    g_autoptr(Checkpoint) checkpoint = identity ? checkpoint_verify_by(kept.note, strlen(kept.note), identity, error) : NULL;
    g_autofree char *note = checkpoint ? sightings_note(home, node, kept.note, NULL) : NULL;
    ProveSource source = { place, &kept, NULL, checkpoint, note ? note : kept.note };

    if (!checkpoint)
        return catalogue && !identity && !(error && *error) ? chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: its keys are not known here", node) : NULL;
    source.identity = identity_at(identity, checkpoint->size - 1);
    return prove_from(home, &source, seq, options, error);
}
