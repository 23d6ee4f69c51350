/* chama sync: copy peers' ledgers, then the content that is followed and allowed. */
#include <stdio.h>
#include <string.h>

#include "node/command.h"
#include "node/config.h"
#include "node/contacted.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/rounds.h"
#include "sync/asking.h"
#include "sync/peer.h"
#include "sync/peers.h"
#include "sync/pull/givers.h"

typedef struct {
    gboolean dry_run, batch, json;
    char *rate;
    const Policy *policy;
    Limits *limits;
} Options;

static void
talk(gpointer data, const char *line)
{
    fprintf(stderr, "%s\n", line);
}

/* PU44 */
static json_t *
givers_json(const GPtrArray *givers)
{
    json_t *list = json_array();

    for (guint i = 0; givers && i < givers->len; i++) {
        const Giver *giver = givers->pdata[i];
        json_t *object = json_pack("{s:s}", "node", giver->node);

        json_set_text(object, "alias", giver->alias);
        json_object_set_new(object, "chunks", json_integer((json_int_t)giver->chunks));
        json_object_set_new(object, "bytes", json_integer((json_int_t)giver->bytes));
        json_object_set_new(object, "dropped", json_boolean(giver->dropped != NULL));
        json_set_text(object, "reason", giver->dropped);
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *
result_json(const Peer *peer, const PullResult *result, const GError *failed)
{
    json_t *problems = json_array(), *alarms = json_array();
    json_t *root;

    for (guint i = 0; result->problems && i < result->problems->len; i++)
        json_array_append_new(problems, json_string(g_ptr_array_index(result->problems, i)));
    for (guint i = 0; result->alarms && i < result->alarms->len; i++)
        json_array_append_new(alarms, json_string(g_ptr_array_index(result->alarms, i)));
    root = json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "peer", peer->alias, "node", peer->node, "answered", failed == NULL,
                     "records", (json_int_t)result->records, "versions", (json_int_t)result->versions, "chunks", (json_int_t)result->chunks, "bytes",
                     (json_int_t)result->bytes, "wire_bytes", (json_int_t)result->wire_bytes, "requests", (json_int_t)result->requests, "refused",
                     (json_int_t)result->refused, "wanted_chunks", (json_int_t)result->wanted_chunks, "wanted_bytes", (json_int_t)result->wanted_bytes,
                     "problems", problems);
    json_object_set_new(root, "alarms", alarms);
    json_object_set_new(root, "sources", givers_json(result->givers));
    json_set_text(root, "error", failed ? failed->message : NULL);
    return root;
}

/* What is followed and did not come: a person would wait for it in vain. */
static void
print_refused(const Peer *peer, const PullResult *result)
{
    if (result->refused > 0)
        fprintf(stderr, "%s: %" G_GUINT64_FORMAT " followed version%s not given: no grant for this node is in force (`chama grants`), or %s does not hold %s\n",
                peer->alias, result->refused, result->refused == 1 ? " was" : "s were", peer->alias, result->refused == 1 ? "it" : "them");
}

static void
print_result(const Peer *peer, const PullResult *result, const GError *failed, const Options *options)
{
    g_autofree char *bytes = size_display(result->bytes), *wanted = size_display(result->wanted_bytes);

    if (failed) {
        fprintf(stderr, "chama: %s: %s\n", peer->alias, failed->message);
        return;
    }
    if (options->dry_run)
        printf("%s: would fetch %" G_GUINT64_FORMAT " chunks, %" G_GUINT64_FORMAT " bytes before compression (%s)\n", peer->alias, result->wanted_chunks, result->wanted_bytes, wanted);
    else if (result->records || result->versions || result->chunks)
        printf("%s: %" G_GUINT64_FORMAT " new records, %" G_GUINT64_FORMAT " versions, %" G_GUINT64_FORMAT " chunks fetched, %" G_GUINT64_FORMAT " bytes (%s)\n",
               peer->alias, result->records, result->versions, result->chunks, result->bytes, bytes);
    else
        printf("%s: nothing new\n", peer->alias);
    print_refused(peer, result);
    for (guint i = 0; result->problems && i < result->problems->len; i++)
        fprintf(stderr, "chama: %s: %s\n", peer->alias, (char *)g_ptr_array_index(result->problems, i));
}

/* What the whole command ends with. */
typedef struct {
    guint asked, answered;
    int worst;
    json_t *list;
    gboolean strange_key;    /* of the last peer: it showed a TLS key that is not pinned here, or another thing that does not verify */
} Outcome;

/* A person's word, in place of whose turn it was to hear it. */
static void
say_stopped(GError **failed)
{
    if (g_error_matches(*failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_clear_error(failed);
        chama_error(failed, CHAMA_ERROR_CANCELLED, "sync: stopped; the next sync goes on from there");
    }
}

static gboolean
sync_one(Home *home, Peer *peer, const Options *options, const Config *config, gboolean named, Outcome *outcome)
{
    Progress progress = { 0 };
    PullOptions pull;
    PullResult result = { 0 };
    g_autoptr(GError) failed = NULL;
    Meter *meter;

    rounds_pull_options(config, &pull);
    pull.dry_run = options->dry_run;
    pull.policy = options->policy;
    pull.limits = options->limits;
    /* A person who asks wants an answer now, also where one was refused a while ago. */
    pull.retry_after = 0;
    pull.patient = TRUE;
    pull.interval = config_interval(config, peer->alias);
    pull.progress = &progress;
    pull.talk = options->json ? NULL : talk;
    meter = meter_start(peer->alias, &progress);
    /* Nothing failed: it is not for us to begin. */
    if (peer->urls->len == 0)
        chama_error(&failed, CHAMA_ERROR_UNREACHABLE, "no address is known for it: it comes to us");
    else
        pull_peer(home, peer, &pull, &result, &failed);
    meter_stop(meter);
    say_stopped(&failed);
    if (options->json)
        json_array_append_new(outcome->list, result_json(peer, &result, failed));
    else
        print_result(peer, &result, failed, options);
    outcome->strange_key = g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    if (!failed)
        outcome->answered++;
    if (failed && (named || !g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE)))
        outcome->worst = MAX(outcome->worst, chama_error_exit_status(failed));
    outcome->worst = MAX(outcome->worst, result.worst_exit);
    pull_result_clear(&result);
    return !g_atomic_int_get(&progress.cancelled);
}

/* PE5: of a peer whose TLS key was strange another one may have brought the profile that names it. */
static gboolean
has_news_of(Home *home, const Peer *before)
{
    g_autoptr(Peer) now = peers_get(home, before->node, NULL);

    return now && !peer_same_introduction(now, before);
}

/* All in turn, then once more those whose key was strange and is known now.  FALSE if a person stopped it. */
static gboolean
sync_all(Home *home, const GPtrArray *peers, const Options *options, const Config *config, gboolean named, Outcome *outcome)
{
    g_autoptr(GPtrArray) strange = g_ptr_array_new();

    for (guint i = 0; i < peers->len; i++) {
        const Peer *peer = peers->pdata[i];
        int before = outcome->worst;

        if (!named && peer->urls->len == 0)
            continue;
        outcome->asked++;
        if (!sync_one(home, peers->pdata[i], options, config, named, outcome))
            return FALSE;
        if (outcome->strange_key) {
            g_ptr_array_add(strange, peers->pdata[i]);
            outcome->worst = before;
        }
    }
    for (guint i = 0; i < strange->len; i++) {
        if (!has_news_of(home, strange->pdata[i]))
            outcome->worst = MAX(outcome->worst, EXIT_VERIFY);
        else if (!sync_one(home, strange->pdata[i], options, config, named, outcome))
            return FALSE;
    }
    return TRUE;
}

static GPtrArray *
peers_to_ask(Home *home, char **words, GError **error)
{
    g_autoptr(GPtrArray) peers = NULL;

    if (!*words)
        return peers_all(home, PEER_ACCEPTED, error);
    peers = g_ptr_array_new_with_free_func((GDestroyNotify)peer_free);
    for (; *words; words++) {
        g_autofree char *node = peers_resolve(home, *words, error);
        Peer *peer = node ? peers_get(home, node, error) : NULL;

        if (peer && peer->status != PEER_ACCEPTED) {
            peer_free(peer);
            return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: not an accepted peer; see `chama peer ls`", *words);
        }
        if (!peer)
            return NULL;
        g_ptr_array_add(peers, peer);
    }
    return g_steal_pointer(&peers);
}

static void
tell_of_witness(const Asked *asked, const Options *options, json_t *list)
{
    json_t *object;

    if (options->json) {
        object = json_pack("{s:s, s:b}", "witness", asked->name, "cosigned", asked->error == NULL);
        if (!asked->error)
            json_object_set_new(object, "size", json_integer((json_int_t)asked->size));
        json_set_text(object, "error", asked->error ? asked->error->message : NULL);
        json_array_append_new(list, object);
    } else if (asked->error)
        fprintf(stderr, "chama: witness %s: %s\n", asked->name, asked->error->message);
    else
        printf("witness %s: cosigned the %" G_GUINT64_FORMAT " records of this node\n", asked->name, asked->size);
}

/* W20: a witness that does not cosign is told of, and is no failure of the sync; a policy that cannot be read is. */
static void
ask_witnesses(Home *home, const Invocation *invocation, const Options *options, Outcome *outcome)
{
    g_autoptr(Policy) policy = NULL;
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GError) failed = NULL;

    if (config_policy(invocation->home, NULL, &policy, &failed) && policy)
        all = asking_all(home, policy, TRUE, NULL, &failed);
    for (guint i = 0; all && i < all->len; i++)
        tell_of_witness(all->pdata[i], options, outcome->list);
    if (!failed)
        return;
    fprintf(stderr, "chama: witnesses: %s\n", failed->message);
    outcome->worst = MAX(outcome->worst, chama_error_exit_status(failed));
}

