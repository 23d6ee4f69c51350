#include "sync/pull/content.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/erasure.h"
#include "manifests/withdrawal.h"
#include "sync/follow.h"
#include "sync/pull/earlier.h"
#include "sync/pull/givers.h"
#include "sync/pull/plan.h"
#include "sync/pull/refusals.h"
#include "sync/pull/transfer.h"

#define PASS_OVER 3   /* seconds, PU51 */

/* A version to be asked for, and the grant to show for it. */
typedef struct {
    Manifest *manifest;
    GBytes *opening;            /* NULL: none is needed, or the peer knows it */
    gboolean granted;           /* it is given under a grant, so a receipt will be due */
} Want;

static void
want_free(Want *want)
{
    manifest_free(want->manifest);
    g_clear_pointer(&want->opening, g_bytes_unref);
    g_free(want);
}

/* The grant of a dataset to this node that lasts longest, as far as is known here. */
static gboolean
find_grant(Session *session, const Manifest *manifest, GrantRow *found)
{
    Catalogue *catalogue = home_catalogue(session->home, NULL);
    g_autoptr(GPtrArray) grants = catalogue ? catalogue_grants(catalogue, manifest->node, manifest->name, home_id(session->home), NULL) : NULL;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    gboolean any = FALSE;

    for (guint i = 0; grants && i < grants->len; i++) {
        const GrantRow *row = grants->pdata[i];

        if (row->revoked || row->grant.until <= now || (any && row->grant.until <= found->grant.until))
            continue;
        *found = *row;
        any = TRUE;
    }
    return any;
}

static gboolean
is_held(Session *session, const Manifest *manifest, gboolean *held, GError **error)
{
    State *state = home_state(session->home, error);
    GError *failed = NULL;
    Held what;

    if (!state)
        return FALSE;
    *held = state_held(state, &manifest->address, &what, &failed) && what.complete;
    if (!failed)
        return TRUE;
    g_propagate_error(error, failed);
    return FALSE;
}

/* S17, S19 */
static gboolean
has_ended(Session *session, const Manifest *manifest, gboolean *ended, GError **error)
{
    Catalogue *catalogue = home_catalogue(session->home, error);
    g_autoptr(Withdrawal) withdrawal = NULL;
    g_autoptr(Erasure) erasure = NULL;

    if (!catalogue || !withdrawal_of(catalogue, manifest, &withdrawal, error) ||
        !erasure_of(catalogue, manifest, home_id(session->home), &erasure, error))
        return FALSE;
    *ended = withdrawal || erasure;
    return TRUE;
}

/* What was carried here is wanted, whether it is followed or not. */
static gboolean
is_wanted(Session *session, const GPtrArray *follows, const Manifest *manifest)
{
    GHashTable *carried = (GHashTable *)session->options->carried;

    return (carried ? g_hash_table_contains(carried, &manifest->address) : follow_matches(follows, manifest->node, manifest->name)) &&
           !follow_is_aside(session->home, &manifest->address);
}

/* Facts cheapest first: most versions are held already or of no interest. */
static gboolean
gather_facts(Session *session, const GPtrArray *follows, const Manifest *manifest, WantFacts *facts, GrantRow *grant, GError **error)
{
    facts->from_owner = strcmp(manifest->node, session->peer->node) == 0;
    facts->followed = is_wanted(session, follows, manifest);
    if (!facts->followed)
        return TRUE;
    if (!is_held(session, manifest, &facts->held, error))
        return FALSE;
    if (facts->held)
        return TRUE;
    if (!has_ended(session, manifest, &facts->ended, error) ||
        !catalogue_share_in_force(home_catalogue(session->home, NULL), manifest, &facts->share, error))
        return FALSE;
    facts->grant = facts->share == SHARE_CONDITIONAL && find_grant(session, manifest, grant);
    facts->refused = !session->options->carried && refusals_recent(session->home, session->peer->node, &manifest->address, session->options->retry_after);
    return TRUE;
}

/* A mirror has not been told of a sealed grant: it is shown to it.  The owner knows what it granted. */
static Want *
make_want(Session *session, Manifest *manifest, const WantFacts *facts, const GrantRow *grant)
{
    Want *want = g_new0(Want, 1);

    want->manifest = manifest;
    want->granted = facts->grant;
    if (facts->grant && grant->sealed && !facts->from_owner)
        want->opening = home_opening(session->home, &grant->record, NULL);
    return want;
}

