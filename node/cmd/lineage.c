/* chama lineage: where a version comes from, or what was made from it, each step judged. */
#include <stdio.h>
#include <string.h>

#include "manifests/lineage/facts.h"
#include "manifests/lineage/format.h"
#include "node/command.h"
#include "node/show.h"
#include "sync/audit/verified.h"
#include "sync/peers.h"
#include "sync/pull/missing.h"

typedef struct {
    gboolean downstream, json, offline;
    int depth;
    char *format;
} Options;

static const struct {
    const char *name;
    char *(*write)(const Lineage *lineage);
} formats[] = {
    { "text", lineage_text },
    { "json", lineage_json },
    { "dot", lineage_dot },
    { "svg", lineage_svg },
    { "prov-json", lineage_prov },
};

static gboolean
choose_format(const Options *o, guint *chosen, GError **error)
{
    const char *name = o->format ? o->format : o->json ? "json" : "text";

    if (o->json && strcmp(name, "json") != 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "--json: want it without --format, or with --format json");
    for (*chosen = 0; *chosen < G_N_ELEMENTS(formats); (*chosen)++)
        if (strcmp(name, formats[*chosen].name) == 0)
            return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "--format: want text, json, dot, svg or prov-json, have %s", name);
}

static char *
call_dataset(gpointer home, const char *node, const char *name)
{
    return show_dataset(home, node, name);
}

static char *
call_publisher(gpointer home, const char *node)
{
    return show_node_name(home, node);
}

static void
talk(gpointer data, const char *line)
{
    fprintf(stderr, "chama: %s\n", line);
}

/* AU11 */
static void
recall(gpointer home, const char *node, LedgerVerified *verified)
{
    verified_get(home, node, verified, NULL);
}

static const LineageBeyond *
with_memory(LineageBeyond *beyond, Home *home)
{
    beyond->remembered = recall;
    beyond->remembered_data = home;
    return beyond;
}

static Lineage *
build(Home *home, const Manifest *manifest, const Options *o, GError **error)
{
    const MissingOptions how = { .offline = o->offline, .talk = talk };
    g_autoptr(Missing) missing = missing_new(home, &how);
    LineageBeyond beyond = missing_beyond(missing);
    g_autoptr(HomeFacts) facts = home_facts_new(home, with_memory(&beyond, home));
    const LineageFacts source = home_facts_source(facts);
    const LineageOptions options = { .downstream = o->downstream, .depth = o->depth > 0 ? (guint)o->depth : 0 };
    Lineage *lineage;
    Input root;

    lineage_name_of(manifest, &root);
    lineage = lineage_build(&source, &root, &options, error);
    if (missing_fetched(missing) > 0)
        fprintf(stderr, "chama: %u record%s fetched with proofs\n", missing_fetched(missing), missing_fetched(missing) == 1 ? "" : "s");
    if (lineage)
        lineage_name(lineage, call_dataset, call_publisher, home);
    return lineage;
}

gboolean
cmd_lineage(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { .depth = -1 };
    const GOptionEntry entries[] = {
        { "downstream", 0, 0, G_OPTION_ARG_NONE, &o.downstream, "what was made from it, instead of what it was made from", NULL },
        { "offline", 0, 0, G_OPTION_ARG_NONE, &o.offline, "ask no peer for records that are missing here", NULL },
        { "depth", 0, 0, G_OPTION_ARG_INT, &o.depth, "at most so many steps", "N" },
        { "format", 0, 0, G_OPTION_ARG_STRING, &o.format, "text, json, dot (graphviz), svg (a picture) or prov-json (W3C)", "FORMAT" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "the same as --format json", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(Lineage) lineage = NULL;
    g_autofree char *text = NULL;
    guint format;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !choose_format(&o, &format, error))
        return FALSE;
    if (o.depth == 0 || o.depth < -1)
        return chama_error(error, CHAMA_ERROR_USAGE, "--depth: want 1 or more, have %d", o.depth);
    if (!(home = command_home(invocation, error)) || !(manifest = peers_find_version(home, argv[1], error)) || !(lineage = build(home, manifest, &o, error)))
        return FALSE;
    text = formats[format].write(lineage);
    fputs(text, stdout);
    if (lineage->verdict == VERDICT_BROKEN)
        *status = EXIT_VERIFY;
    return TRUE;
}
