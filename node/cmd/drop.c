/* chama drop: stop holding content. */
#include <stdio.h>
#include <string.h>

#include "manifests/version.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "sync/follow.h"
#include "sync/peers.h"

/* The version named, or all versions held of the dataset. */
static GPtrArray *
versions_named(Home *home, const char *word, GError **error)
{
    g_autoptr(GPtrArray) versions = NULL;
    Catalogue *catalogue = home_catalogue(home, error);
    State *state = catalogue ? home_state(home, error) : NULL;
    DatasetName name;
    Held held;

    if (!state || !peers_parse_dataset(home, word, &name, error))
        return NULL;
    if (*name.version) {
        Manifest *manifest = peers_find_version(home, word, error);

        versions = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_free);
        if (manifest)
            g_ptr_array_add(versions, manifest);
        return manifest ? g_steal_pointer(&versions) : NULL;
    }
    versions = catalogue_history(catalogue, name.node, name.name, error);
    if (versions && versions->len == 0)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no such dataset is known here; see `chama ls`", word);
    for (guint i = versions ? versions->len : 0; i-- > 0;) {
        const Manifest *manifest = g_ptr_array_index(versions, i);

        if (!state_held(state, &manifest->address, &held, NULL))
            g_ptr_array_remove_index(versions, i);
    }
    if (versions && versions->len == 0)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no version's content is held here", word);
    return g_steal_pointer(&versions);
}

/* Or the next sync would bring it back. */
static gboolean
set_aside(Home *home, const Manifest *manifest, GError **error)
{
    return strcmp(manifest->node, home_id(home)) == 0 || follow_set_aside(home, manifest, error);
}

gboolean
cmd_drop(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE, dry_run = FALSE;
    const GOptionEntry entries[] = {
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "only say what would be dropped", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) versions = NULL;
    json_t *list;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !(home = command_home(invocation, error)) ||
        !(versions = versions_named(home, argv[1], error)))
        return FALSE;
    list = json_array();
    for (guint i = 0; i < versions->len; i++) {
        const Manifest *manifest = g_ptr_array_index(versions, i);
        g_autofree char *version = show_version(home, manifest), *size = NULL;
        guint64 bytes;

        if (!version_drop(home, manifest, dry_run, &bytes, error) || (!dry_run && !set_aside(home, manifest, error))) {
            json_decref(list);
            return show_blame(home, manifest, error);
        }
        size = size_display(bytes);
        json_array_append_new(list, json_pack("{s:s, s:I, s:b}", "version", version, "bytes", (json_int_t)bytes, "dry_run", dry_run));
        if (!json)
            printf("%s %s (%s)\n", dry_run ? "would drop" : "dropped", version, size);
    }
    if (json)
        print_json(list);
    else
        json_decref(list);
    if (!json && !dry_run)
        fprintf(stderr, "`chama gc` frees what no other version needs\n");
    return TRUE;
}
