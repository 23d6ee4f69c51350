#include "sync/pull/ledgers.h"

#include <string.h>

#include "keys/error.h"
#include "sync/evidence.h"
#include "sync/pull/branches.h"
#include "sync/pull/cosigning.h"
#include "sync/pull/open_part.h"
#include "sync/pull/plan.h"
#include "sync/pull/quota.h"
#include "sync/pull/recovery.h"
#include "sync/pull/refusals.h"
#include "sync/pull/replica.h"
#include "sync/pull/rumours.h"
#include "sync/sparse.h"

#define PASS_OVER 3   /* seconds, PU51 */

/* One offer being looked at. */
typedef struct {
    Session *session;
    const LedgerOffer *offer;
    Ledger *ledger;             /* NULL: nothing of it is here */
    gboolean own;               /* this node's own ledger */
    gboolean relayed;           /* a third party's */
    guint64 held;
    guint64 seen;               /* records of the sparse ledger held, if nothing whole is */
    Digest seen_root;
    Checkpoint *checkpoint;     /* the offered one, once verified */
    Conflict conflict;          /* what contradicts, if something does */
    gboolean disputed;          /* PU23 */
} Offered;

static void
offered_clear(Offered *offered)
{
    g_clear_pointer(&offered->checkpoint, checkpoint_free);
    conflict_clear(&offered->conflict);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Offered, offered_clear)

/* PU5: the note is checked with the keys that the ledger held names; of one that is longer when its records have come, which may change them. */
static gboolean
verify_offer(Offered *offered, GError **error)
{
    const LedgerOffer *offer = offered->offer;

    if (offer->size > offered->held)
        return TRUE;
    offered->checkpoint = checkpoint_verify_by(offer->checkpoint, strlen(offer->checkpoint), ledger_identity(offered->ledger), error);
    if (!offered->checkpoint)
        return FALSE;
    if (offered->checkpoint->size != offer->size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "ledger: PU5: want a checkpoint of %" G_GUINT64_FORMAT " records, have one of %" G_GUINT64_FORMAT,
                           offer->size, offered->checkpoint->size);
    return TRUE;
}

static gboolean
from_owner(const Offered *offered)
{
    return strcmp(offered->offer->node, offered->session->peer->node) == 0;
}

/* PU7: of the owner itself a shorter ledger is a rollback.  A bundle is of the time when it was made, as a mirror's copy is. */
static gboolean
speaks_for_today(const Offered *offered)
{
    return from_owner(offered) && !offered->session->options->carried;
}

static gboolean
weigh_offer(Offered *offered, OfferVerdict *verdict, GError **error)
{
    OfferFacts facts = { .held = offered->held, .offered = offered->offer->size };
    Digest root;

    if (!verify_offer(offered, error))
        return FALSE;
    if (facts.offered <= facts.held) {
        if (!ledger_root(offered->ledger, facts.offered, &root, error))
            return FALSE;
        facts.roots_agree = offered->checkpoint && digest_equal(&root, &offered->checkpoint->root);
        facts.from_owner = speaks_for_today(offered);
    }
    if (!evidence_fork_size(offered->session->home, offered->offer->node, &facts.fork, error))
        return FALSE;
    /* The open part that is held stands for one of the two; and this node takes its own records back as before. */
    if (offered->seen >= facts.fork || offered->own)
        facts.fork = 0;
    *verdict = plan_offer(&facts);
    return TRUE;
}

static gboolean
project(Session *session, Ledger *ledger, GError **error)
{
    Catalogue *catalogue = home_catalogue(session->home, error);

    return catalogue && catalogue_project(catalogue, ledger, error);
}

/* What to fetch, as far as quotas let it. */
static gboolean
make_order(const Offered *offered, ReplicaOrder *order, GError **error)
{
    Session *session = offered->session;
    QuotaUsed used;
    QuotaFacts facts = { .relayed = offered->relayed, .new_ledger = !offered->ledger, .records = offered->offer->size };

    *order = (ReplicaOrder){ .offer = offered->offer, .ledger = offered->ledger, .relayed = offered->relayed, .from_owner = from_owner(offered),
                              .seen_size = offered->seen, .seen_root = offered->seen_root };
    if (!quota_used(session->home, session->peer->node, offered->offer->node, &used, error))
        return FALSE;
    facts.ledgers = used.ledgers;
    order->bytes_max = offered->own ? G_MAXUINT64 : plan_quota_bytes(offered->relayed, used.ledger_bytes, used.peer_bytes, session->options);
    return offered->own || plan_quota(&facts, session->options, error);
}

