#include "sync/pull/landing.h"

#include "keys/error.h"

#define WRITERS 2
#define WAITING_MAX 256              /* versions */
#define WAITING_SECONDS 2
#define WAITING_BYTES (1024 * 1024)  /* beyond, that the next version can be sent as patches against them is worth more than a commit costs */
#define WRITER_SECONDS 30            /* after this long a commit lets gc have its turn */

typedef struct {
    Scope scope;
    StoreWriter *writer;        /* NULL: free */
    gint64 since;
} Berth;

typedef struct {
    Held held;
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
    guint64 bytes;              /* that they brought */
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

/* What waits may lie in the writer that goes. */
static gboolean
make_room(Landing *landing, GError **error)
{
    Berth *last = &landing->berths[WRITERS - 1];

    if (!last->writer)
        return TRUE;
    if (!landing_commit(landing, error))
        return FALSE;
    g_clear_pointer(&last->writer, store_writer_free);
    return TRUE;
}

StoreWriter *
landing_writer(Landing *landing, const Scope *scope, GError **error)
{
    Berth *berths = landing->berths;
    Store *store = home_store(landing->home, error);
    Berth found = { .scope = *scope, .since = g_get_monotonic_time() };
    guint i = 0;

    while (i < WRITERS && !(berths[i].writer && digest_equal(&berths[i].scope, scope)))
        i++;
    if (i == WRITERS) {
        if (!store || !make_room(landing, error) || !(found.writer = store_writer_new(store, scope, error)) ||
            (!landing->hold && !(landing->hold = store_hold(store, error)))) {
            store_writer_free(found.writer);
            return NULL;
        }
        i = WRITERS - 1;
    } else {
        found = berths[i];
    }
    for (; i > 0; i--)
        berths[i] = berths[i - 1];
    berths[0] = found;
    return found.writer;
}

void
landing_add(Landing *landing, const Held *held, guint64 bytes, char *line)
{
    Waiting waiting = { *held, line };

    if (landing->waiting->len == 0)
        landing->since = g_get_monotonic_time();
    landing->bytes += bytes;
    g_array_append_val(landing->waiting, waiting);
}

gboolean
landing_is_due(const Landing *landing)
{
    return landing->waiting->len >= WAITING_MAX || landing->bytes >= WAITING_BYTES ||
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

static gboolean
hold_all(Landing *landing, GError **error)
{
    State *state = home_state(landing->home, error);
    g_autoptr(GArray) held = g_array_new(FALSE, FALSE, sizeof(Held));

    for (guint i = 0; i < landing->waiting->len; i++)
        g_array_append_val(held, g_array_index(landing->waiting, Waiting, i).held);
    return state && state_hold_all(state, held, error);
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
    landing->bytes = 0;
    /* gc waits for writers; and after a failure a writer does nothing more. */
    close_writers(landing, good ? g_get_monotonic_time() - WRITER_SECONDS * G_USEC_PER_SEC : G_MAXINT64);
    return good;
}
