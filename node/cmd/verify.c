/* chama verify: signatures, chain, key validity, listing and every chunk of versions held. */
#include <stdio.h>
#include <string.h>

#include "manifests/erasing.h"
#include "manifests/version.h"
#include "node/command.h"
#include "node/findings.h"
#include "node/meter.h"
#include "node/show.h"
#include "node/stated.h"
#include "sync/peers.h"

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
verify_version(Findings *findings, Home *home, const Manifest *manifest, FoundGood *found_good, GError **error)
{
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
        return TRUE;
    }
    meter = meter_start(version, &progress);
    done = version_verify(home, manifest, found_good, findings_report, findings, &progress, error);
    meter_stop(meter);
    if (!done)
        return show_blame(home, manifest, error);
    findings_close_subject(findings, before);
    findings->subject = NULL;
    return TRUE;
}

/* Those of @versions that are held, and those that were erased. */
static gboolean
verify_held(Findings *findings, Home *home, const GPtrArray *versions, guint *held_count, GError **error)
{
    g_autoptr(FoundGood) found_good = found_good_new();
    State *state = home_state(home, error);
    Held held;

    for (guint i = 0; state && i < versions->len; i++) {
        const Manifest *manifest = g_ptr_array_index(versions, i);

        if (!(state_held(state, &manifest->address, &held, NULL) && held.complete) && !is_erased(home, manifest))
            continue;
        (*held_count)++;
        if (!verify_version(findings, home, manifest, found_good, error))
            return FALSE;
    }
    return state != NULL;
}

static gboolean
verify_node(Findings *findings, Home *home, const char *node, GError **error)
{
    g_autoptr(GPtrArray) versions = catalogue_manifests(home_catalogue(home, error), node, error);
    guint held = 0;

    return versions && findings_check_ledger(findings, home, node, error) && verify_held(findings, home, versions, &held, error);
}

static gboolean
verify_all(Findings *findings, Home *home, GError **error)
{
    g_autoptr(GPtrArray) nodes = findings_ledgers(home, error);

    for (guint i = 0; nodes && i < nodes->len; i++) {
        if (!verify_node(findings, home, g_ptr_array_index(nodes, i), error))
            return FALSE;
    }
    return nodes != NULL;
}

static gboolean
verify_named(Findings *findings, Home *home, const char *word, GError **error)
{
    DatasetName name;
    g_autoptr(GPtrArray) versions = NULL;
    guint held = 0;

    if (!peers_parse_dataset(home, word, &name, error))
        return FALSE;
    if (*name.version) {
        g_autoptr(Manifest) manifest = peers_find_version(home, word, error);

        return manifest && findings_check_ledger(findings, home, name.node, error) && verify_version(findings, home, manifest, NULL, error);
    }
    versions = catalogue_history(home_catalogue(home, error), name.node, name.name, error);
    if (!versions)
        return FALSE;
    if (versions->len == 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no such dataset is known here; see `chama ls`", word);
    if (!findings_check_ledger(findings, home, name.node, error) || !verify_held(findings, home, versions, &held, error))
        return FALSE;
    return held > 0 || chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no version's content is held here; %s", word, strcmp(name.node, home_id(home)) == 0
                                   ? "publish it again to have it" : "follow the dataset and run `chama sync`");
}

gboolean
cmd_verify(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Findings findings = { 0 };
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &findings.json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    gboolean done;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 1, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error))
        return FALSE;
    done = argc > 1 ? verify_named(&findings, home, argv[1], error) : verify_all(&findings, home, error);
    if (done || findings.bad)
        *status = findings_finish(&findings);
    return done;
}
