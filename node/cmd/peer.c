/* chama peer: the nodes that this node knows and trusts to be who they are. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keys/canonical.h"
#include "node/command.h"
#include "node/contacted.h"
#include "node/print.h"
#include "node/tied.h"
#include "sync/invite.h"
#include "sync/known.h"
#include "sync/names.h"
#include "sync/peers.h"
#include "sync/pull.h"

typedef struct {
    char *id, *alias;
    const char *rotation;    /* of `decide`; NULL: list */
    gboolean batch, json, known;
} Options;

static void
fingerprint_of(const char *node, char text[FINGERPRINT_SIZE])
{
    Digest inception;

    node_id_parse(node, &inception, NULL);
    fingerprint_format(&inception, text);
}

static json_t *
peer_json(Home *home, const Peer *peer)
{
    char fingerprint[FINGERPRINT_SIZE];
    json_t *urls = json_array(), *pins = json_array(), *root;

    fingerprint_of(peer->node, fingerprint);
    for (guint i = 0; i < peer->urls->len; i++)
        json_array_append_new(urls, json_string(g_ptr_array_index(peer->urls, i)));
    for (guint i = 0; i < peer->pins->len; i++)
        json_array_append_new(pins, json_digest(&g_array_index(peer->pins, Digest, i)));
    root = json_pack("{s:s, s:s, s:o, s:o}", "node", peer->node, "fingerprint", fingerprint, "urls", urls, "tls", pins);
    json_set_text(root, "peer", peer->alias);
    json_set_text(root, "name", peer->name);
    json_object_set_new(root, "added", json_time(peer->added));
    contacted_add(home, peer, root);
    return root;
}

static void
print_peers(Home *home, const GPtrArray *peers, gboolean json)
{
    json_t *list = json_array();
    g_autoptr(Table) table = table_new(5);

    for (guint i = 0; i < peers->len; i++) {
        const Peer *peer = g_ptr_array_index(peers, i);
        g_autofree char *contacted = peer->status == PEER_ACCEPTED ? contacted_text(home, peer) : g_strdup("waits to be accepted");

        json_array_append_new(list, peer_json(home, peer));
        table_add(table, peer->alias ? peer->alias : "-", peer->node, peer->urls->len ? g_ptr_array_index(peer->urls, 0) : "(dials in)",
                  peer->name ? peer->name : "", contacted, NULL);
    }
    if (json)
        print_json(list);
    else {
        json_decref(list);
        table_print(table);
    }
}

static void
print_added(Home *home, const Peer *peer, const Options *options)
{
    char fingerprint[FINGERPRINT_SIZE];

    if (options->json) {
        print_json(peer_json(home, peer));
        return;
    }
    fingerprint_of(peer->node, fingerprint);
    printf("%s %s\n%s\n", peer->alias, peer->node, fingerprint);
}

/* A person compares the fingerprint by voice; a script names the id that it expects. */
static gboolean
confirm(const Peer *peer, const Options *options, GError **error)
{
    char fingerprint[FINGERPRINT_SIZE], answer[16] = "";
    FILE *terminal;

    fingerprint_of(peer->node, fingerprint);
    if (options->id) {
        if (strcmp(options->id, peer->node) == 0)
            return TRUE;
        return chama_error(error, CHAMA_ERROR_VERIFY, "--id: want %s, the node there is %s", options->id, peer->node);
    }
    terminal = isatty(STDIN_FILENO) ? fopen("/dev/tty", "r+") : NULL;
    if (!terminal)
        return chama_error(error, CHAMA_ERROR_DENIED, "the node there is %s (%s): without a terminal to ask at, give --id with the id that its people told you",
                           peer->node, fingerprint);
    fprintf(terminal, "%s says it is \"%s\"\nnode id      %s\nfingerprint  %s\nDid its people tell you this fingerprint? [y/N] ",
            peer->urls->len ? (char *)g_ptr_array_index(peer->urls, 0) : "its profile", peer->name ? peer->name : "", peer->node, fingerprint);
    fflush(terminal);
    if (!fgets(answer, sizeof answer, terminal))
        answer[0] = 0;
    fclose(terminal);
    return answer[0] == 'y' || answer[0] == 'Y' || chama_error(error, CHAMA_ERROR_DENIED, "not added");
}

static gboolean
refuse_word(const char *word, GError **error)
{
    return chama_error(error, CHAMA_ERROR_USAGE, "%s: want the line that `chama invite` prints (chama://...), an address https://HOST:PORT or ssh://[USER@]HOST[:PORT][/PATH], or a node of `chama peer ls --known`, which is no peer yet; have something else", word);
}

