/* Who may have what: the decision (pure), and the facts it is made of; A1 to A12, A14 and A15 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "manifests/erasure.h"
#include "manifests/withdrawal.h"
#include "sync/access.h"

#define CLOCK_SKEW_MAX 3600

static AccessVerdict
verdict(AccessVerdict decided, const char *rule, const char **reason)
{
    if (reason)
        *reason = rule;
    return decided;
}

/* A8: a mirror knows of revocations only as far as the owner's checkpoint that it holds; one from the future says nothing of today. */
static gboolean
knows_revocations(const AccessFacts *facts)
{
    return facts->self_is_owner || (facts->owner_checkpoint_time > 0 && facts->owner_checkpoint_time <= facts->now + CLOCK_SKEW_MAX &&
                                    facts->now - facts->owner_checkpoint_time <= ACCESS_CHECKPOINT_AGE_MAX);
}

AccessVerdict
access_decide(const AccessFacts *facts, const char **reason)
{
    if (facts->caller_is_owner && facts->caller_known)
        return verdict(ACCESS_ALLOWED, "A1: the owner itself", reason);
    if (facts->ended)
        return verdict(ACCESS_REFUSED, "A14: withdrawn or erased by its owner", reason);
    if (facts->share == SHARE_OPEN)
        return verdict(ACCESS_ALLOWED, "A2: open to anyone", reason);
    if (facts->share != SHARE_CONDITIONAL)
        return verdict(ACCESS_REFUSED, "A3: shared with nobody", reason);
    if (!facts->caller_known)
        return verdict(ACCESS_REFUSED, "A4: want a caller who shows who it is", reason);
    if (!facts->grant)
        return verdict(ACCESS_REFUSED, "A5: want a grant to the caller", reason);
    if (facts->grant_revoked)
        return verdict(ACCESS_REFUSED, "A6: the grant was revoked", reason);
    if (facts->grant_until <= facts->now)
        return verdict(ACCESS_REFUSED, "A7: the grant is over", reason);
    if (!knows_revocations(facts))
        return verdict(ACCESS_REFUSED, "A8: want a checkpoint of the owner of the last 7 days", reason);
    return verdict(ACCESS_ALLOWED, "A9: a grant in force", reason);
}

/* Takes the grant into the facts unless a better one is there: one in force is better than one that is not. */
static void
consider(AccessFacts *facts, const Digest *record, gint64 until, gboolean revoked)
{
    gboolean better = !facts->grant || (facts->grant_revoked && !revoked) || (facts->grant_revoked == revoked && until > facts->grant_until);

    if (!better)
        return;
    facts->grant = TRUE;
    facts->grant_record = *record;
    facts->grant_until = until;
    facts->grant_revoked = revoked;
}

/* A5: what the records known here say. */
static void
consider_rows(Catalogue *catalogue, const Caller *caller, const Manifest *manifest, AccessFacts *facts)
{
    g_autoptr(GPtrArray) rows = catalogue_grants(catalogue, manifest->node, manifest->name, caller->node, NULL);

    for (guint i = 0; rows && i < rows->len; i++) {
        const GrantRow *row = rows->pdata[i];

        consider(facts, &row->record, row->grant.until, row->revoked);
    }
}

/* A10: salt and body are what the owner's record sealed, and the body speaks of this dataset and this caller. */
static gboolean
opening_holds(Catalogue *catalogue, const Opening *opening, const Caller *caller, const Manifest *manifest, Grant *grant)
{
    g_autoptr(Record) record = catalogue_record(catalogue, &opening->record, NULL);
    Digest sealed, digest;

    if (!record || strcmp(record->node, manifest->node) != 0 || !sealed_parse(record, &sealed, NULL))
        return FALSE;
    seal_digest(opening->salt, opening->body, &digest);
    return digest_equal(&sealed, &digest) && grant_parse_body(opening->body, grant, NULL) && strcmp(grant->owner, manifest->node) == 0 &&
           strcmp(grant->name, manifest->name) == 0 && strcmp(grant->grantee, caller->node) == 0;
}