static gboolean
fetch_records(const Offered *offered, ReplicaResult *replica, GError **error)
{
    Session *session = offered->session;
    const char *node = offered->offer->node;
    ReplicaOrder order;

    return make_order(offered, &order, error) && replica_fetch(session, &order, replica, error) &&
           (offered->own || quota_add(session->home, session->peer->node, node, offered->relayed, FALSE, replica->bytes, error));
}

/* What was found out before, and a mirror repeats, is no news: `chama status` has it. */
static gboolean
is_old_news(const Offered *offered, gboolean fresh)
{
    g_autofree char *name = NULL;

    if (fresh || offered->own || from_owner(offered))
        return FALSE;
    name = peers_display(offered->session->home, offered->offer->node);
    session_talk(offered->session, "%s: %s has another history of its ledger than is held here; see `chama evidence`", name,
                 offered->session->peer->alias ? offered->session->peer->alias : offered->session->peer->node);
    return TRUE;
}

static gboolean
take_records(Offered *offered, GError **error)
{
    Session *session = offered->session;
    g_auto(ReplicaResult) replica = { 0 };
    g_autofree char *name = NULL;

    if (!fetch_records(offered, &replica, error)) {
        conflict_clear(&offered->conflict);
        offered->conflict = replica.conflict;
        memset(&replica.conflict, 0, sizeof replica.conflict);
        return FALSE;
    }
    session->result->records += replica.records;
    if (!project(session, replica.ledger, error) || (!offered->own && !session_spread_news(session, offered->offer, error)) ||
        !evidence_settle(session->home, offered->offer->node, ledger_identity(replica.ledger), error))
        return FALSE;
    if (replica.gave_way && !open_part_drop(session, offered->offer->node, error))
        return FALSE;
    name = offered->own ? g_strdup("this node") : peers_display(session->home, offered->offer->node);
    session_talk(session, "%s: %" G_GUINT64_FORMAT " new records%s", name, replica.records, offered->own ? " of our own taken back" : "");
    return TRUE;
}

static gboolean
keep_if_fresher(const Offered *offered, GError **error)
{
    g_autofree char *note = ledger_checkpoint(offered->ledger, NULL);
    g_autoptr(Checkpoint) held = note ? checkpoint_verify_by(note, strlen(note), ledger_identity(offered->ledger), NULL) : NULL;

    if (offered->own || (held && held->size == offered->held && held->time >= offered->checkpoint->time))
        return TRUE;
    return cosigning_keep_checkpoint(offered->ledger, offered->offer->checkpoint, error) &&
           refusals_forget(offered->session->home, offered->offer->node, error);
}

/* PU7, I3: what the owner signed before and what it signed now cannot both be true. */
static gboolean
raise_alarm(Offered *offered, gboolean rollback, GError **error)
{
    offered->conflict.rollback = rollback;
    if (!conflict_of_copy(&offered->conflict, offered->ledger, offered->offer->checkpoint, offered->checkpoint, error))
        return FALSE;
    if (rollback)
        return chama_error(error, CHAMA_ERROR_FORK,
                           "ledger: rolled back: want the %" G_GUINT64_FORMAT " records that its owner signed before, have %" G_GUINT64_FORMAT,
                           offered->held, offered->offer->size);
    return chama_error(error, CHAMA_ERROR_FORK, "ledger: two histories: its first %" G_GUINT64_FORMAT " records are not those held here",
                       offered->offer->size);
}

/* PU5: I3 holds from the first checkpoint on, also one of which only the open part came: a mirror with fewer records is stale. */
static gboolean
weigh_seen(Offered *offered, gboolean *stale, GError **error)
{
    gint64 time;

    *stale = FALSE;
    if (offered->held > 0 || offered->own)
        return TRUE;
    if (!sparse_position(offered->session->home, offered->offer->node, &offered->seen, &offered->seen_root, &time, error))
        return FALSE;
    *stale = offered->offer->size < offered->seen && !speaks_for_today(offered);
    return TRUE;
}

/* PU23 */
static gboolean
refuse_disputed(Offered *offered, GError **error)
{
    offered->disputed = TRUE;
    return chama_error(error, CHAMA_ERROR_FORK, "ledger: PU23: two histories of it are known, and nothing held here says which to take; see `chama evidence`");
}

