#include "sync/pull/fetching.h"

#include "keys/error.h"
#include "sync/pull/frames.h"
#include "sync/pull/portions.h"
#include "sync/pull/sources.h"

#define TICK (100 * 1000)                      /* microseconds between two looks at how it goes */
#define ROOM_EVERY (4 * 1024 * 1024)           /* plain bytes between two looks at the room on the disk */

/* Who gives: a lane of the portions, used by one thread. */
typedef struct {
    Fetching *fetching;
    guint number;
    Source *source;             /* NULL: the session's peer */
    Transport *own, *transport; /* its own, or (@own NULL) the session's */
    GThread *thread;            /* NULL: the session's own */
    gint stopped;               /* breaks off the request under way */
    gboolean ended, silent;
    GError *error;              /* why it ended before all was there */
    guint64 bytes;              /* plain, that it gave and that were stored */
} Lane;

struct Fetching {
    Transfer *transfer;
    guint64 unchecked;          /* plain bytes added since the room on the disk was looked at */
    guint next_source;
    GMutex mutex;               /* what follows, and the portions */
    GCond changed;
    Portions *portions;
    Lane lanes[LANES_MAX];
    guint lane_count, idle;     /* and how many of them have nothing to do */
    gboolean complete;          /* nothing is added any more */
    gboolean over;              /* nothing is asked any more */
    gint64 looked;
    guint64 objects, bytes;     /* stored */
    GError *error;              /* of what is not the fault of one who gives */
};

/* One portion, being answered. */
typedef struct {
    Lane *lane;
    gboolean taken_back;        /* what is still to come is no longer this lane's */
} Asked;

static void
end_all(Fetching *fetching)
{
    fetching->over = TRUE;
    for (guint i = 0; i < fetching->lane_count; i++)
        g_atomic_int_set(&fetching->lanes[i].stopped, TRUE);
    g_cond_broadcast(&fetching->changed);
}

/* Takes @error. */
static void
fail(Fetching *fetching, GError *error)
{
    if (fetching->error)
        g_error_free(error);
    else
        fetching->error = error;
    end_all(fetching);
}

/* Takes @error.  The first reason counts. */
static void
drop(Lane *lane, GError *error)
{
    if (lane->error)
        g_error_free(error);
    else
        lane->error = error;
    g_atomic_int_set(&lane->stopped, TRUE);
    g_cond_broadcast(&lane->fetching->changed);
}

/* An IntakeFor.told: PU43.  A patch that does not hold may be the fault of what it was made against here (PU20). */
static void
told(gpointer data, gpointer object, const GError *refused)
{
    Fetching *fetching = data;
    Piece *piece = object;
    Lane *lane = &fetching->lanes[piece->lane];
    g_autoptr(GMutexLocker) locked = g_mutex_locker_new(&fetching->mutex);

    if (!refused) {
        fetching->objects++;
        fetching->bytes += piece->stored_size;
        lane->bytes += piece->size;
        portions_stored(fetching->portions, piece);
        return;
    }
    if (fetching->transfer->has_base && piece->patch)
        fail(fetching, g_error_copy(refused));
    else
        drop(lane, g_error_copy(refused));
    transfer_progress(fetching->transfer, -piece->stands);
    portions_refuse(fetching->portions, piece);
}

Fetching *
fetching_new(Transfer *transfer)
{
    Fetching *fetching = g_new0(Fetching, 1);

    fetching->transfer = transfer;
    fetching->portions = portions_new();
    transfer->whom.told = told;
    transfer->whom.data = fetching;
    g_mutex_init(&fetching->mutex);
    g_cond_init(&fetching->changed);
    return fetching;
}

/* ---- one request ---- */

/* With the mutex held: what the frame is for; NULL if nothing is to be done with it, with an error if the rest need not be read. */
static Piece *
expect(Asked *asked, guint index, const FrameHeader *header, gboolean here, GError **error)
{
    Lane *lane = asked->lane;
    Portions *portions = lane->fetching->portions;
    const Piece *piece = portions_expect(portions, lane->number, index);
    Piece *given;

    asked->taken_back = !piece;
    if (!piece || lane->fetching->over)
        return chama_error_null(error, CHAMA_ERROR_CANCELLED, "sync: stopped");
    if (!here) {
        portions_lack(portions, lane->number, index, g_get_monotonic_time());
        return NULL;
    }
    if (header->plain_size != piece->size)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "chunk: PU13: want %u bytes as in the listing, have %u", piece->size, header->plain_size);
    given = portions_give(portions, lane->number, index, header->stored_size, g_get_monotonic_time());
    given->patch = header->codec == CODEC_PATCH;
    transfer_progress(lane->fetching->transfer, given->stands);
    return given;
}

