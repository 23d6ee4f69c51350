/* POST /v1/arrivals: E28 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/receipts.h"

/* Who is no accepted peer shows a key that the profile of a node names to which something was served. */
static gboolean
prove_caller(Answer *answer, const AnswerRequest *request, GError **error)
{
    g_autoptr(GArray) served = NULL;

    if (answer->caller.node[0] || !request->has_pin)
        return TRUE;
    served = transfers_all(answer->home, TRANSFERS_SERVED, G_MAXINT32, error);
    for (guint i = 0; served && i < served->len; i++)
        if (access_prove(answer->home, &request->pin, g_array_index(served, TransferRow, i).node, &answer->caller))
            break;
    return served != NULL;
}

/* What was not served to the caller is not known, and looks like what never was. */
static gboolean
take_claim(Answer *answer, const ArrivalClaim *claim, ArrivalsReply *reply, GError **error)
{
    const char *caller = answer->caller.node;
    gboolean stated, due = FALSE;

    if (!receipts_is_delivered(answer->home, caller, &claim->manifest, &claim->transfer, &stated, error) ||
        (!stated && !transfers_confirm(answer->home, caller, &claim->manifest, &claim->transfer, &due, error)))
        return FALSE;
    reply->known += stated || due;
    reply->stated += stated;
    return TRUE;
}

/* One transaction, so one fsync, for all. */
static gboolean
take_claims(Answer *answer, const GArray *claims, ArrivalsReply *reply, GError **error)
{
    State *state = home_state(answer->home, error);

    if (!state || !state_begin(state, error))
        return FALSE;
    for (guint i = 0; i < claims->len; i++)
        if (!take_claim(answer, &g_array_index(claims, ArrivalClaim, i), reply, error)) {
            state_rollback(state);
            return FALSE;
        }
    if (state_commit(state, error))
        return TRUE;
    state_rollback(state);
    return FALSE;
}

/* What is due and cannot be signed now (the key is locked) is stated later: the caller loses nothing by it. */
static void
state_due(Answer *answer, ArrivalsReply *reply)
{
    g_autoptr(GError) failed = NULL;
    guint stated;

    if (receipts_state_deliveries(answer->home, &stated, &failed))
        reply->stated = reply->known;
    else
        answer_set_remark(answer, failed->message);
}

gboolean
answer_arrivals(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(GArray) claims = arrivals_parse(request->body, error);
    ArrivalsReply reply = { 0 };
    GBytes *bytes;

    if (!claims || !prove_caller(answer, request, error) || (answer->caller.node[0] && !take_claims(answer, claims, &reply, error)))
        return FALSE;
    if (reply.known > reply.stated)
        state_due(answer, &reply);
    bytes = arrivals_reply_format(&reply, error);
    if (bytes)
        answer_set_body(answer, "application/json", bytes);
    return bytes != NULL;
}
