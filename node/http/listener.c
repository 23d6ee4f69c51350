#include "node/http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netdb.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "keys/error.h"
#include "keys/tls.h"
#include "node/config.h"
#include "node/http/certificates.h"
#include "node/http/git.h"
#include "node/http/homes.h"
#include "node/http/pacing.h"
#include "sync/answer.h"
#include "sync/peers.h"
#include "sync/transport/transport.h"
#include "sync/wire.h"

#define THREADS 4
#define BLOCK_SIZE (256 * 1024)
#define HEAD_MAX (16 * 1024)
#define DESCRIPTORS_EACH 8
#define DESCRIPTORS_REST 512        /* homes that wait, libraries, the daemon's own sync */
#define IDLE_SECONDS 60
#define REQUEST_SECONDS 90          /* to send a whole request */
#define ANSWER_SECONDS 120          /* to take an answer, and 1 more for each `slowest` bytes (PU53) */
#define TRIM_AFTER (16 * 1024 * 1024)   /* bytes sent */

/* One connection, from accept to close, on the list that the watch thread looks through. */
typedef struct {
    int fd;
    gint64 since;        /* when the present request, or waiting for it, began (monotonic seconds) */
    gboolean answering;
    guint64 sent;
    gint64 rested;       /* microseconds of the present answer: by this side's limit */
    char address[INET6_ADDRSTRLEN];
    struct Exchanged *request;   /* the present one; libmicrohttpd does not tell of the end of one whose head it refused */
} Connection;

struct Listener {
    struct MHD_Daemon *daemon;
    Homes *homes;
    GitRuns *git;
    ListenerOptions options;
    char *home, *address;      /* owned; options point to them */
    GMutex lock;
    GCond stop;
    gboolean stopped;
    GHashTable *connections;   /* set of Connection* */
    guint64 sent;              /* since memory was given back */
    GThread *watch;
    Pacing *pacing;
    Certificates *certificates;
};

/* One request and its answer. */
typedef struct Exchanged {
    Listener *listener;
    Connection *connection;
    char *method, *path, *query;
    GByteArray *body;
    Home *home;
    Answer *answer;
    struct MHD_Connection *mhd;
    GitRun *git;             /* whose output is the body; or NULL */
    GBytes *piece;           /* of the answer, being sent */
    gsize piece_sent;
    Limit *limit;            /* borrowed */
    gint64 rest_until;       /* what was sent is paid for then (monotonic microseconds) */
    int status;
    gboolean cut;
    gboolean has_pin;
    Digest pin;
    gint64 started;
} Exchanged;

static gint64
now_seconds(void)
{
    return g_get_monotonic_time() / G_USEC_PER_SEC;
}

/* libmicrohttpd's timeout counts silence only: a byte a second lives for ever.  This counts time. */
static gboolean
is_overdue(const Connection *connection, guint64 slowest, gint64 now)
{
    gint64 age = now - connection->since - connection->rested / G_USEC_PER_SEC;

    return connection->answering ? age > ANSWER_SECONDS + (gint64)(connection->sent / slowest) : age > REQUEST_SECONDS;
}

/* With the lock held.  TRUE if a connection is being answered. */
static gboolean
look_through(Listener *listener)
{
    gboolean busy = FALSE;
    GHashTableIter all;
    gpointer item;

    g_hash_table_iter_init(&all, listener->connections);
    while (g_hash_table_iter_next(&all, &item, NULL)) {
        const Connection *connection = item;

        busy |= connection->answering;
        if (is_overdue(connection, listener->options.slowest, now_seconds()))
            shutdown(connection->fd, SHUT_RDWR);
    }
    return busy;
}

/* What many answers at once needed is given back to the system once there are none: malloc() would keep it. */
static void
trim(Listener *listener, gboolean busy)
{
    if (busy || listener->sent < TRIM_AFTER)
        return;
    listener->sent = 0;
    malloc_trim(0);
}

static gpointer
watch(gpointer data)
{
    Listener *listener = data;

    g_mutex_lock(&listener->lock);
    while (!listener->stopped) {
        g_cond_wait_until(&listener->stop, &listener->lock, g_get_monotonic_time() + G_USEC_PER_SEC);
        trim(listener, look_through(listener));
    }
    g_mutex_unlock(&listener->lock);
    return NULL;
}

static void
set_stage(Listener *listener, Connection *connection, gboolean answering)
{
    g_mutex_lock(&listener->lock);
    connection->since = now_seconds();
    connection->answering = answering;
    connection->sent = 0;
    connection->rested = 0;
    g_mutex_unlock(&listener->lock);
}

static void
add_sent(Exchanged *x, gsize bytes)
{
    g_mutex_lock(&x->listener->lock);
    x->connection->sent += bytes;
    x->listener->sent += bytes;
    g_mutex_unlock(&x->listener->lock);
    if (x->limit)
        x->rest_until = g_get_monotonic_time() + limit_take(x->limit, bytes);
}

