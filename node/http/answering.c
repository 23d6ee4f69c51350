#include "node/http/answering.h"

#include <string.h>

#include "keys/error.h"
#include "keys/tls.h"
#include "node/http/connections.h"
#include "node/http/git.h"
#include "node/http/homes.h"
#include "node/http/pacing.h"
#include "sync/answer.h"
#include "sync/peers.h"
#include "sync/pushed.h"
#include "sync/transport/transport.h"
#include "sync/wire.h"

#define BLOCK_SIZE (256 * 1024)
#define QUESTIONS_SIZE (16 * 1024)
#define ANSWERS_PATH "/v1/push/answers"

static char nothing[] = "{}";

struct Answering {
    AnsweringOptions options;
    Homes *homes;
    GitRuns *git;
    Pacing *pacing;
    Connections *connections;
};

/* One request and its answer.  Its connection points to it: libmicrohttpd does not tell of the end of one whose head it refused. */
typedef struct {
    Answering *answering;
    Connection *connection;
    char *method, *path, *query;
    GByteArray *body;
    Home *home;
    Answer *answer;
    struct MHD_Connection *mhd;
    GitRun *git;             /* whose output is the body; or NULL */
    Pushing *pushing;        /* that this is one side of, or will be (PS4, PS5); or NULL */
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

gboolean
answering_wait(Answering *answering, const gint *cancelled)
{
    return connections_wait(answering->connections, cancelled);
}

static void
exchanged_free(Exchanged *x)
{
    if (!x)
        return;
    git_run_free(x->git);
    if (x->pushing)
        pushing_leave(x->pushing, x->connection->fd);
    g_clear_pointer(&x->answer, answer_free);
    if (x->home)
        homes_give(x->answering->homes, x->home);
    g_clear_pointer(&x->piece, g_bytes_unref);
    g_clear_pointer(&x->body, g_byte_array_unref);
    g_free(x->method);
    g_free(x->path);
    g_free(x->query);
    g_free(x);
}

void
answering_connection(void *data, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
    Answering *answering = data;
    Connection *connection = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = connections_add(answering->connections, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
                                   MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        if (answering->options.began)
            answering->options.began(answering->options.began_data, mhd);
        return;
    }
    if (!connection)
        return;
    exchanged_free(connection->data);
    connections_remove(answering->connections, connection);
    *context = NULL;
}

void
answering_completed(void *data, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
    Answering *answering = data;
    Exchanged *x = *context;

    if (!x)
        return;
    if (answering->options.log && x->status) {
        const AnsweredEvent event = { .address = answering->options.address ? answering->options.address : x->connection->address, .has_pin = x->has_pin, .pin = x->pin, .method = x->method, .path = x->path,
                                      .status = x->status, .bytes = x->connection->sent, .microseconds = g_get_monotonic_time() - x->started,
                                      .cut = x->cut || code != MHD_REQUEST_TERMINATED_COMPLETED_OK,
                                      .node = x->answer ? answer_caller(x->answer) : "",
                                      .remark = x->git && x->cut ? git_remark(x->git) : x->answer ? answer_remark(x->answer) : NULL };

        answering->options.log(answering->options.log_data, &event);
    }
    connection_begin(answering->connections, x->connection, CONNECTION_WAITS);
    x->connection->data = NULL;
    exchanged_free(x);
    *context = NULL;
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

    if (left <= 0 || !pacing_rest(x->answering->pacing, x, x->rest_until, pause_connection))
        return FALSE;
    connection_rested(x->answering->connections, x->connection, left);
    return TRUE;
}

static void
note_sent(Exchanged *x, gsize bytes)
{
    connection_sent(x->answering->connections, x->connection, bytes);
    progress_add(x->answering->options.progress, (gint64)bytes, 0);
    if (x->limit)
        x->rest_until = g_get_monotonic_time() + limit_take(x->limit, bytes);
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
    note_sent(x, count);
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
        note_sent(x, count);
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
    connection_begin(x->answering->connections, x->connection, CONNECTION_TAKES);
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

    x->git = git_run(x->answering->git, answer_git(x->answer), &caller, resume_connection, x, error);
    return x->git != NULL;
}

/* PS4: from here on the caller is asked.  What it sent already was no answer to anything. */
static void
on_upgraded(void *data, struct MHD_Connection *mhd, void *context, const char *more, size_t more_size, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle)
{
    Exchanged *x = data;

    connection_begin(x->answering->connections, x->connection, CONNECTION_ELSEWHERE);
    if (more_size == 0) {
        pushing_begin(g_steal_pointer(&x->pushing), socket, handle);
        return;
    }
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

/* PS5: what this node asks, as it comes. */
static ssize_t
read_questions(void *data, uint64_t position, char *buffer, size_t max)
{
    Exchanged *x = data;
    gssize size = pushing_questions(x->pushing, buffer, max);

    if (size == 0)
        pacing_rest(x->answering->pacing, x, g_get_monotonic_time() + PUSHING_PAUSE, pause_connection);
    return size < 0 ? MHD_CONTENT_READER_END_OF_STREAM : size;
}

static enum MHD_Result
ask_apart(struct MHD_Connection *mhd, Exchanged *x)
{
    g_autoptr(GError) error = NULL;

    if (!pushing_begin_apart(x->pushing, x->connection->fd, &error))
        return send_error(mhd, x, error);
    connection_begin(x->answering->connections, x->connection, CONNECTION_ELSEWHERE);
    return send_response(mhd, x->status, "application/octet-stream", "no-store", MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, QUESTIONS_SIZE, read_questions, x, NULL));
}

static enum MHD_Result
change_roles(struct MHD_Connection *mhd, Exchanged *x)
{
    g_autoptr(GError) error = NULL;
    struct MHD_Response *response;
    enum MHD_Result queued;
    const char *upgrade;

    x->pushing = pushes_admit(x->answering->options.pushes, answer_caller(x->answer), x->query, &error);
    if (!x->pushing)
        return send_error(mhd, x, error);
    upgrade = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_UPGRADE);
    if (g_strcmp0(upgrade, PUSH_PROTOCOL) != 0 || MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION))
        return ask_apart(mhd, x);
    response = MHD_create_response_for_upgrade(on_upgraded, x);
    MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, PUSH_PROTOCOL);
    queued = MHD_queue_response(mhd, MHD_HTTP_SWITCHING_PROTOCOLS, response);
    MHD_destroy_response(response);
    return queued;
}

