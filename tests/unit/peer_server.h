/*
 * peer_server: a node of two_nodes.h behind HTTPS in this process, which may lie: each answer can be altered or cut on its way.  For unit tests.
 */
#ifndef CHAMA_TESTS_PEER_SERVER_H
#define CHAMA_TESTS_PEER_SERVER_H

#include <microhttpd.h>

#include "tests/unit/two_nodes.h"

#define CUT_NEVER G_MAXSIZE

/* Changes an answer in place; returns after how many bytes the connection breaks (CUT_NEVER). */
typedef gsize (*PeerLie)(gpointer data, const char *path, int *status, GByteArray *body);

typedef struct {
    const char *home;
    struct MHD_Daemon *daemon;
    char *url;
    PeerLie lie;            /* NULL: honest */
    gpointer lie_data;
    gint requests;
} PeerServer;

typedef struct {
    GByteArray *body;
    gsize cut;
} PeerReply;

static inline ssize_t
peer_server_read(void *data, uint64_t position, char *bytes, size_t max)
{
    const PeerReply *reply = data;
    gsize end = MIN(reply->body->len, reply->cut), size = MIN(max, end - position);

    if (position == reply->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memcpy(bytes, reply->body->data + position, size);
    return (ssize_t)size;
}

static inline void
peer_server_free_reply(void *data)
{
    PeerReply *reply = data;

    g_byte_array_unref(reply->body);
    g_free(reply);
}

static inline PeerReply *
peer_server_ask(PeerServer *server, struct MHD_Connection *connection, const char *path, const char *method, GString *body, int *status)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const char *from = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "from");
    g_autofree char *query = from ? g_strdup_printf("from=%s", from) : NULL;
    g_autoptr(GBytes) upload = g_bytes_new(body->str, body->len);
    AnswerRequest request = { .method = method, .path = path, .query = query, .body = upload };
    g_autoptr(Home) home = home_open(server->home, NULL);
    g_autoptr(Answer) answer = NULL;
    PeerReply *reply = g_new0(PeerReply, 1);
    GBytes *piece;

    request.grant = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Chama-Grant");
    request.has_pin = tls_pin_of_peer(info->tls_session, &request.pin, NULL);
    answer = answer_new(home, &request);
    *status = answer_status(answer);
    reply->body = g_byte_array_new();
    reply->cut = CUT_NEVER;
    while ((piece = answer_next(answer, NULL))) {
        g_byte_array_append(reply->body, g_bytes_get_data(piece, NULL), (guint)g_bytes_get_size(piece));
        g_bytes_unref(piece);
    }
    return reply;
}

static inline enum MHD_Result
peer_server_answer(void *data, struct MHD_Connection *connection, const char *path, const char *method, const char *version, const char *upload,
                   size_t *size, void **context)
{
    PeerServer *server = data;
    struct MHD_Response *response;
    enum MHD_Result result;
    PeerReply *reply;
    int status;

    if (!*context) {
        *context = g_string_new(NULL);
        return MHD_YES;
    }
    if (*size > 0) {
        g_string_append_len(*context, upload, (gssize)*size);
        *size = 0;
        return MHD_YES;
    }
    g_atomic_int_inc(&server->requests);
    reply = peer_server_ask(server, connection, path, method, *context, &status);
    if (server->lie)
        reply->cut = server->lie(server->lie_data, path, &status, reply->body);
    response = MHD_create_response_from_callback(reply->body->len, 65536, peer_server_read, reply, peer_server_free_reply);
    result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static inline void
peer_server_completed(void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
    if (*context)
        g_string_free(*context, TRUE);
}

static inline void
peer_server_connected(void *data, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        gnutls_certificate_server_set_request(info->tls_session, GNUTLS_CERT_REQUEST);
}

static inline void
peer_server_start(PeerServer *server, const Node *node)
{
    g_autofree char *key_path = home_file(node->home, "keys/tls.key"), *certificate_path = home_file(node->home, "keys/tls.crt");
    g_autofree char *key = NULL, *certificate = NULL;

    g_assert_true(g_file_get_contents(key_path, &key, NULL, NULL));
    g_assert_true(g_file_get_contents(certificate_path, &certificate, NULL, NULL));
    server->home = node->path;
    server->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, peer_server_answer, server, MHD_OPTION_NOTIFY_COMPLETED,
                                      peer_server_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, peer_server_connected, NULL, MHD_OPTION_HTTPS_MEM_KEY, key,
                                      MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITY, MHD_OPTION_END);
    g_assert_nonnull(server->daemon);
    server->url = g_strdup_printf("https://127.0.0.1:%u", MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
}

static inline void
peer_server_stop(PeerServer *server)
{
    MHD_stop_daemon(server->daemon);
    g_free(server->url);
}

#endif
