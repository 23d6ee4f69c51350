#include "sync/pull/fetching.h"

#include "keys/error.h"
#include "sync/pull/frames.h"

struct Fetching {
    Transfer *transfer;
    guint64 asked, absent;
    guint64 objects, bytes;     /* of the intake when this began; then what was stored */
    Transport *own, *transport; /* the thread's: its own, or (@own NULL) the session's */
    GThread *thread;            /* NULL: one batch was not full yet */
    gint stopped;
    GMutex mutex;               /* what follows */
    GCond changed;
    ChunkBatch *next, *present, *past;
    gboolean ending;
    GError *error;              /* of the thread, which has ended with it */
};

/* One batch, being answered. */
typedef struct {
    Fetching *fetching;
    ChunkBatch *batch;
} Asked;

Fetching *
fetching_new(Transfer *transfer)
{
    Fetching *fetching = g_new0(Fetching, 1);

    fetching->transfer = transfer;
    fetching->objects = intake_objects(transfer->session->intake);
    fetching->bytes = intake_bytes(transfer->session->intake);
    g_mutex_init(&fetching->mutex);
    g_cond_init(&fetching->changed);
    return fetching;
}

static gboolean
take_chunk(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error)
{
    Asked *asked = data;
    Fetching *fetching = asked->fetching;
    Transfer *transfer = fetching->transfer;
    const Wanted *wanted = &g_array_index(asked->batch->wanted, Wanted, index);

    if (g_atomic_int_get(&fetching->stopped))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "sync: stopped");
    if (!stored) {
        fetching->absent++;
        return TRUE;
    }
    if (header->plain_size != wanted->size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "chunk: PU13: want %u bytes as in the listing, have %u", wanted->size, header->plain_size);
    transfer_progress(transfer, wanted->size);
    asked->batch->waiting -= wanted->size;
    return intake_give(transfer->session->intake, &transfer->whom, &wanted->digest, header, stored, error);
}

static gboolean
fetch(Fetching *fetching, Transport *transport, ChunkBatch *batch, GError **error)
{
    Asked asked = { fetching, batch };
    g_autoptr(GBytes) body = ranges_format(batch->ranges);
    g_autoptr(FrameReader) reader = frame_reader_new(batch->wanted->len, OBJECT_CHUNK, take_chunk, &asked);

    fetching->asked += batch->wanted->len;
    if (!transfer_request(fetching->transfer, transport, "chunks", body, frame_reader_feed, reader, error) || !frame_reader_end(reader, error))
        return FALSE;
    transfer_progress(fetching->transfer, batch->waiting);
    return TRUE;
}

/* With the mutex held: the next batch becomes the present one; NULL after the last.  What the one before asked for may not all be stored yet. */
static ChunkBatch *
take_next(Fetching *fetching)
{
    while (!fetching->next && !fetching->ending)
        g_cond_wait(&fetching->changed, &fetching->mutex);
    g_clear_pointer(&fetching->past, chunk_batch_free);
    fetching->past = g_steal_pointer(&fetching->present);
    fetching->present = g_steal_pointer(&fetching->next);
    g_cond_signal(&fetching->changed);
    return fetching->present;
}

static gpointer
work(gpointer data)
{
    Fetching *fetching = data;
    GError *error = NULL;
    ChunkBatch *batch;

    g_mutex_lock(&fetching->mutex);
    while (!error && (batch = take_next(fetching))) {
        g_mutex_unlock(&fetching->mutex);
        fetch(fetching, fetching->transport, batch, &error);
        g_mutex_lock(&fetching->mutex);
    }
    fetching->error = error;
    g_cond_signal(&fetching->changed);
    g_mutex_unlock(&fetching->mutex);
    return NULL;
}

static gboolean
start(Fetching *fetching, GError **error)
{
    Session *session = fetching->transfer->session;
    GError *failed = NULL;

    if (fetching->thread)
        return TRUE;
    fetching->own = session_connect_again(session, &failed);
    if (failed) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    fetching->transport = fetching->own ? fetching->own : session->transport;
    fetching->thread = g_thread_new("fetch", work, fetching);
    return TRUE;
}

