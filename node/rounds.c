#include "node/rounds.h"

#include <string.h>

#include "keys/error.h"
#include "keys/canonical.h"
#include "manifests/anchoring.h"
#include "node/pushing.h"
#include "sync/asking.h"
#include "sync/backoff.h"
#include "sync/peers.h"
#include "sync/push_contacts.h"

#define UPKEEP 3600   /* seconds; what is due daily is looked for that often, however seldom or never peers are synced with */

#define LOOK_EVERY 60        /* seconds: so soon a peer that was added meanwhile is seen */
#define LOOK_WAITING 2       /* while a peer waits for its turn */
#define LOOK_FOR_NEWS 5      /* while there are peers to push to */

/* One session under way, in a thread of the pool; or (@peer NULL) what is done between them. */
typedef struct {
    Rounds *rounds;
    Peer *peer;
    gboolean push;             /* else it is a sync */
    Progress progress;
    gint64 since;              /* monotonic seconds */
    gboolean gives_way;
} Turn;

struct Rounds {
    char *home;
    guint interval, parallel, turn;
    const Config *config;      /* lives longer */
    PullOptions options;
    Limits *serving;
    Policy *policy;
    Journal *journal;
    GThread *thread;
    GThreadPool *pool;         /* of Turn */
    GHashTable *begun, *pushed; /* node id -> when a sync with it, a push to it, was last begun, in monotonic seconds; the thread's alone */
    gint64 tended;             /* when anchors and witnesses were last seen to, in monotonic seconds; the thread's alone */
    GMutex lock;               /* what follows */
    GCond changed;
    gboolean stopped;
    GPtrArray *turns;          /* of Turn*: all that are under way */
    GHashTable *told;          /* "sync" or "push", a space and the node id -> the failure that was told last */
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
    options->turn = config->turn;
}

static void
talk(gpointer data, const char *line)
{
    const Talk *t = data;

    journal_write(t->journal, "sync", "peer", t->peer, "message", line, NULL);
}

static void
log_findings(const Rounds *rounds, const Peer *peer, const PullResult *result)
{
    for (guint i = 0; result->alarms && i < result->alarms->len; i++)
        journal_write(rounds->journal, "ALARM", "peer", peer->alias, "evidence", g_ptr_array_index(result->alarms, i), NULL);
    for (guint i = 0; result->problems && i < result->problems->len; i++)
        journal_write(rounds->journal, "sync", "peer", peer->alias, "problem", g_ptr_array_index(result->problems, i), NULL);
}

/* PU52: the same failure is told at full length once. */
static gboolean
is_old(Rounds *rounds, const char *event, const Peer *peer, const char *failure)
{
    g_autofree char *key = g_strdup_printf("%s %s", event, peer->node);
    gboolean old;

    g_mutex_lock(&rounds->lock);
    old = failure && g_strcmp0(g_hash_table_lookup(rounds->told, key), failure) == 0;
    if (!failure)
        g_hash_table_remove(rounds->told, key);
    else if (!old)
        g_hash_table_insert(rounds->told, g_strdup(key), g_strdup(failure));
    g_mutex_unlock(&rounds->lock);
    return old;
}

static void
log_failure(Rounds *rounds, const char *event, const Peer *peer, const Contact *contact, const char *failure)
{
    g_autofree char *failures = g_strdup_printf("%u", contact->failures);
    char next[TIME_TEXT_SIZE] = "never";

    if (contact->next)
        time_format(contact->next, next);
    journal_write(rounds->journal, event, strcmp(event, "push") == 0 ? "to" : "peer", peer->alias, "error", is_old(rounds, event, peer, failure) ? "as before" : failure,
                  "failures", failures, "next", next, NULL);
}

