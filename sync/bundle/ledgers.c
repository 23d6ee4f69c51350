/* The ledgers of a bundle, B18 and B19 of sync/BUNDLE.md. */
#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/checkpoint.h"
#include "sync/bundle/making.h"
#include "sync/bundle/road.h"
#include "sync/sparse.h"

#define FILE_BYTES (8 * 1024 * 1024)   /* a file ends with the batch that passes this */

/* A stream of records being cut into files, each a stream of its own, between batches. */
typedef struct {
    Making *making;
    const LedgerOffer *offer;
    GString *out;
    guint64 first;             /* record of the file in @out */
    gboolean past;             /* what the ledger got since the exchange stays out */
} Cutting;

static gboolean
end_file(Cutting *cutting, GError **error)
{
    g_autofree char *path = bundle_records_path(cutting->offer->node, cutting->first);
    g_autoptr(GBytes) bytes = NULL;

    if (cutting->out->len == 0)
        return TRUE;
    record_stream_write_end(cutting->out);
    bytes = g_bytes_new(cutting->out->str, cutting->out->len);
    g_string_truncate(cutting->out, 0);
    return packing_add_common(cutting->making->packing, path, bytes, error);
}

static gboolean
cut_batch(gpointer data, guint64 first, guint count, GBytes *signature, GError **error)
{
    Cutting *cutting = data;

    cutting->past = first >= cutting->offer->size;
    if (cutting->past)
        return TRUE;
    if (cutting->out->len >= FILE_BYTES && !end_file(cutting, error))
        return FALSE;
    if (cutting->out->len == 0)
        cutting->first = first;
    record_stream_write_batch(cutting->out, first, count, signature);
    return making_check(cutting->making, error);
}

static gboolean
cut_entry(gpointer data, const char *entry, gsize size, GError **error)
{
    Cutting *cutting = data;

    if (!cutting->past)
        g_string_append_len(cutting->out, entry, (gssize)size);
    return TRUE;
}

static gboolean
feed_all(RecordStream *stream, Answer *answer, GError **error)
{
    GError *failed = NULL;

    for (;;) {
        g_autoptr(GBytes) piece = answer_next(answer, &failed);
        gsize size;
        const void *bytes;

        if (!piece)
            break;
        bytes = g_bytes_get_data(piece, &size);
        if (!record_stream_feed(stream, bytes, size, error))
            return FALSE;
    }
    if (!failed)
        return record_stream_end(stream, error);
    g_propagate_error(error, failed);
    return FALSE;
}

static guint64
size_known(const Making *making, const char *node)
{
    for (guint i = 0; i < making->known->ledgers->len; i++) {
        const LedgerPosition *position = &g_array_index(making->known->ledgers, LedgerPosition, i);

        if (strcmp(position->node, node) == 0)
            return position->size;
    }
    return 0;
}

/* What the receiver holds by what is known is left out, unless its history is another: then it needs the whole. */
static gboolean
put_whole(Making *making, const LedgerOffer *offer, GError **error)
{
    static const RecordStreamEvents events = { .batch = cut_batch, .entry = cut_entry };
    g_autoptr(GString) out = g_string_new(NULL);
    Cutting cutting = { .making = making, .offer = offer, .out = out };
    g_autoptr(RecordStream) stream = record_stream_new(&events, &cutting);
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/records", offer->node);
    guint64 from = MIN(size_known(making, offer->node), offer->size);
    g_autofree char *query = g_strdup_printf("from=%" G_GUINT64_FORMAT, from);
    g_autoptr(Answer) answer = making_ask(making, "GET", path, query, NULL, error);

    return answer && feed_all(stream, answer, error) && end_file(&cutting, error);
}

static gboolean
find_size(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    g_autoptr(Checkpoint) claims = checkpoint_claims(note, size, error);

    if (claims)
        *(guint64 *)data = claims->size;
    return claims != NULL;
}

static gboolean
pass_sparse(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    return TRUE;
}

/* B19: the hashes of all entries say nothing of what these are, and let the receiver have a proof from wherever it stands. */
static GBytes *
read_leaves(Ledger *ledger, guint64 size, GError **error)
{
    g_autoptr(GByteArray) leaves = g_byte_array_new();
    Digest leaf;

    if (size > TAR_FILE_MAX / sizeof leaf)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "ledger: B19: want at most %" G_GUINT64_FORMAT " records of which only the open part is given, have %" G_GUINT64_FORMAT,
                                (guint64)(TAR_FILE_MAX / sizeof leaf), size);
    for (guint64 i = 0; i < size; i++) {
        if (!merkle_file_leaf(ledger_merkle(ledger), i, &leaf, error))
            return NULL;
        g_byte_array_append(leaves, (const guint8 *)&leaf, sizeof leaf);
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&leaves));
}

static gboolean
put_sparse(Making *making, const LedgerOffer *offer, GError **error)
{
    static const RecordStreamEvents events = { .sparse = pass_sparse, .checkpoint = find_size };
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/sparse", offer->node), *file = g_strdup_printf(BUNDLE_LEDGERS "%s/sparse", offer->node),
                    *hashes = g_strdup_printf(BUNDLE_LEDGERS "%s/hashes", offer->node);
    g_autoptr(GBytes) bytes = making_fetch(making, "GET", path, "from=0", NULL, SPARSE_SIZE_MAX, error), leaves = NULL;
    guint64 size = 0;
    g_autoptr(RecordStream) stream = record_stream_new(&events, &size);
    Ledger *ledger = bytes ? home_ledger(making->home, error) : NULL;

    if (!ledger || !record_stream_feed(stream, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error) || !record_stream_end(stream, error))
        return FALSE;
    leaves = read_leaves(ledger, size, error);
    return leaves && packing_add_common(making->packing, file, bytes, error) && packing_add_common(making->packing, hashes, leaves, error);
}

gboolean
making_put_ledgers(Making *making, GError **error)
{
    for (guint i = 0; i < making->reply->ledgers->len; i++) {
        const LedgerOffer *offer = making->reply->ledgers->pdata[i];

        if (offer->whole ? !put_whole(making, offer, error) : !put_sparse(making, offer, error))
            return FALSE;
        making->result->ledgers++;
    }
    return TRUE;
}