/* PS5: whose answers come with this request, from now on. */
static enum MHD_Result
join_push(struct MHD_Connection *mhd, Exchanged *x)
{
    g_autoptr(GError) error = NULL;

    x->pushing = pushes_find(x->answering->options.pushes, answer_caller(x->answer), x->query, x->connection->fd, &error);
    if (!x->pushing)
        return send_error(mhd, x, error);
    connection_begin(x->answering->connections, x->connection, CONNECTION_ELSEWHERE);
    return MHD_YES;
}

static enum MHD_Result
take_push(struct MHD_Connection *mhd, Exchanged *x)
{
    g_autoptr(GError) error = NULL;

    if (x->answering->options.pushes)
        return strcmp(x->path, ANSWERS_PATH) == 0 ? join_push(mhd, x) : change_roles(mhd, x);
    g_set_error_literal(&error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND, "push: not on this road");
    return send_error(mhd, x, error);
}

/* What there is no room for waits, and the caller with it. */
static enum MHD_Result
take_answers(Exchanged *x, const char *upload, size_t *upload_size)
{
    gssize size = pushing_answers(x->pushing, upload, *upload_size);

    if (size < 0)
        return MHD_NO;
    *upload_size -= (size_t)size;
    if (*upload_size > 0)
        pacing_rest(x->answering->pacing, x, g_get_monotonic_time() + PUSHING_PAUSE, pause_connection);
    return MHD_YES;
}

static enum MHD_Result
end_answers(struct MHD_Connection *mhd, Exchanged *x)
{
    return send_response(mhd, x->status, "application/json", "no-store", MHD_create_response_from_buffer(strlen(nothing), nothing, MHD_RESPMEM_PERSISTENT));
}

