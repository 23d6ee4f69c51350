/* chama log: the history of a dataset, newest first. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "node/stated.h"
#include "sync/peers.h"

static void
print_version_text(Home *home, const Manifest *m, const char *publisher)
{
    g_autofree char *version = show_version(home, m), *bytes = size_display(m->bytes);
    g_autofree char *end = stated_end(home, m);
    g_autofree char *signature = show_signature_text(home, m);
    g_auto(GStrv) lines = m->message ? g_strsplit(m->message, "\n", -1) : NULL;
    const char *about = m->share == SHARE_OPEN ? "" : "at most ";
    const char *held = show_held(home, m);
    char time[TIME_TEXT_SIZE], address[DIGEST_TEXT_SIZE];

    printf("%s  %s  %s\n", version, time_format(m->time, time), publisher);
    printf("    %s\n", digest_format(&m->address, address));
    printf("    %s%" G_GUINT64_FORMAT " files, %s%" G_GUINT64_FORMAT " bytes (%s), %s, %s, signature %s\n", about, m->files, about, m->bytes, bytes,
           share_format(m->share), *held ? held : "not held", signature);
    if (end)
        printf("    %s\n", end);
    for (guint i = 0; lines && lines[i]; i++)
        printf("    | %s\n", lines[i]);
}

static json_t *
history_json(Home *home, const GPtrArray *history)
{
    json_t *list = json_array();

    for (guint i = 0; i < history->len; i++) {
        json_t *entry = show_manifest_json(home, g_ptr_array_index(history, i));

        json_object_set_new(entry, "signature", json_string(show_signature(home, g_ptr_array_index(history, i))));
        if (show_disavowed(home, g_ptr_array_index(history, i)))
            json_object_set_new(entry, "disavowed", json_time(show_disavowed(home, g_ptr_array_index(history, i))));
        json_array_append_new(list, entry);
    }
    return list;
}

gboolean
cmd_log(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) history = NULL;
    g_autofree char *publisher = NULL;
    DatasetName name;
    Catalogue *catalogue;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !(home = command_home(invocation, error)) ||
        !peers_parse_dataset(home, argv[1], &name, error))
        return FALSE;
    if (*name.version)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a dataset without @VERSION; `chama show` shows one version", argv[1]);
    if (!(catalogue = home_catalogue(home, error)) || !(history = catalogue_history(catalogue, name.node, name.name, error)))
        return FALSE;
    if (history->len == 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no such dataset is known here; see `chama ls`", argv[1]);
    publisher = show_node_name(home, name.node);
    if (json)
        print_json(history_json(home, history));
    for (guint i = 0; !json && i < history->len; i++)
        print_version_text(home, g_ptr_array_index(history, i), publisher);
    return TRUE;
}
