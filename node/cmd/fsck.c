/* chama fsck: check the whole home. */
#include <stdio.h>

#include "manifests/check.h"
#include "manifests/erasing.h"
#include "manifests/store/maintain.h"
#include "node/command.h"
#include "node/config.h"
#include "node/findings.h"
#include "node/meter.h"
#include "sync/pull/missing.h"

typedef gboolean (*Check)(Home *home, CheckReport report, gpointer data, GError **error);

static void
check_part(Findings *findings, Home *home, const char *subject, Check check)
{
    g_autoptr(GError) failed = NULL;
    guint before = findings->bad;

    findings->subject = subject;
    if (!check(home, findings_report, findings, &failed))
        findings_report(findings, failed->message);
    findings_close_subject(findings, before);
}

static gboolean
check_configuration(Home *home, CheckReport report, gpointer data, GError **error)
{
    g_autoptr(Config) config = config_load(home_path(home), error);

    return config != NULL;
}

static gboolean
check_store_with_meter(Home *home, CheckReport report, gpointer data, GError **error)
{
    Progress progress = { 0 };
    g_autoptr(Meter) meter = meter_start("checking the store", &progress);

    return check_store(home, report, data, &progress, error);
}

static gboolean
check_ledgers(Findings *findings, Home *home, GError **error)
{
    g_autoptr(GPtrArray) nodes = findings_ledgers(home, error);

    for (guint i = 0; nodes && i < nodes->len; i++) {
        if (!findings_check_ledger(findings, home, g_ptr_array_index(nodes, i), error))
            return FALSE;
    }
    return nodes != NULL;
}

static gboolean
check_single_records(Home *home, CheckReport report, gpointer data, GError **error)
{
    g_autoptr(GPtrArray) nodes = missing_nodes(home, error);

    for (guint i = 0; nodes && i < nodes->len; i++)
        if (!missing_verify(home, nodes->pdata[i], report, data, error))
            return FALSE;
    return nodes != NULL;
}

static gboolean
check_all(Findings *findings, Home *home, gboolean rebuilt, GError **error)
{
    check_part(findings, home, "config.ini", check_configuration);
    check_part(findings, home, "keys", check_keys);
    check_part(findings, home, "databases", check_databases);
    if (!home_catalogue(home, error) || !check_ledgers(findings, home, error))
        return FALSE;
    check_part(findings, home, "sealed statements", check_sealed);
    check_part(findings, home, "single records", check_single_records);
    check_part(findings, home, "store", check_store_with_meter);
    check_part(findings, home, "versions erased", erasing_check);
    check_part(findings, home, "versions held", rebuilt ? check_held_and_release : check_held);
    return TRUE;
}

static void
report_lost(gpointer data, const Digest *digest, const char *message)
{
    findings_report(data, message);
}

static gboolean
rebuild_index(const Invocation *invocation, Findings *findings, GError **error)
{
    g_autofree char *ledger = g_build_filename(invocation->home, "ledger.git", NULL);
    g_autofree char *store = g_build_filename(invocation->home, "store", NULL);
    guint before = findings->bad;

    if (!g_file_test(ledger, G_FILE_TEST_IS_DIR))
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a node's home, have none", invocation->home);
    findings->subject = "index made anew from the packs";
    if (!store_rebuild_index(store, report_lost, findings, error))
        return FALSE;
    findings_close_subject(findings, before);
    return TRUE;
}

gboolean
cmd_fsck(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Findings findings = { 0 };
    gboolean rebuild = FALSE;
    const GOptionEntry entries[] = {
        { "rebuild-index", 0, 0, G_OPTION_ARG_NONE, &rebuild, "first make the store's index anew from its packs; the next sync fetches what is damaged", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &findings.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    gboolean done;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || (rebuild && !rebuild_index(invocation, &findings, error)) ||
        !(home = command_home(invocation, error)))
        return FALSE;
    done = check_all(&findings, home, rebuild, error);
    if (done || findings.bad)
        *status = findings_finish(&findings);
    return done;
}
