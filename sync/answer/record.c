/* GET /v1/records/ADDRESS: E27 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/sparse_source.h"

/* A manifest of an open version is for anyone, as in E11; so are inceptions. */
static gboolean
is_for_anyone(Home *home, const Record *record)
{
    g_autoptr(Manifest) manifest = catalogue_manifest(home_catalogue(home, NULL), &record->address, NULL);

    return record->seq == 0 || (manifest && manifest->share == SHARE_OPEN);
}

static gboolean
may_have(Answer *answer, const AnswerRequest *request, const Record *record, GError **error)
{
    char text[DIGEST_TEXT_SIZE];

    if (request->has_pin && !answer->caller.accepted)
        access_prove(answer->home, &request->pin, record->node, &answer->caller);
    return is_for_anyone(answer->home, record) || access_to_ledger(answer->home, &answer->caller, record->node) ||
           chama_error(error, CHAMA_ERROR_DENIED, "E27: %s: not for this caller", digest_format(&record->address, text));
}

/* The ledger, held whole, that has the record under its checkpoint: the catalogue only leads to it. */
static Ledger *
find_ledger(Home *home, const Record *record, Standing *standing, GError **error)
{
    Ledger *ledger = strcmp(record->node, home_id(home)) == 0 ? home_ledger(home, error) : home_peer_ledger(home, record->node, error);
    g_autoptr(Record) there = NULL;

    if (!ledger || !standing_of(home, record->node, standing, error))
        return NULL;
    if (record->seq >= standing->size)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: E27: record %" G_GUINT64_FORMAT " is under no checkpoint yet", record->node, record->seq);
    there = ledger_get(ledger, record->seq, error);
    if (there && !digest_equal(&there->address, &record->address))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: E27: record %" G_GUINT64_FORMAT " is another", record->node, record->seq);
    return there ? ledger : NULL;
}

gboolean
answer_record(Answer *answer, const AnswerRequest *request, const char *hex, GError **error)
{
    Catalogue *catalogue = home_catalogue(answer->home, error);
    g_autoptr(Record) record = NULL;
    g_auto(Standing) standing = { 0 };
    SparseSource *source;
    Ledger *ledger;
    Digest address;
    guint64 from;

    if (!catalogue || !digest_parse_hex(hex, &address, NULL))
        return catalogue && chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a digest in hex", hex);
    record = catalogue_record(catalogue, &address, error);
    if (!record || !may_have(answer, request, record, error) || !(ledger = find_ledger(answer->home, record, &standing, error)) ||
        !answer_query_from(request, &from, error))
        return FALSE;
    if (from > standing.size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record: E27: want at most %" G_GUINT64_FORMAT ", have from=%" G_GUINT64_FORMAT, standing.size, from);
    source = sparse_source_of_record(ledger, standing.note, standing.size, from, record->seq);
    answer_set_source(answer, RECORDS_TYPE, (AnswerSource)sparse_source_next, source, (GDestroyNotify)sparse_source_free);
    return TRUE;
}
