/* chama verify: signatures, chain, key validity, listing and every chunk of versions held. */
#include <stdio.h>
#include <string.h>

#include "manifests/erasing.h"
#include "manifests/version.h"
#include "node/command.h"
#include "node/config.h"
#include "node/findings.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/seen.h"
#include "node/show.h"
#include "node/stated.h"
#include "sync/peers.h"

typedef struct {
    Findings findings;
    Home *home;
    Seer *seer;
} Verifying;

/* T18: by when it was there, as far as cosignatures say. */
static gboolean
remark_seen(Verifying *verifying, const char *node, guint64 seq, GError **error)
{
    json_t *json = NULL;
    g_autofree char *text = seer_say(verifying->seer, node, seq, &json, error);

    if (text)
        findings_remark(&verifying->findings, "seen", text, json);
    return text != NULL;
}

/* The ledger as far as its newest record that is known here. */
static gboolean
verify_ledger(Verifying *verifying, const char *node, GError **error)
{
    guint64 size = catalogue_size(home_catalogue(verifying->home, NULL), node);

    return findings_check_ledger(&verifying->findings, verifying->home, node, error) && remark_seen(verifying, node, size > 0 ? size - 1 : 0, error);
}

/* N12: it still verifies; that its node does not stand by it any more is said beside it. */
static void
remark_disavowed(Verifying *verifying, const Manifest *manifest)
{
    gint64 since = show_disavowed(verifying->home, manifest);
    g_autofree char *text = since ? show_signature_text(verifying->home, manifest) : NULL;

    if (since)
        findings_remark(&verifying->findings, "disavowed", text, json_time(since));
}

static gboolean
is_erased(Home *home, const Manifest *manifest)
{
    g_autofree char *end = stated_end(home, manifest);

    return end && g_str_has_prefix(end, "erased");
}

/* S19: what was erased is neither good nor bad; of its record all is checked. */
static gboolean
told_erased(Findings *findings, Home *home, const Manifest *manifest, const char *version)
{
    gboolean here = *show_held(home, manifest) && !erasing_is_pending(home, &manifest->address);
    g_autofree char *end = here ? NULL : stated_end(home, manifest);

    if (!end || !g_str_has_prefix(end, "erased"))
        return FALSE;
    findings->subject = version;
    findings_excuse(findings, end);
    findings->subject = NULL;
    return TRUE;
}

static gboolean
verify_version(Verifying *verifying, const Manifest *manifest, FoundGood *found_good, GError **error)
{
    Findings *findings = &verifying->findings;
    Home *home = verifying->home;
    g_autofree char *version = show_version(home, manifest);
    Progress progress = { 0 };
    guint before = findings->bad;
    Meter *meter;
    gboolean done;

    findings->subject = version;
    if (strcmp(show_signature(home, manifest), "valid") != 0)
        findings_report(findings, "signature: want a valid one by the publisher's key, have none");
    if (told_erased(findings, home, manifest, version)) {
        findings->checked++;
        remark_disavowed(verifying, manifest);
        return TRUE;
    }
    meter = meter_start(version, &progress);
    done = version_verify(home, manifest, found_good, findings_report, findings, &progress, error);
    meter_stop(meter);
    if (!done)
        return show_blame(home, manifest, error);
    findings_close_subject(findings, before);
    findings->subject = NULL;
    remark_disavowed(verifying, manifest);
    return remark_seen(verifying, manifest->node, manifest->seq, error);
}

/* Those of @versions that are held, and those that were erased. */
static gboolean
verify_held(Verifying *verifying, const GPtrArray *versions, guint *held_count, GError **error)
{
    Home *home = verifying->home;
    g_autoptr(FoundGood) found_good = found_good_new();
    State *state = home_state(home, error);
    Held held;

    for (guint i = 0; state && i < versions->len; i++) {
        const Manifest *manifest = g_ptr_array_index(versions, i);

        if (!(state_held(state, &manifest->address, &held, NULL) && held.complete) && !is_erased(home, manifest))
            continue;
        (*held_count)++;
        if (!verify_version(verifying, manifest, found_good, error))
            return FALSE;
    }
    return state != NULL;
}

static gboolean
verify_node(Verifying *verifying, const char *node, GError **error)
{
    g_autoptr(GPtrArray) versions = catalogue_manifests(home_catalogue(verifying->home, error), node, error);
    guint held = 0;

    return versions && verify_ledger(verifying, node, error) && verify_held(verifying, versions, &held, error);
}

static gboolean
verify_all(Verifying *verifying, GError **error)
{
    g_autoptr(GPtrArray) nodes = findings_ledgers(verifying->home, error);

    for (guint i = 0; nodes && i < nodes->len; i++) {
        if (!verify_node(verifying, g_ptr_array_index(nodes, i), error))
            return FALSE;
    }
    return nodes != NULL;
}

static gboolean
verify_named(Verifying *verifying, const char *word, GError **error)
{
    Home *home = verifying->home;
    DatasetName name;
    g_autoptr(GPtrArray) versions = NULL;
    guint held = 0;

    if (!peers_parse_dataset(home, word, &name, error))
        return FALSE;
    if (*name.version) {
        g_autoptr(Manifest) manifest = peers_find_version(home, word, error);

        return manifest && verify_ledger(verifying, name.node, error) && verify_version(verifying, manifest, NULL, error);
    }
    versions = catalogue_history(home_catalogue(home, error), name.node, name.name, error);
    if (!versions)
        return FALSE;
    if (versions->len == 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no such dataset is known here; see `chama ls`", word);
    if (!verify_ledger(verifying, name.node, error) || !verify_held(verifying, versions, &held, error))
        return FALSE;
    return held > 0 || chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no version's content is held here; %s", word, strcmp(name.node, home_id(home)) == 0
                                   ? "publish it again to have it" : "follow the dataset and run `chama sync`");
}

gboolean
cmd_verify(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Verifying verifying = { .findings = { 0 } };
    g_autofree char *policy_path = NULL;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &verifying.findings.json, "print JSON", NULL },
                                     { "policy", 0, 0, G_OPTION_ARG_FILENAME, &policy_path, "count the witnesses of this policy (c2sp.org/tlog-policy)", "POLICY" },
                                     { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(Policy) policy = NULL;
    g_autoptr(Seer) seer = NULL;
    gboolean done;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 1, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error)
        || !config_policy(home_path(home), policy_path, &policy, error))
        return FALSE;
    verifying.home = home;
    verifying.seer = seer = seer_new(home, policy);
    done = argc > 1 ? verify_named(&verifying, argv[1], error) : verify_all(&verifying, error);
    if (done || verifying.findings.bad)
        *status = findings_finish(&verifying.findings);
    return done;
}