static void
pause_connection(gpointer data)
{
    MHD_suspend_connection(((Exchanged *)data)->mhd);
}

static void
resume_connection(gpointer data)
{
    MHD_resume_connection(((Exchanged *)data)->mhd);
}

/* PU50: TRUE if the connection rests now; it is asked for more when it wakes. */
static gboolean
rests(Exchanged *x)
{
    gint64 left = x->rest_until - g_get_monotonic_time();

    if (left <= 0 || !pacing_rest(x->listener->pacing, x, x->rest_until, pause_connection))
        return FALSE;
    g_mutex_lock(&x->listener->lock);
    x->connection->rested += left;
    g_mutex_unlock(&x->listener->lock);
    return TRUE;
}

static void
format_address(const struct sockaddr *address, char text[INET6_ADDRSTRLEN])
{
    const void *bytes = address->sa_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                                                       : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

    if (!inet_ntop(address->sa_family, bytes, text, INET6_ADDRSTRLEN))
        g_strlcpy(text, "?", INET6_ADDRSTRLEN);
}

/* A certificate is asked for and not required; no names of authorities are sent, since keys are pinned. */
static void
prepare_session(Listener *listener, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_datum_t protocol = { (unsigned char *)"http/1.1", 8 };
    gnutls_session_t session = info ? info->tls_session : NULL;

    if (!session)
        return;
    certificates_show(listener->certificates, session);
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    gnutls_certificate_send_x509_rdn_sequence(session, 1);
    gnutls_alpn_set_protocols(session, &protocol, 1, 0);
}

static void
exchanged_free(Exchanged *x)
{
    if (!x)
        return;
    git_run_free(x->git);
    g_clear_pointer(&x->answer, answer_free);
    if (x->home)
        homes_give(x->listener->homes, x->home);
    g_clear_pointer(&x->piece, g_bytes_unref);
    g_clear_pointer(&x->body, g_byte_array_unref);
    g_free(x->method);
    g_free(x->path);
    g_free(x->query);
    g_free(x);
}

static void
on_connection(void *data, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
    Listener *listener = data;
    Connection *connection = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection = g_new0(Connection, 1);
        connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        connection->since = now_seconds();
        format_address(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, connection->address);
        prepare_session(listener, mhd);
        *context = connection;
        g_mutex_lock(&listener->lock);
        g_hash_table_add(listener->connections, connection);
        g_mutex_unlock(&listener->lock);
        return;
    }
    if (!connection)
        return;
    g_mutex_lock(&listener->lock);
    g_hash_table_remove(listener->connections, connection);
    g_mutex_unlock(&listener->lock);
    exchanged_free(connection->request);
    g_free(connection);
    *context = NULL;
}

static void
on_completed(void *data, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
    Listener *listener = data;
    Exchanged *x = *context;

    if (!x)
        return;
    if (listener->options.log && x->status) {
        const ListenerEvent event = { .address = x->connection->address, .has_pin = x->has_pin, .pin = x->pin, .method = x->method, .path = x->path,
                                      .status = x->status, .bytes = x->connection->sent, .microseconds = g_get_monotonic_time() - x->started,
                                      .cut = x->cut || code != MHD_REQUEST_TERMINATED_COMPLETED_OK,
                                      .node = x->answer ? answer_caller(x->answer) : "",
                                      .remark = x->git && x->cut ? git_remark(x->git) : x->answer ? answer_remark(x->answer) : NULL };

        listener->options.log(listener->options.log_data, &event);
    }
    set_stage(listener, x->connection, FALSE);
    x->connection->request = NULL;
    exchanged_free(x);
    *context = NULL;
}

/* The body, as libmicrohttpd asks for it. */
static ssize_t
read_answer(void *data, uint64_t position, char *buffer, size_t max)
{
    Exchanged *x = data;
    g_autoptr(GError) broken = NULL;
    gsize size, count;
    const char *bytes;

    if (rests(x))
        return 0;
    while (!x->piece || x->piece_sent == g_bytes_get_size(x->piece)) {
        g_clear_pointer(&x->piece, g_bytes_unref);
        x->piece_sent = 0;
        x->piece = answer_next(x->answer, &broken);
        x->cut |= broken != NULL;
        if (!x->piece)
            return broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    }
    bytes = g_bytes_get_data(x->piece, &size);
    count = MIN(max, size - x->piece_sent);
    memcpy(buffer, bytes + x->piece_sent, count);
    x->piece_sent += count;
    add_sent(x, count);
    return (ssize_t)count;
}

