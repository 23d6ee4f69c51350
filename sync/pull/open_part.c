#include "sync/pull/open_part.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/sightings.h"
#include "sync/pull/heard.h"
#include "sync/pull/plan.h"
#include "sync/pull/quota.h"
#include "sync/pull/rumours.h"
#include "sync/sparse.h"

/* PU21: what was not verified whole is not cosigned, but what others cosigned is known. */
static gboolean
learn_of_sparse(Session *session, const char *node, GError **error)
{
    g_autofree char *note = sparse_checkpoint(session->home, node);

    return !note || sightings_learn(session->home, node, note, NULL, error);
}

/* Z6 says that it is another history; what was offered shows it if it is of as many records, else the owner's own answer. A bundle answers nothing. */
static gboolean
accept_sparse(Session *session, const LedgerOffer *offer, GBytes *stream, GError **error)
{
    GError *failed = NULL;

    if (sparse_accept(session->home, offer->node, stream, &failed))
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FORK) &&
        (!rumours_compare(session, offer->node, offer->checkpoint, error) || !rumours_ask(session, offer->node, error))) {
        g_error_free(failed);
        return FALSE;
    }
    g_propagate_error(error, failed);
    return FALSE;
}

/* PU5: a mirror's copy, and what was written down some time ago (B26), may be older than what is held. */
static gboolean
is_stale(const Session *session, const LedgerOffer *offer, guint64 held)
{
    return offer->size < held && (session->options->carried || strcmp(offer->node, session->peer->node) != 0);
}

/* PU8, PU18: a sparse ledger counts as one of the ledgers that a peer may bring, and its bytes are bounded by its format. */
gboolean
open_part_take(Session *session, const LedgerOffer *offer, GError **error)
{
    gboolean relayed = strcmp(offer->node, session->peer->node) != 0 && !session_accepted(session, offer->node);
    QuotaFacts facts = { .relayed = relayed, .records = 0 };
    g_autofree char *path = NULL, *name = NULL;
    g_autoptr(GBytes) stream = NULL;
    LedgerPosition held = { .size = 0 };
    Ledger *whole;
    QuotaUsed used;
    guint64 fork;

    whole = home_peer_ledger(session->home, offer->node, NULL);
    /* An empty one is what is left of an attempt that failed. */
    if (whole && ledger_head(whole)->size > 0)
        return TRUE;
    if (!sparse_position(session->home, offer->node, &held.size, &held.root, &held.time, error) ||
        !quota_used(session->home, session->peer->node, offer->node, &used, error))
        return FALSE;
    if (is_stale(session, offer, held.size))
        return TRUE;
    facts.ledgers = used.ledgers;
    facts.new_ledger = held.size == 0;
    if (!plan_quota(&facts, session->options, error))
        return FALSE;
    if (!evidence_fork_size(session->home, offer->node, &fork, error))
        return FALSE;
    if (held.size < fork && offer->size >= fork)
        return chama_error(error, CHAMA_ERROR_FORK, "ledger: PU23: two histories of it are known, and nothing held here says which to take; see `chama evidence`");
    path = g_strdup_printf("/v1/ledgers/%s/sparse?from=%" G_GUINT64_FORMAT, offer->node, held.size);
    stream = transport_fetch(session->transport, "GET", path, NULL, NULL, SPARSE_SIZE_MAX, error);
    if (!stream || !quota_add(session->home, session->peer->node, offer->node, relayed, facts.new_ledger, 0, error) ||
        !accept_sparse(session, offer, stream, error))
        return FALSE;
    name = peers_display(session->home, offer->node);
    session_talk(session, "%s: only the open part of its ledger of %" G_GUINT64_FORMAT " records is for this node, as long as %s has not accepted it", name,
                 offer->size, session->peer->alias ? session->peer->alias : session->peer->node);
    return learn_of_sparse(session, offer->node, error) && session_spread_news(session, offer, error);
}

static void
tell_of_giving_way(Session *session, const char *node, guint64 seen, guint64 size)
{
    g_autofree char *name = peers_display(session->home, node);
    GError *problem = NULL;

    if (size < seen)
        chama_error(&problem, CHAMA_ERROR_FORK, "ledger: PU31: rolled back: its open part was one of %" G_GUINT64_FORMAT " records, its owner has %" G_GUINT64_FORMAT
                    "; the owner's whole ledger is taken in its place, see `chama evidence`", seen, size);
    else
        chama_error(&problem, CHAMA_ERROR_FORK, "ledger: PU31: two histories: its first %" G_GUINT64_FORMAT " records are not those whose open part was held here; "
                    "the owner's whole ledger is taken in its place, see `chama evidence`", seen);
    session_problem(session, name, problem);
}

/* Until the ledger taken has as many records, the checkpoint seen before cannot be compared with it: it is kept as heard (PU27). */
static gboolean
keep_heard(Session *session, const char *node, GError **error)
{
    Catalogue *catalogue = home_catalogue(session->home, error);
    g_autoptr(Identity) identity = catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
    g_autofree char *note = sparse_checkpoint(session->home, node);
    g_autoptr(Checkpoint) checkpoint = note && identity ? checkpoint_verify_by(note, strlen(note), identity, NULL) : NULL;

    return catalogue && (!checkpoint || heard_keep(session->home, node, note, checkpoint, FALSE, error));
}

gboolean
open_part_give_way(Session *session, const char *node, const Conflict *conflict, guint64 seen, guint64 size, GError **error)
{
    Catalogue *catalogue = home_catalogue(session->home, error);
    gboolean fresh;

    if (!catalogue)
        return FALSE;
    if (conflict) {
        if (!session_alarm(session, node, conflict, &fresh, error) || (size < seen && !keep_heard(session, node, error)))
            return FALSE;
        tell_of_giving_way(session, node, seen, size);
    }
    return sightings_forget(session->home, node, error) && catalogue_forget(catalogue, node, error);
}

gboolean
open_part_drop(Session *session, const char *node, GError **error)
{
    return sparse_drop(session->home, node, error);
}