static void
consider_opening(Catalogue *catalogue, const Caller *caller, const Manifest *manifest, GBytes *bytes, AccessFacts *facts)
{
    g_autoptr(Opening) opening = opening_parse(bytes, NULL);
    Grant grant;

    if (opening && opening_holds(catalogue, opening, caller, manifest, &grant))
        consider(facts, &opening->record, grant.until, catalogue_revoked(catalogue, manifest->node, &opening->record));
}

/* The time of the owner's checkpoint as held here; 0 if there is none. */
static gint64
checkpoint_time(Home *home, const char *node)
{
    Ledger *ledger = home_peer_ledger(home, node, NULL);
    g_autofree char *note = ledger ? ledger_checkpoint(ledger, NULL) : NULL;
    const Identity *identity = ledger ? ledger_identity(ledger) : NULL;
    g_autoptr(Checkpoint) checkpoint = NULL;

    if (note && identity)
        checkpoint = checkpoint_verify_by(note, strlen(note), identity, NULL);
    return checkpoint ? checkpoint->time : 0;
}

/* A14: what cannot be read counts as ended. */
static gboolean
has_ended(Catalogue *catalogue, const Manifest *manifest)
{
    g_autoptr(Withdrawal) withdrawal = NULL;
    g_autoptr(Erasure) erasure = NULL;

    return !withdrawal_of(catalogue, manifest, &withdrawal, NULL) || withdrawal || !erasure_of(catalogue, manifest, NULL, &erasure, NULL) || erasure;
}

gboolean
access_to_version(Home *home, const Caller *caller, const Manifest *manifest, GBytes *opening, Digest *grant, const char **reason)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    AccessFacts facts = {
        .caller_known = caller->node[0] != '\0',
        .caller_is_owner = strcmp(caller->node, manifest->node) == 0,
        .self_is_owner = strcmp(home_id(home), manifest->node) == 0,
        .now = g_get_real_time() / G_USEC_PER_SEC,
    };

    /* what cannot be read is refused */
    if (!catalogue || !catalogue_share_in_force(catalogue, manifest, &facts.share, NULL))
        facts.share = SHARE_NONE;
    facts.ended = !catalogue || has_ended(catalogue, manifest);
    if (facts.share == SHARE_CONDITIONAL && facts.caller_known && !facts.caller_is_owner) {
        consider_rows(catalogue, caller, manifest, &facts);
        if (opening)
            consider_opening(catalogue, caller, manifest, opening, &facts);
        if (facts.grant && !facts.self_is_owner)
            facts.owner_checkpoint_time = checkpoint_time(home, manifest->node);
    }
    if (grant)
        *grant = facts.grant_record;
    return access_decide(&facts, reason) == ACCESS_ALLOWED;
}

gboolean
access_to_ledger(Home *home, const Caller *caller, const char *node)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Profile) profile = NULL;

    /* A11: what is its own, and what the owner gave to its peers */
    if (caller->node[0] && strcmp(caller->node, node) == 0)
        return TRUE;
    if (caller->accepted && strcmp(home_id(home), node) == 0)
        return TRUE;
    profile = catalogue ? catalogue_profile(catalogue, node, NULL) : NULL;
    if (!profile)
        return FALSE;
    /* A12 */
    return profile->ledger == LEDGER_PUBLIC || (profile->ledger == LEDGER_RELAYED && caller->accepted && strcmp(home_id(home), node) != 0);
}

gboolean
access_accepted(Home *home, const Digest *pin, Caller *caller)
{
    g_autoptr(Peer) peer = peers_by_pin(home, pin, PEER_ACCEPTED);

    if (!peer)
        return FALSE;
    memcpy(caller->node, peer->node, NODE_ID_SIZE);
    caller->accepted = TRUE;
    return TRUE;
}

gboolean
access_prove(Home *home, const Digest *pin, const char *node, Caller *caller)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, node, NULL) : NULL;

    for (guint i = 0; profile && i < profile->pins->len; i++)
        if (digest_equal(&g_array_index(profile->pins, Digest, i), pin)) {
            g_strlcpy(caller->node, node, sizeof caller->node);
            caller->accepted = FALSE;
            return TRUE;
        }
    return FALSE;
}

void
access_named(Home *home, const char *node, Caller *caller)
{
    g_autoptr(Peer) peer = peers_get(home, node, NULL);

    g_strlcpy(caller->node, node, sizeof caller->node);
    caller->accepted = peer && peer->status == PEER_ACCEPTED;
}
