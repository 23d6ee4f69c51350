#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/merkle.h"
#include "sync/bundle/road_private.h"
#include "sync/decimal.h"
#include "sync/wire.h"

/* A stream of records being gone through: what the receiver holds is left out. */
typedef struct {
    Giving *giving;
    guint64 from, next;        /* the first record to give; the number of the next that comes */
    gboolean wanted;           /* the batch is */
    GString *out;
} Records;

static gboolean
flush(Records *records, gsize least, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;

    if (records->out->len == 0 || records->out->len < least)
        return TRUE;
    bytes = g_bytes_new(records->out->str, records->out->len);
    g_string_truncate(records->out, 0);
    return bundle_give(records->giving, bytes, error);
}

static gboolean
pass_batch(gpointer data, guint64 first, guint count, GBytes *signature, GError **error)
{
    Records *records = data;

    records->next = first + count;
    records->wanted = first >= records->from;
    if (!records->wanted && records->next > records->from)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "records: E10: want a batch that begins at %" G_GUINT64_FORMAT, records->from);
    if (records->wanted)
        record_stream_write_batch(records->out, first, count, signature);
    return TRUE;
}

static gboolean
pass_entry(gpointer data, const char *entry, gsize size, GError **error)
{
    Records *records = data;

    if (records->wanted)
        g_string_append_len(records->out, entry, (gssize)size);
    return flush(records, BUNDLE_PIECE, error);
}

static gboolean
pass_file(Records *records, const char *path, GError **error)
{
    static const RecordStreamEvents events = { .batch = pass_batch, .entry = pass_entry };
    g_autoptr(RecordStream) stream = record_stream_new(&events, records);
    g_autoptr(GBytes) bytes = parcel_read(records->giving->road->parcel, path, error);
    gsize size;
    const void *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;

    return data && record_stream_feed(stream, data, size, error) && record_stream_end(stream, error);
}

/* B18 */
gboolean
bundle_give_records(Giving *giving, const char *node, guint64 from, GError **error)
{
    g_autofree char *prefix = g_strdup_printf(BUNDLE_LEDGERS "%s/records-", node);
    const char *path = bundle_find_numbered(giving->road, prefix, from), *before = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    Records records = { .giving = giving, .from = from, .next = from, .out = out };

    if (!path)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND,
                           "records: B18: the bundle does not go back to record %" G_GUINT64_FORMAT ": want one made for what is held here (--since the receipt of this node)", from);
    for (; path && path != before; path = bundle_find_numbered(giving->road, prefix, records.next)) {
        before = path;
        if (!pass_file(&records, path, error))
            return FALSE;
    }
    record_stream_write_end(out);
    return flush(&records, 0, error);
}

/* The open part of a ledger being gone through: its proof of consistency is made anew, from where the receiver holds it. */
typedef struct {
    Records records;
    GBytes *leaves;            /* hashes of all entries; NULL: none are there */
    guint64 from;
} OpenPart;

static gboolean
pass_sparse(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    OpenPart *part = data;
    g_autoptr(GBytes) bytes = g_bytes_new(entry, size);

    record_stream_write_sparse(part->records.out, index, bytes, proof, count);
    return flush(&part->records, BUNDLE_PIECE, error);
}

/* The node of the tree over leaf hashes @n << @level and on. */
static gboolean
read_node(gpointer data, guint level, guint64 n, Digest *node, GError **error)
{
    OpenPart *part = data;
    gsize size;
    const guint8 *leaves = g_bytes_get_data(part->leaves, &size);
    Digest left, right;

    if (level > 0) {
        if (!read_node(data, level - 1, 2 * n, &left, error) || !read_node(data, level - 1, 2 * n + 1, &right, error))
            return FALSE;
        merkle_node(&left, &right, node);
        return TRUE;
    }
    if (n >= size / sizeof *node)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "hashes: B19: want those of all records, have fewer");
    memcpy(node, leaves + n * sizeof *node, sizeof *node);
    return TRUE;
}