static gboolean
plan_version(Session *session, const GPtrArray *follows, Manifest *manifest, GPtrArray *wants, gboolean *taken, GError **error)
{
    WantFacts facts = { 0 };
    GrantRow grant;

    if (!gather_facts(session, follows, manifest, &facts, &grant, error))
        return FALSE;
    switch (plan_want(&facts)) {
    case WANT_ASK:
        g_ptr_array_add(wants, make_want(session, manifest, &facts, &grant));
        *taken = TRUE;
        break;
    case WANT_LATER:
        session->result->refused++;
        break;
    case WANT_NO_GRANT:
        session->result->refused += facts.from_owner ? 1 : 0;
        break;
    case WANT_NOT:
        break;
    }
    return TRUE;
}

/* PU10: the versions of a dataset together, each after the one that it is most like. */
static int
compare_versions(gconstpointer a, gconstpointer b)
{
    const Manifest *one = *(Manifest *const *)a, *two = *(Manifest *const *)b;
    int names = strcmp(one->name, two->name);

    return names ? names : (one->version > two->version) - (one->version < two->version);
}

static gboolean
plan_node(Session *session, const GPtrArray *follows, const char *node, GPtrArray *wants, GError **error)
{
    Catalogue *catalogue = home_catalogue(session->home, error);
    g_autoptr(GPtrArray) manifests = catalogue ? catalogue_manifests(catalogue, node, error) : NULL;

    if (!manifests)
        return FALSE;
    g_ptr_array_sort(manifests, compare_versions);
    for (guint i = 0; i < manifests->len; i++) {
        gboolean taken = FALSE;

        if (!plan_version(session, follows, manifests->pdata[i], wants, &taken, error))
            return FALSE;
        /* Handed over: the want frees it. */
        if (taken)
            manifests->pdata[i] = NULL;
    }
    return TRUE;
}

static GPtrArray *
plan_content(Session *session, GError **error)
{
    g_autoptr(GPtrArray) wants = g_ptr_array_new_with_free_func((GDestroyNotify)want_free);
    g_autoptr(GPtrArray) follows = follow_all(session->home, error);
    Catalogue *catalogue = follows ? home_catalogue(session->home, error) : NULL;
    g_autoptr(GPtrArray) nodes = catalogue ? catalogue_nodes(catalogue, error) : NULL;
    gboolean any = follows && (follows->len > 0 || session->options->carried);

    if (!nodes || (any && !plan_node(session, follows, session->peer->node, wants, error)))
        return NULL;
    for (guint i = 0; i < nodes->len && any; i++) {
        const char *node = nodes->pdata[i];

        if (strcmp(node, session->peer->node) != 0 && strcmp(node, home_id(session->home)) != 0 &&
            !plan_node(session, follows, node, wants, error))
            return NULL;
    }
    return g_steal_pointer(&wants);
}

static char *
version_name(Session *session, const Manifest *manifest)
{
    g_autofree char *node = peers_display(session->home, manifest->node);

    return g_strdup_printf("%s/%s@%" G_GUINT64_FORMAT, node, manifest->name, manifest->version);
}

/* PU17: a peer that does not have it, or may not give it, says the same thing (I4).  Of a mirror that is to be expected; the owner may have dropped it,
 * or revoked a grant a moment ago.  Either is an answer, not a failure. */
static gboolean
is_refusal(const GError *error)
{
    return g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_DENIED);
}

static gboolean
note_failure(Session *session, const Want *want, GError *failed, GError **error)
{
    g_autofree char *name = version_name(session, want->manifest);
    gboolean from_owner = strcmp(want->manifest->node, session->peer->node) == 0;
    gboolean refusal = is_refusal(failed) && !session->options->carried;

    /* PU55 */
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_EXISTS)) {
        session_talk(session, "%s: %s", name, failed->message);
        g_error_free(failed);
        return TRUE;
    }
    if (session_over(failed)) {
        g_propagate_prefixed_error(error, failed, "%s: ", name);
        return FALSE;
    }
    if (!refusal) {
        session_problem(session, name, failed);
        return TRUE;
    }
    session->result->refused++;
    if (from_owner)
        session_talk(session, "%s: not given: %s", name, failed->message);
    g_error_free(failed);
    return refusals_note(session->home, session->peer->node, want->manifest, error);
}

/* All that came is made durable, and what came whole is held; others may go on with it. */
static void
land(Session *session)
{
    GError *error = NULL;

    if (!landing_commit(session->landing, &error)) {
        earlier_forget(session);
        session_problem(session, "versions that came", error);
    }
    tenure_clear(session->tenure);
    g_hash_table_remove_all(session->datasets);
}

static char *
dataset_of(const Manifest *manifest)
{
    return g_strdup_printf("%s/%s", manifest->node, manifest->name);
}