static gboolean
follow_verdict(Offered *offered, OfferVerdict verdict, GError **error)
{
    switch (verdict) {
    case OFFER_LONGER:
        return take_records(offered, error);
    case OFFER_SAME:
        return keep_if_fresher(offered, error);
    case OFFER_ROLLBACK:
        return raise_alarm(offered, TRUE, error);
    case OFFER_FORK:
        return raise_alarm(offered, FALSE, error);
    case OFFER_DISPUTED:
        return refuse_disputed(offered, error);
    case OFFER_STALE:
        break;
    }
    return TRUE;
}

/* PU21: with what is held now. */
static gboolean
agrees(OfferVerdict verdict)
{
    return verdict == OFFER_LONGER || verdict == OFFER_SAME || verdict == OFFER_STALE;
}

/* What a history that is not the one held may fail with: its records are signed by other keys, or begin elsewhere. */
static gboolean
may_be_another_history(const GError *error)
{
    return g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_FORK) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY) ||
           g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

/* PU30: what was adopted is news as any other. */
static gboolean
welcome_adopted(const Offered *offered, GError **error)
{
    Session *session = offered->session;
    g_autofree char *name = peers_display(session->home, offered->offer->node);

    session->result->records += offered->offer->size;
    session_talk(session, "%s: rotated its keys after someone else had used them; what that one stated is kept as repudiated and counts for nothing", name);
    return session_spread_news(session, offered->offer, error);
}

/* PU7: of too many records the peer itself may show that its checkpoint is of another history: what it then keeps is small. */
static gboolean
is_shown_otherwise(const Offered *offered)
{
    g_autoptr(GError) shown = NULL;

    return offered->conflict.cut && offered->held > 0 && !offered->own && !rumours_ask(offered->session, offered->offer->node, &shown) &&
           g_error_matches(shown, CHAMA_ERROR, CHAMA_ERROR_FORK);
}

/* PU7: nothing is adopted; both are kept for people.  Where no batch of theirs begins at our size it may be that their history is another one: they are asked.  Takes @failed. */
static gboolean
accuse(Offered *offered, GError *failed, GError **error)
{
    Session *session = offered->session;
    gboolean fresh = TRUE, quiet = FALSE, kept = TRUE;

    offered->conflict.own = offered->own;
    if (!session_over(failed) && !offered->own)
        rumours_note(session, offered->offer->node, offered->offer->checkpoint);
    if (offered->disputed)
        quiet = is_old_news(offered, FALSE);
    else if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FORK) && is_shown_otherwise(offered))
        kept = TRUE;
    else if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FORK)) {
        kept = session_alarm(session, offered->offer->node, &offered->conflict, &fresh, error);
        quiet = kept && is_old_news(offered, fresh);
    } else if (offered->held > 0 && !offered->own && g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_MALFORMED))
        kept = rumours_ask(session, offered->offer->node, error);
    if (kept && !quiet) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    g_error_free(failed);
    return quiet;
}

/* N15: nobody can tell which of the two is the node, so nobody is accused; the tie is kept, and shown.  Takes @failed. */
static gboolean
refuse_tie(const Offered *offered, GError *failed, GError **error)
{
    g_autofree char *name = peers_display(offered->session->home, offered->offer->node);

    g_error_free(failed);
    return chama_error(error, CHAMA_ERROR_FORK, "ledger: N15: two rotations of one key are known, and people must say which counts: see `chama peer decide %s`", name);
}

/* PU30: before anybody is accused, the recovery rule is asked.  Takes @failed. */
static gboolean
settle_contradiction(Offered *offered, GError *failed, GError **error)
{
    BranchOutcome outcome = OUTCOME_UNTOLD;
    ReplicaOrder order;

    if ((offered->held == 0 && !offered->disputed) || offered->conflict.rollback || !may_be_another_history(failed))
        return accuse(offered, failed, error);
    if (!make_order(offered, &order, error) || !branches_judge(offered->session, &order, &outcome, error)) {
        g_error_free(failed);
        return FALSE;
    }
    if (outcome == OUTCOME_REPUDIATED || outcome == OUTCOME_ADOPTED) {
        g_error_free(failed);
        return outcome == OUTCOME_REPUDIATED || welcome_adopted(offered, error);
    }
    if (outcome == OUTCOME_FROZEN && !offered->own)
        return refuse_tie(offered, failed, error);
    if (outcome == OUTCOME_FROZEN) {
        failed->code = CHAMA_ERROR_FORK;
        g_prefix_error(&failed, "ledger: N15: someone else rotated this node's keys, too: rotate once more, and have each peer's people decide for your rotation (`chama peer decide` there): ");
    }
    return accuse(offered, failed, error);
}

