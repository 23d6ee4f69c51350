/* chama ls: the catalogue of own and peers' datasets. */
#include <fnmatch.h>
#include <stdio.h>

#include "keys/canonical.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"

static const char *
title_of(const Manifest *manifest)
{
    return manifest->title_zh ? manifest->title_zh : manifest->title_en ? manifest->title_en : "";
}

static void
add_row(Home *home, Table *table, const Manifest *m)
{
    g_autofree char *dataset = show_dataset(home, m->node, m->name);
    g_autofree char *version = g_strdup_printf("@%" G_GUINT64_FORMAT, m->version);
    g_autofree char *files = g_strdup_printf("%s%" G_GUINT64_FORMAT, m->share == SHARE_OPEN ? "" : "~", m->files);
    g_autofree char *bytes = g_strdup_printf("%s%" G_GUINT64_FORMAT, m->share == SHARE_OPEN ? "" : "~", m->bytes);
    const char *held = show_held(home, m);
    char time[TIME_TEXT_SIZE];

    table_add(table, dataset, version, share_format(m->share), *held ? held : "-", files, bytes, time_format(m->time, time), title_of(m), NULL);
}

gboolean
cmd_ls(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) datasets = NULL;
    g_autoptr(Table) table = table_new(8);
    json_t *list = NULL;
    Catalogue *catalogue;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 1, error) || !(home = command_home(invocation, error)) ||
        !(catalogue = home_catalogue(home, error)) || !(datasets = catalogue_datasets(catalogue, NULL, error)))
        return FALSE;
    if (json)
        list = json_array();
    table_align_right(table, 4);
    table_align_right(table, 5);
    for (guint i = 0; i < datasets->len; i++) {
        const Manifest *manifest = g_ptr_array_index(datasets, i);
        g_autofree char *name = show_dataset(home, manifest->node, manifest->name);

        if (argc > 1 && fnmatch(argv[1], name, 0) != 0)
            continue;
        if (json)
            json_array_append_new(list, show_manifest_json(home, manifest));
        else
            add_row(home, table, manifest);
    }
    if (json)
        print_json(list);
    else
        table_print(table);
    return TRUE;
}