/* A FrameTake. */
static gboolean
take_chunk(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error)
{
    Asked *asked = data;
    Fetching *fetching = asked->lane->fetching;
    Transfer *transfer = fetching->transfer;
    GError *failed = NULL;
    Digest digest;
    Piece *piece;

    g_mutex_lock(&fetching->mutex);
    piece = expect(asked, index, header, stored != NULL, &failed);
    if (piece)
        digest = piece->digest;
    g_mutex_unlock(&fetching->mutex);
    if (failed)
        g_propagate_error(error, failed);
    if (!piece)
        return !failed;
    intake_give(transfer->session->intake, &transfer->whom, &digest, piece, header, stored, &failed);
    g_mutex_lock(&fetching->mutex);
    portions_resume(fetching->portions, asked->lane->number, g_get_monotonic_time());
    if (failed)
        fail(fetching, g_error_copy(failed));
    g_mutex_unlock(&fetching->mutex);
    if (failed)
        g_propagate_error(error, failed);
    return !failed;
}

/* With the mutex held: why the request ended. */
static void
note_end(Asked *asked, GError *failed)
{
    Lane *lane = asked->lane;
    gboolean cut = asked->taken_back || portions_is_cut(lane->fetching->portions, lane->number);

    portions_done(lane->fetching->portions, lane->number, g_get_monotonic_time());
    if (lane->source)
        lane->source->rate = portions_rate(lane->fetching->portions, lane->number);
    if (failed && cut && !lane->error && !lane->fetching->over) {
        g_atomic_int_set(&lane->stopped, FALSE);
        g_error_free(failed);
    } else if (failed)
        drop(lane, failed);
    g_cond_broadcast(&lane->fetching->changed);
}

/* With the mutex held, which it lets go of meanwhile: asks for a portion.  FALSE if there is none for this lane now. */
static gboolean
ask(Lane *lane)
{
    Fetching *fetching = lane->fetching;
    Asked asked = { .lane = lane };
    const GPtrArray *portion = portions_take(fetching->portions, lane->number, g_get_monotonic_time());
    g_autoptr(GBytes) body = portion ? portion_request(portion) : NULL;
    g_autoptr(FrameReader) reader = portion ? frame_reader_new(portion->len, OBJECT_CHUNK, take_chunk, &asked) : NULL;
    GError *failed = NULL;

    if (!portion)
        return FALSE;
    g_mutex_unlock(&fetching->mutex);
    if (transfer_request(fetching->transfer, lane->transport, "chunks", body, frame_reader_feed, reader, &failed))
        frame_reader_end(reader, &failed);
    g_mutex_lock(&fetching->mutex);
    note_end(&asked, failed);
    return TRUE;
}

/* ---- those who give ---- */

/* PU42: what a slow one would still be at while this one has nothing to do. */
static gboolean
relieve(Lane *lane)
{
    Fetching *fetching = lane->fetching;

    if (!fetching->complete || !portions_relieve(fetching->portions, lane->number, g_get_monotonic_time()))
        return FALSE;
    for (guint i = 0; i < fetching->lane_count; i++)
        if (portions_is_cut(fetching->portions, i))
            g_atomic_int_set(&fetching->lanes[i].stopped, TRUE);
    return TRUE;
}

static gpointer
work(gpointer data)
{
    Lane *lane = data;
    Fetching *fetching = lane->fetching;

    g_mutex_lock(&fetching->mutex);
    while (!fetching->over && !lane->error) {
        gboolean any = (fetching->complete || portions_fill_one(fetching->portions)) && (ask(lane) || relieve(lane));

        if (any || fetching->over || lane->error)
            continue;
        fetching->idle++;
        g_cond_wait_until(&fetching->changed, &fetching->mutex, g_get_monotonic_time() + TICK);
        fetching->idle--;
    }
    portions_leave(fetching->portions, lane->number);
    lane->ended = TRUE;
    g_cond_broadcast(&fetching->changed);
    g_mutex_unlock(&fetching->mutex);
    return NULL;
}

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
        drop(lane, failed);
        return;
    }
    lane->transport = lane->own ? lane->own : session->transport;
    lane->thread = g_thread_new("fetch", work, lane);
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

static gboolean
start_further(Fetching *fetching)
{
    Source *source = next_source(fetching);
    Lane *lane;
    GError *failed = NULL;

    if (!source)
        return FALSE;
    lane = add_lane(fetching, source);
    lane->own = lane->transport = session_connect_peer(fetching->transfer->session, source->peer, source->peer->urls->pdata[0], &lane->stopped, &failed);
    if (lane->own)
        lane->thread = g_thread_new("fetch", work, lane);
    else {
        portions_leave(fetching->portions, lane->number);
        lane->ended = TRUE;
        drop(lane, failed);
    }
    return TRUE;
}

