/* chama audit: every question about the ledgers known here, answered from signed records. */
#include <string.h>

#include "keys/durable.h"
#include "manifests/ledger/policy.h"
#include "node/command.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/report/report.h"
#include "sync/peers.h"

typedef struct {
    gboolean json, live, full;
    char *report, *language, *policy_path;
    Policy *policy;
    char **clones, **checkpoints;
} Options;

static void
options_clear(Options *options)
{
    g_free(options->report);
    g_free(options->language);
    g_free(options->policy_path);
    policy_free(options->policy);
    g_strfreev(options->clones);
    g_strfreev(options->checkpoints);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
resolve_all(Home *home, int argc, char **argv, GPtrArray **nodes, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

    for (int i = 1; i < argc; i++) {
        char *node = peers_resolve(home, argv[i], error);

        if (!node)
            return FALSE;
        g_ptr_array_add(found, node);
    }
    if (found->len > 0)
        *nodes = g_steal_pointer(&found);
    return TRUE;
}

static Audit *
run(Home *home, AuditOptions *options, GError **error)
{
    Progress progress = { 0 };
    g_autoptr(Meter) meter = meter_start("auditing", &progress);

    options->now = g_get_real_time() / G_USEC_PER_SEC;
    options->progress = &progress;
    return audit_run(home, options, error);
}

static Audit *
run_of_clones(const Options *options, GError **error)
{
    g_autoptr(Clones) clones = clones_open((const char *const *)options->clones, error);
    AuditOptions of_clones = { .clones = clones, .policy = options->policy };

    for (char **at = options->checkpoints; clones && at && *at; at++)
        if (!clones_add_checkpoint(clones, *at, error))
            return NULL;
    return clones ? run(NULL, &of_clones, error) : NULL;
}

static Audit *
run_live(Home *home, int argc, char **argv, const Options *options, GError **error)
{
    g_autoptr(GPtrArray) targets = g_ptr_array_new();
    AuditOptions live = { .live = targets, .policy = options->policy };

    for (int i = 1; i < argc; i++)
        g_ptr_array_add(targets, argv[i]);
    return run(home, &live, error);
}

static Audit *
run_here(Home *home, int argc, char **argv, const Options *options, GError **error)
{
    g_autoptr(GPtrArray) nodes = NULL;
    AuditOptions here = { .full = options->full, .policy = options->policy };

    if (!resolve_all(home, argc, argv, &nodes, error))
        return NULL;
    here.nodes = nodes;
    return run(home, &here, error);
}

static gboolean
write_page(const Report *report, const char *path, GError **error)
{
    g_autofree char *page = report_page(report);

    return durable_write(path, page, strlen(page), 0644, error);
}

static gboolean
tell(const Report *report, const Options *options, GError **error)
{
    if (options->report && !write_page(report, options->report, error))
        return FALSE;
    if (options->json)
        print_json(report_json(report));
    else
        report_print(report);
    return TRUE;
}

/* Of a home, of clones alone, or of nodes that are asked now. */
static Audit *
audit(const Invocation *invocation, int argc, char **argv, const Options *options, Home **home, GError **error)
{
    if (options->checkpoints && !options->clones)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "audit: --checkpoint is for clones: want --clone, too");
    if (options->clones && (argc > 1 || options->live))
        return chama_error_null(error, CHAMA_ERROR_USAGE, "audit: want nodes of this home or --clone, have both");
    if (options->live && argc == 1)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "audit: want the peers or addresses to be asked behind --live, have none");
    if (options->clones)
        return run_of_clones(options, error);
    if (!(*home = command_home(invocation, error)))
        return NULL;
    return options->live ? run_live(*home, argc, argv, options, error) : run_here(*home, argc, argv, options, error);
}

gboolean
cmd_audit(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    g_auto(Options) options = { 0 };
    const GOptionEntry entries[] = {
        { "clone", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.clones, "check a `git clone` of a ledger, without a node (may be given again)", "DIR" },
        { "checkpoint", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.checkpoints, "a checkpoint of such a clone, with its cosignatures (may be given again)", "FILE" },
        { "full", 0, 0, G_OPTION_ARG_NONE, &options.full, "check each signature, also those that an audit here has checked before", NULL },
        { "live", 0, 0, G_OPTION_ARG_NONE, &options.live, "ask the nodes themselves (peers, or https:// addresses) for their logs, and copy nothing", NULL },
        { "policy", 0, 0, G_OPTION_ARG_FILENAME, &options.policy_path, "count the witnesses of this policy (c2sp.org/tlog-policy), and want as many as it says", "FILE" },
        { "report", 0, 0, G_OPTION_ARG_FILENAME, &options.report, "also write one HTML page that can be printed", "FILE" },
        { "lang", 0, 0, G_OPTION_ARG_STRING, &options.language, "language of text and page: en (default) or zh", "LANG" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Audit) result = NULL;
    Report report = { 0 };

    if (!command_parse(invocation, &argc, &argv, entries, 0, -1, error) ||
        (options.language && !language_parse(options.language, &report.language, error)) ||
        (options.policy_path && !(options.policy = policy_load(options.policy_path, error))) ||
        !(result = audit(invocation, argc, argv, &options, &home, error)))
        return FALSE;
    report.home = home;
    report.audit = result;
    if (!tell(&report, &options, error))
        return FALSE;
    *status = result->counts[AUDIT_FAILED] ? EXIT_VERIFY : EXIT_DONE;
    return TRUE;
}
