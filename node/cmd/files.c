/* chama files: the listing of a version. */
#include <stdio.h>
#include <string.h>

#include "manifests/checkout.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "sync/peers.h"

typedef struct {
    gboolean sha256, null, json;
} Options;

static const char *const kinds[] = { [ITEM_FILE] = "file", [ITEM_EXECUTABLE] = "executable", [ITEM_LINK] = "link", [ITEM_FOLDER] = "folder" };

/* As sha256sum(1) writes them: a name with a backslash, line feed or carriage return is escaped, and the line begins with a backslash. */
static void
print_sum(const Item *item)
{
    char hex[DIGEST_HEX_SIZE];
    gboolean escape = strpbrk(item->path, "\\\n\r") != NULL;

    if (item->kind != ITEM_FILE && item->kind != ITEM_EXECUTABLE)
        return;
    printf("%s%s  ", escape ? "\\" : "", digest_format_hex(&item->digest, hex));
    for (const char *p = item->path; *p; p++)
        fputs(*p == '\\' ? "\\\\" : *p == '\n' ? "\\n" : *p == '\r' ? "\\r" : (char[]){ *p, 0 }, stdout);
    putchar('\n');
}

static void
print_text(const Item *item)
{
    g_autofree char *path = path_display(item->path), *target = item->kind == ITEM_LINK ? path_display(item->target) : NULL;

    printf("%c %12" G_GUINT64_FORMAT "  %s%s%s\n", "-fxld"[item->kind], item->size, path, target ? " -> " : item->kind == ITEM_FOLDER ? "/" : "",
           target ? target : "");
}

/* One object a line, so that a million files need no memory here nor there. */
static void
print_json_line(const Item *item)
{
    json_t *entry = json_object();

    json_set_path(entry, "path", item->path);
    json_object_set_new(entry, "kind", json_string(kinds[item->kind]));
    if (item->kind == ITEM_LINK)
        json_set_path(entry, "target", item->target);
    else if (item->kind != ITEM_FOLDER) {
        json_object_set_new(entry, "size", json_integer((json_int_t)item->size));
        json_object_set_new(entry, "sha256", json_digest(&item->digest));
    }
    json_dumpf(entry, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(entry);
}

static void
print_item(const Options *options, const Item *item)
{
    if (options->json)
        print_json_line(item);
    else if (options->sha256)
        print_sum(item);
    else if (options->null)
        printf("%s%c", item->path, '\0');
    else
        print_text(item);
}

gboolean
cmd_files(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "sha256", 0, 0, G_OPTION_ARG_NONE, &o.sha256, "print what `sha256sum -c` accepts inside a checkout", NULL },
        { "null", '0', 0, G_OPTION_ARG_NONE, &o.null, "print paths alone, as they are, each ended by a NUL", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON, one object a line", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(StoreHold) hold = NULL;
    g_autoptr(ListingCursor) cursor = NULL;
    GError *failed = NULL;
    const Item *item;
    Store *store;
    Held held;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !(home = command_home(invocation, error)) ||
        !(manifest = peers_find_version(home, argv[1], error)) || !(store = home_store(home, error)) || !(hold = store_hold(store, error)))
        return FALSE;
    if (!version_roots(home, manifest, &held, error) || !(cursor = listing_cursor_new(&held.listing, store_listing_get, store, error)))
        return show_blame(home, manifest, error);
    while (!ferror(stdout) && listing_cursor_next(cursor, &item, NULL, NULL, &failed)) {
        if (item->kind != ITEM_PART)
            print_item(&o, item);
    }
    if (failed)
        g_propagate_error(error, failed);
    return !failed;
}
