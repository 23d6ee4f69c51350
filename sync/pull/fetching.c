#include "keys/error.h"
#include "sync/pull/fetching_private.h"
#include "sync/pull/givers.h"

#define ROOM_EVERY (4 * 1024 * 1024)           /* plain bytes between two looks at the room on the disk */

void
fetching_end(Fetching *fetching)
{
    fetching->over = TRUE;
    for (guint i = 0; i < fetching->lane_count; i++)
        g_atomic_int_set(&fetching->lanes[i].stopped, TRUE);
    g_cond_broadcast(&fetching->changed);
}

void
fetching_fail(Fetching *fetching, GError *error)
{
    if (fetching->error)
        g_error_free(error);
    else
        fetching->error = error;
    fetching_end(fetching);
}

Fetching *
fetching_new(Transfer *transfer)
{
    Fetching *fetching = g_new0(Fetching, 1);

    fetching->transfer = transfer;
    fetching->portions = portions_new();
    transfer->whom.told = lane_told;
    transfer->whom.data = fetching;
    g_mutex_init(&fetching->mutex);
    g_cond_init(&fetching->changed);
    return fetching;
}

/* ---- those who give ---- */

/* With the mutex held. */
static Lane *
add_lane(Fetching *fetching, Source *source)
{
    Lane *lane = &fetching->lanes[fetching->lane_count];

    *lane = (Lane){ .fetching = fetching, .number = fetching->lane_count, .source = source };
    portions_join(fetching->portions, fetching->lane_count++, source ? source->rate : 0);
    return lane;
}

/* The first lane, with a connection beside that on which pages come. */
static void
start_own(Fetching *fetching)
{
    Session *session = fetching->transfer->session;
    Lane *lane = add_lane(fetching, NULL);
    GError *failed = NULL;

    lane->own = session_connect_again(session, &lane->stopped, &failed);
    if (failed) {
        portions_leave(fetching->portions, lane->number);
        lane->ended = TRUE;
        lane_drop(lane, failed);
        return;
    }
    lane->transport = lane->own ? lane->own : session->transport;
    lane->thread = g_thread_new("fetch", lane_work, lane);
}

/* PU40: only what anyone may have, for what comes under a grant has one provider, and one receipt; and only where this node dialled. */
static Source *
next_source(Fetching *fetching)
{
    Transfer *transfer = fetching->transfer;
    Session *session = transfer->session;
    guint open = 0;

    for (guint i = 0; i < fetching->lane_count; i++)
        open += !fetching->lanes[i].error;
    if (!transfer->open || !session->url || open >= SOURCES_MAX || fetching->lane_count == LANES_MAX)
        return NULL;
    if (!session->sources)
        session->sources = sources_of(session->home, session->peer, NULL);
    return session->sources ? sources_next(session->sources, &fetching->next_source) : NULL;
}

static void
start_lane(Lane *lane, const Peer *peer, const char *url)
{
    GError *failed = NULL;

    lane->own = lane->transport = session_connect_peer(lane->fetching->transfer->session, peer, url, &lane->stopped, &failed);
    if (lane->own) {
        lane->thread = g_thread_new("fetch", lane_work, lane);
        return;
    }
    portions_leave(lane->fetching->portions, lane->number);
    lane->ended = TRUE;
    lane_drop(lane, failed);
}

/* The session's peer once more, where each connection leads to a process of its own there and has a thread of its own here: then two bring more than one.  Not under a
 * grant: a request of the second that is taken late would be noted as another transfer. */
static gboolean
wants_second(const Fetching *fetching)
{
    const Session *session = fetching->transfer->session;

    return fetching->transfer->open && fetching->lane_count == 1 && !fetching->lanes[0].error && session->url && transport_is_single(session->url);
}

static gboolean
start_further(Fetching *fetching)
{
    Session *session = fetching->transfer->session;
    Source *source;

    if (wants_second(fetching)) {
        start_lane(add_lane(fetching, NULL), session->peer, session->url);
        return TRUE;
    }
    source = next_source(fetching);
    if (source)
        start_lane(add_lane(fetching, source), source->peer, source->peer->urls->pdata[0]);
    return source != NULL;
}

/* With the mutex held, by the session's thread, at most every so often. */
static void
look(Fetching *fetching)
{
    gint64 now = g_get_monotonic_time();
    GError *failed = NULL;
    gint silent;

    if (now - fetching->looked < FETCHING_TICK)
        return;
    fetching->looked = now;
    if (!session_check(fetching->transfer->session, &failed)) {
        fetching_fail(fetching, failed);
        return;
    }
    silent = portions_stalled(fetching->portions, now);
    if (silent >= 0) {
        chama_error(&failed, CHAMA_ERROR_UNREACHABLE, "PU42: silent for %d seconds while others gave", STALL_SECONDS);
        fetching->lanes[silent].silent = TRUE;
        lane_drop(&fetching->lanes[silent], failed);
    }
    if (portions_want_more(fetching->portions, now))
        start_further(fetching);
}