static void
log_result(Rounds *rounds, Home *home, const Peer *peer, const PullResult *result, const GError *failed)
{
    g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, result->records), *versions = g_strdup_printf("%" G_GUINT64_FORMAT, result->versions);
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, result->bytes);

    log_findings(rounds, peer, result);
    if (failed) {
        Contact contact;

        contacts_get(home, peer->node, &contact, NULL);
        log_failure(rounds, "sync", peer, &contact, failed->message);
        return;
    }
    is_old(rounds, "sync", peer, NULL);
    if (result->records || result->versions || result->bytes)
        journal_write(rounds->journal, "sync", "peer", peer->alias, "records", records, "versions", versions, "bytes", bytes, NULL);
}

/* PU54 */
static void
end_turn(const Turn *turn, Home *home, const PullResult *result)
{
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, result->bytes);

    log_findings(turn->rounds, turn->peer, result);
    contacts_note_turn(home, turn->peer->node, NULL);
    journal_write(turn->rounds->journal, "sync", "peer", turn->peer->alias, "message", "gives way to peers that wait, and goes on at its next turn", "bytes", bytes, NULL);
}

static void
sync_peer(Turn *turn, Home *home)
{
    Rounds *rounds = turn->rounds;
    Talk t = { rounds->journal, turn->peer->alias };
    PullOptions options = rounds->options;
    PullResult result = { 0 };
    g_autoptr(GError) failed = NULL;

    options.interval = config_interval(rounds->config, turn->peer->alias);
    options.progress = &turn->progress;
    options.talk = talk;
    options.talk_data = &t;
    pull_peer(home, turn->peer, &options, &result, &failed);
    if (turn->gives_way && g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
        end_turn(turn, home, &result);
    else
        log_result(rounds, home, turn->peer, &result, failed);
    pull_result_clear(&result);
}

static void
log_pushed(Rounds *rounds, const Peer *peer, const Pushed *pushed)
{
    g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, pushed->records), *versions = g_strdup_printf("%" G_GUINT64_FORMAT, pushed->versions);
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, pushed->bytes), *problems = g_strdup_printf("%" G_GUINT64_FORMAT, pushed->problems);

    is_old(rounds, "push", peer, NULL);
    journal_write(rounds->journal, "push", "to", peer->alias, "records", records, "versions", versions, "bytes", bytes, pushed->problems > 0 ? "problems" : NULL, problems, NULL);
}

/* PS9 */
static void
push_to_peer(Turn *turn, Home *home)
{
    Rounds *rounds = turn->rounds;
    g_auto(PushContact) push = { 0 };
    g_autoptr(GError) failed = NULL;
    Pushed pushed = { 0 };

    if (pushing_run(home, turn->peer, rounds->config, rounds->serving, &turn->progress, &pushed, &failed)) {
        log_pushed(rounds, turn->peer, &pushed);
        return;
    }
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        if (turn->gives_way)
            push_contacts_note_turn(home, turn->peer->node, NULL);
        journal_write(rounds->journal, "push", "to", turn->peer->alias, "message", turn->gives_way ? "gives way to peers that wait, and goes on at its next turn" : failed->message, NULL);
        return;
    }
    push_contacts_get(home, turn->peer->node, &push, NULL);
    log_failure(rounds, "push", turn->peer, &push.contact, failed->message);
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
ask_witnesses(Rounds *rounds, Home *home, gint *cancelled)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = NULL;
    g_autoptr(GPtrArray) all = NULL;

    if (config_policy(rounds->home, NULL, &policy, &error) && policy)
        all = asking_all(home, policy, FALSE, cancelled, &error);
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

/* S30: also of what came by hand, or is seldom asked for. */
static void
tend(Turn *turn, Home *home)
{
    anchor(turn->rounds, home);
    if (turn->rounds->interval > 0 && !progress_cancelled(&turn->progress))
        ask_witnesses(turn->rounds, home, &turn->progress.cancelled);
}

static void
turn_free(Turn *turn)
{
    g_clear_pointer(&turn->peer, peer_free);
    g_free(turn);
}

