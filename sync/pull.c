#include "sync/pull.h"

#include "keys/error.h"
#include "sync/contacts.h"
#include "sync/pull/bringing.h"
#include "sync/pull/content.h"
#include "sync/pull/cosigning.h"
#include "sync/pull/erasures.h"
#include "sync/pull/ledgers.h"
#include "sync/pull/receipts.h"
#include "sync/pull/rumours.h"
#include "sync/pull/session.h"

/* The order of events of one sync. */
static gboolean (*const steps[])(Session *, GError **) = { pull_exchange, pull_evidence, pull_own_ledger, pull_bring, pull_ledgers, pull_cosignatures, pull_rumours, pull_openings,
                                                            pull_erasures, pull_content, pull_receipts, pull_bring };

void
pull_options_defaults(PullOptions *options)
{
    *options = (PullOptions){
        .ledgers_max = 256,
        .records_max = 1000000,
        .ledger_bytes_max = G_GUINT64_CONSTANT(1) << 30,
        .peer_bytes_max = G_GUINT64_CONSTANT(2) << 30,
        .reserve = G_GUINT64_CONSTANT(256) << 20,
        .retry_after = 3600,
        .turn = 600,
    };
}

void
pull_result_clear(PullResult *result)
{
    g_clear_pointer(&result->problems, g_ptr_array_unref);
    g_clear_pointer(&result->alarms, g_ptr_array_unref);
    g_clear_pointer(&result->givers, g_ptr_array_unref);
}

/* Of a bundle nobody here needs to know the writer. */
static Peer *
find_peer(Session *session, const char *node, GError **error)
{
    g_autoptr(GError) failed = NULL;
    Peer *peer = peers_get(session->home, node, &failed);

    if (peer || !session->options->carried || !g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
        if (failed)
            g_propagate_error(error, g_steal_pointer(&failed));
        return peer;
    }
    peer = peer_new();
    peer->status = PEER_PENDING;
    g_strlcpy(peer->node, node, sizeof peer->node);
    return peer;
}

/* What others changed while this one waited: ledgers; the peer's addresses, keys, openings already asked for. */
static gboolean
reload(Session *session, const char *node, GError **error)
{
    if (!home_refresh(session->home, error))
        return FALSE;
    session->peer = find_peer(session, node, error);
    return session->peer != NULL;
}

static gboolean
run(Session *session, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (!steps[i](session, error))
            return FALSE;
    }
    return TRUE;
}

/* Something was reached and done before the trouble: that is a sync with a problem, not one that could not be. */
static gboolean
judge(Session *session, GError *failed, GError **error)
{
    if (!failed)
        return TRUE;
    if (!session->reply || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    session_problem(session, NULL, failed);
    return TRUE;
}

/* Best effort after a failure: what is reported is the failure. */
static gboolean
note_contact(Session *session, const GError *failed, GError **error)
{
    const PullResult *result = session->result;
    const ContactOutcome outcome = { .error = failed ? failed->message : result->problems->len > 0 ? result->problems->pdata[0] : NULL, .failed = failed != NULL,
                                     .got_on = result->records > 0 || result->bytes > 0, .interval = session->options->interval };

    if (session->options->carried || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
        return TRUE;
    return contacts_note(session->home, session->peer->node, &outcome, error);
}

/* @session: its home, options, result, and the transport if one is given. */
static gboolean
pull(Session *session, const Peer *peer, GError **error)
{
    guint wait = session->options->wait ? session->options->wait : CLAIM_WAIT;
    g_autoptr(Claim) claim = NULL;
    GError *failed = NULL;
    gboolean good;

    *session->result = (PullResult){ .problems = g_ptr_array_new_with_free_func(g_free), .alarms = g_ptr_array_new_with_free_func(g_free) };
    claim = session_claim(session, CLAIM_PEER, peer->node, wait, &failed);
    if (!claim && !failed)
        return chama_error(error, CHAMA_ERROR_EXISTS, "PU51: a sync with this node is under way here; try again later");
    if (!claim) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    session->tenure = tenure_new();
    good = reload(session, peer->node, error);
    if (good) {
        run(session, &failed);
        session_hang_up(session);
        good = note_contact(session, failed, failed ? NULL : error) || failed;
        good = judge(session, failed, error) && good;
    }
    return good;
}

gboolean
pull_peer(Home *home, Peer *peer, const PullOptions *options, PullResult *result, GError **error)
{
    g_auto(Session) session = { .home = home, .options = options, .result = result };

    return pull(&session, peer, error);
}

gboolean
pull_over(Home *home, Peer *peer, Transport *transport, const PullOptions *options, PullResult *result, GError **error)
{
    g_auto(Session) session = { .home = home, .options = options, .result = result, .transport = transport };

    return pull(&session, peer, error);
}

gboolean
pull_brought(Home *home, const char *node, GBytes *body, PullResult *result, GError **error)
{
    PullOptions options;
    g_auto(Session) session = { .home = home, .options = &options, .result = result, .answering = TRUE };
    g_autoptr(Claim) claim = NULL;
    GError *failed = NULL;

    pull_options_defaults(&options);
    *result = (PullResult){ .problems = g_ptr_array_new_with_free_func(g_free), .alarms = g_ptr_array_new_with_free_func(g_free) };
    /* Who serves does not wait: two that sync with each other would wait for ever. */
    claim = session_claim(&session, CLAIM_PEER, node, 0, &failed);
    if (claim)
        return reload(&session, node, error) && bringing_read(&session, body, error) && pull_ledgers(&session, error) && pull_openings(&session, error);
    if (!failed)
        return chama_error(error, CHAMA_ERROR_EXISTS, "W24: a sync with this node is under way here: bring it the next time");
    g_propagate_error(error, failed);
    return FALSE;
}
