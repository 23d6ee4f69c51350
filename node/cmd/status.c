/* chama status: what is where and how it is. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "manifests/erasing.h"
#include "manifests/users.h"
#include "node/boxes.h"
#include "node/command.h"
#include "node/contacted.h"
#include "node/in_token.h"
#include "node/print.h"
#include "node/show.h"
#include "node/tied.h"
#include "sync/peers.h"

typedef struct {
    guint64 ledger_size, packs, objects, store_bytes;
    guint datasets, own_datasets, held, erasing;
    gboolean next_key_here;
    InToken next;
} Numbers;

static void
numbers_clear(Numbers *n)
{
    in_token_clear(&n->next);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Numbers, numbers_clear)

static gboolean
count(Home *home, Numbers *n, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    Store *store = catalogue ? home_store(home, error) : NULL;
    State *state = store ? home_state(home, error) : NULL;
    g_autoptr(GPtrArray) datasets = state ? catalogue_datasets(catalogue, NULL, error) : NULL;
    g_autoptr(GArray) held = datasets ? state_all_held(state, error) : NULL;
    g_autofree char *next = home_file(home, "keys/next.key");
    StoreTotals totals;

    if (!held || !in_token_read(home, "keys/next.key", FALSE, &n->next, error) || !erasing_pending(home, &n->erasing, error) || !store_totals(store, &totals, error))
        return FALSE;
    n->ledger_size = ledger_head(home_ledger(home, NULL))->size;
    n->packs = totals.packs;
    n->objects = totals.objects;
    n->store_bytes = totals.pack_bytes;
    n->datasets = datasets->len;
    for (guint i = 0; i < datasets->len; i++)
        n->own_datasets += strcmp(((const Manifest *)g_ptr_array_index(datasets, i))->node, home_id(home)) == 0;
    for (guint i = 0; i < held->len; i++)
        n->held += g_array_index(held, Held, i).complete;
    n->next_key_here = g_file_test(next, G_FILE_TEST_EXISTS) && !n->next.uri;
    return TRUE;
}

/* How far what is held here of a peer's ledger is behind what it last signed. */
static guint64
lag_of(Home *home, const Peer *peer)
{
    guint64 have = catalogue_size(home_catalogue(home, NULL), peer->node);

    return peer->size_seen > have ? peer->size_seen - have : 0;
}

