/* The node that takes what is pushed: PS6, PS7 of sync/PROTOCOL.md. */
#include <unistd.h>

#include "keys/error.h"
#include "sync/pull/session.h"
#include "sync/push.h"

#define PUSHED_PATH "/v1/pushed"
#define WAIT_SECONDS 20     /* for another session with the peer that pushes */
#define WISH_SECONDS 2      /* in which a push that is to end sees that there is a newer one */
#define LOOK_EVERY (G_USEC_PER_SEC / 5)

static Pushed
count(const PullResult *result, const GError *failed)
{
    return (Pushed){
        .records = result->records, .versions = result->versions, .chunks = result->chunks, .bytes = result->bytes, .refused = result->refused,
        .problems = result->problems ? result->problems->len : 0, .exit_status = (guint)CLAMP(result->worst_exit, 0, 5),
        .has_failed = failed != NULL, .failed = failed && failed->domain == CHAMA_ERROR ? failed->code : CHAMA_ERROR_FAILED,
    };
}

/* PS7: whether the other side hears it matters not. */
static void
tell(Transport *transport, const PullResult *result, const GError *failed)
{
    const Pushed pushed = count(result, failed);
    g_autoptr(GBytes) body = pushed_format(&pushed);
    g_autoptr(GBytes) answer = transport_fetch(transport, "POST", PUSHED_PATH, body, NULL, PUSHED_MAX, NULL);
}

/* PS6, also among processes: one that takes looks whether a newer one wishes for its place. */
typedef struct {
    Claim *claim;
    gint *cancelled;
    GThread *thread;
    GMutex lock;
    GCond changed;
    gboolean over;
} Place;

static gpointer
look_for_newer(gpointer data)
{
    Place *place = data;

    g_mutex_lock(&place->lock);
    while (!place->over) {
        if (claim_is_wished(place->claim))
            g_atomic_int_set(place->cancelled, 1);
        g_cond_wait_until(&place->changed, &place->lock, g_get_monotonic_time() + LOOK_EVERY);
    }
    g_mutex_unlock(&place->lock);
    return NULL;
}

static void
place_free(Place *place)
{
    g_mutex_lock(&place->lock);
    place->over = TRUE;
    g_cond_signal(&place->changed);
    g_mutex_unlock(&place->lock);
    g_thread_join(place->thread);
    claim_release(place->claim);
    g_mutex_clear(&place->lock);
    g_cond_clear(&place->changed);
    g_free(place);
}

/* The wish lasts no longer than it takes to see it: who waits without having been ended must not end who came after it. */
static Claim *
claim_place(Home *home, const char *node, const gint *cancelled, GError **error)
{
    gint64 now = g_get_monotonic_time(), until = now + WAIT_SECONDS * G_USEC_PER_SEC, wished = now + WISH_SECONDS * G_USEC_PER_SEC;
    g_autoptr(Claim) wish = NULL;
    GError *failed = NULL;
    Claim *claim;

    while (!(claim = claim_try(home, CLAIM_TAKING, node, &failed)) && !failed && (now = g_get_monotonic_time()) < until && !g_atomic_int_get(cancelled)) {
        if (!wish && now < wished)
            wish = claim_wish(home, CLAIM_TAKING, node, NULL);
        if (now >= wished)
            g_clear_pointer(&wish, claim_release);
        g_usleep(LOOK_EVERY / 2);
    }
    if (!claim && !failed)
        chama_error(&failed, CHAMA_ERROR_EXISTS, "PS6: the push before this one has not ended; try again later");
    if (failed)
        g_propagate_error(error, failed);
    return claim;
}

/* NULL: it could not be had. */
static Place *
place_take(Home *home, const char *node, gint *cancelled, GError **error)
{
    Claim *claim = claim_place(home, node, cancelled, error);
    Place *place;

    if (!claim)
        return NULL;
    place = g_new0(Place, 1);
    place->claim = claim;
    place->cancelled = cancelled;
    g_mutex_init(&place->lock);
    g_cond_init(&place->changed);
    place->thread = g_thread_new("newer", look_for_newer, place);
    return place;
}

gboolean
push_take(Home *home, const char *node, int fd, const PullOptions *options, PullResult *result, GError **error)
{
    g_autoptr(Peer) peer = peers_get(home, node, error);
    g_autoptr(Transport) transport = NULL;
    PullOptions taking = *options;
    Place *place;
    GError *failed = NULL;
    const TransportOptions over = {
        .stall_timeout = STALL_TIMEOUT, .patience = PATIENCE, .slowest = options->slowest, .cancelled = session_cancelled(options),
        .limit = limits_of(options->limits, peer ? peer->alias : NULL),
    };

    if (!peer) {
        close(fd);
        return FALSE;
    }
    transport = transport_over(fd, peer->alias, &over, error);
    if (!transport)
        return FALSE;
    taking.wait = WAIT_SECONDS;
    place = place_take(home, node, session_cancelled(options), &failed);
    if (place)
        pull_over(home, peer, transport_ref(transport), &taking, result, &failed);
    tell(transport, result, failed);
    g_clear_pointer(&place, place_free);
    if (failed)
        g_propagate_error(error, failed);
    return failed == NULL;
}
