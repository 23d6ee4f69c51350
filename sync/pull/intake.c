#include "sync/pull/intake.h"

#include "keys/error.h"

#define UNDER_WAY_MAX (4 * 1024 * 1024)    /* bytes: a load for each thread; what a kill may lose */
#define LOAD_BYTES (256 * 1024)            /* handed to a core at a time */
#define LOAD_OBJECTS 64
#define THREADS_MAX 16

struct Intake {
    Store *store;
    GThreadPool *pool;
    GMutex giving;              /* of those who give one waits for room, and the others for it */
    struct Load *open;          /* being filled by them; NULL: none */
    GMutex mutex;               /* what follows */
    GCond settled;
    gsize under_way;            /* bytes */
    GError *error;              /* the first */
};

typedef struct {
    Digest digest;
    gpointer object;
    FrameHeader header;
    GBytes *stored;
} Arrival;

/* Objects that one core verifies and stores. */
typedef struct Load {
    const IntakeFor *whom;
    guint count;
    gsize bytes;
    Arrival arrivals[LOAD_OBJECTS];
} Load;

static void
load_free(Load *load)
{
    for (guint i = 0; i < load->count; i++)
        g_bytes_unref(load->arrivals[i].stored);
    g_free(load);
}

/* Of what is refused others are told, and the load goes on; an error is one of storing. */
static gboolean
store_arrival(Intake *intake, const IntakeFor *whom, const Arrival *arrival, GError **error)
{
    const FrameHeader *header = &arrival->header;
    gsize size;
    const void *data = g_bytes_get_data(arrival->stored, &size);
    g_autoptr(GError) refused = NULL;
    g_autoptr(GBytes) plain = store_open_received(intake->store, &whom->owner, &arrival->digest, header->codec, header->plain_size, data, size, &refused);

    if (plain && !store_writer_put_stored(whom->writer, header->kind, &arrival->digest, header->codec, plain, data, size, NULL, error))
        return FALSE;
    whom->told(whom->data, arrival->object, refused);
    return TRUE;
}

static void
store_load(Intake *intake, const Load *load, GError **error)
{
    for (guint i = 0; i < load->count && store_arrival(intake, load->whom, &load->arrivals[i], error); i++)
        ;
}

static void
work(gpointer data, gpointer user_data)
{
    Load *load = data;
    Intake *intake = user_data;
    GError *error = NULL;

    store_load(intake, load, &error);
    g_mutex_lock(&intake->mutex);
    intake->under_way -= load->bytes;
    if (!intake->error)
        intake->error = g_steal_pointer(&error);
    g_cond_broadcast(&intake->settled);
    g_mutex_unlock(&intake->mutex);
    g_clear_error(&error);
    load_free(load);
}

Intake *
intake_new(Store *store)
{
    Intake *intake = g_new0(Intake, 1);

    intake->store = store;
    g_mutex_init(&intake->giving);
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
    g_clear_pointer(&intake->open, load_free);
    g_mutex_clear(&intake->giving);
    g_mutex_clear(&intake->mutex);
    g_cond_clear(&intake->settled);
    g_clear_error(&intake->error);
    g_free(intake);
}

/* With the mutex held: waits until at most @most bytes are under way. */
static gboolean
wait_for(Intake *intake, gsize most, GError **error)
{
    while (intake->under_way > most)
        g_cond_wait(&intake->settled, &intake->mutex);
    if (intake->error && error && !*error)
        *error = g_error_copy(intake->error);
    return intake->error == NULL;
}

/* By who gives. */
static gboolean
send_load(Intake *intake, GError **error)
{
    Load *load = g_steal_pointer(&intake->open);
    gboolean good;

    if (!load)
        return TRUE;
    g_mutex_lock(&intake->mutex);
    good = wait_for(intake, UNDER_WAY_MAX - load->bytes, error);
    if (good)
        intake->under_way += load->bytes;
    g_mutex_unlock(&intake->mutex);
    if (good)
        g_thread_pool_push(intake->pool, load, NULL);
    else
        load_free(load);
    return good;
}

gboolean
intake_give(Intake *intake, const IntakeFor *whom, const Digest *digest, gpointer object, const FrameHeader *header, GBytes *stored, GError **error)
{
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&intake->giving);
    Load *load = intake->open;

    if (!load) {
        load = intake->open = g_new(Load, 1);
        load->whom = whom;
        load->count = 0;
        load->bytes = 0;
    }
    load->arrivals[load->count++] = (Arrival){ *digest, object, *header, g_bytes_ref(stored) };
    load->bytes += header->stored_size;
    return (load->count < LOAD_OBJECTS && load->bytes < LOAD_BYTES) || send_load(intake, error);
}

gboolean
intake_settle(Intake *intake, GError **error)
{
    g_autoptr(GMutexLocker) alone = g_mutex_locker_new(&intake->giving);
    gboolean good = send_load(intake, error);

    g_mutex_lock(&intake->mutex);
    good = wait_for(intake, 0, error) && good;
    g_clear_error(&intake->error);
    g_mutex_unlock(&intake->mutex);
    return good;
}
