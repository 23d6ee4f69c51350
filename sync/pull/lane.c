#include "keys/error.h"
#include "sync/pull/fetching_private.h"
#include "sync/pull/frames.h"

/* One portion, being answered. */
typedef struct {
    Lane *lane;
    gboolean taken_back;        /* what is still to come is no longer this lane's */
} Asked;

void
lane_drop(Lane *lane, GError *error)
{
    if (lane->error)
        g_error_free(error);
    else
        lane->error = error;
    g_atomic_int_set(&lane->stopped, TRUE);
    g_cond_broadcast(&lane->fetching->changed);
}

/* PU43.  A patch that does not hold may be the fault of what it was made against here (PU20). */
void
lane_told(gpointer data, gpointer object, const GError *refused)
{
    Fetching *fetching = data;
    Piece *piece = object;
    Lane *lane = &fetching->lanes[piece->lane];
    g_autoptr(GMutexLocker) locked = g_mutex_locker_new(&fetching->mutex);

    if (!refused) {
        lane->objects++;
        lane->bytes += piece->stored_size;
        portions_stored(fetching->portions, piece);
        return;
    }
    if (fetching->transfer->has_base && piece->patch)
        fetching_fail(fetching, g_error_copy(refused));
    else
        lane_drop(lane, g_error_copy(refused));
    transfer_progress(fetching->transfer, -piece->stands);
    portions_refuse(fetching->portions, piece);
}

/* What the frame is for; NULL if nothing is to be done with it, with an error if the rest need not be read. */
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
        fetching_fail(fetching, g_error_copy(failed));
    g_mutex_unlock(&fetching->mutex);
    if (failed)
        g_propagate_error(error, failed);
    return !failed;
}

/* Why the request ended. */
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
        lane_drop(lane, failed);
    g_cond_broadcast(&lane->fetching->changed);
}

gboolean
lane_ask(Lane *lane)
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

gpointer
lane_work(gpointer data)
{
    Lane *lane = data;
    Fetching *fetching = lane->fetching;

    g_mutex_lock(&fetching->mutex);
    while (!fetching->over && !lane->error) {
        gboolean any = (fetching->complete || portions_fill_one(fetching->portions)) && (lane_ask(lane) || relieve(lane));

        if (any || fetching->over || lane->error)
            continue;
        fetching->idle++;
        g_cond_wait_until(&fetching->changed, &fetching->mutex, g_get_monotonic_time() + FETCHING_TICK);
        fetching->idle--;
    }
    portions_leave(fetching->portions, lane->number);
    lane->ended = TRUE;
    g_cond_broadcast(&fetching->changed);
    g_mutex_unlock(&fetching->mutex);
    return NULL;
}
