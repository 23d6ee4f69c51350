#include "sync/pull/bringing.h"

#include <string.h>

#include "keys/error.h"
#include "sync/answer.h"

#define ROUNDS_MAX 16   /* of 256 openings each (W5); what is beyond comes at the next sync */

static gboolean
anything_new(Session *session, GError **error)
{
    const ExchangeReply *reply = session->reply;
    Ledger *ledger = home_ledger(session->home, error);
    guint64 size = ledger ? ledger_head(ledger)->size : 0;

    return reply->bring && reply->bring_size <= size && MIN(reply->bring_size, reply->bring_openings) < size;
}

/* The answer says where the peer stands then. */
static gboolean
bring(Session *session, GError **error)
{
    ExchangeReply *reply = session->reply;
    g_autoptr(GBytes) body = answer_to_bring(session->home, session->peer->node, reply->bring_size, reply->bring_openings, error);
    g_autoptr(GBytes) bytes = body ? transport_fetch(session->transport, "POST", "/v1/brought", body, NULL, WIRE_EXCHANGE_MAX, error) : NULL;
    g_autoptr(ExchangeReply) answer = bytes ? exchange_reply_parse(bytes, error) : NULL;
    gboolean further = answer && answer->bring && (answer->bring_size > reply->bring_size || answer->bring_openings > reply->bring_openings);

    if (!answer)
        return FALSE;
    if (!further)
        return chama_error(error, CHAMA_ERROR_EXISTS, "W25: it took nothing of what it asked for");
    if (answer->bring_size > reply->bring_size)
        session_talk(session, "%s cannot reach this node: %" G_GUINT64_FORMAT " records brought", session->peer->alias ? session->peer->alias : session->peer->node,
                     answer->bring_size - reply->bring_size);
    reply->bring_size = answer->bring_size;
    reply->bring_openings = answer->bring_openings;
    return TRUE;
}

gboolean
pull_bring(Session *session, GError **error)
{
    GError *failed = NULL;

    if (session->options->dry_run)
        return TRUE;
    for (guint i = 0; i < ROUNDS_MAX && anything_new(session, &failed); i++) {
        if (!session_check(session, error))
            return FALSE;
        if (!bring(session, &failed))
            break;
    }
    if (!failed)
        return TRUE;
    if (session_over(failed)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    /* once in a sync */
    session->reply->bring = FALSE;
    session_talk(session, "%s cannot reach this node, and did not take what was brought: %s", session->peer->alias ? session->peer->alias : session->peer->node,
                 failed->message);
    g_error_free(failed);
    return TRUE;
}

/* W25: what it says of others, of evidence, of this node's ledger is not asked for here. */
static void
keep_own(Session *session, ExchangeReply *reply)
{
    for (guint i = reply->ledgers->len; i-- > 0;) {
        const LedgerOffer *offer = reply->ledgers->pdata[i];

        if (strcmp(offer->node, session->peer->node) != 0 || !offer->whole)
            g_ptr_array_remove_index(reply->ledgers, i);
    }
    g_ptr_array_set_size(reply->ledgers, (gint)MIN(reply->ledgers->len, 1));
    g_ptr_array_set_size(reply->revealed, 0);
    reply->revealed_next = 0;
    g_ptr_array_set_size(reply->seen, 0);
    g_clear_pointer(&reply->yours, ledger_offer_free);
}

gboolean
bringing_read(Session *session, GBytes *body, GError **error)
{
    gsize size = body ? g_bytes_get_size(body) : 0;
    const char *data = size > 0 ? g_bytes_get_data(body, NULL) : NULL;
    const char *end = data ? memchr(data, '\n', size) : NULL;
    g_autoptr(GBytes) head = end ? g_bytes_new_from_bytes(body, 0, (gsize)(end - data)) : NULL;
    g_autoptr(GBytes) records = end ? g_bytes_new_from_bytes(body, (gsize)(end - data) + 1, size - (gsize)(end - data) - 1) : NULL;
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/records?from=", session->peer->node);

    if (!head)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "brought: W23: want a reply, a line feed and records");
    session->reply = exchange_reply_parse(head, error);
    if (!session->reply)
        return FALSE;
    if (strcmp(session->reply->node, session->peer->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "brought: W23: want what %s says, have what %s says", session->peer->node, session->reply->node);
    keep_own(session, session->reply);
    session->transport = transport_brought(path, records);
    return TRUE;
}
