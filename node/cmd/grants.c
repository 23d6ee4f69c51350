/* chama grants: grants, given and received. */
#include <stdio.h>

#include "keys/canonical.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "sync/peers.h"

static const char *
grant_standing(const GrantRow *row)
{
    if (row->revoked)
        return "revoked";
    return row->grant.until <= g_get_real_time() / G_USEC_PER_SEC ? "ended" : "in force";
}

static json_t *
grant_json(Home *home, const GrantRow *row)
{
    g_autofree char *dataset = show_dataset(home, row->grant.owner, row->grant.name), *grantee = peers_display(home, row->grant.grantee);

    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:s, s:o}", "dataset", dataset, "grantee", row->grant.grantee, "peer", grantee, "time", json_time(row->time),
                     "until", json_time(row->grant.until), "sealed", row->sealed, "standing", grant_standing(row), "record", json_digest(&row->record));
}

gboolean
cmd_grants(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) grants = NULL;
    g_autoptr(Table) table = table_new(5);
    json_t *list;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error) ||
        !(grants = catalogue_grants(home_catalogue(home, error), NULL, NULL, NULL, error)))
        return FALSE;
    list = json_array();
    for (guint i = 0; i < grants->len; i++) {
        const GrantRow *row = g_ptr_array_index(grants, i);
        g_autofree char *dataset = show_dataset(home, row->grant.owner, row->grant.name), *grantee = peers_display(home, row->grant.grantee);
        char until[TIME_TEXT_SIZE];

        table_add(table, dataset, *grantee ? grantee : "this node", time_format(row->grant.until, until), grant_standing(row), row->sealed ? "sealed" : "public", NULL);
        json_array_append_new(list, grant_json(home, row));
    }
    if (json)
        print_json(list);
    else {
        json_decref(list);
        table_print(table);
        if (grants->len == 0)
            fputs("no grants, given or received\n", stderr);
    }
    return TRUE;
}