static json_t *
peers_json(Home *home, const GPtrArray *peers)
{
    json_t *list = json_array();

    for (guint i = 0; i < peers->len; i++) {
        const Peer *peer = g_ptr_array_index(peers, i);
        json_t *entry = json_pack("{s:s, s:s, s:I, s:I}", "peer", peer->alias, "node", peer->node, "records",
                                  (json_int_t)catalogue_size(home_catalogue(home, NULL), peer->node), "lag", (json_int_t)lag_of(home, peer));

        contacted_add(home, peer, entry);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *
evidence_json(const GPtrArray *evidence)
{
    json_t *list = json_array();

    for (guint i = 0; i < evidence->len; i++) {
        const Evidence *e = g_ptr_array_index(evidence, i);

        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s}", "node", e->node, "kind", e->kind, "time", json_time(e->time), "evidence", e->text));
    }
    return list;
}

static void
print_peers(Home *home, const GPtrArray *peers)
{
    g_autoptr(Table) table = table_new(4);

    for (guint i = 0; i < peers->len; i++) {
        const Peer *peer = g_ptr_array_index(peers, i);
        g_autofree char *lag = g_strdup_printf("%" G_GUINT64_FORMAT " records behind", lag_of(home, peer));
        g_autofree char *indented = g_strdup_printf("  %s", peer->alias), *contacted = contacted_text(home, peer);
        char time[TIME_TEXT_SIZE] = "never";

        if (peer->last_contact)
            time_format(peer->last_contact, time);
        table_add(table, indented, time, lag, contacted, NULL);
    }
    table_print(table);
}

static void
print_evidence(Home *home, const GPtrArray *evidence)
{
    char time[TIME_TEXT_SIZE];

    for (guint i = 0; i < evidence->len; i++) {
        const Evidence *e = g_ptr_array_index(evidence, i);
        g_autofree char *node = peers_display(home, e->node);

        if (strcmp(e->kind, EVIDENCE_REPUDIATED) == 0) {
            printf("repudiated %s %s: a history of its ledger from before it rotated its keys; it counts for nothing\n", time_format(e->time, time),
                   *node ? node : "this node");
            continue;
        }
        printf("ALARM      %s %s: %s; see `chama evidence`\n", time_format(e->time, time), *node ? node : "this node",
               strcmp(e->kind, EVIDENCE_FORK) == 0 && !*node ? "someone else signs with this node's key: two histories of its ledger are known"
               : strcmp(e->kind, EVIDENCE_FORK) == 0      ? "two histories of its ledger were seen; one at most is held"
               : strcmp(e->kind, EVIDENCE_ROLLBACK) == 0 ? "it showed a shorter ledger than it had signed before"
               : strcmp(e->kind, EVIDENCE_SEEN) == 0     ? "what it showed does not fit what it signed before, but that cannot be proven to others"
               : strcmp(e->kind, EVIDENCE_OWN_FORK) == 0 ? "a peer holds another history of this node's ledger; nothing more is signed"
                                                         : e->kind);
    }
}

static char *
users_text(Home *home, const WithdrawnInUse *in_use)
{
    GString *text = g_string_new(in_use->held ? "held here" : "");

    for (guint i = 0; i < in_use->users->len; i++) {
        g_autofree char *user = show_version(home, g_ptr_array_index(in_use->users, i));

        g_string_append_printf(text, "%s%s was made from it", text->len > 0 ? ", " : "", user);
    }
    return g_string_free(text, FALSE);
}

static void
print_withdrawn(Home *home, const GPtrArray *withdrawn)
{
    char time[TIME_TEXT_SIZE];

    for (guint i = 0; i < withdrawn->len; i++) {
        const WithdrawnInUse *in_use = g_ptr_array_index(withdrawn, i);
        g_autofree char *version = show_version(home, in_use->manifest), *users = users_text(home, in_use);
        g_autofree char *reason = g_strdelimit(g_strdup(in_use->withdrawal->reason), "\n", ' ');

        printf("WITHDRAWN  %s %s: %s (%s)\n", time_format(in_use->withdrawal->time, time), version, reason, users);
    }
}

static json_t *
withdrawn_json(Home *home, const GPtrArray *withdrawn)
{
    json_t *list = json_array();

    for (guint i = 0; i < withdrawn->len; i++) {
        const WithdrawnInUse *in_use = g_ptr_array_index(withdrawn, i);
        g_autofree char *version = show_version(home, in_use->manifest);
        json_t *users = json_array();

        for (guint u = 0; u < in_use->users->len; u++) {
            g_autofree char *user = show_version(home, g_ptr_array_index(in_use->users, u));

            json_array_append_new(users, json_string(user));
        }
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:s, s:b, s:o}", "version", version, "address", json_digest(&in_use->manifest->address), "time",
                                              json_time(in_use->withdrawal->time), "reason", in_use->withdrawal->reason, "held", in_use->held, "users", users));
    }
    return list;
}

/* What the daemon would refuse, or passes over. */
static GPtrArray *
config_problems(Home *home, const Config *config, const GError *wrong)
{
    g_autoptr(GPtrArray) strangers = config ? contacted_strangers(home, config) : g_ptr_array_new();
    GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);

    if (wrong)
        g_ptr_array_add(problems, g_strdup_printf("%s; the daemon does not start with that", wrong->message));
    for (guint i = 0; i < strangers->len; i++)
        g_ptr_array_add(problems, g_strdup_printf("[peer %s]: " STRANGER, (char *)strangers->pdata[i]));
    return problems;
}

