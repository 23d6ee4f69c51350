#include "sync/pull/receipts.h"

#include <string.h>

#include "keys/error.h"
#include "sync/pull/cosigning.h"
#include "sync/pull/ledgers.h"
#include "sync/receipts.h"

#define EXCHANGES_MAX 32   /* of 256 openings each (W5); what is beyond comes at the next sync */

/* What arrived from the peer, and of which no delivery is known. */
static GArray *
find_claims(Session *session, GError **error)
{
    g_autoptr(GArray) rows = transfers_all(session->home, TRANSFERS_ARRIVED, G_MAXINT32, error);
    GArray *claims = rows ? g_array_new(FALSE, FALSE, sizeof(ArrivalClaim)) : NULL;

    for (guint i = 0; rows && i < rows->len; i++) {
        const TransferRow *row = &g_array_index(rows, TransferRow, i);
        const ArrivalClaim claim = { row->manifest, row->id };
        Digest delivery;

        if (strcmp(row->node, session->peer->node) == 0 && !receipts_find_delivery(session->home, row, &delivery, NULL))
            g_array_append_val(claims, claim);
    }
    return claims;
}

static gboolean
tell(Session *session, const GArray *claims, ArrivalsReply *reply, GError **error)
{
    g_autoptr(GBytes) body = arrivals_format(claims, error);
    g_autoptr(GBytes) answer =
        body ? transport_fetch(session->transport, "POST", "/v1/arrivals", body, NULL, WIRE_ARRIVALS_REPLY_MAX, error) : NULL;

    return answer && arrivals_reply_parse(answer, reply, error);
}

/* As many at a time as one document holds. */
static gboolean
tell_all(Session *session, const GArray *claims, guint64 *stated, GError **error)
{
    g_autoptr(GArray) some = g_array_new(FALSE, FALSE, sizeof(ArrivalClaim));

    for (guint i = 0; i < claims->len; i += some->len) {
        ArrivalsReply reply;

        g_array_set_size(some, 0);
        g_array_append_vals(some, &g_array_index(claims, ArrivalClaim, i), MIN(claims->len - i, WIRE_ARRIVALS_MAX));
        if (!tell(session, some, &reply, error))
            return FALSE;
        *stated += reply.stated;
    }
    return TRUE;
}

/* The deliveries stand in the peer's ledger: its news are fetched once more, and openings for as long as there are more. */
static gboolean
fetch_deliveries(Session *session, GError **error)
{
    for (guint i = 0; i < EXCHANGES_MAX; i++) {
        if (!session_check(session, error) || !pull_exchange_again(session, error) || !pull_ledgers(session, error) || !pull_openings(session, error))
            return FALSE;
        if (session->reply->openings_next == 0)
            break;
    }
    return pull_cosignatures(session, error);
}

static gboolean
claim_deliveries(Session *session, GError **error)
{
    g_autoptr(GArray) claims = find_claims(session, error);
    guint64 stated = 0;

    if (!claims || claims->len == 0)
        return claims != NULL;
    return tell_all(session, claims, &stated, error) && (stated == 0 || fetch_deliveries(session, error));
}

/* A key that is locked is no failure: the daemon runs without it, and who syncs by hand unlocks it. */
static void
settle(Session *session, const char *one, const char *many, gboolean (*state)(Home *, guint *, GError **))
{
    GError *failed = NULL;
    guint stated;

    if (state(session->home, &stated, &failed)) {
        if (stated > 0)
            session_talk(session, "%u %s stated", stated, stated == 1 ? one : many);
        return;
    }
    if (!g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DENIED)) {
        session_problem(session, many, failed);
        return;
    }
    session_talk(session, "%s: not stated yet: %s", many, failed->message);
    g_error_free(failed);
}

/* A peer that does not know of arrivals is asked again the next time. */
gboolean
pull_receipts(Session *session, GError **error)
{
    GError *failed = NULL;

    if (session->options->dry_run)
        return TRUE;
    if (!claim_deliveries(session, &failed) && session_over(failed)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    if (failed && g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        g_error_free(failed);
    else if (failed)
        session_problem(session, "receipts", failed);
    settle(session, "delivery", "deliveries", receipts_state_deliveries);
    settle(session, "receipt", "receipts", receipts_state_receipts);
    return TRUE;
}
