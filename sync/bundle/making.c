#include "sync/bundle/making.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/checkpoint.h"
#include "sync/bundle/road.h"

#define EVIDENCE_BYTES_MAX (512 * 1024)
#define EVIDENCE_GIVEN_MAX 32

void
making_clear(Making *making)
{
    g_clear_pointer(&making->peer, peer_free);
    g_clear_pointer(&making->known, exchange_free);
    g_clear_pointer(&making->held, g_hash_table_unref);
    g_clear_pointer(&making->versions, g_ptr_array_unref);
    g_clear_pointer(&making->reply, exchange_reply_free);
    g_clear_pointer(&making->packing, packing_free);
}

void
making_talk(Making *making, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list arguments;

    if (!making->options->talk)
        return;
    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    making->options->talk(making->options->talk_data, line);
}

gboolean
making_check(Making *making, GError **error)
{
    return !progress_cancelled(making->options->progress) || chama_error(error, CHAMA_ERROR_CANCELLED, "bundle: stopped; nothing is left of it");
}

static gboolean
refuse(Answer *answer, GError **error)
{
    g_autoptr(GBytes) body = answer_next(answer, error);
    const char *remark = answer_remark(answer);

    if (!body)
        return FALSE;
    if (answer_status(answer) == 404 && remark)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s", remark);
    problem_read(body, answer_status(answer), error);
    return FALSE;
}

Answer *
making_ask(Making *making, const char *method, const char *path, const char *query, GBytes *body, GError **error)
{
    AnswerRequest request = { .method = method, .path = path, .query = query, .body = body };
    g_autoptr(Answer) answer = NULL;

    if (!making_check(making, error))
        return NULL;
    if (making->peer) {
        request.has_pin = TRUE;
        request.pin = g_array_index(making->peer->pins, Digest, 0);
    }
    answer = answer_new(making->home, &request);
    return answer_status(answer) == 200 || refuse(answer, error) ? g_steal_pointer(&answer) : NULL;
}

GBytes *
making_fetch(Making *making, const char *method, const char *path, const char *query, GBytes *body, gsize limit, GError **error)
{
    g_autoptr(Answer) answer = making_ask(making, method, path, query, body, error);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    GError *failed = NULL;

    if (!answer)
        return NULL;
    for (;;) {
        g_autoptr(GBytes) piece = answer_next(answer, &failed);

        if (!piece)
            break;
        if (g_bytes_get_size(piece) > limit - whole->len)
            return chama_error_null(error, CHAMA_ERROR_LIMIT, "%s: want at most %" G_GSIZE_FORMAT " bytes, have more", path, limit);
        g_byte_array_append(whole, g_bytes_get_data(piece, NULL), (guint)g_bytes_get_size(piece));
    }
    if (failed) {
        g_propagate_error(error, failed);
        return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&whole));
}

/* Of a bundle for anyone: a ledger that no version in it is of would only take room. */
static gboolean
is_wanted(const Making *making, const char *node)
{
    if (making->peer || strcmp(node, home_id(making->home)) == 0)
        return TRUE;
    for (guint i = 0; i < making->versions->len; i++) {
        if (strcmp(((const Manifest *)making->versions->pdata[i])->node, node) == 0)
            return TRUE;
    }
    return FALSE;
}

/* B15: nobody can be asked for more, nor told. */
static void
trim_reply(Making *making)
{
    ExchangeReply *reply = making->reply;

    for (guint i = reply->ledgers->len; i-- > 0;) {
        if (!is_wanted(making, ((const LedgerOffer *)reply->ledgers->pdata[i])->node))
            g_ptr_array_remove_index(reply->ledgers, i);
    }
    reply->bring = FALSE;
    g_array_set_size(reply->evidence_wanted, 0);
    g_array_set_size(reply->evidence, MIN(reply->evidence->len, EVIDENCE_GIVEN_MAX));
}

gboolean
making_learn_reply(Making *making, GError **error)
{
    g_autoptr(GBytes) body = exchange_format(making->known, error);
    g_autoptr(GBytes) bytes = body ? making_fetch(making, "POST", "/v1/exchange", NULL, body, WIRE_EXCHANGE_MAX, error) : NULL;

    making->reply = bytes ? exchange_reply_parse(bytes, error) : NULL;
    if (!making->reply)
        return FALSE;
    trim_reply(making);
    if (making->reply->openings_next > 0)
        making_talk(making, "there are more sealed statements for the receiver than one bundle holds: make another with --since its receipt");
    return TRUE;
}

