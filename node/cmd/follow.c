/* chama follow, unfollow: which datasets' content a sync fetches. */
#include <stdio.h>
#include <string.h>

#include "node/command.h"
#include "node/print.h"
#include "sync/follow.h"
#include "sync/peers.h"

/* "*", "PATTERN" (any node), "PEER/PATTERN". */
static gboolean
read_pattern(Home *home, const char *word, char **node, char **glob, GError **error)
{
    const char *slash = strchr(word, '/');
    g_autofree char *peer = slash ? g_strndup(word, (gsize)(slash - word)) : NULL;
    const char *pattern = slash ? slash + 1 : word;

    if (!*pattern || strlen(pattern) > DATASET_NAME_MAX || strchr(pattern, '/') || !g_utf8_validate(pattern, -1, NULL))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want [PEER/]PATTERN, a glob over dataset names as `forestry/*` or `'*'`", word);
    *node = !peer || strcmp(peer, "*") == 0 ? g_strdup("*") : peers_resolve(home, peer, error);
    if (!*node)
        return FALSE;
    if (strcmp(*node, home_id(home)) == 0) {
        g_clear_pointer(node, g_free);
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want datasets of other nodes, have this node's own", word);
    }
    *glob = g_strdup(pattern);
    return TRUE;
}

static gboolean
list_follows(Home *home, gboolean json, GError **error)
{
    g_autoptr(GPtrArray) follows = follow_all(home, error);
    json_t *list = json_array();

    if (follows && follows->len == 0 && !json)
        fputs("nothing is followed yet: `chama follow PEER/PATTERN`\n", stderr);
    for (guint i = 0; follows && i < follows->len; i++) {
        const Follow *follow = g_ptr_array_index(follows, i);
        g_autofree char *peer = strcmp(follow->node, "*") == 0 ? g_strdup("*") : peers_display(home, follow->node);

        if (json)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "peer", peer, "node", follow->node, "pattern", follow->glob));
        else
            printf("%s/%s\n", peer, follow->glob);
    }
    if (json && follows)
        print_json(json_incref(list));
    json_decref(list);
    return follows != NULL;
}

/* A pattern that matches nothing may be mistyped, or ahead of its time. */
static void
hint(Home *home, const char *node, const char *glob)
{
    Follow follow = { .glob = (char *)glob };
    g_autoptr(GPtrArray) follows = g_ptr_array_new(), datasets = NULL;
    Catalogue *catalogue = home_catalogue(home, NULL);
    guint count = 0;

    g_strlcpy(follow.node, node, sizeof follow.node);
    g_ptr_array_add(follows, &follow);
    datasets = catalogue ? catalogue_datasets(catalogue, NULL, NULL) : NULL;
    for (guint i = 0; datasets && i < datasets->len; i++) {
        const Manifest *manifest = g_ptr_array_index(datasets, i);

        count += strcmp(manifest->node, home_id(home)) != 0 && follow_matches(follows, manifest->node, manifest->name);
    }
    if (count == 0)
        fputs("no dataset known here matches yet; `chama sync` brings the catalogue\n", stderr);
    else
        fprintf(stderr, "%u dataset%s known here match%s; `chama sync` fetches what is allowed\n", count, count == 1 ? "" : "s", count == 1 ? "es" : "");
}

typedef gboolean (*ChangeFollow)(Home *home, const char *node, const char *glob, gboolean *changed, GError **error);

static gboolean
change(const Invocation *invocation, int argc, char **argv, int min, ChangeFollow how, const char *done, const char *already, GError **error)
{
    gboolean json = FALSE, changed = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autofree char *node = NULL, *glob = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, min, 1, error) || !(home = command_home(invocation, error)))
        return FALSE;
    if (argc == 1)
        return list_follows(home, json, error);
    if (!read_pattern(home, argv[1], &node, &glob, error) || !how(home, node, glob, &changed, error))
        return FALSE;
    if (json)
        print_json(json_pack("{s:s, s:s, s:b}", "node", node, "pattern", glob, "changed", changed));
    else
        printf("%s %s\n", changed ? done : already, argv[1]);
    if (!json && how == follow_add)
        hint(home, node, glob);
    return TRUE;
}

gboolean
cmd_follow(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    return change(invocation, argc, argv, 0, follow_add, "following", "already following", error);
}

gboolean
cmd_unfollow(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    return change(invocation, argc, argv, 1, follow_remove, "no longer following", "was not following", error);
}