/* PU51: the versions of one dataset have most in common, so one session at a time fetches them.  *@mine FALSE: another one does, or has fetched this one. */
static gboolean
claim_dataset(Session *session, const Manifest *manifest, guint seconds, gboolean *mine, GError **error)
{
    g_autofree char *name = dataset_of(manifest);
    GError *failed = NULL;
    gboolean held = FALSE;
    Claim *claim;

    *mine = session->options->dry_run || g_hash_table_contains(session->datasets, name);
    if (*mine || g_hash_table_contains(session->given_way, name))
        return TRUE;
    /* who waits holds none, or two would wait for each other */
    if (seconds > 0)
        land(session);
    claim = session_claim(session, CLAIM_DATASET, name, seconds, &failed);
    if (claim) {
        tenure_hold(session->tenure, claim, session_tenure(session, manifest->node));
        g_hash_table_insert(session->datasets, g_steal_pointer(&name), claim);
        *mine = is_held(session, manifest, &held, &failed) && !held;
    }
    if (!failed)
        return TRUE;
    g_propagate_error(error, failed);
    return FALSE;
}

static gboolean
fetch_one(Session *session, const Want *want, GError **error)
{
    g_autofree char *name = version_name(session, want->manifest);
    GError *failed = NULL;
    PullResult *result = session->result;
    guint64 chunks = result->chunks, bytes = result->bytes;
    Held held = { .complete = FALSE };
    gboolean good, begun;

    if (!session_check(session, error))
        return FALSE;
    good = transfer_version(session, want->manifest, want->opening, &held, &begun, &failed);
    chunks = result->chunks - chunks;
    bytes = result->bytes - bytes;
    if (!session->options->dry_run && begun)
        landing_add(session->landing, &held, want->granted ? session->peer->node : NULL,
                    good ? g_strdup_printf("%s: %" G_GUINT64_FORMAT " chunks, %" G_GUINT64_FORMAT " bytes", name, chunks, bytes) : NULL);
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_EXISTS))
        g_hash_table_add(session->given_way, dataset_of(want->manifest));
    if (!good || landing_is_due(session->landing))
        land(session);
    return good || note_failure(session, want, failed, error);
}

static void
announce(Session *session, const GPtrArray *wants)
{
    Progress *progress = session->options->progress;

    for (guint i = 0; i < wants->len && progress; i++) {
        const Want *want = wants->pdata[i];

        __atomic_fetch_add(&progress->bytes_total, (gint64)want->manifest->bytes, __ATOMIC_RELAXED);
        __atomic_fetch_add(&progress->files_total, (gint64)want->manifest->files, __ATOMIC_RELAXED);
    }
}

static void
tell_held(gpointer data, const char *line)
{
    Session *session = data;

    session->result->versions++;
    session_talk(session, "%s", line);
}

/* Who comes second passes over it, and looks again in the end: then a person waits (PullOptions.patient). */
static gboolean
fetch_all(Session *session, const GPtrArray *wants, GError **error)
{
    g_autoptr(GPtrArray) busy = g_ptr_array_new();
    guint seconds = session->options->patient ? CLAIM_WAIT : session_tenure(session, "") + PASS_OVER;

    for (guint i = 0; i < wants->len; i++) {
        const Want *want = wants->pdata[i];
        gboolean mine;

        if (!claim_dataset(session, want->manifest, 0, &mine, error) || (mine && !fetch_one(session, want, error)))
            return FALSE;
        if (!mine)
            g_ptr_array_add(busy, wants->pdata[i]);
    }
    land(session);
    for (guint i = 0; i < busy->len; i++) {
        const Want *want = busy->pdata[i];
        gboolean mine;

        if (!claim_dataset(session, want->manifest, seconds, &mine, error) || (mine && !fetch_one(session, want, error)))
            return FALSE;
        /* once */
        if (!mine && !session->options->patient)
            seconds = 0;
    }
    return TRUE;
}

/* PU44 */
static void
tell_givers(Session *session)
{
    g_autofree char *line = session->result->givers ? givers_tell(session->result->givers) : NULL;

    if (line)
        session_talk(session, "from %s", line);
}

gboolean
pull_content(Session *session, GError **error)
{
    g_autoptr(GPtrArray) wants = plan_content(session, error);
    gboolean good;

    if (!wants || wants->len == 0)
        return wants != NULL;
    if (!home_store(session->home, error))
        return FALSE;
    announce(session, wants);
    session->landing = landing_new(session->home, tell_held, session);
    session->intake = intake_new(home_store(session->home, NULL));
    session->pages = page_cache_new();
    session->datasets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)claim_release);
    session->given_way = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    good = fetch_all(session, wants, error);
    land(session);
    tell_givers(session);
    return good;
}