/* The body, where git makes it: while it makes nothing the connection rests, and this thread serves others. */
static ssize_t
read_git(void *data, uint64_t position, char *buffer, size_t max)
{
    Exchanged *x = data;
    gsize count;

    if (rests(x))
        return 0;
    switch (git_read(x->git, buffer, max, &count, pause_connection)) {
    case GIT_BYTES:
        add_sent(x, count);
        return (ssize_t)count;
    case GIT_NOTHING_YET:
        return 0;
    case GIT_END:
        return MHD_CONTENT_READER_END_OF_STREAM;
    default:
        x->cut = TRUE;
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

static enum MHD_Result
send_response(struct MHD_Connection *mhd, int status, const char *type, const char *cache, struct MHD_Response *response)
{
    enum MHD_Result queued;

    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache);
    queued = MHD_queue_response(mhd, (unsigned int)status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Where not even an Answer can be made: the home cannot be opened, or the body is too large. */
static enum MHD_Result
send_error(struct MHD_Connection *mhd, Exchanged *x, const GError *error)
{
    g_autoptr(GBytes) problem = problem_format(error);
    struct MHD_Response *response = MHD_create_response_from_buffer(g_bytes_get_size(problem), (void *)g_bytes_get_data(problem, NULL), MHD_RESPMEM_MUST_COPY);

    x->status = chama_error_http_status(error);
    set_stage(x->listener, x->connection, TRUE);
    return send_response(mhd, x->status, "application/problem+json", "no-store", response);
}

/* E2 */
static enum MHD_Result
refuse_size(struct MHD_Connection *mhd, Exchanged *x, const char *what, guint most)
{
    g_autoptr(GError) error = g_error_new(CHAMA_ERROR, CHAMA_ERROR_LIMIT, "request: E2: want a %s of at most %u bytes, have more", what, most);

    return send_error(mhd, x, error);
}

/* E2: libmicrohttpd's own bound is that of a connection's memory, in which more than the head lies. */
static gboolean
head_fits(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info && info->header_size <= HEAD_MAX;
}

static gboolean
run_git(Exchanged *x, GError **error)
{
    const GitCaller caller = { x->connection->address, x->connection->fd };

    x->git = git_run(x->listener->git, answer_git(x->answer), &caller, resume_connection, x, error);
    return x->git != NULL;
}

/* PU50: the caller's own limit, if it has one. */
static Limit *
limit_of(const Exchanged *x)
{
    Limits *limits = x->listener->options.limits;
    const char *caller = answer_caller(x->answer);
    g_autoptr(Peer) peer = x->home && *caller && limits_tells_apart(limits) ? peers_get(x->home, caller, NULL) : NULL;

    return limits_of(limits, peer ? peer->alias : NULL);
}

static enum MHD_Result
answer_request(struct MHD_Connection *mhd, Exchanged *x)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) body = g_byte_array_free_to_bytes(g_steal_pointer(&x->body));
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    AnswerRequest request = { .method = x->method, .path = x->path, .query = x->query, .body = body };

    x->has_pin = info && info->tls_session && tls_pin_of_peer(info->tls_session, &x->pin, NULL);
    request.has_pin = x->has_pin;
    request.pin = x->pin;
    request.grant = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Chama-Grant");
    request.git_protocol = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Git-Protocol");
    request.encoding = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_ENCODING);
    x->home = homes_take(x->listener->homes, &error);
    if (!x->home)
        return send_error(mhd, x, error);
    x->answer = answer_new(x->home, &request);
    x->status = answer_status(x->answer);
    x->mhd = mhd;
    x->limit = limit_of(x);
    if (!answer_is_streamed(x->answer))
        homes_give(x->listener->homes, g_steal_pointer(&x->home));
    if (answer_git(x->answer) && !run_git(x, &error))
        return send_error(mhd, x, error);
    set_stage(x->listener, x->connection, TRUE);
    return send_response(mhd, x->status, answer_content_type(x->answer), answer_cache(x->answer),
                         MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, x->git ? read_git : read_answer, x, NULL));
}

/* Called once when the target is known, before it is parsed: the query as it came. */
static void *
on_target(void *data, const char *target, struct MHD_Connection *mhd)
{
    const char *question = strchr(target, '?');
    Exchanged *x = g_new0(Exchanged, 1);

    x->listener = data;
    x->path = question ? g_strndup(target, (gsize)(question - target)) : g_strdup(target);
    x->query = question ? g_strdup(question + 1) : NULL;
    x->body = g_byte_array_new();
    x->started = g_get_monotonic_time();
    x->connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchanged_free(x->connection->request);
    x->connection->request = x;
    return x;
}