/* PS7 */
static enum MHD_Result
take_word(struct MHD_Connection *mhd, Exchanged *x, GBytes *body)
{
    g_autoptr(GError) error = NULL;

    if (!x->answering->options.told(x->answering->options.told_data, body, &error))
        return send_error(mhd, x, error);
    x->status = 200;
    connection_begin(x->answering->connections, x->connection, CONNECTION_TAKES);
    return send_response(mhd, x->status, "application/json", "no-store", MHD_create_response_from_buffer(strlen(nothing), nothing, MHD_RESPMEM_PERSISTENT));
}

/* PU50: the caller's own limit, if it has one. */
static Limit *
limit_of(const Exchanged *x)
{
    Limits *limits = x->answering->options.limits;
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
    AnswerRequest request = { .method = x->method, .path = x->path, .query = x->query, .node = x->answering->options.node, .body = body };

    x->has_pin = info && info->tls_session && tls_pin_of_peer(info->tls_session, &x->pin, NULL);
    request.has_pin = x->has_pin;
    request.pin = x->pin;
    request.grant = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Chama-Grant");
    request.git_protocol = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Git-Protocol");
    request.encoding = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (x->answering->options.told && strcmp(x->path, "/v1/pushed") == 0 && strcmp(x->method, MHD_HTTP_METHOD_POST) == 0)
        return take_word(mhd, x, body);
    x->home = homes_take(x->answering->homes, &error);
    if (!x->home)
        return send_error(mhd, x, error);
    x->answer = answer_new(x->home, &request);
    x->status = answer_status(x->answer);
    x->mhd = mhd;
    x->limit = limit_of(x);
    if (!answer_is_streamed(x->answer))
        homes_give(x->answering->homes, g_steal_pointer(&x->home));
    if (answer_is_push(x->answer))
        return take_push(mhd, x);
    if (answer_git(x->answer) && !run_git(x, &error))
        return send_error(mhd, x, error);
    connection_begin(x->answering->connections, x->connection, CONNECTION_TAKES);
    return send_response(mhd, x->status, answer_content_type(x->answer), answer_cache(x->answer),
                         MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, x->git ? read_git : read_answer, x, NULL));
}

/* Called once when the target is known, before it is parsed: the query as it came. */
void *
answering_target(void *data, const char *target, struct MHD_Connection *mhd)
{
    const char *question = strchr(target, '?');
    Exchanged *x = g_new0(Exchanged, 1);

    x->answering = data;
    x->path = question ? g_strndup(target, (gsize)(question - target)) : g_strdup(target);
    x->query = question ? g_strdup(question + 1) : NULL;
    x->body = g_byte_array_new();
    x->started = g_get_monotonic_time();
    x->connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchanged_free(x->connection->data);
    x->connection->data = x;
    connection_begin(x->answering->connections, x->connection, CONNECTION_ASKS);
    return x;
}

enum MHD_Result
answering_request(void *data, struct MHD_Connection *mhd, const char *url, const char *method, const char *version, const char *upload, size_t *upload_size,
                  void **context)
{
    Exchanged *x = *context;

    if (!x->method) {
        x->method = g_strdup(method);
        if (!head_fits(mhd))
            return refuse_size(mhd, x, "head", HEAD_MAX);
        return strcmp(x->path, ANSWERS_PATH) == 0 ? answer_request(mhd, x) : MHD_YES;
    }
    if (x->pushing)
        return *upload_size > 0 ? take_answers(x, upload, upload_size) : end_answers(mhd, x);
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

Answering *
answering_new(const AnsweringOptions *options)
{
    Answering *answering = g_new0(Answering, 1);

    answering->options = *options;
    answering->homes = homes_new(options->home);
    answering->git = git_runs_new();
    answering->pacing = pacing_new(resume_connection);
    answering->connections = connections_new(options->wait_seconds, options->slowest ? options->slowest : PATIENCE_RATE);
    return answering;
}

void
answering_end(Answering *answering, struct MHD_Daemon *daemon)
{
    pushes_stop(answering->options.pushes);
    git_runs_stop(answering->git);
    pacing_stop(answering->pacing);
    if (daemon)
        MHD_stop_daemon(daemon);
    pacing_free(answering->pacing);
    git_runs_free(answering->git);
    connections_free(answering->connections);
    homes_free(answering->homes);
    g_free(answering);
}