static gboolean
put_evidence(Making *making, GError **error)
{
    for (guint i = 0; i < making->reply->evidence->len; i++) {
        const EvidenceName *name = &g_array_index(making->reply->evidence, EvidenceName, i);
        const char *kind = name->rollback ? "rollback" : "fork";
        g_autofree char *path = g_strdup_printf("/v1/evidence/%s/%s", name->node, kind), *file = g_strdup_printf(BUNDLE_EVIDENCE "%s/%s", name->node, kind);
        g_autoptr(GBytes) bytes = making_fetch(making, "GET", path, NULL, NULL, EVIDENCE_BYTES_MAX, error);

        if (!bytes || !packing_add_common(making->packing, file, bytes, error))
            return FALSE;
    }
    return TRUE;
}

static LedgerPosition *
find_position(GArray *positions, const char *node)
{
    for (guint i = 0; i < positions->len; i++) {
        if (strcmp(g_array_index(positions, LedgerPosition, i).node, node) == 0)
            return &g_array_index(positions, LedgerPosition, i);
    }
    return NULL;
}

/* What will be known of the receiver once it has this. */
static gboolean
move_on(Exchange *known, const LedgerOffer *offer, GError **error)
{
    GArray *positions = offer->whole ? known->ledgers : known->sparse;
    LedgerPosition *position = find_position(positions, offer->node), fresh = { .size = offer->size };
    g_autoptr(Checkpoint) claims = checkpoint_claims(offer->checkpoint, strlen(offer->checkpoint), error);

    if (!claims)
        return FALSE;
    g_strlcpy(fresh.node, offer->node, sizeof fresh.node);
    fresh.root = claims->root;
    fresh.time = claims->time;
    if (position)
        *position = fresh;
    else
        g_array_append_val(positions, fresh);
    return TRUE;
}

static int
compare_digests(gconstpointer a, gconstpointer b)
{
    return digest_compare(*(const Digest *const *)a, *(const Digest *const *)b);
}

static GBytes *
format_held(const Making *making)
{
    g_autoptr(GPtrArray) digests = g_ptr_array_new();
    GString *text = g_string_new(NULL);
    char hex[DIGEST_HEX_SIZE];
    GHashTableIter iter;
    gpointer digest;

    g_hash_table_iter_init(&iter, making->held);
    while (g_hash_table_iter_next(&iter, &digest, NULL))
        g_ptr_array_add(digests, digest);
    for (guint i = 0; i < making->versions->len; i++)
        g_ptr_array_add(digests, (gpointer)&((const Manifest *)making->versions->pdata[i])->address);
    g_ptr_array_sort(digests, compare_digests);
    for (guint i = 0; i < digests->len; i++)
        if (i == 0 || !digest_equal(digests->pdata[i], digests->pdata[i - 1]))
            g_string_append_printf(text, "%s\n", digest_format_hex(digests->pdata[i], hex));
    return g_string_free_to_bytes(text);
}

static gboolean
put_known(Making *making, GError **error)
{
    g_autoptr(GBytes) bytes = NULL, held = format_held(making);

    for (guint i = 0; i < making->reply->ledgers->len; i++) {
        if (!move_on(making->known, making->reply->ledgers->pdata[i], error))
            return FALSE;
    }
    for (guint i = 0; i < making->reply->ledgers->len && making->reply->openings_next == 0; i++) {
        const LedgerOffer *offer = making->reply->ledgers->pdata[i];

        if (strcmp(offer->node, home_id(making->home)) == 0)
            making->known->openings = offer->size;
    }
    making->known->openings = MAX(making->known->openings, making->reply->openings_next);
    bytes = exchange_format(making->known, error);
    return bytes && packing_add_common(making->packing, BUNDLE_KNOWN, bytes, error) &&
           packing_add_common(making->packing, BUNDLE_KNOWN_VERSIONS, held, error);
}

gboolean
making_put_reply(Making *making, GError **error)
{
    g_autoptr(GBytes) bytes = exchange_reply_format(making->reply, error);

    return bytes && packing_add_common(making->packing, BUNDLE_EXCHANGE, bytes, error) && put_evidence(making, error) && making_put_ledgers(making, error) &&
           put_known(making, error);
}
