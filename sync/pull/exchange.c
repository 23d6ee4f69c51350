#include <string.h>

#include "keys/error.h"
#include "sync/pull/introduction.h"
#include "sync/pull/ledgers.h"
#include "sync/reveal.h"
#include "sync/sparse.h"

/* When the owner signed the newest checkpoint that is kept here: 0 if there is none, or none that holds. */
static gint64
checkpoint_time(Ledger *ledger)
{
    g_autofree char *note = ledger_checkpoint(ledger, NULL);
    g_autoptr(Checkpoint) checkpoint = note ? checkpoint_verify_by(note, strlen(note), ledger_identity(ledger), NULL) : NULL;

    return checkpoint ? checkpoint->time : 0;
}

/* A ledger that cannot be read is left out and told of: the others can still be synced. */
static void
add_whole(Session *session, GArray *positions, const char *node)
{
    gboolean own = strcmp(node, home_id(session->home)) == 0;
    LedgerPosition position = { .size = 0 };
    GError *error = NULL;
    Ledger *ledger = own ? home_ledger(session->home, &error) : home_peer_ledger(session->home, node, &error);

    if (ledger && ledger_head(ledger)->size == 0)
        return;
    if (ledger) {
        g_strlcpy(position.node, node, sizeof position.node);
        position.size = ledger_head(ledger)->size;
        position.time = checkpoint_time(ledger);
        position.rotated = ledger_identity(ledger)->before != NULL;
        position.rotation = ledger_identity(ledger)->record;
        if (ledger_root(ledger, position.size, &position.root, &error))
            g_array_append_val(positions, position);
    }
    if (error)
        session_problem(session, node, error);
}

static void
add_sparse(Session *session, GArray *positions, const char *node)
{
    LedgerPosition position = { .size = 0 };
    GError *error = NULL;

    g_strlcpy(position.node, node, sizeof position.node);
    if (!sparse_position(session->home, node, &position.size, &position.root, &position.time, &error))
        session_problem(session, node, error);
    else if (position.size > 0)
        g_array_append_val(positions, position);
}

static gboolean
holds(const GArray *positions, const char *node)
{
    for (guint i = 0; i < positions->len; i++) {
        if (strcmp(g_array_index(positions, LedgerPosition, i).node, node) == 0)
            return TRUE;
    }
    return FALSE;
}

/* PU2: our own ledger and the peer's first, then as many others as one exchange may name (W3). */
static void
add_positions(Session *session, GArray *positions, GPtrArray *nodes, void (*add)(Session *, GArray *, const char *), const GArray *held_better)
{
    const char *const first[] = { home_id(session->home), session->peer->node };

    for (gsize i = 0; i < G_N_ELEMENTS(first); i++) {
        for (guint j = 0; j < nodes->len; j++) {
            if (strcmp(nodes->pdata[j], first[i]) != 0)
                continue;
            if (!held_better || !holds(held_better, first[i]))
                add(session, positions, first[i]);
            break;
        }
    }
    for (guint i = 0; i < nodes->len && positions->len < WIRE_LEDGERS_MAX; i++) {
        const char *node = nodes->pdata[i];

        if (strcmp(node, first[0]) != 0 && strcmp(node, first[1]) != 0 && (!held_better || !holds(held_better, node)))
            add(session, positions, node);
    }
}

static Exchange *
make_exchange(Session *session, GError **error)
{
    g_autoptr(Exchange) exchange = exchange_new();
    g_autoptr(GPtrArray) whole = home_ledgers(session->home, error);
    g_autoptr(GPtrArray) sparse = whole ? sparse_nodes(session->home, error) : NULL;
    g_autoptr(GArray) evidence = NULL;

    if (!sparse || !(exchange->introduction = credentials_own(session->home, error)) ||
        !reveal_next(session->home, session->peer->node, &exchange->revealed, error))
        return NULL;
    g_strlcpy(exchange->node, home_id(session->home), sizeof exchange->node);
    exchange->openings = session->peer->openings;
    add_positions(session, exchange->ledgers, whole, add_whole, NULL);
    add_positions(session, exchange->sparse, sparse, add_sparse, exchange->ledgers);
    evidence = evidence_names(session->home, error);
    if (!evidence)
        return NULL;
    g_array_append_vals(exchange->evidence, evidence->data, evidence->len);
    return g_steal_pointer(&exchange);
}

/* PU1: a node that is not the one meant is no answer. */
static ExchangeReply *
ask(Session *session, GBytes *body, GError **error)
{
    g_autoptr(GBytes) bytes = transport_fetch(session->transport, "POST", "/v1/exchange", body, NULL, WIRE_EXCHANGE_MAX, error);
    g_autoptr(ExchangeReply) reply = bytes ? exchange_reply_parse(bytes, error) : NULL;

    if (!reply)
        return NULL;
    if (strcmp(reply->node, session->peer->node) != 0)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: PU1: want node %s, have %s", session->url ? session->url : "exchange", session->peer->node, reply->node);
    return g_steal_pointer(&reply);
}

/* A key pinned elsewhere is no answer, either: the next address may be right. */
static ExchangeReply *
ask_at(Session *session, const char *url, GBytes *body, GError **error)
{
    session->transport = session_connect(session, url, error);
    session->url = url;
    return session->transport ? ask(session, body, error) : NULL;
}

void
pull_keep_graver(GError **kept, GError *error)
{
    if (*kept && g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE)) {
        g_error_free(error);
        return;
    }
    g_clear_error(kept);
    *kept = error;
}

gboolean
pull_exchange(Session *session, GError **error)
{
    const GPtrArray *urls = session->peer->urls;
    g_autoptr(Exchange) exchange = make_exchange(session, error);
    g_autoptr(GBytes) body = exchange ? exchange_format(exchange, error) : NULL;
    g_autoptr(GError) failed = NULL;

    if (!body)
        return FALSE;
    if (session->transport) {
        session->reply = ask(session, body, error);
        return session->reply != NULL;
    }
    for (guint i = 0; i < urls->len && !session->reply; i++) {
        g_autoptr(GError) here = NULL;

        if (session_check(session, &here))
            session->reply = ask_at(session, urls->pdata[i], body, &here);
        if (!session->reply)
            g_clear_pointer(&session->transport, transport_close);
        pull_keep_graver(&failed, g_steal_pointer(&here));
        if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
            break;
    }
    if (session->reply)
        return TRUE;
    if (!failed)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "no address is known for it: it comes to us");
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
pull_exchange_again(Session *session, GError **error)
{
    g_autoptr(Exchange) exchange = make_exchange(session, error);
    g_autoptr(GBytes) body = exchange ? exchange_format(exchange, error) : NULL;
    g_autoptr(ExchangeReply) reply = body ? ask(session, body, error) : NULL;

    if (!reply)
        return FALSE;
    exchange_reply_free(session->reply);
    session->reply = g_steal_pointer(&reply);
    return TRUE;
}

Exchange *
pull_holds(Home *home, const char *peer, GError **error)
{
    PullOptions options;
    PullResult result = { .problems = g_ptr_array_new_with_free_func(g_free) };
    g_auto(Session) session = { .home = home, .options = &options, .result = &result, .peer = peers_get(home, peer, error) };
    Exchange *exchange;

    pull_options_defaults(&options);
    exchange = session.peer ? make_exchange(&session, error) : NULL;
    pull_result_clear(&result);
    return exchange;
}