/* Before anyone is asked. */
static gboolean
check_words(const Options *options, const char *word, GError **error)
{
    if (options->id && !node_id_valid(options->id))
        return chama_error(error, CHAMA_ERROR_USAGE, "--id: want a node id of 52 characters, have %s", options->id);
    if (strchr(word, '/') && !invite_looks_like(word) && !transport_reaches(word))
        return refuse_word(word, error);
    return TRUE;
}

/* PE7: that it is the node which is meant a person says, as of one at an address.  What is not spelt as the name of one node is no such word at all. */
static Peer *
find_known(Home *home, const char *word, GError **error)
{
    GError *failed = NULL;
    g_autoptr(KnownNode) known = known_find(home, word, &failed);

    if (known)
        return g_steal_pointer(&known->peer);
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND) && !strchr(word, '~') && !node_id_valid(word)) {
        g_error_free(failed);
        refuse_word(word, error);
    } else {
        g_propagate_error(error, failed);
    }
    return NULL;
}

static Peer *
meet(Home *home, const char *word, GError **error)
{
    if (invite_looks_like(word))
        return invite_parse(word, error);
    return strchr(word, '/') ? pull_introduce(home, word, error) : find_known(home, word, error);
}

static gboolean
peer_add(Home *home, const Options *options, const char *word, GError **error)
{
    if (!check_words(options, word, error))
        return FALSE;
    g_autoptr(Peer) peer = meet(home, word, error);

    if (!peer && invite_looks_like(word))
        command_blame_usage(error);
    if (!peer || (!invite_looks_like(word) && !confirm(peer, options, error)))
        return FALSE;
    if (invite_looks_like(word) && options->id && strcmp(options->id, peer->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "--id: want %s, the invite is from %s", options->id, peer->node);
    if (strcmp(peer->node, home_id(home)) == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "that is this node itself");
    if (options->alias)
        g_free(peer->alias), peer->alias = g_strdup(options->alias);
    if (!peers_accept(home, peer, error) || (options->alias && !peers_rename(home, peer->node, options->alias, error)))
        return FALSE;
    if (transport_reaches(word) && !peers_keep_first(home, peer->node, word, error))
        return FALSE;
    if (options->alias)
        g_free(peer->alias), peer->alias = g_strdup(options->alias);
    print_added(home, peer, options);
    return TRUE;
}

static gboolean
peer_list(Home *home, const Options *options, PeerStatus status, GError **error)
{
    g_autoptr(GPtrArray) peers = peers_all(home, status, error);

    if (!peers)
        return FALSE;
    if (peers->len == 0 && !options->json)
        fputs(status == PEER_ACCEPTED ? "no peers yet: exchange invites (`chama invite`, `chama peer add`)\n" : "nobody is waiting\n", stderr);
    print_peers(home, peers, options->json);
    return TRUE;
}

/* What a stranger calls itself, fit for a terminal: "Forestry, Provincial Bureau, S02, 530000". */
static char *
describe(const KnownNode *known)
{
    const Profile *profile = known->profile;
    const char *const parts[] = { known->peer->name, profile->organisation, profile->sector, profile->division };
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i] && *parts[i])
            g_string_append_printf(text, "%s%s", text->len ? ", " : "", parts[i]);
    return name_printable(text->str, text->len, PEER_NAME_MAX);
}

static char *
name_introducers(Home *home, const KnownNode *known)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < known->introducers->len; i++) {
        g_autofree char *name = peers_display(home, known->introducers->pdata[i]);

        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", name);
    }
    return g_strdup(text->len ? text->str : "-");
}

static json_t *
known_json(Home *home, const KnownNode *known)
{
    json_t *root = peer_json(home, known->peer), *introducers = json_array();

    for (guint i = 0; i < known->introducers->len; i++) {
        g_autofree char *name = peers_display(home, known->introducers->pdata[i]);

        json_array_append_new(introducers, json_string(name));
    }
    json_object_del(root, "added");
    json_object_set_new(root, "known_as", json_string(known->word));
    json_set_text(root, "organisation", known->profile->organisation);
    json_set_text(root, "sector", known->profile->sector);
    json_set_text(root, "division", known->profile->division);
    json_object_set_new(root, "introduced_by", introducers);
    return root;
}

static void
print_known(Home *home, const GPtrArray *all)
{
    g_autoptr(Table) table = table_new(5);

    for (guint i = 0; i < all->len; i++) {
        const KnownNode *known = all->pdata[i];
        g_autofree char *words = describe(known), *introducers = name_introducers(home, known);

        table_add(table, known->word, known->peer->node, known->peer->urls->len ? known->peer->urls->pdata[0] : "(dials in)", introducers, words, NULL);
    }
    table_print(table);
}

