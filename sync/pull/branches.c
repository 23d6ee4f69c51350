#include "sync/pull/branches.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "manifests/branches.h"
#include "sync/evidence.h"
#include "sync/table.h"
#include "sync/ties.h"

#define REMEMBERED_MAX 1000
#define TIED_FOR 3600   /* seconds for which one is remembered that lost a tie */

/* Checkpoints of histories that were judged to count for nothing: a peer that goes on offering one is not asked for it again. */
static const char table[] = "CREATE TABLE IF NOT EXISTS repudiated (node TEXT NOT NULL, checkpoint BLOB NOT NULL, time INTEGER NOT NULL,"
                            " PRIMARY KEY (node, checkpoint)) WITHOUT ROWID";

/* Origin, size and root, as they are claimed. */
static void
digest_claim(const char *note, Digest *digest)
{
    const char *end = note;

    for (guint line = 0; line < 3 && end; line++)
        if ((end = strchr(end, '\n')))
            end++;
    digest_of(note, end ? (gsize)(end - note) : strlen(note), digest);
}

/* N17: what lost by cosignatures may win by others that are met later. */
static gboolean
is_tied(Home *home, const char *node)
{
    g_autoptr(GArray) ties = ties_of(home, node, NULL);

    return ties && ties->len > 0;
}

static gboolean
is_remembered(Home *home, const LedgerOffer *offer)
{
    State *state = home_state(home, NULL);
    g_autoptr(TableQuery) query = state ? table_query(state, table, "SELECT 1 FROM repudiated WHERE node = ?1 AND checkpoint = ?2 AND time > ?3", NULL) : NULL;
    Digest claim;

    if (!query)
        return FALSE;
    digest_claim(offer->checkpoint, &claim);
    table_text(query, 1, offer->node);
    table_digest(query, 2, &claim);
    table_integer(query, 3, is_tied(home, offer->node) ? g_get_real_time() / G_USEC_PER_SEC - TIED_FOR : 0);
    return table_row(query, NULL);
}

static gboolean
remember(Home *home, const LedgerOffer *offer, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table,
                                                      "INSERT OR REPLACE INTO repudiated (node, checkpoint, time) SELECT ?1, ?2, ?3"
                                                      " WHERE (SELECT count(*) FROM repudiated) < ?4",
                                                      error)
                                        : NULL;
    Digest claim;

    if (!query)
        return FALSE;
    digest_claim(offer->checkpoint, &claim);
    table_text(query, 1, offer->node);
    table_digest(query, 2, &claim);
    table_integer(query, 3, g_get_real_time() / G_USEC_PER_SEC);
    table_integer(query, 4, REMEMBERED_MAX);
    return table_run(query, error);
}

gboolean
branches_forget(Home *home, const char *node, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table, "DELETE FROM repudiated WHERE node = ?1", error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    return table_run(query, error);
}

static gboolean
settle_evidence(Home *home, const char *node, GError **error)
{
    Ledger *ledger = strcmp(node, home_id(home)) == 0 ? home_ledger(home, error) : home_peer_ledger(home, node, error);

    return ledger && evidence_settle(home, node, ledger_identity(ledger), error);
}

/* What is held, or where nothing is, who had at least the keys that made the two histories that are known of (PU23). */
static Identity *
held_identity(Home *home, const ReplicaOrder *order)
{
    g_autoptr(GPtrArray) all = NULL;

    if (order->ledger && ledger_identity(order->ledger))
        return identity_ref(ledger_identity(order->ledger));
    all = state_evidence_of(home_state(home, NULL), order->offer->node, NULL);
    for (guint i = 0; all && i < all->len; i++) {
        const Evidence *e = all->pdata[i];
        g_autoptr(GBytes) bytes = g_bytes_new_static(e->text, strlen(e->text));
        g_autoptr(Contradiction) found = strcmp(e->kind, EVIDENCE_FORK) == 0 ? evidence_verify(bytes, NULL) : NULL;

        if (found)
            return identity_ref(found->oldest);
    }
    return NULL;
}

/* The whole of what is offered, verified by itself, in a place of its own. */
static Ledger *
fetch_rival(Session *session, const ReplicaOrder *order, GError **error)
{
    g_autoptr(Ledger) rival = branches_open_rival(session->home, order->offer->node, error);
    ReplicaOrder alone = { .offer = order->offer, .ledger = rival, .relayed = order->relayed, .bytes_max = order->bytes_max };
    g_auto(ReplicaResult) result = { 0 };

    return rival && replica_fetch(session, &alone, &result, error) ? g_steal_pointer(&rival) : NULL;
}

static gboolean
follow(Session *session, const LedgerOffer *offer, BranchVerdict verdict, BranchOutcome *outcome, GError **error)
{
    static const BranchOutcome outcomes[] = {
        [BRANCH_HELD] = OUTCOME_REPUDIATED, [BRANCH_OFFERED] = OUTCOME_ADOPTED, [BRANCH_NEITHER] = OUTCOME_FORK, [BRANCH_FROZEN] = OUTCOME_FROZEN,
    };
    Home *home = session->home;
    gboolean own = strcmp(offer->node, home_id(home)) == 0;

    *outcome = outcomes[verdict];
    /* PU3: a node's own ledger is never replaced: if someone rotated in its place, people must know. */
    if (own && verdict == BRANCH_OFFERED)
        *outcome = OUTCOME_FROZEN;
    switch (*outcome) {
    case OUTCOME_REPUDIATED:
        return branches_repudiate_rival(home, offer->node, error) && remember(home, offer, error) && settle_evidence(home, offer->node, error);
    case OUTCOME_ADOPTED:
        return branches_adopt_rival(home, offer->node, error) && settle_evidence(home, offer->node, error);
    default:
        branches_discard_rival(home, offer->node);
        return TRUE;
    }
}

gboolean
branches_judge(Session *session, const ReplicaOrder *order, BranchOutcome *outcome, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(Ledger) rival = NULL;
    g_autoptr(Identity) held = NULL;
    BranchVerdict verdict;
    gboolean fresh;

    *outcome = OUTCOME_UNTOLD;
    if (is_remembered(session->home, order->offer)) {
        *outcome = OUTCOME_REPUDIATED;
        return TRUE;
    }
    rival = fetch_rival(session, order, &failed);
    held = held_identity(session->home, order);
    if (rival && held && ledger_head(rival)->size > 0) {
        verdict = ties_judge(session->home, session->options->policy, held, ledger_identity(rival), order->offer->checkpoint, &fresh, &failed);
        g_clear_pointer(&rival, ledger_close);
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        if (fresh)
            session_tell_alarm(session, order->offer->node, "two rotations of one key of its ledger: people must say which counts; see `chama peer decide`");
        return follow(session, order->offer, verdict, outcome, error);
    }
    g_clear_pointer(&rival, ledger_close);
    branches_discard_rival(session->home, order->offer->node);
    if (!failed || !session_over(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}