/* With the mutex held, by the session's thread, at most every so often. */
static void
look(Fetching *fetching)
{
    gint64 now = g_get_monotonic_time();
    GError *failed = NULL;
    gint silent;

    if (now - fetching->looked < TICK)
        return;
    fetching->looked = now;
    if (!session_check(fetching->transfer->session, &failed)) {
        fail(fetching, failed);
        return;
    }
    silent = portions_stalled(fetching->portions, now);
    if (silent >= 0) {
        chama_error(&failed, CHAMA_ERROR_UNREACHABLE, "PU42: silent for %d seconds while others gave", STALL_SECONDS);
        fetching->lanes[silent].silent = TRUE;
        drop(&fetching->lanes[silent], failed);
    }
    if (portions_want_more(fetching->portions, now))
        start_further(fetching);
}

static void
wait_and_look(Fetching *fetching)
{
    g_cond_wait_until(&fetching->changed, &fetching->mutex, g_get_monotonic_time() + TICK);
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
        wait_and_look(fetching);
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
    while (!lane->error && !fetching->over && ask(lane))
        ;
    /* What it lacks or did not give others may; it is asked no more. */
    lane->ended = TRUE;
    if (lane->error)
        portions_leave(fetching->portions, lane->number);
    g_mutex_unlock(&fetching->mutex);
    return TRUE;
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
    end_all(fetching);
    g_mutex_unlock(&fetching->mutex);
    for (guint i = 0; i < fetching->lane_count; i++)
        if (fetching->lanes[i].thread)
            g_thread_join(g_steal_pointer(&fetching->lanes[i].thread));
}

/* ---- what came of it ---- */

/* PU43: who gave what is not right is named; who was gone, or does not have it, is no trouble where others gave all. */
static void
tell_of(Fetching *fetching, const Lane *lane, gboolean whole)
{
    Session *session = fetching->transfer->session;
    const Peer *peer = lane->source ? lane->source->peer : session->peer;
    const char *name = peer->alias ? peer->alias : peer->node;
    gboolean lacks = g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND) || g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_DENIED);

    gboolean stopped = g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED) || g_error_matches(lane->error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);

    if (!lane->error || lacks || stopped || (!lane->source && !whole))
        return;
    if (lane->source)
        lane->source->dropped = TRUE;
    if (session_over(lane->error) && (lane->silent || lane->bytes > 0))
        session_talk(session, "%s: %s; others went on", name, lane->error->message);
    else if (!session_over(lane->error))
        session_problem(session, name, g_error_copy(lane->error));
}

static void
tell(Fetching *fetching, gboolean whole)
{
    g_autoptr(GString) shares = g_string_new(NULL);
    guint givers = 0;

    for (guint i = 0; i < fetching->lane_count; i++) {
        const Lane *lane = &fetching->lanes[i];
        const Peer *peer = lane->source ? lane->source->peer : fetching->transfer->session->peer;

        tell_of(fetching, lane, whole);
        if (lane->bytes == 0)
            continue;
        g_string_append_printf(shares, "%s%s %.1f MiB", givers++ ? ", " : "", peer->alias ? peer->alias : peer->node, (double)lane->bytes / (1024 * 1024));
    }
    if (givers > 1)
        session_talk(fetching->transfer->session, "from %s", shares->str);
}

gboolean
fetching_finish(Fetching *fetching, gboolean walked, GError **error)
{
    GError *failed = NULL;
    gboolean whole, good = walked;

    g_mutex_lock(&fetching->mutex);
    fetching->complete = TRUE;
    if (!walked)
        end_all(fetching);
    g_cond_broadcast(&fetching->changed);
    g_mutex_unlock(&fetching->mutex);
    if (good && fetching->lane_count == 0 && portions_left(fetching->portions) > 0)
        good = ask_at_once(fetching, &failed);
    good = good && finish_asking(fetching, &failed);
    join(fetching);
    good = intake_settle(fetching->transfer->session->intake, failed ? NULL : &failed) && good;
    whole = good && portions_left(fetching->portions) == 0;
    if (walked)
        tell(fetching, whole);
    if (good && !whole && (fetching->error || (fetching->lane_count > 0 && fetching->lanes[0].error)))
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

guint64
fetching_objects(const Fetching *fetching)
{
    return fetching->objects;
}

guint64
fetching_bytes(const Fetching *fetching)
{
    return fetching->bytes;
}

guint64
fetching_absent(const Fetching *fetching)
{
    return portions_left(fetching->portions);
}
