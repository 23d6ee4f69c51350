/* chama receipts: who delivered what to whom, who received it, and who owes what. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "sync/peers.h"
#include "sync/receipts.h"

typedef struct {
    gboolean unmatched, json;
    DatasetName name;      /* node empty: any */
} Options;

static gboolean
read_name(Home *home, const char *word, DatasetName *name, GError **error)
{
    if (!peers_parse_dataset(home, word, name, error))
        return FALSE;
    return !*name->version || chama_error(error, CHAMA_ERROR_USAGE, "%s: want a dataset without @VERSION: all of its versions are listed", word);
}

static gboolean
is_wanted(const Options *o, const Handover *h)
{
    if (o->unmatched && (h->standing == HANDOVER_MATCHED || h->standing == HANDOVER_WITHHELD))
        return FALSE;
    return !o->name.node[0] || (strcmp(o->name.node, h->subject.node) == 0 && strcmp(o->name.name, h->subject.name) == 0);
}

static char *
node_name(Home *home, const char *node)
{
    g_autofree char *shown = peers_display(home, node);

    return g_strdup(*shown ? shown : "this node");
}

static char *
version_name(Home *home, const Subject *subject)
{
    g_autofree char *dataset = show_dataset(home, subject->node, subject->name);

    return g_strdup_printf("%s@%" G_GUINT64_FORMAT, dataset, subject->version);
}

static const char *
side_time(const HandoverSide *side, char text[TIME_TEXT_SIZE])
{
    return side->stated ? time_format(side->time, text) : "-";
}

static void
add_row(Home *home, Table *table, const Handover *h)
{
    g_autofree char *version = version_name(home, &h->subject), *provider = node_name(home, h->provider), *receiver = node_name(home, h->receiver);
    const char *owing = handover_owed_by(h);
    g_autofree char *owed_by = owing ? node_name(home, owing) : NULL, *by = owed_by ? g_strconcat("by ", owed_by, NULL) : NULL;
    char delivered[TIME_TEXT_SIZE], received[TIME_TEXT_SIZE], since[TIME_TEXT_SIZE];
    g_autofree char *first = h->since ? g_strdup_printf("(%s)", time_format(h->since, since)) : NULL;

    table_add(table, version, provider, "->", receiver, first ? first : side_time(&h->delivery, delivered), side_time(&h->receipt, received),
              handover_standing_name(h->standing), by ? by : "", NULL);
}

static void
set_side(json_t *object, const char *name, const HandoverSide *side)
{
    if (side->stated)
        json_object_set_new(object, name, json_pack("{s:o, s:I, s:o}", "record", json_digest(&side->record), "seq", (json_int_t)side->seq, "time", json_time(side->time)));
}

static json_t *
handover_json(Home *home, const Handover *h)
{
    static const Digest none;
    g_autofree char *version = version_name(home, &h->subject);
    json_t *object = json_pack("{s:s, s:o, s:s, s:s, s:s}", "version", version, "manifest", json_digest(&h->subject.manifest), "provider", h->provider, "receiver", h->receiver,
                               "standing", handover_standing_name(h->standing));

    json_set_text(object, "owed_by", handover_owed_by(h));
    json_set_text(object, "transfer", *h->transfer.text ? h->transfer.text : NULL);
    if (!digest_equal(&h->grant, &none))
        json_object_set_new(object, "grant", json_digest(&h->grant));
    set_side(object, "delivery", &h->delivery);
    set_side(object, "receipt", &h->receipt);
    if (h->since)
        json_object_set_new(object, "since", json_time(h->since));
    return object;
}

static void
print_all(Home *home, const Options *o, const GArray *all)
{
    g_autoptr(Table) table = table_new(8);
    json_t *list = json_array();

    for (guint i = 0; i < all->len; i++) {
        const Handover *h = &g_array_index(all, Handover, i);

        if (!is_wanted(o, h))
            continue;
        add_row(home, table, h);
        json_array_append_new(list, handover_json(home, h));
    }
    if (json_array_size(list) == 0 && !o->json)
        fputs(o->unmatched ? "nothing is owed, as far as is known here\n" : "no deliveries or receipts are known here\n", stderr);
    if (o->json) {
        print_json(list);
        return;
    }
    json_decref(list);
    table_print(table);
}

gboolean
cmd_receipts(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "unmatched", 0, 0, G_OPTION_ARG_NONE, &o.unmatched, "only what is missing or contradicts", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(GArray) all = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 1, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error) ||
        (argc > 1 && !read_name(home, argv[1], &o.name, error)) || !(all = receipts_all(home, error)))
        return FALSE;
    print_all(home, &o, all);
    return TRUE;
}