gboolean
fetching_add(Fetching *fetching, ChunkBatch *batch, GError **error)
{
    gboolean good = start(fetching, error);

    if (!good) {
        chunk_batch_free(batch);
        return FALSE;
    }
    g_mutex_lock(&fetching->mutex);
    while (fetching->next && !fetching->error)
        g_cond_wait(&fetching->changed, &fetching->mutex);
    good = fetching->error == NULL;
    if (good)
        fetching->next = batch;
    else
        chunk_batch_free(batch);
    if (!good && error)
        *error = g_error_copy(fetching->error);
    g_cond_signal(&fetching->changed);
    g_mutex_unlock(&fetching->mutex);
    return good;
}

/* The thread does what waits, unless it is stopped. */
static void
end(Fetching *fetching)
{
    if (!fetching->thread)
        return;
    g_mutex_lock(&fetching->mutex);
    fetching->ending = TRUE;
    g_cond_signal(&fetching->changed);
    g_mutex_unlock(&fetching->mutex);
    g_thread_join(g_steal_pointer(&fetching->thread));
}

static gboolean
fetch_last(Fetching *fetching, ChunkBatch *last, GError **error)
{
    g_autoptr(ChunkBatch) batch = last;

    if (batch->wanted->len == 0)
        return TRUE;
    if (fetching->thread)
        return fetching_add(fetching, g_steal_pointer(&batch), error);
    return fetch(fetching, fetching->transfer->session->transport, batch, error);
}

static gboolean
end_well(Fetching *fetching, GError **error)
{
    end(fetching);
    if (!fetching->error)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&fetching->error));
    return FALSE;
}

/* A frame for each thing asked for was there, and each that was not absent was given to the intake: this only makes sure. */
static gboolean
check_all_stored(const Fetching *fetching, GError **error)
{
    guint64 missing = fetching->asked - fetching->absent - fetching->objects;

    return missing == 0 || chama_error(error, CHAMA_ERROR_FAILED, "%" G_GUINT64_FORMAT " chunks are missing after all came", missing);
}

/* What came before a failure counts, too. */
static gboolean
settle(Fetching *fetching, GError **error)
{
    Intake *intake = fetching->transfer->session->intake;
    gboolean good = intake_settle(intake, error);

    fetching->objects = intake_objects(intake) - fetching->objects;
    fetching->bytes = intake_bytes(intake) - fetching->bytes;
    return good;
}

gboolean
fetching_finish(Fetching *fetching, ChunkBatch *last, GError **error)
{
    gboolean good = !last || fetch_last(fetching, last, error);

    if (!good || !last)
        g_atomic_int_set(&fetching->stopped, TRUE);
    good = end_well(fetching, good ? error : NULL) && good;
    good = settle(fetching, good ? error : NULL) && good;
    return good && check_all_stored(fetching, error);
}

gboolean
fetching_asks(Fetching *fetching, const Digest *digest)
{
    gboolean asks;

    if (!fetching->thread)
        return FALSE;
    g_mutex_lock(&fetching->mutex);
    asks = (fetching->next && chunk_batch_asks(fetching->next, digest)) || (fetching->present && chunk_batch_asks(fetching->present, digest)) ||
           (fetching->past && chunk_batch_asks(fetching->past, digest));
    g_mutex_unlock(&fetching->mutex);
    return asks;
}

void
fetching_free(Fetching *fetching)
{
    if (!fetching)
        return;
    g_atomic_int_set(&fetching->stopped, TRUE);
    end(fetching);
    if (fetching->own)
        session_close(fetching->transfer->session, fetching->own);
    g_clear_pointer(&fetching->next, chunk_batch_free);
    g_clear_pointer(&fetching->present, chunk_batch_free);
    g_clear_pointer(&fetching->past, chunk_batch_free);
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
    return fetching->absent;
}
