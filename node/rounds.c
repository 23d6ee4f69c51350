#include "node/rounds.h"

#include "manifests/anchoring.h"
#include "sync/asking.h"
#include "sync/peers.h"

#define UPKEEP 3600   /* seconds; what is due daily is looked for that often, however seldom or never peers are synced with */

struct Rounds {
    char *home;
    guint interval;
    PullOptions options;
    Limits *limits;
    Policy *policy;
    Journal *journal;
    Progress progress;
    GMutex lock;
    GCond stop;
    gboolean stopped;
    GThread *thread;
};

/* For the talk of one sync. */
typedef struct {
    Journal *journal;
    const char *peer;
} Talk;

void
rounds_pull_options(const Config *config, PullOptions *options)
{
    pull_options_defaults(options);
    options->ledgers_max = config->ledgers_max;
    options->records_max = config->records_max;
    options->ledger_bytes_max = config->ledger_bytes_max;
    options->peer_bytes_max = config->peer_bytes_max;
    options->reserve = config->reserve;
    options->slowest = config->slowest;
}

static void
talk(gpointer data, const char *line)
{
    const Talk *t = data;

    journal_write(t->journal, "sync", "peer", t->peer, "message", line, NULL);
}

static void
log_result(const Rounds *rounds, const Peer *peer, const PullResult *result, const GError *failed)
{
    g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, result->records), *versions = g_strdup_printf("%" G_GUINT64_FORMAT, result->versions);
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, result->bytes);

    for (guint i = 0; result->alarms && i < result->alarms->len; i++)
        journal_write(rounds->journal, "ALARM", "peer", peer->alias, "evidence", g_ptr_array_index(result->alarms, i), NULL);
    for (guint i = 0; result->problems && i < result->problems->len; i++)
        journal_write(rounds->journal, "sync", "peer", peer->alias, "problem", g_ptr_array_index(result->problems, i), NULL);
    if (failed)
        journal_write(rounds->journal, "sync", "peer", peer->alias, "error", failed->message, NULL);
    else if (result->records || result->versions || result->bytes)
        journal_write(rounds->journal, "sync", "peer", peer->alias, "records", records, "versions", versions, "bytes", bytes, NULL);
}

static void
sync_peer(Rounds *rounds, Home *home, Peer *peer)
{
    Talk t = { rounds->journal, peer->alias };
    PullOptions options = rounds->options;
    PullResult result = { 0 };
    g_autoptr(GError) failed = NULL;

    options.progress = &rounds->progress;
    options.talk = talk;
    options.talk_data = &t;
    pull_peer(home, peer, &options, &result, &failed);
    log_result(rounds, peer, &result, failed);
    pull_result_clear(&result);
}

/* What was synced stands in this node's own ledger at least once a day. */
static void
anchor(Rounds *rounds, Home *home)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Record) record = anchoring_state(home, ANCHORING_EVERY, &error);

    if (error)
        journal_write(rounds->journal, "anchor", "error", error->message, NULL);
    else if (record) {
        g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, record->seq);

        journal_write(rounds->journal, "anchor", "record", number, NULL);
    }
}

/* A line for each that was asked: who cosigned, or why not. */
static void
ask_witnesses(Rounds *rounds, Home *home)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = NULL;
    g_autoptr(GPtrArray) all = NULL;

    if (config_policy(rounds->home, NULL, &policy, &error) && policy)
        all = asking_all(home, policy, FALSE, &rounds->progress.cancelled, &error);
    if (error)
        journal_write(rounds->journal, "witness", "error", error->message, NULL);
    for (guint i = 0; all && i < all->len; i++) {
        const Asked *asked = all->pdata[i];
        g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, asked->size);

        if (asked->error)
            journal_write(rounds->journal, "witness", "name", asked->name, "error", asked->error->message, NULL);
        else
            journal_write(rounds->journal, "witness", "name", asked->name, "cosigned", size, NULL);
    }
}

static void
one_round(Rounds *rounds)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Home) home = home_open(rounds->home, &error);
    g_autoptr(GPtrArray) peers = home ? peers_all(home, PEER_ACCEPTED, &error) : NULL;

    if (error)
        journal_write(rounds->journal, "sync", "error", error->message, NULL);
    for (guint i = 0; peers && i < peers->len && !progress_cancelled(&rounds->progress); i++) {
        Peer *peer = g_ptr_array_index(peers, i);

        if (peer->urls->len > 0)
            sync_peer(rounds, home, peer);
    }
    if (home && !progress_cancelled(&rounds->progress))
        anchor(rounds, home);
    if (home && !progress_cancelled(&rounds->progress))
        ask_witnesses(rounds, home);
}

/* S30: also of what came by hand, or is seldom asked for. */
static void
upkeep(Rounds *rounds)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Home) home = home_open(rounds->home, &error);

    if (home)
        anchor(rounds, home);
    else
        journal_write(rounds->journal, "anchor", "error", error->message, NULL);
}

static gint64
seconds_from_now(guint seconds)
{
    return g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
}

static gpointer
run(gpointer data)
{
    Rounds *rounds = data;
    gint64 sync = rounds->interval > 0 ? 0 : G_MAXINT64, until = rounds->interval > 0 ? 0 : seconds_from_now(UPKEEP);

    g_mutex_lock(&rounds->lock);
    while (!rounds->stopped) {
        gboolean sync_now = g_get_monotonic_time() >= sync;

        if (g_get_monotonic_time() >= until) {
            g_mutex_unlock(&rounds->lock);
            if (sync_now) {
                sync = seconds_from_now(rounds->interval);
                one_round(rounds);
            } else {
                upkeep(rounds);
            }
            g_mutex_lock(&rounds->lock);
            until = MIN(sync, seconds_from_now(UPKEEP));
        }
        while (!rounds->stopped && g_cond_wait_until(&rounds->stop, &rounds->lock, until))
            ;
    }
    g_mutex_unlock(&rounds->lock);
    return NULL;
}

Rounds *
rounds_start(const char *home, const Config *config, Journal *journal)
{
    Rounds *rounds = g_new0(Rounds, 1);
    g_autoptr(GError) error = NULL;

    rounds->home = g_strdup(home);
    rounds->interval = config->sync_interval;
    rounds->journal = journal;
    rounds_pull_options(config, &rounds->options);
    rounds->options.limits = rounds->limits = config_limits(config, FALSE);
    if (!config_policy(home, NULL, &rounds->policy, &error))
        journal_write(journal, "policy", "error", error->message, NULL);
    rounds->options.policy = rounds->policy;
    g_mutex_init(&rounds->lock);
    g_cond_init(&rounds->stop);
    rounds->thread = g_thread_new("rounds", run, rounds);
    return rounds;
}

void
rounds_stop(Rounds *rounds)
{
    if (!rounds)
        return;
    g_atomic_int_set(&rounds->progress.cancelled, 1);
    g_mutex_lock(&rounds->lock);
    rounds->stopped = TRUE;
    g_cond_signal(&rounds->stop);
    g_mutex_unlock(&rounds->lock);
    g_thread_join(rounds->thread);
    g_mutex_clear(&rounds->lock);
    g_cond_clear(&rounds->stop);
    g_clear_pointer(&rounds->policy, policy_free);
    limits_free(rounds->limits);
    g_free(rounds->home);
    g_free(rounds);
}