static json_t *
problems_json(const GPtrArray *problems)
{
    json_t *list = json_array();

    for (guint i = 0; i < problems->len; i++)
        json_array_append_new(list, json_string(problems->pdata[i]));
    return list;
}

static void
print_text(Home *home, const Numbers *n, const GPtrArray *peers, guint pending, const GPtrArray *evidence, const GPtrArray *withdrawn)
{
    g_autofree char *name = show_node_name(home, home_id(home)), *store = size_display(n->store_bytes);

    printf("node       %s\nname       %s\nhome       %s\n", home_id(home), name, home_path(home));
    printf("ledger     %" G_GUINT64_FORMAT " records\n", n->ledger_size);
    printf("datasets   %u own, %u of other nodes; %u versions held\n", n->own_datasets, n->datasets - n->own_datasets, n->held);
    if (n->erasing)
        printf("erasing    %u erased version%s still in the store; `chama gc` takes %s away\n", n->erasing, n->erasing == 1 ? " is" : "s are",
               n->erasing == 1 ? "it" : "them");
    printf("store      %" G_GUINT64_FORMAT " objects in %" G_GUINT64_FORMAT " packs, %s\n", n->objects, n->packs, store);
    printf("next key   %s\n", n->next_key_here ? "on this machine: keys/next.key should be moved to removable media" : n->next.uri ? n->next.uri : "not on this machine (good)");
    printf("peers      %u, %u pending\n", peers->len, pending);
    print_peers(home, peers);
    print_evidence(home, evidence);
    tied_print_alarms(home, NULL);
    print_withdrawn(home, withdrawn);
}

gboolean
cmd_status(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) peers = NULL, pending = NULL, evidence = NULL, withdrawn = NULL;
    g_autoptr(Config) config = NULL;
    g_autoptr(GPtrArray) boxes = NULL, problems = NULL;
    g_autoptr(Policy) policy = NULL;
    g_autoptr(GError) wrong = NULL;
    g_autofree char *name = NULL;
    g_auto(Numbers) n = { 0 };

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !(home = command_home(invocation, error)) || !count(home, &n, error) ||
        !(peers = peers_all(home, PEER_ACCEPTED, error)) || !(pending = peers_all(home, PEER_PENDING, error)) ||
        !(evidence = state_evidence(home_state(home, error), error)) || !(withdrawn = withdrawn_in_use(home, error)))
        return FALSE;
    config = config_load(invocation->home, &wrong);
    if (config)
        config_policy(home_path(home), NULL, &policy, &wrong);
    problems = config_problems(home, config, wrong);
    boxes = config ? boxes_named(config) : g_ptr_array_new();
    if (!json) {
        print_text(home, &n, peers, pending->len, evidence, withdrawn);
        boxes_print(invocation->home, boxes);
        for (guint i = 0; i < problems->len; i++)
            printf("CONFIG     %s\n", (char *)problems->pdata[i]);
        return TRUE;
    }
    name = show_node_name(home, home_id(home));
    print_json(json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:{s:I, s:I, s:I}, s:b, s:o, s:i, s:o, s:o, s:i, s:o, s:o, s:o}", "node", home_id(home), "name", name, "home", home_path(home),
                         "records", (json_int_t)n.ledger_size, "own_datasets", (int)n.own_datasets, "other_datasets", (int)(n.datasets - n.own_datasets),
                         "versions_held", (int)n.held, "store", "objects", (json_int_t)n.objects, "packs", (json_int_t)n.packs, "bytes", (json_int_t)n.store_bytes,
                         "next_key_here", n.next_key_here, "peers", peers_json(home, peers), "pending", (int)pending->len, "evidence", evidence_json(evidence), "withdrawn", withdrawn_json(home, withdrawn), "erasing", (int)n.erasing, "ties", tied_json(home, NULL, NULL), "boxes", boxes_json(invocation->home, boxes),
                         "config_problems", problems_json(problems)));
    return TRUE;
}