/* PU50: what is said here holds for this command alone, above what the configuration says of single peers. */
static Limits *
limits_for(Config *config, const char *rate, GError **error)
{
    if (rate && !rate_parse(rate, &config->rate, error)) {
        g_prefix_error(error, "--limit-rate: ");
        return NULL;
    }
    return config_limits(config, FALSE);
}

gboolean
cmd_sync(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &o.dry_run, "bring ledgers and listings up to date, and only count the content that would be fetched", NULL },
        { "limit-rate", 0, 0, G_OPTION_ARG_STRING, &o.rate, "fetch no more than that many bytes a second (500K, 10M, none; also by hours)", "RATE" },
        { "batch", 0, 0, G_OPTION_ARG_NONE, &o.batch, "ask nothing about ssh:// addresses: a host whose key is not known is refused", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Config) config = NULL;
    g_autoptr(Limits) limits = NULL;
    g_autoptr(Policy) policy = NULL;
    g_autoptr(GPtrArray) peers = NULL;
    Outcome outcome = { 0 };

    if (!command_parse(invocation, &argc, &argv, entries, 0, -1, error) || !(home = command_home(invocation, error)) ||
        !(config = config_load(invocation->home, error)) || !(limits = limits_for(config, o.rate, error)) || !config_policy(home_path(home), NULL, &policy, error) || !(peers = peers_to_ask(home, argv + 1, error)))
        return FALSE;
    if (o.batch)
        command_batch();
    contacted_warn(home, config);
    o.policy = policy;
    o.limits = limits;
    outcome.list = json_array();
    if (peers->len == 0 && !o.json)
        fprintf(stderr, "no peers yet: exchange invites (`chama invite`, `chama peer add`)\n");
    if (sync_all(home, peers, &o, config, argc > 1, &outcome) && !o.dry_run)
        ask_witnesses(home, invocation, &o, &outcome);
    if (o.json)
        print_json(json_incref(outcome.list));
    json_decref(outcome.list);
    *status = outcome.worst ? outcome.worst : outcome.answered == 0 && outcome.asked > 0 ? EXIT_UNREACHABLE : EXIT_DONE;
    return TRUE;
}
