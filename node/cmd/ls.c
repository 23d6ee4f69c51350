/* chama ls: the catalogue of own and peers' datasets. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "node/stated.h"
#include "sync/peers.h"

/* "GLOB" over names of any node, "PEER/GLOB" over those of one, PEER being any word that means it; or a glob over what ls prints. */
typedef struct {
    const char *text;
    const char *name;      /* what stands behind the '/' */
    char *node;            /* NULL: any, or no node goes by that word */
    gboolean of_any;
} Pattern;

static void
pattern_clear(Pattern *pattern)
{
    g_free(pattern->node);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pattern, pattern_clear)

static void
pattern_read(Pattern *pattern, Home *home, const char *word)
{
    const char *slash = strchr(word, '/');
    g_autofree char *peer = slash ? g_strndup(word, (gsize)(slash - word)) : NULL;

    pattern->text = word;
    pattern->name = slash ? slash + 1 : word;
    pattern->of_any = !slash;
    pattern->node = peer ? peers_resolve(home, peer, NULL) : NULL;
}

static gboolean
is_named(Home *home, const Pattern *pattern, const Manifest *manifest)
{
    g_autofree char *shown = show_dataset(home, manifest->node, manifest->name);
    gboolean node = pattern->of_any || g_strcmp0(pattern->node, manifest->node) == 0;

    return (node && fnmatch(pattern->name, manifest->name, 0) == 0) || fnmatch(pattern->text, shown, 0) == 0;
}

static const char *
title_of(const Manifest *manifest)
{
    return manifest->title_zh ? manifest->title_zh : manifest->title_en ? manifest->title_en : "";
}

/* What a person must know of it before its title: that it is withdrawn, erased, or not stood by any more (N12).  NULL: nothing. */
static char *
standing_of(Home *home, const Manifest *m)
{
    char *end = stated_end(home, m);
    gint64 disavowed = end ? 0 : show_disavowed(home, m);
    char time[TIME_TEXT_SIZE];

    return disavowed ? g_strdup_printf("disavowed on %s", time_format(disavowed, time)) : end;
}

static json_t *
row_json(Home *home, const Manifest *m)
{
    json_t *row = show_manifest_json(home, m);

    if (show_disavowed(home, m))
        json_object_set_new(row, "disavowed", json_time(show_disavowed(home, m)));
    return row;
}

static void
add_row(Home *home, Table *table, const Manifest *m)
{
    g_autofree char *dataset = show_dataset(home, m->node, m->name);
    g_autofree char *version = g_strdup_printf("@%" G_GUINT64_FORMAT, m->version);
    g_autofree char *files = g_strdup_printf("%s%" G_GUINT64_FORMAT, m->share == SHARE_OPEN ? "" : "~", m->files);
    g_autofree char *bytes = g_strdup_printf("%s%" G_GUINT64_FORMAT, m->share == SHARE_OPEN ? "" : "~", m->bytes);
    g_autofree char *standing = standing_of(home, m);
    const char *held = show_held(home, m);
    char time[TIME_TEXT_SIZE];

    table_add(table, dataset, version, share_format(m->share), *held ? held : "-", files, bytes, time_format(m->time, time), standing ? standing : title_of(m), NULL);
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
    g_auto(Pattern) pattern = { 0 };
    guint count = 0;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 1, error) || !(home = command_home(invocation, error)) ||
        !(catalogue = home_catalogue(home, error)) || !(datasets = catalogue_datasets(catalogue, NULL, error)))
        return FALSE;
    if (argc > 1)
        pattern_read(&pattern, home, argv[1]);
    if (json)
        list = json_array();
    table_align_right(table, 4);
    table_align_right(table, 5);
    for (guint i = 0; i < datasets->len; i++) {
        const Manifest *manifest = g_ptr_array_index(datasets, i);

        if (argc > 1 && !is_named(home, &pattern, manifest))
            continue;
        count++;
        if (json)
            json_array_append_new(list, row_json(home, manifest));
        else
            add_row(home, table, manifest);
    }
    if (json)
        print_json(list);
    else
        table_print(table);
    if (count == 0 && !json && argc > 1)
        fprintf(stderr, "%s: no dataset known here matches\n", argv[1]);
    else if (count == 0 && !json)
        fputs("no datasets are known here yet: `chama publish`, or `chama peer add` and `chama sync`\n", stderr);
    return TRUE;
}