static enum MHD_Result
on_request(void *data, struct MHD_Connection *mhd, const char *url, const char *method, const char *version, const char *upload, size_t *upload_size, void **context)
{
    Exchanged *x = *context;

    if (!x->method) {
        x->method = g_strdup(method);
        return head_fits(mhd) ? MHD_YES : refuse_size(mhd, x, "head", HEAD_MAX);
    }
    if (*upload_size > 0) {
        /* What is too much is read and let go, so that the caller can be told. */
        if (x->body->len <= REQUEST_BODY_MAX)
            g_byte_array_append(x->body, (const guint8 *)upload, (guint)*upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (x->body && x->body->len > REQUEST_BODY_MAX)
        return refuse_size(mhd, x, "body", REQUEST_BODY_MAX);
    return x->body ? answer_request(mhd, x) : MHD_NO;
}

static gboolean
resolve(const char *address, struct addrinfo **found, GError **error)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    g_autofree char *host = NULL, *service = NULL;
    guint16 port;
    int status;

    if (!config_parse_address(address, &host, &port, error))
        return FALSE;
    service = g_strdup_printf("%u", port);
    status = getaddrinfo(host, service, &hints, found);
    return status == 0 || chama_error(error, CHAMA_ERROR_FAILED, "%s: %s", address, gai_strerror(status));
}

gboolean
listener_renew(Listener *listener, gboolean *renewed, GError **error)
{
    return certificates_read(listener->certificates, renewed, error);
}

/* A connection that is being answered has its own home: a socket and DESCRIPTORS_EACH files.  Without room for all, callers who read slowly would
 * leave none for others.  How many connections there may be. */
static guint
make_room(guint wanted)
{
    const rlim_t need = DESCRIPTORS_REST + (rlim_t)wanted * DESCRIPTORS_EACH;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < need) {
        limit.rlim_cur = MIN(need, limit.rlim_max);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= need)
        return wanted;
    return limit.rlim_cur > DESCRIPTORS_REST ? MAX((guint)((limit.rlim_cur - DESCRIPTORS_REST) / DESCRIPTORS_EACH), THREADS) : THREADS;
}

static gboolean
start_daemon(Listener *listener, GError **error)
{
    struct addrinfo *found = NULL;
    unsigned int flags = MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME;
    guint limit = make_room(listener->options.connections_max);

    if (!(listener->certificates = certificates_new(listener->options.home, error)) || !resolve(listener->options.address, &found, error))
        return FALSE;
    if (found->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    errno = 0;
    listener->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_SOCK_ADDR, found->ai_addr, MHD_OPTION_HTTPS_MEM_KEY, certificates_first_key(listener->certificates),
                                        MHD_OPTION_HTTPS_MEM_CERT, certificates_first(listener->certificates), MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITY, MHD_OPTION_THREAD_POOL_SIZE,
                                        (unsigned int)MIN(THREADS, limit), MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MAX(limit, THREADS), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                        (unsigned int)MAX(limit / 2, 8), MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_SECONDS,
                                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(2 * HEAD_MAX), MHD_OPTION_URI_LOG_CALLBACK, on_target, listener,
                                        MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
                                        MHD_OPTION_END);
    freeaddrinfo(found);
    if (listener->daemon)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot listen there: %s", listener->options.address, errno ? g_strerror(errno) : "TLS setup failed");
}

Listener *
listener_start(const ListenerOptions *options, GError **error)
{
    Listener *listener = g_new0(Listener, 1);

    listener->options = *options;
    listener->options.home = listener->home = g_strdup(options->home);
    listener->options.address = listener->address = g_strdup(options->address);
    listener->options.slowest = options->slowest ? options->slowest : PATIENCE_RATE;
    listener->homes = homes_new(options->home);
    listener->pacing = pacing_new(resume_connection);
    listener->git = git_runs_new();
    listener->connections = g_hash_table_new(NULL, NULL);
    g_mutex_init(&listener->lock);
    g_cond_init(&listener->stop);
    if (!start_daemon(listener, error)) {
        listener_stop(listener);
        return NULL;
    }
    listener->watch = g_thread_new("watch", watch, listener);
    return listener;
}

void
listener_stop(Listener *listener)
{
    if (!listener)
        return;
    g_mutex_lock(&listener->lock);
    listener->stopped = TRUE;
    g_cond_signal(&listener->stop);
    g_mutex_unlock(&listener->lock);
    if (listener->watch)
        g_thread_join(listener->watch);
    git_runs_stop(listener->git);
    pacing_stop(listener->pacing);
    if (listener->daemon)
        MHD_stop_daemon(listener->daemon);
    pacing_free(listener->pacing);
    git_runs_free(listener->git);
    homes_free(listener->homes);
    certificates_free(listener->certificates);
    g_hash_table_unref(listener->connections);
    g_mutex_clear(&listener->lock);
    g_cond_clear(&listener->stop);
    g_free(listener->home);
    g_free(listener->address);
    g_free(listener);
}
