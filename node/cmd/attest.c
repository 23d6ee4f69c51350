/* chama attest: what this node found of a version. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "manifests/attestation.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "node/stated.h"

typedef struct {
    char *type, *result, *note, *until;
    gboolean json;
} Options;

static gboolean
read_options(const Options *o, Attestation *a, GError **error)
{
    if (!o->type || !attestation_kind_valid(o->type))
        return chama_error(error, CHAMA_ERROR_USAGE, "--type: want quality, review, approval, valuation or a URI, have %s", o->type ? o->type : "none");
    if (!o->result || (strcmp(o->result, "pass") != 0 && strcmp(o->result, "fail") != 0))
        return chama_error(error, CHAMA_ERROR_USAGE, "--result: want pass or fail, have %s", o->result ? o->result : "none");
    if (o->note && !command_check_utf8("--note", o->note, error))
        return FALSE;
    a->kind = g_strdup(o->type);
    a->pass = strcmp(o->result, "pass") == 0;
    a->note = g_strdup(o->note);
    a->has_until = o->until != NULL;
    if (o->until && !command_parse_date(o->until, &a->until, error))
        return FALSE;
    if (o->until && a->until <= g_get_real_time() / G_USEC_PER_SEC)
        return chama_error(error, CHAMA_ERROR_USAGE, "--until: want a date that is still to come, have %s", o->until);
    return TRUE;
}

static Record *
state(Home *home, const Attestation *a, GError **error)
{
    g_autoptr(GBytes) members = attestation_format(a, error);

    if (members)
        return home_state_record(home, ATTESTATION, members, NULL, NULL, error);
    command_blame_usage(error);
    return NULL;
}

static void
print_result(Home *home, const Manifest *manifest, const Attestation *a, const Record *record, gboolean json)
{
    g_autofree char *version = show_version(home, manifest);
    char until[TIME_TEXT_SIZE] = "";
    json_t *root;

    if (!json) {
        printf("%s: %s: %s%s%s\n", version, a->kind, a->pass ? "pass" : "fail", a->has_until ? ", until " : "", a->has_until ? time_format(a->until, until) : "");
        return;
    }
    root = json_pack("{s:s, s:o, s:s, s:s, s:o}", "version", version, "address", json_digest(&manifest->address), "type", a->kind, "result",
                     a->pass ? "pass" : "fail", "record", json_digest(&record->address));
    json_set_text(root, "note", a->note);
    if (a->has_until)
        json_object_set_new(root, "until", json_time(a->until));
    print_json(root);
}

gboolean
cmd_attest(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "type", 0, 0, G_OPTION_ARG_STRING, &o.type, "quality, review, approval, valuation, or a URI", "TYPE" },
        { "result", 0, 0, G_OPTION_ARG_STRING, &o.result, "pass or fail", "RESULT" },
        { "note", 0, 0, G_OPTION_ARG_STRING, &o.note, "what was found, in words", "TEXT" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &o.until, "last day, UTC; then it has lapsed (default: it stands)", "DATE" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Attestation) a = attestation_new();
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(Record) record = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !read_options(&o, a, error) || !(home = command_home(invocation, error)) ||
        !home_catalogue(home, error) || !(manifest = stated_find(home, argv[1], error)))
        return FALSE;
    subject_of(manifest, &a->subject);
    record = state(home, a, error);
    if (!record)
        return FALSE;
    print_result(home, manifest, a, record, o.json);
    return TRUE;
}