static void
wait_and_look(Fetching *fetching)
{
    g_cond_wait_until(&fetching->changed, &fetching->mutex, g_get_monotonic_time() + FETCHING_TICK);
    look(fetching);
}

static gboolean
all_ended(const Fetching *fetching)
{
    for (guint i = 0; i < fetching->lane_count; i++)
        if (!fetching->lanes[i].ended)
            return FALSE;
    return TRUE;
}

/* ---- the walk ---- */

/* PU19 */
static gboolean
check_room(Fetching *fetching, gboolean first, GError **error)
{
    guint64 want = fetching->unchecked;

    if (!first && want < ROOM_EVERY)
        return TRUE;
    fetching->unchecked = 0;
    return transfer_space(fetching->transfer, want, error);
}

/* Where there is more than one portion, gc is to keep what came if this program dies. */
static gboolean
start(Fetching *fetching, GError **error)
{
    if (!transfer_hold(fetching->transfer, error) || !check_room(fetching, TRUE, error))
        return FALSE;
    g_mutex_lock(&fetching->mutex);
    start_own(fetching);
    g_mutex_unlock(&fetching->mutex);
    return TRUE;
}

/* With the mutex held: the reason why the version cannot become whole, the session's peer's before others'. */
static gboolean
why_not(const Fetching *fetching, GError **error)
{
    const GError *why = fetching->error;

    for (guint i = 0; i < fetching->lane_count && !why; i++)
        why = fetching->lanes[i].error;
    if (!why)
        return chama_error(error, CHAMA_ERROR_FAILED, "chunks: nobody is left to ask");
    if (error)
        *error = g_error_copy(why);
    return FALSE;
}

gboolean
fetching_adds_to(Fetching *fetching, guint64 position, const ChunkRef *chunk)
{
    gboolean known;
    gint64 here = 0;

    g_mutex_lock(&fetching->mutex);
    known = portions_know(fetching->portions, &chunk->digest);
    if (known)
        here = portions_add(fetching->portions, position, chunk);
    g_mutex_unlock(&fetching->mutex);
    transfer_progress(fetching->transfer, here);
    return known;
}

/* With the mutex held: nobody is asked for anything, and nobody is left who could be. */
static gboolean
is_done(Fetching *fetching)
{
    if (fetching->error)
        return TRUE;
    if (!portions_are_quiet(fetching->portions))
        return FALSE;
    return !portions_want_more(fetching->portions, g_get_monotonic_time()) || !start_further(fetching);
}

/* With the mutex held.  PU41: what fills it up and nobody has would hold up the walk for ever. */
static void
make_room(Fetching *fetching)
{
    if (is_done(fetching))
        portions_forgo(fetching->portions);
    else
        wait_and_look(fetching);
}

gboolean
fetching_add(Fetching *fetching, guint64 position, const ChunkRef *chunk, GError **error)
{
    gboolean good, many;

    fetching->unchecked += chunk->size;
    g_mutex_lock(&fetching->mutex);
    portions_add(fetching->portions, position, chunk);
    many = portions_fill_one(fetching->portions);
    if (many && fetching->idle > 0)
        g_cond_broadcast(&fetching->changed);
    many = many && fetching->lane_count == 0;
    g_mutex_unlock(&fetching->mutex);
    if (!check_room(fetching, FALSE, error) || (many && !start(fetching, error)))
        return FALSE;
    g_mutex_lock(&fetching->mutex);
    if (fetching->lane_count > 0)
        look(fetching);
    while (portions_are_full(fetching->portions) && !fetching->error && !all_ended(fetching))
        make_room(fetching);
    good = !fetching->error && (fetching->lane_count == 0 || !all_ended(fetching));
    if (!good)
        good = why_not(fetching, error);
    g_mutex_unlock(&fetching->mutex);
    return good;
}

/* All is one portion: this thread asks for it, on the session's connection. */
static gboolean
ask_at_once(Fetching *fetching, GError **error)
{
    Lane *lane;

    if (!check_room(fetching, TRUE, error))
        return FALSE;
    g_mutex_lock(&fetching->mutex);
    lane = add_lane(fetching, NULL);
    lane->transport = fetching->transfer->session->transport;
    while (!lane->error && !fetching->over && lane_ask(lane))
        ;
    /* What it lacks or did not give others may; it is asked no more. */
    lane->ended = TRUE;
    if (lane->error)
        portions_leave(fetching->portions, lane->number);
    g_mutex_unlock(&fetching->mutex);
    return TRUE;
}

