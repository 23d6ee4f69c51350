/* What is sealed for this node: PU9, PU29. */
#include <string.h>

#include "keys/error.h"
#include "sync/pull/ledgers.h"
#include "sync/pull/refusals.h"
#include "sync/reveal.h"

static gboolean
take_opening(Session *session, GBytes *bytes, GError **error)
{
    Catalogue *catalogue = home_catalogue(session->home, error);
    g_autoptr(Opening) opening = catalogue ? opening_parse(bytes, error) : NULL;
    g_autoptr(Record) record = NULL;
    Grant grant;

    if (!opening || !catalogue_learn_opening(catalogue, opening, error) || !home_keep_opening(session->home, &opening->record, bytes, error))
        return FALSE;
    /* PU17: only a grant lets what was refused be given. */
    if (!grant_parse_body(opening->body, &grant, NULL))
        return TRUE;
    record = catalogue_record(catalogue, &opening->record, error);
    return record && refusals_forget(session->home, record->node, error);
}

/* PU29: those of ledgers that are not here yet come again; what does not hold is told and passed over. */
static gboolean
take_revealed(Session *session, GError **error)
{
    const GPtrArray *revealed = session->reply->revealed;
    gboolean all = TRUE;
    guint taken = 0;

    for (guint i = 0; i < revealed->len; i++) {
        GError *failed = NULL;

        if (take_opening(session, revealed->pdata[i], &failed))
            taken++;
        else if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
            session_talk(session, "revealed: %s; it is asked for again", failed->message);
            g_clear_error(&failed);
            all = FALSE;
        } else if (!session_survive(session, session->peer->node, failed, error))
            return FALSE;
    }
    if (taken > 0)
        session_talk(session, "%s: %u sealed statement%s revealed to this node", session->peer->alias ? session->peer->alias : session->peer->node, taken,
                     taken == 1 ? "" : "s");
    return !all || session->reply->revealed_next == 0 || reveal_note_next(session->home, session->peer->node, session->reply->revealed_next, error);
}

/* PU9: openings are asked for from the first record not yet looked at; that moves on only if the ledger they speak of is here. */
gboolean
pull_openings(Session *session, GError **error)
{
    const GPtrArray *openings = session->reply->openings;
    Ledger *ledger = home_peer_ledger(session->home, session->peer->node, NULL);
    guint64 next = ledger ? ledger_head(ledger)->size : 0;

    /* More than one reply holds: the rest is asked for the next time. */
    if (session->reply->openings_next > 0)
        next = MIN(next, session->reply->openings_next);
    if (session->behind)
        return TRUE;
    if (!take_revealed(session, error))
        return FALSE;
    for (guint i = 0; i < openings->len; i++) {
        GError *failed = NULL;

        if (!take_opening(session, openings->pdata[i], &failed) && !session_survive(session, session->peer->node, failed, error))
            return FALSE;
    }
    if (openings->len > 0)
        session_talk(session, "%s: %u sealed statement%s for this node alone", session->peer->alias ? session->peer->alias : session->peer->node, openings->len,
                     openings->len == 1 ? "" : "s");
    /* E9: who has not accepted this node gave none, and what it holds for this node comes once it has. */
    if (next <= session->peer->openings || !session->reply->peer)
        return TRUE;
    session->peer->openings = next;
    return peers_note_openings(session->home, session->peer->node, next, error);
}
