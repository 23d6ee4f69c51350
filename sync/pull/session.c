#include "sync/pull/session.h"

#include <string.h>

#include "keys/error.h"
#include "sync/pull/refusals.h"

void
session_talk(Session *session, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list arguments;

    if (!session->options->talk)
        return;
    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    session->options->talk(session->options->talk_data, line);
}

/* Which of two exit statuses says more: broken proofs before refusals, refusals before what another attempt may mend. */
static int
gravity(int exit_status)
{
    static const int order[] = { [0] = 0, [2] = 1, [5] = 2, [1] = 3, [4] = 4, [3] = 5 };

    return exit_status >= 0 && (gsize)exit_status < G_N_ELEMENTS(order) ? order[exit_status] : order[1];
}

void
session_problem(Session *session, const char *subject, GError *error)
{
    PullResult *result = session->result;
    int exit_status = chama_error_exit_status(error);

    if (gravity(exit_status) > gravity(result->worst_exit))
        result->worst_exit = exit_status;
    g_ptr_array_add(result->problems, subject ? g_strdup_printf("%s: %s", subject, error->message) : g_strdup(error->message));
    g_error_free(error);
}

void
session_tell_alarm(Session *session, const char *node, const char *what)
{
    g_ptr_array_add(session->result->alarms, g_strdup_printf("%s: %s", node, what));
}

gboolean
session_alarm(Session *session, const char *node, const Conflict *conflict, gboolean *fresh, GError **error)
{
    if (!evidence_keep(session->home, node, conflict, fresh, error))
        return FALSE;
    if (*fresh)
        session_tell_alarm(session, node, conflict->rollback ? "it signed fewer records than before" : "two histories of its ledger; evidence is kept");
    return TRUE;
}

gboolean
session_over(const GError *error)
{
    return g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
}

gint *
session_cancelled(const PullOptions *options)
{
    return options->progress ? &options->progress->cancelled : NULL;
}

gboolean
session_check(Session *session, GError **error)
{
    return !progress_cancelled(session->options->progress) || chama_error(error, CHAMA_ERROR_CANCELLED, "sync: stopped");
}

#define CLAIM_PAUSE (100 * 1000)   /* microseconds between two looks at what another session is at work on */

guint
session_tenure(Session *session, const char *node)
{
    return strcmp(node, session->peer->node) == 0 ? session->options->turn : MAX(session->options->turn / 10, 1);
}

Claim *
session_claim(Session *session, ClaimKind kind, const char *name, guint seconds, GError **error)
{
    gint64 until = g_get_monotonic_time() + (gint64)(session->answering ? 0 : seconds) * G_USEC_PER_SEC;
    g_autoptr(Claim) wish = NULL;
    GError *failed = NULL;
    gboolean told = FALSE;

    for (;;) {
        Claim *claim = claim_try(session->home, kind, name, &failed);

        if (claim)
            return claim;
        if (failed || !session_check(session, &failed)) {
            g_propagate_error(error, failed);
            return NULL;
        }
        if (g_get_monotonic_time() >= until)
            return NULL;
        if (seconds == CLAIM_WAIT && !told)
            session_talk(session, "another sync of this node is at work there; waiting for it");
        told = TRUE;
        if (!wish)
            wish = claim_wish(session->home, kind, name, NULL);
        g_usleep(CLAIM_PAUSE);
    }
}

static Transport *
connect_to(Session *session, const Peer *peer, const char *url, guint quiet, gint *cancelled, GError **error)
{
    const GArray *pins = peer->pins;
    g_autofree char *certificate = home_file(session->home, "keys/tls.crt");
    g_autofree char *key = home_file(session->home, "keys/tls.key");
    g_autofree char *known_hosts = home_file(session->home, "known_hosts");
    const TransportOptions options = {
        .certificate_path = certificate,
        .key_path = key,
        .pins = (const Digest *)(gpointer)pins->data,
        .pin_count = pins->len,
        .known_hosts = known_hosts,
        .connect_timeout = CONNECT_TIMEOUT,
        .stall_timeout = quiet ? quiet : STALL_TIMEOUT,
        .patience = quiet ? 0 : PATIENCE,
        .slowest = session->options->slowest,
        .limit = quiet ? NULL : limits_of(session->options->limits, peer->alias),
        .gives_way = session->tenure ? tenure_flag(session->tenure) : NULL,
        .cancelled = cancelled,
    };

    /* Without a pin the transport would take any key: that is for first contact alone. */
    if (pins->len == 0 && transport_wants_pins(url))
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: no TLS key is pinned for this peer; add it again by its invite", url);
    return transport_open(url, &options, error);
}

Transport *
session_connect(Session *session, const char *url, GError **error)
{
    return connect_to(session, session->peer, url, 0, session_cancelled(session->options), error);
}

Transport *
session_connect_quiet(Session *session, const char *url, guint seconds, gint *cancelled, GError **error)
{
    return connect_to(session, session->peer, url, seconds, cancelled, error);
}

Transport *
session_connect_peer(Session *session, const Peer *peer, const char *url, gint *cancelled, GError **error)
{
    return connect_to(session, peer, url, 0, cancelled, error);
}

Transport *
session_connect_again(Session *session, gint *cancelled, GError **error)
{
    return session->url ? session_connect_peer(session, session->peer, session->url, cancelled, error) : transport_another(session->transport, error);
}

void
session_close(Session *session, Transport *transport)
{
    session->result->wire_bytes += transport_bytes(transport);
    session->result->requests += transport_requests(transport);
    transport_close(transport);
}

void
session_hang_up(Session *session)
{
    if (session->transport)
        session_close(session, g_steal_pointer(&session->transport));
}

void
session_clear(Session *session)
{
    session_hang_up(session);
    g_clear_pointer(&session->reply, exchange_reply_free);
    g_clear_pointer(&session->cosigned, g_free);
    g_clear_pointer(&session->peer, peer_free);
    g_clear_pointer(&session->counted, g_hash_table_unref);
    /* What is under way goes to the writers of the landing. */
    g_clear_pointer(&session->intake, intake_free);
    g_clear_pointer(&session->landing, landing_free);
    g_clear_pointer(&session->tenure, tenure_free);
    g_clear_pointer(&session->given_way, g_hash_table_unref);
    g_clear_pointer(&session->datasets, g_hash_table_unref);
    g_clear_pointer(&session->sources, g_ptr_array_unref);
    g_clear_pointer(&session->pages, page_cache_free);
    g_clear_pointer(&session->known, known_pages_free);
    g_clear_pointer(&session->known_of, g_free);
}

gboolean
session_accepted(Session *session, const char *node)
{
    g_autoptr(Peer) peer = peers_get(session->home, node, NULL);

    return peer && peer->status == PEER_ACCEPTED;
}

/* What was refused before may be given now; a peer's new addresses and keys count from now on. */
gboolean
session_spread_news(Session *session, const LedgerOffer *offer, GError **error)
{
    gboolean from_owner = strcmp(offer->node, session->peer->node) == 0;

    if (!refusals_forget(session->home, offer->node, error))
        return FALSE;
    if (!session_accepted(session, offer->node))
        return TRUE;
    return peers_follow_profile(session->home, offer->node, error) &&
           (!from_owner || peers_note_size(session->home, offer->node, offer->size, error));
}

gboolean
session_survive(Session *session, const char *node, GError *failed, GError **error)
{
    g_autofree char *name = NULL;

    if (session_over(failed)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    name = strcmp(node, home_id(session->home)) == 0 ? g_strdup("this node") : peers_display(session->home, node);
    session_problem(session, name, failed);
    return TRUE;
}
