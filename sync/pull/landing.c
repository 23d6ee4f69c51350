#include "sync/pull/landing.h"

#include "keys/error.h"

#define WRITERS 2
#define WAITING_MAX 256              /* versions */
#define WAITING_SECONDS 2
#define WRITER_SECONDS 30            /* after this long a commit lets gc have its turn */

typedef struct {
    Scope scope;
    StoreWriter *writer;        /* NULL: free */
    gint64 since;
} Berth;

typedef struct {
    Held held;
    char provider[NODE_ID_SIZE]; /* empty: none */
    char *line;
} Waiting;

struct Landing {
    Home *home;
    LandingTold told;
    gpointer data;
    StoreHold *hold;            /* while there are writers: then a look-up need not ask whether the index was replaced */
    Berth berths[WRITERS];      /* the last used first */
    GArray *waiting;            /* of Waiting */
    gint64 since;               /* when the first of them came */
};

static void
waiting_clear(gpointer data)
{
    g_free(((Waiting *)data)->line);
}

Landing *
landing_new(Home *home, LandingTold told, gpointer data)
{
    Landing *landing = g_new0(Landing, 1);

    landing->home = home;
    landing->told = told;
    landing->data = data;
    landing->waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
    g_array_set_clear_func(landing->waiting, waiting_clear);
    return landing;
}


/* Those opened before @time. */
static void
close_writers(Landing *landing, gint64 time)
{
    gboolean any = FALSE;

    for (guint i = 0; i < WRITERS; i++) {
        Berth *berth = &landing->berths[i];

        if (berth->writer && berth->since < time)
            g_clear_pointer(&berth->writer, store_writer_free);
        any |= berth->writer != NULL;
    }
    if (!any)
        g_clear_pointer(&landing->hold, store_release);
}

void
landing_free(Landing *landing)
{
    if (!landing)
        return;
    close_writers(landing, G_MAXINT64);
    g_array_unref(landing->waiting);
    g_free(landing);
}

/* The last one gives way. */
static gboolean
open_writer(Landing *landing, const Scope *scope, GError **error)
{
    Berth *last = &landing->berths[WRITERS - 1];
    Store *store = home_store(landing->home, error);

    g_clear_pointer(&last->writer, store_writer_free);
    if (!store || (!landing->hold && !(landing->hold = store_hold(store, error))))
        return FALSE;
    *last = (Berth){ *scope, store_writer_new(store, scope, error), g_get_monotonic_time() };
    return last->writer != NULL;
}

StoreWriter *
landing_writer(Landing *landing, const Scope *scope, GError **error)
{
    Berth *berths = landing->berths, found;
    guint i = 0;

    if (berths[0].writer && digest_equal(&berths[0].scope, scope))
        return berths[0].writer;
    /* P27: what one writer commits must not need what another one might lose. */
    if (!landing_commit(landing, error))
        return NULL;
    while (i < WRITERS && !(berths[i].writer && digest_equal(&berths[i].scope, scope)))
        i++;
    if (i == WRITERS && !open_writer(landing, scope, error))
        return NULL;
    i = MIN(i, WRITERS - 1);
    found = berths[i];
    for (; i > 0; i--)
        berths[i] = berths[i - 1];
    berths[0] = found;
    return found.writer;
}

void
landing_add(Landing *landing, const Held *held, const char *provider, char *line)
{
    Waiting waiting = { .held = *held, .line = line };

    g_strlcpy(waiting.provider, provider ? provider : "", sizeof waiting.provider);
    if (landing->waiting->len == 0)
        landing->since = g_get_monotonic_time();
    g_array_append_val(landing->waiting, waiting);
}

const Held *
landing_find(const Landing *landing, const Digest *manifest)
{
    for (guint i = landing->waiting->len; i-- > 0;) {
        const Held *held = &g_array_index(landing->waiting, Waiting, i).held;

        if (held->complete && digest_equal(&held->manifest, manifest))
            return held;
    }
    return NULL;
}

gboolean
landing_is_due(const Landing *landing)
{
    return landing->waiting->len >= WAITING_MAX ||
           (landing->waiting->len > 0 && g_get_monotonic_time() - landing->since >= WAITING_SECONDS * G_USEC_PER_SEC);
}

static gboolean
commit_writers(Landing *landing, GError **error)
{
    for (guint i = 0; i < WRITERS; i++) {
        if (landing->berths[i].writer && !store_writer_commit(landing->berths[i].writer, error))
            return FALSE;
    }
    return TRUE;
}

/* PU25: that it is held and that a receipt is due are one transaction, so no kill comes between them. */
static gboolean
hold_one(State *state, const Waiting *waiting, GError **error)
{
    TransferRow row = { .manifest = waiting->held.manifest, .time = g_get_real_time() / G_USEC_PER_SEC };

    if (!state_hold(state, &waiting->held, error))
        return FALSE;
    if (!waiting->held.complete || !*waiting->provider)
        return TRUE;
    transfer_id_draw(&row.id);
    g_strlcpy(row.node, waiting->provider, sizeof row.node);
    return transfers_add_arrived(state, &row, error);
}

static gboolean
hold_all(Landing *landing, GError **error)
{
    State *state = home_state(landing->home, error);
    gboolean good = state && state_begin(state, error);

    if (!good)
        return FALSE;
    for (guint i = 0; i < landing->waiting->len && good; i++)
        good = hold_one(state, &g_array_index(landing->waiting, Waiting, i), error);
    good = good && state_commit(state, error);
    if (!good)
        state_rollback(state);
    return good;
}

gboolean
landing_commit(Landing *landing, GError **error)
{
    gboolean good = commit_writers(landing, error) && (landing->waiting->len == 0 || hold_all(landing, error));

    for (guint i = 0; i < landing->waiting->len && good; i++) {
        const Waiting *waiting = &g_array_index(landing->waiting, Waiting, i);

        if (waiting->line)
            landing->told(landing->data, waiting->line);
    }
    g_array_set_size(landing->waiting, 0);
    /* gc waits for writers; and after a failure a writer does nothing more. */
    close_writers(landing, good ? g_get_monotonic_time() - WRITER_SECONDS * G_USEC_PER_SEC : G_MAXINT64);
    return good;
}