/* PE7 */
static gboolean
peer_list_known(Home *home, const Options *options, GError **error)
{
    g_autoptr(GPtrArray) all = known_all(home, error);
    json_t *list;

    if (!all)
        return FALSE;
    if (!options->json) {
        if (all->len == 0)
            fputs("no peer has brought word of another node yet\n", stderr);
        print_known(home, all);
        return TRUE;
    }
    list = json_array();
    for (guint i = 0; i < all->len; i++)
        json_array_append_new(list, known_json(home, all->pdata[i]));
    print_json(list);
    return TRUE;
}

static gboolean
peer_ls(Home *home, const Options *options, const char *word, GError **error)
{
    if (options->known)
        return peer_list_known(home, options, error);
    return peer_list(home, options, PEER_ACCEPTED, error);
}

static gboolean
peer_pending(Home *home, const Options *options, const char *word, GError **error)
{
    return peer_list(home, options, PEER_PENDING, error);
}

static gboolean
refuse_accepting(Home *home, const char *word, GError **error)
{
    g_autofree char *node = peers_resolve(home, word, NULL);
    g_autoptr(Peer) peer = node ? peers_get(home, node, NULL) : NULL;

    if (peer && peer->status == PEER_ACCEPTED)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: is an accepted peer already", word);
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no node that waits has this id; want the id, or 8 or more characters of its beginning, as `chama peer pending` shows it "
                       "(a node waits here once it has called)", word);
}

static gboolean
peer_accept(Home *home, const Options *options, const char *word, GError **error)
{
    g_autoptr(GPtrArray) pending = peers_all(home, PEER_PENDING, error);
    Peer *found = NULL;

    if (!pending)
        return FALSE;
    for (guint i = 0; i < pending->len; i++) {
        Peer *peer = g_ptr_array_index(pending, i);

        if (strcmp(peer->node, word) != 0 && !(strlen(word) >= 8 && g_str_has_prefix(peer->node, word)))
            continue;
        if (found)
            return chama_error(error, CHAMA_ERROR_USAGE, "%s: several pending nodes begin so; give more of the id", word);
        found = peer;
    }
    if (!found)
        return refuse_accepting(home, word, error);
    if (options->alias)
        g_free(found->alias), found->alias = g_strdup(options->alias);
    if (!peers_accept(home, found, error))
        return FALSE;
    print_added(home, found, options);
    return TRUE;
}

static gboolean
peer_remove(Home *home, const Options *options, const char *word, GError **error)
{
    g_autofree char *node = peers_resolve(home, word, error);

    if (!node || !peers_remove(home, node, error))
        return FALSE;
    if (options->json)
        print_json(json_pack("{s:s}", "removed", node));
    else
        printf("removed %s; its ledger and what is held of it stay, patterns that follow it too (`chama follow` lists them)\n", word);
    return TRUE;
}

/* N16 */
static gboolean
peer_decide(Home *home, const Options *options, const char *word, GError **error)
{
    g_autofree char *node = peers_resolve(home, word, error);
    json_t *list;

    if (!node || !home_catalogue(home, error))
        return FALSE;
    if (options->rotation && !tied_decide(home, node, options->rotation, error))
        return FALSE;
    if (!options->json)
        return options->rotation || tied_print(home, node, error);
    list = tied_json(home, node, error);
    if (list)
        print_json(list);
    return list != NULL;
}

static Home *
open_home(const Invocation *invocation, const Options *options, GError **error)
{
    Home *home = command_home(invocation, error);

    if (options->batch)
        command_batch();
    return home;
}

gboolean
cmd_peer(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "id", 0, 0, G_OPTION_ARG_STRING, &o.id, "the node id to expect at URL", "ID" },
        { "alias", 0, 0, G_OPTION_ARG_STRING, &o.alias, "the name by which commands here know it", "NAME" },
        { "batch", 0, 0, G_OPTION_ARG_NONE, &o.batch, "ask nothing about ssh:// addresses: a host whose key is not known is refused", NULL },
        { "known", 0, 0, G_OPTION_ARG_NONE, &o.known, "ls: nodes that peers brought word of and nobody here has accepted", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    static const struct {
        const char *name;
        int words;
        gboolean (*run)(Home *home, const Options *options, const char *word, GError **error);
    } verbs[] = { { "add", 1, peer_add }, { "ls", 0, peer_ls }, { "pending", 0, peer_pending }, { "accept", 1, peer_accept }, { "rm", 1, peer_remove },
                  { "decide", 1, peer_decide }, { "decide", 2, peer_decide } };
    g_autoptr(Home) home = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 3, error))
        return FALSE;
    o.rotation = argc > 3 ? argv[3] : NULL;
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 == verbs[i].words)
            return (home = open_home(invocation, &o, error)) && verbs[i].run(home, &o, argv[2], error);
    }
    return chama_error(error, CHAMA_ERROR_USAGE, "peer: want `add INVITE|URL|NODE`, `ls [--known]`, `pending`, `accept ID`, `rm PEER` or `decide PEER [ROTATION]`; see `chama peer --help`");
}
