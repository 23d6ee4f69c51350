#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "keys/rotation.h"
#include "manifests/erasure.h"
#include "manifests/withdrawal.h"
#include "sync/sparse_source.h"
#include "sync/wire.h"

#define PIECE (512 * 1024)

struct SparseSource {
    Ledger *ledger;
    char *note;
    guint64 size, old_size;
    GArray *indexes;      /* of guint64, ascending */
    guint next;
    gboolean ended;
};

static int
compare_indexes(gconstpointer a, gconstpointer b)
{
    const guint64 *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* E11: how open versions ended, or those who have nothing else of this ledger would go on serving them. */
static gboolean
choose_ends(Catalogue *catalogue, const char *node, const char *type, guint64 size, GArray *indexes, GError **error)
{
    g_autoptr(GPtrArray) all = catalogue_statements(catalogue, node, type, NULL, error);

    for (guint i = 0; all && i < all->len; i++) {
        const Statement *statement = g_ptr_array_index(all, i);
        g_autoptr(Manifest) manifest = NULL;
        Digest subject = { 0 };

        statement_subject(statement, &subject);
        manifest = catalogue_manifest(catalogue, &subject, NULL);
        if (manifest && manifest->share == SHARE_OPEN && strcmp(manifest->node, node) == 0 && statement->record->seq < size)
            g_array_append_val(indexes, statement->record->seq);
    }
    return all != NULL;
}

static gboolean
choose_manifests(Catalogue *catalogue, const char *node, guint64 size, GArray *indexes, GError **error)
{
    g_autoptr(GPtrArray) manifests = catalogue_manifests(catalogue, node, error);

    for (guint i = 0; manifests && i < manifests->len; i++) {
        const Manifest *manifest = manifests->pdata[i];

        if (manifest->share == SHARE_OPEN && manifest->seq < size)
            g_array_append_val(indexes, manifest->seq);
    }
    return manifests != NULL;
}

static void
choose_rotations(const Identity *newest, guint64 size, GArray *indexes)
{
    for (const Identity *at = newest; at->before; at = at->before)
        if (at->since < size)
            g_array_append_val(indexes, at->since);
}

/* E11: of open versions all that counts, the newest if there is too much. */
static gboolean
choose_open(Catalogue *catalogue, const char *node, guint64 size, GArray *indexes, GError **error)
{
    if (!choose_manifests(catalogue, node, size, indexes, error) || !choose_ends(catalogue, node, WITHDRAWAL, size, indexes, error) ||
        !choose_ends(catalogue, node, ERASURE, size, indexes, error))
        return FALSE;
    g_array_sort(indexes, compare_indexes);
    if (indexes->len > SPARSE_ENTRIES_MAX - 2 - ROTATIONS_MAX)
        g_array_remove_range(indexes, 0, indexes->len - (SPARSE_ENTRIES_MAX - 2 - ROTATIONS_MAX));
    return TRUE;
}

static GArray *
choose_indexes(Home *home, Ledger *ledger, guint64 size, GError **error)
{
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(guint64));
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GError) local = NULL;
    g_autoptr(Record) profile = NULL;
    const char *node = ledger_node(ledger);
    guint64 inception = 0;

    if (!catalogue || !choose_open(catalogue, node, size, indexes, error))
        return NULL;
    profile = catalogue_profile_record(catalogue, node, &local);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    g_array_append_val(indexes, inception);
    choose_rotations(ledger_identity(ledger), size, indexes);
    if (profile && profile->seq < size)
        g_array_append_val(indexes, profile->seq);
    g_array_sort(indexes, compare_indexes);
    return g_steal_pointer(&indexes);
}

static SparseSource *
source_of(GArray *indexes, Ledger *ledger, const char *note, guint64 size, guint64 old_size)
{
    SparseSource *source = g_new0(SparseSource, 1);

    source->ledger = ledger;
    source->note = g_strdup(note);
    source->size = size;
    source->old_size = old_size;
    source->indexes = indexes;
    return source;
}

SparseSource *
sparse_source_new(Home *home, Ledger *ledger, const char *note, guint64 size, guint64 old_size, GError **error)
{
    GArray *indexes = choose_indexes(home, ledger, size, error);

    return indexes ? source_of(indexes, ledger, note, size, old_size) : NULL;
}

SparseSource *
sparse_source_of_record(Ledger *ledger, const char *note, guint64 size, guint64 old_size, guint64 seq)
{
    GArray *indexes = g_array_new(FALSE, FALSE, sizeof(guint64));
    guint64 inception = 0;

    g_array_append_val(indexes, inception);
    choose_rotations(ledger_identity(ledger), size, indexes);
    if (seq > 0 && identity_at(ledger_identity(ledger), seq)->since != seq)
        g_array_append_val(indexes, seq);
    g_array_sort(indexes, compare_indexes);
    return source_of(indexes, ledger, note, size, old_size);
}

void
sparse_source_free(SparseSource *source)
{
    if (!source)
        return;
    g_array_unref(source->indexes);
    g_free(source->note);
    g_free(source);
}

static gboolean
write_entry(SparseSource *source, guint64 index, GString *out, GError **error)
{
    g_autoptr(Record) record = ledger_get(source->ledger, index, error);
    g_autoptr(GArray) proof = record ? merkle_file_inclusion(ledger_merkle(source->ledger), index, source->size, error) : NULL;
    g_autoptr(GBytes) entry = NULL;

    if (!proof)
        return FALSE;
    entry = record_entry(record);
    record_stream_write_sparse(out, index, entry, (const Digest *)proof->data, proof->len);
    return TRUE;
}

static gboolean
write_checkpoint(SparseSource *source, GString *out, GError **error)
{
    g_autoptr(GArray) proof = NULL;

    if (source->old_size > 0 && source->old_size < source->size) {
        proof = merkle_file_consistency(ledger_merkle(source->ledger), source->old_size, source->size, error);
        if (!proof)
            return FALSE;
    }
    record_stream_write_checkpoint(out, source->old_size, proof ? (const Digest *)proof->data : NULL, proof ? proof->len : 0, source->note);
    record_stream_write_end(out);
    source->ended = TRUE;
    return TRUE;
}

static gboolean
fill(SparseSource *source, GString *out, GError **error)
{
    while (source->next < source->indexes->len && out->len < PIECE)
        if (!write_entry(source, g_array_index(source->indexes, guint64, source->next++), out, error))
            return FALSE;
    return source->next < source->indexes->len || source->ended || write_checkpoint(source, out, error);
}

GBytes *
sparse_source_next(SparseSource *source, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (!fill(source, out, error) || out->len == 0)
        return NULL;
    return g_string_free_to_bytes(g_steal_pointer(&out));
}
