/* chama push: a peer that cannot dial this node is offered what it follows, along a connection that this node opens. */
#include <stdio.h>
#include <string.h>

#include "node/command.h"
#include "node/config.h"
#include "node/leaving.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/pushing.h"
#include "sync/dropbox/place.h"

typedef struct {
    gboolean batch, json, all;
    char *rate, *receiver, *since, *volumes;
} Options;

static void
print_result(const Peer *peer, const Pushed *pushed)
{
    g_autofree char *bytes = size_display(pushed->bytes);

    if (pushed->records || pushed->versions || pushed->chunks)
        printf("%s: took %" G_GUINT64_FORMAT " records, %" G_GUINT64_FORMAT " versions, %" G_GUINT64_FORMAT " chunks, %" G_GUINT64_FORMAT " bytes (%s)\n", peer->alias, pushed->records,
               pushed->versions, pushed->chunks, pushed->bytes, bytes);
    else
        printf("%s: had all that it wants already\n", peer->alias);
    if (pushed->refused > 0)
        fprintf(stderr, "%s: %" G_GUINT64_FORMAT " versions that it follows were not given: it has no grant of them in force, or they are not held here\n", peer->alias, pushed->refused);
    if (pushed->problems > 0)
        fprintf(stderr, "chama: %s: %" G_GUINT64_FORMAT " problems with single ledgers or versions: its own log says which\n", peer->alias, pushed->problems);
}

static void
print_as_json(const Peer *peer, const Pushed *pushed, const GError *failed)
{
    json_t *root = json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "peer", peer->alias, "node", peer->node, "answered", failed == NULL, "records",
                             (json_int_t)pushed->records, "versions", (json_int_t)pushed->versions, "chunks", (json_int_t)pushed->chunks, "bytes", (json_int_t)pushed->bytes,
                             "refused", (json_int_t)pushed->refused, "problems", (json_int_t)pushed->problems);

    json_set_text(root, "error", failed ? failed->message : NULL);
    print_json(root);
}

static Peer *
find_peer(Home *home, const char *word, GError **error)
{
    g_autofree char *node = peers_resolve(home, word, error);
    g_autoptr(Peer) peer = node ? peers_get(home, node, error) : NULL;

    if (peer && peer->status != PEER_ACCEPTED)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: not an accepted peer; see `chama peer ls`", word);
    return g_steal_pointer(&peer);
}

/* PU50: what is said here holds for this command alone. */
static Limits *
limits_for(Config *config, const char *rate, GError **error)
{
    if (rate && !rate_parse(rate, &config->serve_rate, error)) {
        g_prefix_error(error, "--limit-rate: ");
        return NULL;
    }
    return config_limits(config, TRUE);
}

static gboolean
check_words(const Options *o, int argc, char **argv, GError **error)
{
    if (place_is(argv[1]) && o->since && !o->receiver)
        return chama_error(error, CHAMA_ERROR_USAGE, "--since: want it with --for PEER, for whom FILE was, or who wrote it");
    if (place_is(argv[1]))
        return !o->rate || chama_error(error, CHAMA_ERROR_USAGE, "--limit-rate: want it with a PEER, have a folder");
    if (argc > 2 || o->receiver || o->all || o->since || o->volumes)
        return chama_error(error, CHAMA_ERROR_USAGE, "push: want one PEER; NAME, --for, --all, --since and --volumes are for a folder (./DIR or sftp://...), have %s", argv[1]);
    return TRUE;
}

static gboolean
leave(Home *home, const char *address, const Options *o, char **names, GError **error)
{
    LeavingWords words = { .peer = o->receiver, .since = o->since, .names = names, .whole = o->all, .json = o->json };

    return (!o->volumes || command_parse_size("--volumes", o->volumes, &words.volume_max, error)) && leaving_push(home, address, &words, error);
}

gboolean
cmd_push(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "limit-rate", 0, 0, G_OPTION_ARG_STRING, &o.rate, "send no more than that many bytes a second (500K, 10M, none; also by hours)", "RATE" },
        { "batch", 0, 0, G_OPTION_ARG_NONE, &o.batch, "ask nothing about ssh:// addresses: a host whose key is not known is refused", NULL },
        { "for", 0, 0, G_OPTION_ARG_STRING, &o.receiver, "to a folder: for this peer, encrypted to it unless everyone may have it (for everyone)", "PEER" },
        { "all", 0, 0, G_OPTION_ARG_NONE, &o.all, "to a folder: also what was left there before", NULL },
        { "since", 0, 0, G_OPTION_ARG_FILENAME, &o.since, "to a folder, with --for: without what that peer holds by this earlier bundle, made here for it, or by it (a receipt)", "FILE" },
        { "volumes", 0, 0, G_OPTION_ARG_STRING, &o.volumes, "to a folder: in files of at most this size (256M; below 20M one may be larger)", "SIZE" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Config) config = NULL;
    g_autoptr(Limits) limits = NULL;
    g_autoptr(Peer) peer = NULL;
    g_autoptr(GError) failed = NULL;
    Progress progress = { 0 };
    Pushed pushed = { 0 };
    Meter *meter;

    if (!command_parse(invocation, &argc, &argv, entries, 1, -1, error) || !check_words(&o, argc, argv, error) || !(home = command_home(invocation, error)))
        return FALSE;
    if (o.batch)
        command_batch();
    if (place_is(argv[1]))
        return leave(home, argv[1], &o, argv + 2, error);
    if (!(config = config_load(invocation->home, error)) ||
        !(limits = limits_for(config, o.rate, error)) || !(peer = find_peer(home, argv[1], error)))
        return FALSE;
    meter = meter_start(peer->alias, &progress);
    pushing_run(home, peer, config, limits, &progress, &pushed, &failed);
    meter_stop(meter);
    if (o.json)
        print_as_json(peer, &pushed, failed);
    else if (!failed || pushed.records || pushed.chunks)
        print_result(peer, &pushed);
    *status = (int)pushed.exit_status;
    if (!failed)
        return TRUE;
    *status = chama_error_exit_status(failed);
    if (!o.json)
        fprintf(stderr, "chama: %s: %s\n", peer->alias, failed->message);
    return TRUE;
}