static gboolean
take_whole(Session *session, const LedgerOffer *offer, GError **error)
{
    gboolean own = strcmp(offer->node, home_id(session->home)) == 0;
    g_auto(Offered) offered = { .session = session, .offer = offer, .own = own };
    g_autoptr(GError) missing = NULL;
    OfferVerdict verdict;
    GError *failed = NULL;
    gboolean stale;

    offered.ledger = own ? home_ledger(session->home, &missing) : home_peer_ledger(session->home, offer->node, &missing);
    if (missing && !g_error_matches(missing, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return FALSE;
    }
    if (offered.ledger && !ledger_refresh(offered.ledger, error))
        return FALSE;
    offered.held = offered.ledger ? ledger_head(offered.ledger)->size : 0;
    if (offered.held == 0 && offer->size == 0)
        return TRUE;
    offered.relayed = !own && strcmp(offer->node, session->peer->node) != 0 && !session_accepted(session, offer->node);
    if (!weigh_seen(&offered, &stale, error))
        return FALSE;
    if (stale)
        return TRUE;
    if (!weigh_offer(&offered, &verdict, &failed) || !follow_verdict(&offered, verdict, &failed))
        return settle_contradiction(&offered, failed, error);
    return !agrees(verdict) || cosigning_take(session, offer->node, offer->checkpoint, error);
}

/* PU51: what another session brings is not brought twice.  For the ledger of the peer itself a mirror that brings it is waited for until it has to give way (PU55). */
static gboolean
take_claimed(Session *session, const LedgerOffer *offer, gboolean *taken, GError **error)
{
    gboolean owners = strcmp(offer->node, session->peer->node) == 0;
    guint mirrors = MAX(session->options->turn / 10, 1);
    GError *failed = NULL;
    g_autoptr(Claim) claim = session_claim(session, CLAIM_LEDGER, offer->node, owners ? mirrors + PASS_OVER : PASS_OVER, &failed);
    g_autofree char *name = NULL;
    gboolean good;

    *taken = claim != NULL;
    if (failed) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    if (claim) {
        tenure_hold(session->tenure, claim, owners ? 0 : mirrors);
        good = offer->whole ? take_whole(session, offer, error) : open_part_take(session, offer, error);
        tenure_clear(session->tenure);
        return good;
    }
    name = peers_display(session->home, offer->node);
    session_talk(session, "%s: its ledger is being brought by another session", *name ? name : "this node");
    return TRUE;
}

gboolean
pull_own_ledger(Session *session, GError **error)
{
    const LedgerOffer *yours = session->reply->yours;
    GError *failed = NULL;
    gboolean taken;

    if (!yours)
        return recovery_heard(session, error);
    if (strcmp(yours->node, home_id(session->home)) != 0)
        chama_error(&failed, CHAMA_ERROR_VERIFY, "exchange: PU3: want what the peer holds of our ledger, have that of %s", yours->node);
    else
        take_claimed(session, yours, &taken, &failed);
    return failed ? session_survive(session, home_id(session->home), failed, error) : recovery_heard(session, error);
}

static gboolean
take_offer(Session *session, const LedgerOffer *offer, GError **error)
{
    gboolean owners = strcmp(offer->node, session->peer->node) == 0, taken = FALSE, good;
    GError *failed = NULL;

    if (!session_check(session, error))
        return FALSE;
    good = take_claimed(session, offer, &taken, &failed);
    session->behind = session->behind || (owners && !(good && taken));
    if (good)
        return TRUE;
    return session_survive(session, offer->node, failed, error);
}

/* PU4: the peer's own ledger first: it says which keys and addresses the peer has. */
gboolean
pull_ledgers(Session *session, GError **error)
{
    const GPtrArray *offers = session->reply->ledgers;

    for (guint turn = 0; turn < 2; turn++) {
        for (guint i = 0; i < offers->len; i++) {
            const LedgerOffer *offer = offers->pdata[i];
            gboolean owners = strcmp(offer->node, session->peer->node) == 0;

            /* PU3: our own ledger comes in `yours` and nowhere else. */
            if (owners != (turn == 0) || strcmp(offer->node, home_id(session->home)) == 0)
                continue;
            if (!take_offer(session, offer, error))
                return FALSE;
        }
    }
    return TRUE;
}
