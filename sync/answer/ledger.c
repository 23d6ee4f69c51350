/* GET /v1/node, /v1/ledgers/NODE/records and /v1/ledgers/NODE/sparse: E4, E10, E11 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/sparse_source.h"

gboolean
answer_node(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    Home *home = answer->home;
    Ledger *ledger = home_ledger(home, error);
    Catalogue *catalogue = ledger && ledger_refresh(ledger, error) ? home_catalogue(home, error) : NULL;
    g_autoptr(Credentials) credentials = catalogue ? credentials_own(home, error) : NULL;
    g_auto(Standing) standing = { 0 };
    g_autoptr(json_t) root = NULL;
    GBytes *bytes;

    if (!credentials || !standing_of(home, home_id(home), &standing, error))
        return FALSE;
    standing_add_cosignatures(home, home_id(home), &standing);
    root = json_pack("{s:s, s:s, s:s}", "type", "node/1", "node", home_id(home), "checkpoint", standing.note);
    credentials_add(credentials, root);
    bytes = canonical_format(root, error);
    if (bytes)
        answer_set_body(answer, "application/json", bytes);
    return bytes != NULL;
}

Ledger *
answer_find_ledger(Answer *answer, const AnswerRequest *request, const char *node, gboolean whole, GError **error)
{
    gboolean own = strcmp(node, home_id(answer->home)) == 0;
    Ledger *ledger;

    if (!node_id_valid(node))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: want a node id", node);
    if (request->has_pin && !answer->caller.accepted)
        access_prove(answer->home, &request->pin, node, &answer->caller);
    /* A13: the sparse ledger of this node itself is for anyone */
    if (!(own && !whole) && !access_to_ledger(answer->home, &answer->caller, node))
        return chama_error_null(error, CHAMA_ERROR_DENIED, "A12: %s: not for this caller", node);
    ledger = own ? home_ledger(answer->home, error) : home_peer_ledger(answer->home, node, error);
    return ledger && ledger_refresh(ledger, error) ? ledger : NULL;
}

/* Where a stream of records stands. */
typedef struct {
    Ledger *ledger;
    LedgerBatches *batches;
    guint64 next, batch_end;    /* records: the next to write, and where its batch ends */
    gboolean ended;
    GString *out;
} Records;

static void
records_free(gpointer state)
{
    Records *records = state;

    g_clear_pointer(&records->batches, ledger_batches_free);
    if (records->out)
        g_string_free(records->out, TRUE);
    g_free(records);
}

static gboolean
write_entry(Records *records, GError **error)
{
    g_autoptr(Record) record = ledger_get(records->ledger, records->next, error);
    g_autoptr(GBytes) entry = record ? record_entry(record) : NULL;

    if (!entry)
        return FALSE;
    record_stream_write_entry(records->out, entry);
    records->next++;
    return TRUE;
}

static gboolean
write_batch_or_end(Records *records, GError **error)
{
    GError *failed = NULL;
    LedgerBatch batch;

    if (ledger_batches_next(records->batches, &batch, &failed)) {
        record_stream_write_batch(records->out, batch.first, batch.count, batch.signature);
        g_bytes_unref(batch.signature);
        records->batch_end = batch.first + batch.count;
        return TRUE;
    }
    if (failed) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    record_stream_write_end(records->out);
    return records->ended = TRUE;
}

/* One piece: a batch may run over several, so that memory does not follow its size. */
static gboolean
fill_records(Records *records, GError **error)
{
    while (!records->ended && records->out->len < ANSWER_PIECE) {
        if (records->next < records->batch_end ? !write_entry(records, error) : !write_batch_or_end(records, error))
            return FALSE;
    }
    return TRUE;
}

static GBytes *
next_records(gpointer state, GError **error)
{
    Records *records = state;
    GString *out = records->out;

    /* the first piece was made before the status was sent */
    if (out->len == 0 && !records->ended && !fill_records(records, error))
        return NULL;
    if (out->len == 0)
        return NULL;
    records->out = g_string_new(NULL);
    return g_string_free_to_bytes(out);
}

gboolean
answer_records(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    Ledger *ledger = answer_find_ledger(answer, request, name, TRUE, error);
    Records *records;
    guint64 from;

    if (!ledger || !answer_query_from(request, &from, error))
        return FALSE;
    if (from > ledger_head(ledger)->size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "records: E10: want at most %" G_GUINT64_FORMAT ", have from=%" G_GUINT64_FORMAT,
                           ledger_head(ledger)->size, from);
    records = g_new0(Records, 1);
    records->ledger = ledger;
    records->next = records->batch_end = from;
    records->out = g_string_new(NULL);
    records->batches = ledger_batches_new(ledger, from, error);
    if (!records->batches || !fill_records(records, error)) {
        records_free(records);
        return FALSE;
    }
    answer_set_source(answer, RECORDS_TYPE, next_records, records, records_free);
    return TRUE;
}

gboolean
answer_sparse(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    Ledger *ledger = answer_find_ledger(answer, request, name, FALSE, error);
    g_auto(Standing) standing = { 0 };
    SparseSource *source;
    guint64 from;

    if (!ledger || !answer_query_from(request, &from, error) || !standing_of(answer->home, name, &standing, error))
        return FALSE;
    if (from > standing.size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "sparse: E11: want at most %" G_GUINT64_FORMAT ", have from=%" G_GUINT64_FORMAT, standing.size, from);
    standing_add_cosignatures(answer->home, name, &standing);
    source = sparse_source_new(answer->home, ledger, standing.note, standing.size, from, error);
    if (source)
        answer_set_source(answer, RECORDS_TYPE, (AnswerSource)sparse_source_next, source, (GDestroyNotify)sparse_source_free);
    return source != NULL;
}
