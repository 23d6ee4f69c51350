#include "sync/pull/intake.h"

#include "keys/error.h"

#define UNDER_WAY_MAX 64        /* objects, so at most 16 MiB of chunks */
#define THREADS_MAX 16

struct Intake {
    Store *store;
    StoreWriter *writer;
    Scope owner;
    GThreadPool *pool;
    GMutex mutex;
    GCond settled;
    guint under_way;
    guint64 objects, bytes;
    GError *error;              /* the first */
};

typedef struct {
    Digest digest;
    FrameHeader header;
    GBytes *stored;
} Arrival;

static gboolean
store_arrival(Intake *intake, const Arrival *arrival, GError **error)
{
    const FrameHeader *header = &arrival->header;
    gsize size;
    const void *data = g_bytes_get_data(arrival->stored, &size);
    g_autoptr(GBytes) plain = store_open_received(intake->store, &intake->owner, &arrival->digest, header->codec, header->plain_size, data, size, error);

    return plain && store_writer_put_stored(intake->writer, header->kind, &arrival->digest, header->codec, plain, data, size, NULL, error);
}

static void
work(gpointer data, gpointer user_data)
{
    Arrival *arrival = data;
    Intake *intake = user_data;
    GError *error = NULL;
    gboolean stored = store_arrival(intake, arrival, &error);

    g_mutex_lock(&intake->mutex);
    intake->under_way--;
    if (stored) {
        intake->objects++;
        intake->bytes += arrival->header.stored_size;
    } else if (!intake->error) {
        intake->error = g_steal_pointer(&error);
    }
    g_cond_signal(&intake->settled);
    g_mutex_unlock(&intake->mutex);
    g_clear_error(&error);
    g_bytes_unref(arrival->stored);
    g_free(arrival);
}

Intake *
intake_new(Store *store, StoreWriter *writer, const Scope *owner)
{
    Intake *intake = g_new0(Intake, 1);

    intake->store = store;
    intake->writer = writer;
    intake->owner = *owner;
    g_mutex_init(&intake->mutex);
    g_cond_init(&intake->settled);
    intake->pool = g_thread_pool_new(work, intake, (gint)MIN(g_get_num_processors(), THREADS_MAX), FALSE, NULL);
    return intake;
}

void
intake_free(Intake *intake)
{
    if (!intake)
        return;
    g_thread_pool_free(intake->pool, FALSE, TRUE);
    g_mutex_clear(&intake->mutex);
    g_cond_clear(&intake->settled);
    g_clear_error(&intake->error);
    g_free(intake);
}

/* With the mutex held: waits until at most @most objects are under way. */
static gboolean
wait_for(Intake *intake, guint most, GError **error)
{
    while (intake->under_way > most)
        g_cond_wait(&intake->settled, &intake->mutex);
    if (intake->error && error && !*error)
        *error = g_error_copy(intake->error);
    return intake->error == NULL;
}

gboolean
intake_give(Intake *intake, const Digest *digest, const FrameHeader *header, GBytes *stored, GError **error)
{
    Arrival *arrival;
    gboolean good;

    g_mutex_lock(&intake->mutex);
    good = wait_for(intake, UNDER_WAY_MAX - 1, error);
    if (good)
        intake->under_way++;
    g_mutex_unlock(&intake->mutex);
    if (!good)
        return FALSE;
    arrival = g_new(Arrival, 1);
    *arrival = (Arrival){ *digest, *header, g_bytes_ref(stored) };
    g_thread_pool_push(intake->pool, arrival, NULL);
    return TRUE;
}

gboolean
intake_settle(Intake *intake, GError **error)
{
    gboolean good;

    g_mutex_lock(&intake->mutex);
    good = wait_for(intake, 0, error);
    g_mutex_unlock(&intake->mutex);
    return good;
}

guint64
intake_objects(Intake *intake)
{
    guint64 objects;

    g_mutex_lock(&intake->mutex);
    objects = intake->objects;
    g_mutex_unlock(&intake->mutex);
    return objects;
}

guint64
intake_bytes(Intake *intake)
{
    guint64 bytes;

    g_mutex_lock(&intake->mutex);
    bytes = intake->bytes;
    g_mutex_unlock(&intake->mutex);
    return bytes;
}
