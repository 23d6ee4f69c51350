/* chama erase: take a version's content away for good, and say so. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keys/canonical.h"
#include "manifests/erasing.h"
#include "manifests/users.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "node/stated.h"

static void
say_waiting(void)
{
    fprintf(stderr, "chama: waiting for other commands that use the store\n");
}

/* Of another node's version only what is here can be erased; of one's own also what others hold. */
static gboolean
check_can_erase(Home *home, const Manifest *manifest, const char *word, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(Erasure) erasure = NULL;
    char time[TIME_TEXT_SIZE];
    Held held;

    if (!state || !erasure_of(home_catalogue(home, NULL), manifest, home_id(home), &erasure, error))
        return FALSE;
    if (erasure)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: erased %.10s already: %s%s", word, time_format(erasure->time, time), erasure->reason,
                           erasing_is_pending(home, &manifest->address) ? "; `chama gc` finishes it" : "");
    return strcmp(manifest->node, home_id(home)) == 0 || state_held(state, &manifest->address, &held, NULL) ||
           chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: its content is not held here; nothing is to erase", word);
}

static gboolean
ask(const char *version, gboolean own, GError **error)
{
    char answer[128];

    if (!isatty(STDIN_FILENO))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want --yes where nobody can be asked: erased content cannot be had again", version);
    fprintf(stderr, "%s: its content goes for good, here%s.  What stays is its manifest, and that it was erased, when and why.\nTo go on, type %s: ", version,
            own ? " and at its replicas at their next sync" : "", version);
    if (!fgets(answer, sizeof answer, stdin) || strcmp(g_strstrip(answer), version) != 0)
        return chama_error(error, CHAMA_ERROR_CANCELLED, "%s: nothing was erased", version);
    return TRUE;
}

/* What is beyond the reach of this command. */
static void
print_notes(Home *home, const Manifest *manifest, const GPtrArray *users, gboolean own)
{
    for (guint i = 0; i < users->len; i++) {
        g_autofree char *user = show_version(home, g_ptr_array_index(users, i));

        printf("used by %s\n", user);
    }
    if (own)
        fputs("replicas erase it at their next sync, and say so in their ledgers\n", stderr);
    fputs("not reached: folders and files written from it, backups, other versions with the same files, what the disk keeps of files that were removed\n", stderr);
}

static json_t *
result_json(Home *home, const char *version, const Manifest *manifest, const char *reason, const Record *record, const GPtrArray *users, const GcTotals *totals)
{
    json_t *list = json_array();

    for (guint i = 0; i < users->len; i++) {
        g_autofree char *user = show_version(home, g_ptr_array_index(users, i));

        json_array_append_new(list, json_string(user));
    }
    return json_pack("{s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:o}", "version", version, "address", json_digest(&manifest->address), "reason", reason, "record",
                     json_digest(&record->address), "objects_freed", (json_int_t)totals->objects_freed, "bytes_freed", (json_int_t)totals->bytes_freed,
                     "made_whole", (json_int_t)totals->made_whole, "users", list);
}

static gboolean
erase(Home *home, const Manifest *manifest, const char *reason, gboolean json, GError **error)
{
    g_autofree char *version = show_version(home, manifest), *freed = NULL;
    gboolean own = strcmp(manifest->node, home_id(home)) == 0;
    g_autoptr(GPtrArray) users = version_users(home, &manifest->address, error);
    g_autoptr(Record) record = users ? erasing_state(home, manifest, reason, error) : NULL;
    GcTotals totals;

    if (!record) {
        command_blame_usage(error);
        return FALSE;
    }
    if (!erasing_finish(home, NULL, say_waiting, &totals, error))
        return show_blame(home, manifest, error);
    if (json) {
        print_json(result_json(home, version, manifest, reason, record, users, &totals));
        return TRUE;
    }
    freed = size_display(totals.bytes_freed);
    printf("erased %s: %s; %" G_GUINT64_FORMAT " objects, %s freed\n", version, reason, totals.objects_freed, freed);
    print_notes(home, manifest, users, own);
    return TRUE;
}

gboolean
cmd_erase(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE, yes = FALSE;
    char *reason = NULL;
    const GOptionEntry entries[] = {
        { "reason", 0, 0, G_OPTION_ARG_STRING, &reason, "why, in words that all will read", "TEXT" },
        { "yes", 0, 0, G_OPTION_ARG_NONE, &yes, "do not ask", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autofree char *version = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error))
        return FALSE;
    if (!reason || !*reason)
        return chama_error(error, CHAMA_ERROR_USAGE, "--reason: want why it is erased, have nothing");
    if (!command_check_utf8("--reason", reason, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error) ||
        !(manifest = stated_find(home, argv[1], error)) || !check_can_erase(home, manifest, argv[1], error))
        return FALSE;
    version = show_version(home, manifest);
    return (yes || ask(version, strcmp(manifest->node, home_id(home)) == 0, error)) && erase(home, manifest, reason, json, error);
}
