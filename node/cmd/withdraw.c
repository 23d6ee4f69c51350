/* chama withdraw: take back a version of this node. */
#include <stdio.h>
#include <string.h>

#include "manifests/users.h"
#include "manifests/withdrawal.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "node/stated.h"

static gboolean
check_can_end(Home *home, const Manifest *manifest, const char *word, GError **error)
{
    g_autofree char *end = stated_end(home, manifest);

    if (strcmp(manifest->node, home_id(home)) != 0)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: only its owner withdraws it; want a version of this node", word);
    return !end || chama_error(error, CHAMA_ERROR_EXISTS, "%s: %s already", word, end);
}

static json_t *
users_json(Home *home, const GPtrArray *users)
{
    json_t *list = json_array();

    for (guint i = 0; i < users->len; i++) {
        const Manifest *user = g_ptr_array_index(users, i);
        g_autofree char *version = show_version(home, user);

        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "version", version, "node", user->node, "address", json_digest(&user->address)));
    }
    return list;
}

static void
print_text(Home *home, const char *version, const char *reason, const GPtrArray *users)
{
    printf("withdrew %s: %s\n", version, reason);
    for (guint i = 0; i < users->len; i++) {
        g_autofree char *user = show_version(home, g_ptr_array_index(users, i));

        printf("used by %s\n", user);
    }
    fprintf(stderr, "replicas stop serving it at their next sync; what was copied stays where it is\n");
}

gboolean
cmd_withdraw(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    char *reason = NULL;
    const GOptionEntry entries[] = {
        { "reason", 0, 0, G_OPTION_ARG_STRING, &reason, "why, in words that all will read", "TEXT" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(GPtrArray) users = NULL;
    g_autoptr(GBytes) members = NULL;
    g_autoptr(Record) record = NULL;
    g_autofree char *version = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error))
        return FALSE;
    if (!reason || !*reason)
        return chama_error(error, CHAMA_ERROR_USAGE, "--reason: want why it is withdrawn, have nothing");
    if (!command_check_utf8("--reason", reason, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error) ||
        !(manifest = stated_find(home, argv[1], error)) || !check_can_end(home, manifest, argv[1], error) ||
        !(users = version_users(home, &manifest->address, error)))
        return FALSE;
    members = withdrawal_format(&manifest->address, reason, error);
    if (!members) {
        command_blame_usage(error);
        return FALSE;
    }
    record = home_state_record(home, WITHDRAWAL, members, NULL, NULL, error);
    if (!record)
        return FALSE;
    version = show_version(home, manifest);
    if (json)
        print_json(json_pack("{s:s, s:o, s:s, s:o, s:o}", "version", version, "address", json_digest(&manifest->address), "reason", reason, "record",
                             json_digest(&record->address), "users", users_json(home, users)));
    else
        print_text(home, version, reason, users);
    return TRUE;
}
