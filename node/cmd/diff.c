/* chama diff: what changed between two versions. */
#include <stdio.h>

#include "manifests/checkout.h"
#include "manifests/listing/compare.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "sync/peers.h"

static const char *const words[] = { [CHANGE_ADDED] = "added", [CHANGE_REMOVED] = "removed", [CHANGE_CHANGED] = "changed", [CHANGE_RENAMED] = "renamed" };

static void
print_change(const Change *change)
{
    g_autofree char *path = path_display(change->path), *old = change->old_path ? path_display(change->old_path) : NULL;

    printf("%-8s", words[change->kind]);
    if (change->kind == CHANGE_CHANGED)
        printf("%12" G_GUINT64_FORMAT " -> %" G_GUINT64_FORMAT "  %s", change->before.size, change->after.size, path);
    else
        printf("%12" G_GUINT64_FORMAT "  %s%s%s", change->kind == CHANGE_REMOVED ? change->before.size : change->after.size, old ? old : "", old ? " -> " : "", path);
    if (change->kind == CHANGE_CHANGED && change->before.kind != change->after.kind) {
        static const char *const kinds[] = { "", "file", "executable", "link", "folder" };

        printf("  (%s -> %s)", kinds[change->before.kind], kinds[change->after.kind]);
    }
    putchar('\n');
}

static json_t *
change_json(const Change *change)
{
    json_t *entry = json_pack("{s:s}", "change", words[change->kind]);

    json_set_path(entry, "path", change->path);
    if (change->old_path)
        json_set_path(entry, "old_path", change->old_path);
    if (change->kind != CHANGE_ADDED)
        json_object_set_new(entry, "old_size", json_integer((json_int_t)change->before.size));
    if (change->kind != CHANGE_REMOVED)
        json_object_set_new(entry, "size", json_integer((json_int_t)change->after.size));
    return entry;
}

static void
print_changes(const GPtrArray *changes, gboolean json)
{
    guint counts[4] = { 0 };
    json_t *list = json ? json_array() : NULL;

    for (guint i = 0; i < changes->len; i++) {
        const Change *change = g_ptr_array_index(changes, i);

        counts[change->kind]++;
        if (json)
            json_array_append_new(list, change_json(change));
        else
            print_change(change);
    }
    if (json) {
        print_json(json_pack("{s:I, s:I, s:I, s:I, s:o}", "added", (json_int_t)counts[CHANGE_ADDED], "removed", (json_int_t)counts[CHANGE_REMOVED], "changed",
                             (json_int_t)counts[CHANGE_CHANGED], "renamed", (json_int_t)counts[CHANGE_RENAMED], "changes", list));
        return;
    }
    printf("%u added, %u removed, %u changed, %u renamed\n", counts[CHANGE_ADDED], counts[CHANGE_REMOVED], counts[CHANGE_CHANGED], counts[CHANGE_RENAMED]);
}

static gboolean
find_listing(Home *home, const char *word, Digest *listing, GError **error)
{
    g_autoptr(Manifest) manifest = peers_find_version(home, word, error);
    Held held;

    if (!manifest)
        return FALSE;
    if (!version_roots(home, manifest, &held, error))
        return show_blame(home, manifest, error);
    *listing = held.listing;
    return TRUE;
}

gboolean
cmd_diff(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) changes = NULL;
    g_autoptr(StoreHold) hold = NULL;
    Digest before, after;
    Store *store;

    if (!command_parse(invocation, &argc, &argv, entries, 2, 2, error) || !(home = command_home(invocation, error)) || !(store = home_store(home, error)) ||
        !(hold = store_hold(store, error)) || !find_listing(home, argv[1], &before, error) || !find_listing(home, argv[2], &after, error) ||
        !(changes = listing_compare(&before, &after, TRUE, store_listing_get, store, error)))
        return FALSE;
    print_changes(changes, json);
    return TRUE;
}