/* A thread of the pool. */
static void
take_turn(gpointer data, gpointer unused)
{
    Turn *turn = data;
    Rounds *rounds = turn->rounds;
    g_autoptr(GError) error = NULL;
    g_autoptr(Home) home = home_open(rounds->home, &error);

    if (!home)
        journal_write(rounds->journal, "sync", "error", error->message, NULL);
    else if (turn->peer && turn->push)
        push_to_peer(turn, home);
    else if (turn->peer)
        sync_peer(turn, home);
    else
        tend(turn, home);
    g_mutex_lock(&rounds->lock);
    g_ptr_array_remove_fast(rounds->turns, turn);
    g_cond_broadcast(&rounds->changed);
    g_mutex_unlock(&rounds->lock);
    turn_free(turn);
}

static gint64
seconds_now(void)
{
    return g_get_monotonic_time() / G_USEC_PER_SEC;
}

/* Takes @peer over. */
static void
begin_turn(Rounds *rounds, Peer *peer, gboolean push)
{
    Turn *turn = g_new0(Turn, 1);

    turn->rounds = rounds;
    turn->peer = peer;
    turn->push = push;
    turn->since = seconds_now();
    g_mutex_lock(&rounds->lock);
    g_ptr_array_add(rounds->turns, turn);
    g_mutex_unlock(&rounds->lock);
    g_thread_pool_push(rounds->pool, turn, NULL);
}

/* How many sessions are under way; *@tending: and so is what is done between them.  @node (may be NULL): *@with, one is with that node. */
static guint
count_turns(Rounds *rounds, const char *node, gboolean *with, gboolean *tending)
{
    guint count = 0;

    *with = *tending = FALSE;
    g_mutex_lock(&rounds->lock);
    for (guint i = 0; i < rounds->turns->len; i++) {
        const Turn *turn = rounds->turns->pdata[i];

        *tending |= !turn->peer;
        count += turn->peer ? 1 : 0;
        *with |= node && turn->peer && strcmp(turn->peer->node, node) == 0;
    }
    g_mutex_unlock(&rounds->lock);
    return count;
}

static double
speed(const Turn *turn, gint64 now)
{
    return (double)__atomic_load_n(&turn->progress.bytes_done, __ATOMIC_RELAXED) / (double)MAX(now - turn->since, 1);
}

/* PU54: somebody waits, and all turns are taken: the slowest of those that have lasted long enough ends. */
static void
make_way(Rounds *rounds)
{
    gint64 now = seconds_now();
    Turn *slowest = NULL;

    g_mutex_lock(&rounds->lock);
    for (guint i = 0; i < rounds->turns->len; i++) {
        Turn *turn = rounds->turns->pdata[i];

        if (turn->peer && !turn->gives_way && now - turn->since >= (gint64)rounds->turn && (!slowest || speed(turn, now) < speed(slowest, now)))
            slowest = turn;
    }
    if (slowest) {
        slowest->gives_way = TRUE;
        g_atomic_int_set(&slowest->progress.cancelled, 1);
    }
    g_mutex_unlock(&rounds->lock);
}

/* A peer and when its turn is. */
typedef struct {
    Peer *peer;
    gboolean push;
    gint64 tried, next;
} Due;

static void
due_clear(gpointer data)
{
    g_clear_pointer(&((Due *)data)->peer, peer_free);
}

static gint
by_last_try(gconstpointer a, gconstpointer b)
{
    const Due *x = a, *y = b;

    return x->tried < y->tried ? -1 : x->tried > y->tried;
}

/* PU52: at once after a start, then when the row says, but for a session that could not even write it; a time that lies too far ahead is of a clock that was set back. */
static gint64
next_of(const Rounds *rounds, GHashTable *all_begun, const Peer *peer, const Contact *contact, gint64 now)
{
    guint interval = config_interval(rounds->config, peer->alias);
    gint64 begun = (gint64)GPOINTER_TO_SIZE(g_hash_table_lookup(all_begun, peer->node));
    gint64 soonest = now + begun + MIN(BACKOFF_FIRST, interval) - seconds_now();

    if (!begun)
        return 0;
    return contact->next > now + 2 * (gint64)MAX(BACKOFF_MOST, interval) ? soonest : MAX(contact->next, soonest);
}