/* What is refused after all was given waits again. */
static gboolean
finish_asking(Fetching *fetching, GError **error)
{
    gboolean good = TRUE, done = FALSE;

    while (!done && good) {
        g_mutex_lock(&fetching->mutex);
        while (!is_done(fetching))
            wait_and_look(fetching);
        g_mutex_unlock(&fetching->mutex);
        good = intake_settle(fetching->transfer->session->intake, error);
        g_mutex_lock(&fetching->mutex);
        done = is_done(fetching);
        g_mutex_unlock(&fetching->mutex);
    }
    return good;
}

static void
join(Fetching *fetching)
{
    g_mutex_lock(&fetching->mutex);
    fetching_end(fetching);
    g_mutex_unlock(&fetching->mutex);
    for (guint i = 0; i < fetching->lane_count; i++)
        if (fetching->lanes[i].thread)
            g_thread_join(g_steal_pointer(&fetching->lanes[i].thread));
}

/* ---- what came of it ---- */

static const Peer *
peer_of(const Lane *lane)
{
    return lane->source ? lane->source->peer : lane->fetching->transfer->session->peer;
}

/* Not who does not have it, nor whom this side stopped, nor the session's peer that was cut and is asked again (PU16). */
static gboolean
was_dropped(const Lane *lane)
{
    gboolean lacks = g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND) || g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_DENIED);
    gboolean stopped = g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED) || g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);

    return lane->error && !lacks && !stopped && (lane->source || lane->fetching->whole || !session_over(lane->error));
}

/* PU43: who gave what is not right is named; who was gone, or does not have it, is no trouble where others gave all. */
static void
tell_of(const Lane *lane)
{
    Session *session = lane->fetching->transfer->session;
    const Peer *peer = peer_of(lane);
    const char *name = peer->alias ? peer->alias : peer->node;

    if (!was_dropped(lane) || (!lane->source && !lane->fetching->whole))
        return;
    if (lane->source)
        lane->source->dropped = TRUE;
    if (session_over(lane->error) && (lane->silent || lane->objects > 0))
        session_talk(session, "%s: %s; others went on", name, lane->error->message);
    else if (!session_over(lane->error))
        session_problem(session, lane->source ? name : NULL, g_error_copy(lane->error));
}

gboolean
fetching_finish(Fetching *fetching, gboolean walked, GError **error)
{
    GError *failed = NULL;
    gboolean good = walked;

    g_mutex_lock(&fetching->mutex);
    fetching->complete = TRUE;
    if (!walked)
        fetching_end(fetching);
    g_cond_broadcast(&fetching->changed);
    g_mutex_unlock(&fetching->mutex);
    if (good && fetching->lane_count == 0 && portions_left(fetching->portions) > 0)
        good = ask_at_once(fetching, &failed);
    good = good && finish_asking(fetching, &failed);
    join(fetching);
    good = intake_settle(fetching->transfer->session->intake, failed ? NULL : &failed) && good;
    fetching->whole = good && portions_left(fetching->portions) == 0;
    for (guint i = 0; i < fetching->lane_count && walked; i++)
        tell_of(&fetching->lanes[i]);
    if (good && !fetching->whole && (fetching->error || (fetching->lane_count > 0 && fetching->lanes[0].error)))
        good = why_not(fetching, &failed);
    if (failed)
        g_propagate_error(error, failed);
    return good;
}

void
fetching_free(Fetching *fetching)
{
    if (!fetching)
        return;
    join(fetching);
    intake_settle(fetching->transfer->session->intake, NULL);
    for (guint i = 0; i < fetching->lane_count; i++) {
        if (fetching->lanes[i].own)
            session_close(fetching->transfer->session, fetching->lanes[i].own);
        g_clear_error(&fetching->lanes[i].error);
    }
    portions_free(fetching->portions);
    g_clear_error(&fetching->error);
    g_mutex_clear(&fetching->mutex);
    g_cond_clear(&fetching->changed);
    g_free(fetching);
}

void
fetching_count(const Fetching *fetching, PullResult *result)
{
    if (!result->givers)
        result->givers = givers_new();
    for (guint i = 0; i < fetching->lane_count; i++) {
        const Lane *lane = &fetching->lanes[i];

        result->chunks += lane->objects;
        result->bytes += lane->bytes;
        givers_add(result->givers, peer_of(lane), lane->objects, lane->bytes, was_dropped(lane) ? lane->error : NULL);
    }
}

guint64
fetching_absent(const Fetching *fetching)
{
    return portions_left(fetching->portions);
}
