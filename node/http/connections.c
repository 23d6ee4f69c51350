#include "node/http/connections.h"

#include <malloc.h>
#include <sys/socket.h>

#define TRIM_AFTER (16 * 1024 * 1024)   /* bytes sent */
#define LOOK_EVERY (G_USEC_PER_SEC / 5) /* for a person who wants to stop */

struct Connections {
    guint wait_seconds;
    guint64 slowest;
    GMutex lock;
    GCond changed;             /* stopped, or the last one is gone */
    gboolean stopped;
    gboolean any;              /* there was one */
    GHashTable *all;           /* set of Connection* */
    guint64 sent;              /* since memory was given back */
    GThread *watch;
};

static gint64
now_seconds(void)
{
    return g_get_monotonic_time() / G_USEC_PER_SEC;
}

static gboolean
is_overdue(const Connections *connections, const Connection *connection, gint64 now)
{
    gint64 age = now - connection->since - connection->rested / G_USEC_PER_SEC;

    switch (connection->stage) {
    case CONNECTION_WAITS:
        return age > connections->wait_seconds;
    case CONNECTION_ASKS:
        return age > REQUEST_SECONDS;
    case CONNECTION_TAKES:
        return age > ANSWER_SECONDS + (gint64)(connection->sent / connections->slowest);
    case CONNECTION_ELSEWHERE:
        break;
    }
    return FALSE;
}

/* With the lock held.  TRUE if one takes an answer. */
static gboolean
look_through(Connections *connections)
{
    gboolean busy = FALSE;
    GHashTableIter all;
    gpointer item;

    g_hash_table_iter_init(&all, connections->all);
    while (g_hash_table_iter_next(&all, &item, NULL)) {
        const Connection *connection = item;

        busy |= connection->stage == CONNECTION_TAKES;
        if (is_overdue(connections, connection, now_seconds()))
            shutdown(connection->fd, SHUT_RDWR);
    }
    return busy;
}

/* What many answers at once needed is given back to the system once there are none: malloc() would keep it. */
static void
trim(Connections *connections, gboolean busy)
{
    if (busy || connections->sent < TRIM_AFTER)
        return;
    connections->sent = 0;
    malloc_trim(0);
}

static gpointer
watch(gpointer data)
{
    Connections *connections = data;

    g_mutex_lock(&connections->lock);
    while (!connections->stopped) {
        g_cond_wait_until(&connections->changed, &connections->lock, g_get_monotonic_time() + G_USEC_PER_SEC);
        trim(connections, look_through(connections));
    }
    g_mutex_unlock(&connections->lock);
    return NULL;
}

Connections *
connections_new(guint wait_seconds, guint64 slowest)
{
    Connections *connections = g_new0(Connections, 1);

    connections->wait_seconds = wait_seconds;
    connections->slowest = slowest;
    connections->all = g_hash_table_new(NULL, NULL);
    g_mutex_init(&connections->lock);
    g_cond_init(&connections->changed);
    connections->watch = g_thread_new("watch", watch, connections);
    return connections;
}

void
connections_free(Connections *connections)
{
    g_mutex_lock(&connections->lock);
    connections->stopped = TRUE;
    g_cond_broadcast(&connections->changed);
    g_mutex_unlock(&connections->lock);
    g_thread_join(connections->watch);
    g_hash_table_unref(connections->all);
    g_mutex_clear(&connections->lock);
    g_cond_clear(&connections->changed);
    g_free(connections);
}

static void
format_address(const struct sockaddr *address, char text[INET6_ADDRSTRLEN])
{
    const void *bytes = address->sa_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                                                       : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

    if (!inet_ntop(address->sa_family, bytes, text, INET6_ADDRSTRLEN))
        g_strlcpy(text, "?", INET6_ADDRSTRLEN);
}

Connection *
connections_add(Connections *connections, int fd, const struct sockaddr *address)
{
    Connection *connection = g_new0(Connection, 1);

    connection->fd = fd;
    connection->since = now_seconds();
    format_address(address, connection->address);
    g_mutex_lock(&connections->lock);
    connections->any = TRUE;
    g_hash_table_add(connections->all, connection);
    g_mutex_unlock(&connections->lock);
    return connection;
}

void
connections_remove(Connections *connections, Connection *connection)
{
    g_mutex_lock(&connections->lock);
    g_hash_table_remove(connections->all, connection);
    g_cond_broadcast(&connections->changed);
    g_mutex_unlock(&connections->lock);
    g_free(connection);
}

void
connection_begin(Connections *connections, Connection *connection, ConnectionStage stage)
{
    g_mutex_lock(&connections->lock);
    connection->stage = stage;
    /* E2: whoever may not wait longer than a request lasts has that time for both. */
    if (stage != CONNECTION_ASKS || connections->wait_seconds > REQUEST_SECONDS)
        connection->since = now_seconds();
    connection->sent = 0;
    connection->rested = 0;
    g_mutex_unlock(&connections->lock);
}

void
connection_sent(Connections *connections, Connection *connection, gsize bytes)
{
    g_mutex_lock(&connections->lock);
    connection->sent += bytes;
    connections->sent += bytes;
    g_mutex_unlock(&connections->lock);
}

void
connection_rested(Connections *connections, Connection *connection, gint64 microseconds)
{
    g_mutex_lock(&connections->lock);
    connection->rested += microseconds;
    g_mutex_unlock(&connections->lock);
}

gboolean
connections_wait(Connections *connections, const gint *cancelled)
{
    gboolean over = FALSE;

    g_mutex_lock(&connections->lock);
    while (!(over = connections->any && g_hash_table_size(connections->all) == 0) && !(cancelled && g_atomic_int_get(cancelled)))
        g_cond_wait_until(&connections->changed, &connections->lock, g_get_monotonic_time() + LOOK_EVERY);
    g_mutex_unlock(&connections->lock);
    return over;
}