static gboolean
add_sync(Rounds *rounds, Home *home, const Peer *peer, GArray *all, gint64 now, GError **error)
{
    Contact contact;

    if (peer->urls->len == 0 || config_interval(rounds->config, peer->alias) == 0)
        return TRUE;
    if (!contacts_get(home, peer->node, &contact, error))
        return FALSE;
    const Due due = { peers_get(home, peer->node, NULL), FALSE, contact.tried, next_of(rounds, rounds->begun, peer, &contact, now) };
    if (due.peer)
        g_array_append_val(all, due);
    return TRUE;
}

/* By a person. */
static gboolean
is_pushed_to(Home *home, const Peer *peer)
{
    g_autoptr(Claim) claim = push_claim(home, peer, NULL);

    return !claim;
}

/* PS9: at its interval; before, if there is something new and the last one did not fail. */
static gboolean
add_push(Rounds *rounds, Home *home, const Peer *peer, GArray *all, gint64 now, GError **error)
{
    g_auto(PushContact) push = { 0 };
    Digest mark;
    gboolean news;

    if (!config_pushes(rounds->config, peer->alias) || is_pushed_to(home, peer))
        return TRUE;
    if (!push_contacts_get(home, peer->node, &push, error) || !push_mark(home, peer->node, &mark, error))
        return FALSE;
    news = push.contact.failures == 0 && !digest_equal(&mark, &push.mark);
    if (push.contact.next == 0 && !news && g_hash_table_contains(rounds->pushed, peer->node))
        return TRUE;
    const Due due = { peers_get(home, peer->node, NULL), TRUE, push.contact.tried, news ? 0 : next_of(rounds, rounds->pushed, peer, &push.contact, now) };
    if (due.peer)
        g_array_append_val(all, due);
    return TRUE;
}

/* Those who have no turn now, who has waited longest first. */
static GArray *
find_due(Rounds *rounds, Home *home, GPtrArray *peers, gint64 now, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Due));

    g_array_set_clear_func(all, due_clear);
    for (guint i = 0; i < peers->len; i++) {
        gboolean with, tending;

        count_turns(rounds, ((const Peer *)peers->pdata[i])->node, &with, &tending);
        if (!with && (!add_sync(rounds, home, peers->pdata[i], all, now, error) || !add_push(rounds, home, peers->pdata[i], all, now, error)))
            return NULL;
    }
    g_array_sort(all, by_last_try);
    return g_steal_pointer(&all);
}

/* In seconds, as long as nobody waits. */
static gint64
look_every(const Rounds *rounds)
{
    gint64 every = MIN(LOOK_EVERY, MAX(rounds->interval, 1));

    for (guint i = 0; i < rounds->config->peers->len; i++)
        every = ((const ConfigPeer *)rounds->config->peers->pdata[i])->push ? MIN(every, LOOK_FOR_NEWS) : every;
    return every;
}

/* Begins what is due, as long as there are turns; seconds until there may be more to do. */
static gint64
give_turns(Rounds *rounds, Home *home, GError **error)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC, pause = look_every(rounds);
    g_autoptr(GPtrArray) peers = peers_all(home, PEER_ACCEPTED, error);
    g_autoptr(GArray) all = peers ? find_due(rounds, home, peers, now, error) : NULL;

    for (guint i = 0; all && i < all->len; i++) {
        Due *due = &g_array_index(all, Due, i);
        gboolean with, tending;
        guint count = count_turns(rounds, due->peer->node, &with, &tending);

        if (due->next > now)
            pause = MIN(pause, due->next - now);
        else if (with)
            continue;
        else if (count < rounds->parallel) {
            g_hash_table_insert(due->push ? rounds->pushed : rounds->begun, g_strdup(due->peer->node), GSIZE_TO_POINTER((gsize)seconds_now()));
            begin_turn(rounds, g_steal_pointer(&due->peer), due->push);
        } else {
            make_way(rounds);
            pause = LOOK_WAITING;
        }
    }
    return pause;
}

