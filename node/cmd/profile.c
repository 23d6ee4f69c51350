/* chama profile: what this node says it is, and changing that. */
#include <stdio.h>
#include <string.h>

#include "node/command.h"
#include "node/described.h"
#include "node/print.h"

/* What home_state_built() hands to build(). */
typedef struct {
    const Described *said;
    LedgerAudience before, now;
} Change;

/* NULL without an error if nothing changes: what is stated stays. */
static GBytes *
build(gpointer data, Home *home, GError **error)
{
    Change *change = data;
    g_autoptr(Profile) profile = catalogue_profile(home_catalogue(home, error), home_id(home), error);
    g_autoptr(GBytes) before = profile ? profile_format(profile, error) : NULL;
    g_autoptr(GBytes) now = NULL;

    if (!before)
        return NULL;
    change->before = profile->ledger;
    if (!described_apply(change->said, profile, error) || !(now = profile_format(profile, error))) {
        command_blame_usage(error);
        return NULL;
    }
    change->now = profile->ledger;
    return g_bytes_equal(before, now) ? NULL : g_steal_pointer(&now);
}

static void
print_text(const Profile *profile)
{
    const char *const rows[][2] = { { "name-zh", profile->name_zh }, { "name-en", profile->name_en }, { "organisation", profile->organisation }, { "sector", profile->sector },
                                    { "division", profile->division }, { "ledger", ledger_audience_format(profile->ledger) } };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        printf("%-13s %s\n", rows[i][0], rows[i][1] ? rows[i][1] : "-");
    for (guint i = 0; i < profile->addresses->len; i++)
        printf("%-13s %s\n", "url", (char *)profile->addresses->pdata[i]);
}

static void
print_as_json(const Profile *profile, const Record *record)
{
    json_t *root = json_object(), *urls = json_array();

    json_set_text(root, "name_zh", profile->name_zh);
    json_set_text(root, "name_en", profile->name_en);
    json_set_text(root, "organisation", profile->organisation);
    json_set_text(root, "sector", profile->sector);
    json_set_text(root, "division", profile->division);
    json_set_text(root, "ledger", ledger_audience_format(profile->ledger));
    for (guint i = 0; i < profile->addresses->len; i++)
        json_array_append_new(urls, json_string(profile->addresses->pdata[i]));
    json_object_set_new(root, "urls", urls);
    if (record)
        json_object_set_new(root, "record", json_digest(&record->address));
    print_json(root);
}

static void
tell(const Change *change, const Record *record)
{
    if (!record) {
        fputs("nothing changed: that is what this node states already\n", stderr);
        return;
    }
    fprintf(stderr, "stated as record %" G_GUINT64_FORMAT "; the profiles before it stay in the ledger, and peers learn of it at their next sync\n", record->seq);
    if (change->now < change->before)
        fputs("note: what others copied of the ledger while it was open to more stays with them\n", stderr);
}

gboolean
cmd_profile(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    g_auto(Described) said = { 0 };
    gboolean json = FALSE;
    const GOptionEntry entries[] = { DESCRIBED_OPTIONS(&said), { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(Record) record = NULL;
    g_autoptr(Profile) profile = NULL;
    g_autoptr(GError) failed = NULL;
    Change change = { .said = &said };

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !(home = command_home(invocation, error)))
        return FALSE;
    if (described_any(&said)) {
        record = home_state_built(home, "profile/1", build, NULL, &change, &failed);
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        tell(&change, record);
    }
    profile = home_catalogue(home, error) ? catalogue_profile(home_catalogue(home, error), home_id(home), error) : NULL;
    if (!profile)
        return FALSE;
    if (json)
        print_as_json(profile, record);
    else
        print_text(profile);
    return TRUE;
}