static gboolean
pass_checkpoint(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    OpenPart *part = data;
    g_autoptr(GBytes) leaves = part->leaves ? g_bytes_ref(part->leaves) : NULL;
    g_autoptr(GArray) hashes = NULL;
    g_autofree char *text = g_strndup(note, size);
    guint64 records = leaves ? g_bytes_get_size(leaves) / sizeof(Digest) : 0;

    if (part->from == old_size)
        hashes = g_array_append_vals(g_array_new(FALSE, FALSE, sizeof(Digest)), proof, count);
    else if (part->from > records)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "sparse: B19: the bundle is older than what is held here: it has %" G_GUINT64_FORMAT " records of it", records);
    else if (!(hashes = merkle_consistency_of(read_node, part, part->from, records, error)))
        return FALSE;
    record_stream_write_checkpoint(part->records.out, part->from, (const Digest *)(gpointer)hashes->data, hashes->len, text);
    return TRUE;
}

/* B19 */
gboolean
bundle_give_sparse(Giving *giving, const char *node, guint64 from, GError **error)
{
    static const RecordStreamEvents events = { .sparse = pass_sparse, .checkpoint = pass_checkpoint };
    g_autofree char *path = g_strdup_printf(BUNDLE_LEDGERS "%s/sparse", node), *leaves_path = g_strdup_printf(BUNDLE_LEDGERS "%s/hashes", node);
    g_autoptr(GBytes) bytes = parcel_read(giving->road->parcel, path, error), leaves = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    OpenPart part = { .records = { .giving = giving, .out = out }, .from = from };
    g_autoptr(RecordStream) stream = record_stream_new(&events, &part);

    if (!bytes || (from > 0 && !(leaves = parcel_read(giving->road->parcel, leaves_path, error))))
        return FALSE;
    part.leaves = leaves;
    if (!record_stream_feed(stream, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error) || !record_stream_end(stream, error))
        return FALSE;
    record_stream_write_end(out);
    return flush(&part.records, 0, error);
}

static gboolean
pass_over(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    return TRUE;
}

static gboolean
keep_note(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    Comparison *comparison = data;

    g_free(comparison->checkpoint);
    comparison->checkpoint = g_strndup(note, size);
    return TRUE;
}

static gboolean
compare(Comparison *comparison, GBytes *leaves, guint64 shown, GError **error)
{
    OpenPart part = { .leaves = leaves };
    guint64 records = g_bytes_get_size(leaves) / sizeof(Digest);

    if (shown > records)
        return TRUE;
    g_clear_pointer(&comparison->hashes, g_array_unref);
    comparison->hashes = merkle_consistency_of(read_node, &part, shown, records, error);
    comparison->has_root = TRUE;
    return comparison->hashes && merkle_root_of(read_node, &part, 0, shown, &comparison->root, error);
}

/* E29, of an open part: two bundles of one writer show two histories. It is this node that asks, so what it shows is what it says. */
gboolean
bundle_give_comparison(Giving *giving, const char *node, GError **error)
{
    static const RecordStreamEvents events = { .sparse = pass_over, .checkpoint = keep_note };
    g_autofree char *path = g_strdup_printf(BUNDLE_LEDGERS "%s/sparse", node), *leaves_path = g_strdup_printf(BUNDLE_LEDGERS "%s/hashes", node);
    gsize size = 0;
    const char *body = giving->request->body ? g_bytes_get_data(giving->request->body, &size) : NULL;
    g_autofree char *shown = g_strndup(body ? body : "", size);
    g_auto(GStrv) lines = g_strsplit(shown, "\n", 3);
    g_autoptr(Comparison) comparison = comparison_new();
    g_autoptr(RecordStream) stream = record_stream_new(&events, comparison);
    g_autoptr(GBytes) bytes = parcel_read(giving->road->parcel, path, error), leaves = bytes ? parcel_read(giving->road->parcel, leaves_path, error) : NULL, answer = NULL;
    guint64 records;

    if (!leaves || !record_stream_feed(stream, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error) || !record_stream_end(stream, error))
        return FALSE;
    if (g_strv_length(lines) < 2 || !decimal_parse(lines[1], DECIMAL_MAX, &records))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "E29: want a checkpoint");
    answer = compare(comparison, leaves, records, error) ? comparison_format(comparison, error) : NULL;
    return answer && bundle_give(giving, answer, error);
}