/* Anchors and witnesses, once in an interval: when no session is under way, or at last although one is. */
static void
look_to_rest(Rounds *rounds)
{
    gint64 every = rounds->interval > 0 ? MIN(rounds->interval, UPKEEP) : UPKEEP, ago = seconds_now() - rounds->tended;
    gboolean with, tending;
    guint count = count_turns(rounds, NULL, &with, &tending);

    if (tending || ago < every || (count > 0 && ago < UPKEEP + every))
        return;
    rounds->tended = seconds_now();
    begin_turn(rounds, NULL, FALSE);
}

static gint64
look(Rounds *rounds)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Home) home = home_open(rounds->home, &error);
    gint64 pause = home ? give_turns(rounds, home, &error) : LOOK_EVERY;

    if (error)
        journal_write(rounds->journal, "sync", "error", error->message, NULL);
    look_to_rest(rounds);
    return pause;
}

static gpointer
run(gpointer data)
{
    Rounds *rounds = data;

    g_mutex_lock(&rounds->lock);
    while (!rounds->stopped) {
        gint64 pause;

        g_mutex_unlock(&rounds->lock);
        pause = look(rounds);
        g_mutex_lock(&rounds->lock);
        if (!rounds->stopped)
            g_cond_wait_until(&rounds->changed, &rounds->lock, g_get_monotonic_time() + pause * G_USEC_PER_SEC);
    }
    g_mutex_unlock(&rounds->lock);
    return NULL;
}

Rounds *
rounds_start(const char *home, const Config *config, Limits *limits, Limits *serving, Journal *journal)
{
    Rounds *rounds = g_new0(Rounds, 1);
    g_autoptr(GError) error = NULL;

    rounds->home = g_strdup(home);
    rounds->config = config;
    rounds->interval = config->sync_interval;
    rounds->parallel = config->parallel;
    rounds->turn = config->turn;
    rounds->journal = journal;
    rounds_pull_options(config, &rounds->options);
    rounds->options.limits = limits;
    rounds->serving = serving;
    if (!config_policy(home, NULL, &rounds->policy, &error))
        journal_write(journal, "policy", "error", error->message, NULL);
    rounds->options.policy = rounds->policy;
    g_mutex_init(&rounds->lock);
    g_cond_init(&rounds->changed);
    rounds->turns = g_ptr_array_new();
    rounds->tended = seconds_now() - (rounds->interval > 0 ? UPKEEP : 0);
    rounds->begun = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    rounds->pushed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    rounds->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    /* one more than sessions, for what is done between them */
    rounds->pool = g_thread_pool_new(take_turn, NULL, (gint)rounds->parallel + 1, FALSE, NULL);
    rounds->thread = g_thread_new("rounds", run, rounds);
    return rounds;
}

void
rounds_stop(Rounds *rounds)
{
    if (!rounds)
        return;
    g_mutex_lock(&rounds->lock);
    rounds->stopped = TRUE;
    g_cond_broadcast(&rounds->changed);
    g_mutex_unlock(&rounds->lock);
    g_thread_join(rounds->thread);
    g_mutex_lock(&rounds->lock);
    for (guint i = 0; i < rounds->turns->len; i++)
        g_atomic_int_set(&((Turn *)rounds->turns->pdata[i])->progress.cancelled, 1);
    g_mutex_unlock(&rounds->lock);
    g_thread_pool_free(rounds->pool, FALSE, TRUE);
    g_mutex_clear(&rounds->lock);
    g_cond_clear(&rounds->changed);
    g_ptr_array_unref(rounds->turns);
    g_hash_table_unref(rounds->begun);
    g_hash_table_unref(rounds->pushed);
    g_hash_table_unref(rounds->told);
    g_clear_pointer(&rounds->policy, policy_free);
    g_free(rounds->home);
    g_free(rounds);
}
