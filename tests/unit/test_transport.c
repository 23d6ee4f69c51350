#include <microhttpd.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "keys/error.h"
#include "keys/tls.h"
#include "sync/transport/transport.h"
#include "sync/wire.h"

#define BIG (3 * 1024 * 1024)

static gint asked_silence;

/* In place of the system's, also for libcurl: names of which no server answers. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    if (g_strcmp0(node, "silent.example") == 0) {
        g_atomic_int_inc(&asked_silence);
        g_usleep(3 * G_USEC_PER_SEC);
        return EAI_AGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, result);
}

/* A peer of a few lines: what it answers depends on the path alone. */
typedef struct {
    char *folder, *key, *certificate, *url;
    Digest pin;
    struct MHD_Daemon *daemon;
    gint waiting;      /* 1 while an answer of /v1/stall is held back */
    gint connections;
} Server;

static ssize_t
never(void *data, uint64_t position, char *bytes, size_t size)
{
    Server *server = data;

    while (g_atomic_int_get(&server->waiting))
        g_usleep(1000);
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* Half of the promised bytes, then the connection goes. */
static ssize_t
half(void *data, uint64_t position, char *bytes, size_t size)
{
    if (position > 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memset(bytes, 'x', 100);
    return 100;
}

/* A byte now and then: never a stall. */
static ssize_t
trickle(void *data, uint64_t position, char *bytes, size_t size)
{
    g_usleep(200 * 1000);
    *bytes = 'x';
    return 1;
}

static ssize_t
big(void *data, uint64_t position, char *bytes, size_t size)
{
    memset(bytes, 'x', size);
    return (ssize_t)MIN(size, BIG - position);
}

static struct MHD_Response *
text_response(const char *text)
{
    return MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *
response_for(Server *server, struct MHD_Connection *connection, const char *method, const char *path, const GString *body, unsigned *status)
{
    const char *grant = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Chama-Grant");
    struct MHD_Response *response;

    *status = 200;
    if (strcmp(path, "/v1/echo") == 0)
        return text_response(method[0] == 'P' ? body->str : grant ? grant : "nothing");
    if (strcmp(path, "/v1/big") == 0)
        return MHD_create_response_from_callback(BIG, 65536, big, server, NULL);
    if (strcmp(path, "/v1/cut") == 0)
        return MHD_create_response_from_callback(200, 65536, half, server, NULL);
    if (strcmp(path, "/v1/stall") == 0)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, never, server, NULL);
    if (strcmp(path, "/v1/trickle") == 0)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, trickle, server, NULL);
    if (strcmp(path, "/v1/head") == 0) {
        g_autofree char *wide = g_strnfill(30000, 'w');

        response = text_response("ok");
        for (guint i = 0; i < 3; i++)
            MHD_add_response_header(response, "X-Wide", wide);
        return response;
    }
    if (strcmp(path, "/v1/moved") == 0) {
        *status = 302;
        response = text_response("");
        MHD_add_response_header(response, "Location", server->url);
        return response;
    }
    *status = strcmp(path, "/v1/full") == 0 ? 507 : 404;
    if (strcmp(path, "/v1/endless") == 0)
        return MHD_create_response_from_callback(BIG, 65536, big, server, NULL);
    if (strcmp(path, "/v1/plain") == 0)
        return text_response("<html>no such page</html>");
    return text_response(*status == 507 ? "{\"code\":\"no-space\",\"detail\":\"disk full\",\"status\":507,\"title\":\"x\",\"type\":\"about:blank\"}"
                                        : "{\"code\":\"not-found\",\"detail\":\"no such thing\",\"status\":404,\"title\":\"x\",\"type\":\"about:blank\"}");
}

static enum MHD_Result
answer(void *data, struct MHD_Connection *connection, const char *path, const char *method, const char *version, const char *upload, size_t *size,
       void **context)
{
    struct MHD_Response *response;
    GString *body = *context;
    enum MHD_Result result;
    unsigned status;

    if (!body) {
        *context = g_string_new(NULL);
        return MHD_YES;
    }
    if (*size > 0) {
        g_string_append_len(body, upload, (gssize)*size);
        *size = 0;
        return MHD_YES;
    }
    response = response_for(data, connection, method, path, body, &status);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void
completed(void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
    if (*context)
        g_string_free(*context, TRUE);
}

static void
connected(void *data, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
    Server *server = data;

    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        g_atomic_int_inc(&server->connections);
}

static void
quiet(void *data, const char *format, va_list arguments)
{
}

static void
server_start(Server *server, gconstpointer unused)
{
    g_autofree char *key = NULL, *certificate = NULL;
    const union MHD_DaemonInfo *info;

    server->folder = g_dir_make_tmp("chama-XXXXXX", NULL);
    server->key = g_build_filename(server->folder, "tls.key", NULL);
    server->certificate = g_build_filename(server->folder, "tls.crt", NULL);
    g_assert_true(tls_generate(server->key, server->certificate, "test", NULL, NULL));
    g_assert_true(tls_pin_of_file(server->certificate, &server->pin, NULL));
    g_assert_true(g_file_get_contents(server->key, &key, NULL, NULL));
    g_assert_true(g_file_get_contents(server->certificate, &certificate, NULL, NULL));
    server->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_TLS | MHD_USE_ERROR_LOG, 0, NULL, NULL, answer, server,
                                      MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
                                      MHD_OPTION_NOTIFY_CONNECTION, connected, server, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)200000,
                                      MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITY,
                                      MHD_OPTION_END);
    g_assert_nonnull(server->daemon);
    info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->url = g_strdup_printf("https://127.0.0.1:%u", info->port);
}

static void
server_stop(Server *server, gconstpointer unused)
{
    g_atomic_int_set(&server->waiting, 0);
    MHD_stop_daemon(server->daemon);
    g_unlink(server->key);
    g_unlink(server->certificate);
    g_rmdir(server->folder);
    g_free(server->folder);
    g_free(server->key);
    g_free(server->certificate);
    g_free(server->url);
}

static Transport *
connect_to(Server *server, const Digest *pins, guint pin_count, gint *cancelled)
{
    const TransportOptions options = { .certificate_path = server->certificate, .key_path = server->key, .pins = pins, .pin_count = pin_count,
                                       .connect_timeout = 5, .stall_timeout = 1, .patience = 2, .cancelled = cancelled };
    g_autoptr(GError) error = NULL;
    Transport *transport = transport_open(server->url, &options, &error);

    g_assert_no_error(error);
    return transport;
}

static void
assert_fetch(Transport *transport, const char *path, const char *want)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(transport, "GET", path, NULL, NULL, 1024, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), want, strlen(want));
}

static void
assert_refused(Transport *transport, const char *path, int code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(transport, "GET", path, NULL, NULL, 1024, &error);

    g_assert_null(bytes);
    g_assert_error(error, CHAMA_ERROR, code);
}

static void
test_requests(Server *server, gconstpointer unused)
{
    g_autoptr(Transport) transport = connect_to(server, &server->pin, 1, NULL);
    g_autoptr(GBytes) body = g_bytes_new_static("hello", 5);
    g_autoptr(GBytes) posted = NULL, granted = NULL;
    Digest pin;

    g_assert_false(transport_peer_pin(transport, &pin));
    assert_fetch(transport, "/v1/echo", "nothing");
    posted = transport_fetch(transport, "POST", "/v1/echo", body, NULL, 1024, NULL);
    g_assert_true(g_bytes_equal(posted, body));
    granted = transport_fetch(transport, "GET", "/v1/echo", NULL, "Z3JhbnQ=", 1024, NULL);
    g_assert_cmpmem(g_bytes_get_data(granted, NULL), g_bytes_get_size(granted), "Z3JhbnQ=", 8);
    assert_fetch(transport, "/v1/echo", "nothing");
    g_assert_cmpuint(transport_requests(transport), ==, 4);
    g_assert_cmpuint(transport_bytes(transport), ==, 7 + 5 + 8 + 7);
    g_assert_cmpint(g_atomic_int_get(&server->connections), ==, 1);
    g_assert_true(transport_peer_pin(transport, &pin));
    g_assert_true(digest_equal(&pin, &server->pin));
}

static void
test_any_pin_will_do(Server *server, gconstpointer unused)
{
    Digest pins[3] = { { { 1 } }, { { 2 } }, { { 3 } } };
    g_autoptr(Transport) wrong = connect_to(server, pins, 3, NULL);
    g_autoptr(Transport) right = NULL;

    assert_refused(wrong, "/v1/echo", CHAMA_ERROR_VERIFY);
    pins[2] = server->pin;
    right = connect_to(server, pins, 3, NULL);
    assert_fetch(right, "/v1/echo", "nothing");
}

static void
test_without_pins_the_key_is_told(Server *server, gconstpointer unused)
{
    g_autoptr(Transport) transport = connect_to(server, NULL, 0, NULL);
    Digest pin;

    assert_fetch(transport, "/v1/echo", "nothing");
    g_assert_true(transport_peer_pin(transport, &pin));
    g_assert_true(digest_equal(&pin, &server->pin));
}

static void
test_refusals(Server *server, gconstpointer unused)
{
    static const struct {
        const char *path;
        int code;
    } cases[] = {
        { "/v1/nothing", CHAMA_ERROR_NOT_FOUND }, { "/v1/full", CHAMA_ERROR_NO_SPACE },   { "/v1/plain", CHAMA_ERROR_NOT_FOUND },
        { "/v1/endless", CHAMA_ERROR_LIMIT },     { "/v1/big", CHAMA_ERROR_LIMIT },       { "/v1/cut", CHAMA_ERROR_UNREACHABLE },
        { "/v1/head", CHAMA_ERROR_LIMIT },
    };
    g_autoptr(Transport) transport = connect_to(server, &server->pin, 1, NULL);
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(transport, cases[i].path, cases[i].code);
    g_assert_null(transport_fetch(transport, "GET", "/v1/moved", NULL, NULL, 1024, &error));
    g_assert_nonnull(error);
    assert_fetch(transport, "/v1/echo", "nothing");
}

static void
test_stall(Server *server, gconstpointer unused)
{
    g_autoptr(Transport) transport = connect_to(server, &server->pin, 1, NULL);

    g_atomic_int_set(&server->waiting, 1);
    assert_refused(transport, "/v1/stall", CHAMA_ERROR_UNREACHABLE);
}

static void
test_trickle(Server *server, gconstpointer unused)
{
    g_autoptr(Transport) transport = connect_to(server, &server->pin, 1, NULL);
    gint64 begun = g_get_monotonic_time();

    assert_refused(transport, "/v1/trickle", CHAMA_ERROR_UNREACHABLE);
    g_assert_cmpint(g_get_monotonic_time() - begun, <, 5 * G_USEC_PER_SEC);
}

static gpointer
cancel_soon(gpointer data)
{
    g_usleep(300 * 1000);
    g_atomic_int_set((gint *)data, 1);
    return NULL;
}

static void
test_cancel(Server *server, gconstpointer unused)
{
    gint cancelled = 0;
    g_autoptr(Transport) transport = connect_to(server, &server->pin, 1, &cancelled);
    GThread *thread = g_thread_new("cancel", cancel_soon, &cancelled);
    gint64 since = g_get_monotonic_time();

    g_atomic_int_set(&server->waiting, 1);
    assert_refused(transport, "/v1/stall", CHAMA_ERROR_CANCELLED);
    /* libcurl by itself would look once a second */
    g_assert_cmpint(g_get_monotonic_time() - since, <, 900 * 1000);
    g_thread_join(thread);
}

/* Nor is the system's resolver waited for, which cannot be stopped. */
static void
test_silent_name(void)
{
    static const char *const urls[] = { "https://silent.example:1", "ssh://silent.example:1/x" };

    for (guint i = 0; i < G_N_ELEMENTS(urls); i++) {
        gint cancelled = 0;
        const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 60, .patience = 60, .cancelled = &cancelled };
        g_autoptr(GError) error = NULL;
        Transport *transport = transport_open(urls[i], &options, &error);
        GThread *thread = g_thread_new("cancel", cancel_soon, &cancelled);
        gint64 since = g_get_monotonic_time();

        g_assert_no_error(error);
        g_assert_null(transport_fetch(transport, "GET", "/v1/node", NULL, NULL, 100, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
        transport_close(transport);
        g_assert_cmpint(g_get_monotonic_time() - since, <, 1500 * 1000);
        g_assert_cmpint(g_atomic_int_get(&asked_silence), ==, i + 1);
        g_thread_join(thread);
    }
}

static gboolean
stop_at_once(gpointer data, const void *bytes, gsize size, GError **error)
{
    *(guint *)data += 1;
    return chama_error(error, CHAMA_ERROR_FORK, "seen enough");
}

static void
test_the_sinks_error_comes_through(Server *server, gconstpointer unused)
{
    g_autoptr(Transport) transport = connect_to(server, &server->pin, 1, NULL);
    g_autoptr(GError) error = NULL;
    guint calls = 0;

    g_assert_false(transport_request(transport, "GET", "/v1/big", NULL, NULL, stop_at_once, &calls, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FORK);
    g_assert_cmpuint(calls, ==, 1);
}

static void
test_nobody_there(Server *server, gconstpointer unused)
{
    const TransportOptions options = { .connect_timeout = 1, .stall_timeout = 1 };
    g_autoptr(Transport) transport = transport_open("https://127.0.0.1:1", &options, NULL);

    assert_refused(transport, "/v1/echo", CHAMA_ERROR_UNREACHABLE);
}

static void
test_proxies_of_the_environment_are_not_asked(Server *server, gconstpointer unused)
{
    g_autoptr(Transport) transport = connect_to(server, &server->pin, 1, NULL);

    g_assert_nonnull(g_getenv("https_proxy"));
    assert_fetch(transport, "/v1/echo", "nothing");
}

static void
test_a_path_in_the_address(Server *server, gconstpointer unused)
{
    const TransportOptions options = { .pins = &server->pin, .pin_count = 1, .connect_timeout = 5, .stall_timeout = 1 };
    g_autofree char *url = g_strconcat(server->url, "/v1/", NULL);
    g_autoptr(Transport) transport = transport_open(url, &options, NULL);

    assert_fetch(transport, "/echo", "nothing");
}

static void
test_addresses(void)
{
    static const struct {
        const char *url;
        gboolean good;
    } cases[] = {
        { "https://example.org", TRUE },          { "https://example.org:7443/", TRUE },      { "https://[::1]:7443", TRUE },
        { "http://example.org", FALSE },          { "ssh://example.org", TRUE },              { "file:///etc/passwd", FALSE },
        { "https://", FALSE },                    { "https://example.org/path", TRUE },       { "https://example.org?query", FALSE },
        { "https://a:b@example.org", FALSE },     { "https://example.org:99999", FALSE },     { "https://example.org#part", FALSE },
        { "", FALSE },                            { "https://exa mple.org", FALSE },
        { "ssh://me@example.org:2222/a", TRUE },  { "ssh://[::1]/~/chama", TRUE },
        { "ssh://", FALSE },                      { "ssh://me:secret@example.org", FALSE },
        { "ssh://-oProxyCommand=x", FALSE },      { "ssh://-me@example.org", FALSE },
        { "ssh://example.org/a?b", FALSE },       { "ssh://example.org:0", FALSE },
        { "ssh://a@b@example.org", FALSE },       { "sftp://example.org", FALSE },
    };
    const TransportOptions options = { .connect_timeout = 1, .stall_timeout = 1 };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Transport) transport = transport_open(cases[i].url, &options, &error);

        g_assert_cmpint(transport != NULL, ==, cases[i].good);
        if (!cases[i].good)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
}

/* PU50, PU53: three requests at once go through one limit, and the time that it takes is not the peer's. */
static gpointer
fetch_big(gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(data, "GET", "/v1/big", NULL, NULL, BIG, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, BIG);
    return NULL;
}

static void
pu50_limit(Server *server, gconstpointer unused)
{
    const Rate rate = { .count = 1, .parts = { { 0, 0, 2 * BIG } } };
    g_autoptr(Limit) limit = limit_new(&rate, NULL);
    const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 1, .patience = 1, .slowest = G_MAXINT64, .limit = limit };
    gint64 since = g_get_monotonic_time();
    Transport *transports[3];
    GThread *threads[3];

    for (guint i = 0; i < 3; i++) {
        transports[i] = transport_open(server->url, &options, NULL);
        threads[i] = g_thread_new("fetch", fetch_big, transports[i]);
    }
    for (guint i = 0; i < 3; i++) {
        g_thread_join(threads[i]);
        transport_close(transports[i]);
    }
    g_assert_cmpint(g_get_monotonic_time() - since, >=, 1500 * 1000 - LIMIT_BURST);
    g_assert_cmpint(g_get_monotonic_time() - since, <, 10 * G_USEC_PER_SEC);
}

static void
pu50_cancelled(Server *server, gconstpointer unused)
{
    const Rate rate = { .count = 1, .parts = { { 0, 0, RATE_LEAST } } };
    g_autoptr(Limit) limit = limit_new(&rate, NULL);
    gint cancelled = 0;
    const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 60, .limit = limit, .cancelled = &cancelled };
    g_autoptr(Transport) transport = transport_open(server->url, &options, NULL);
    g_autoptr(GError) error = NULL;
    gint64 since = g_get_monotonic_time();
    GThread *thread = g_thread_new("cancel", cancel_soon, &cancelled);

    g_assert_null(transport_fetch(transport, "GET", "/v1/big", NULL, NULL, BIG, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    g_assert_cmpint(g_get_monotonic_time() - since, <, 5 * G_USEC_PER_SEC);
    g_thread_join(thread);
}

/* Someone listens, and never says a word of TLS. */
static void
silent_tls(Server *server, gconstpointer unused)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    const TransportOptions options = { .connect_timeout = 1, .stall_timeout = 60, .patience = 60 };
    g_autoptr(Transport) transport = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *url = NULL;
    gint64 since = g_get_monotonic_time();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(listen(fd, 4), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    url = g_strdup_printf("https://127.0.0.1:%u", ntohs(address.sin_port));
    transport = transport_open(url, &options, NULL);
    g_assert_null(transport_fetch(transport, "GET", "/v1/node", NULL, NULL, 100, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE);
    g_assert_cmpint(g_get_monotonic_time() - since, <, 10 * G_USEC_PER_SEC);
    close(fd);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(Server *server, gconstpointer unused);
    } tests[] = {
        { "/transport/requests", test_requests },
        { "/transport/any-pin-will-do", test_any_pin_will_do },
        { "/transport/without-pins-the-key-is-told", test_without_pins_the_key_is_told },
        { "/transport/refusals", test_refusals },
        { "/transport/stall", test_stall },
        { "/transport/trickle", test_trickle },
        { "/transport/cancel", test_cancel },
        { "/transport/the-sinks-error-comes-through", test_the_sinks_error_comes_through },
        { "/transport/nobody-there", test_nobody_there },
        { "/transport/a-path-in-the-address", test_a_path_in_the_address },
        { "/transport/proxies-of-the-environment-are-not-asked", test_proxies_of_the_environment_are_not_asked },
    };

    g_test_init(&argc, &argv, NULL);
    /* Before there are threads; nothing listens there. */
    g_setenv("https_proxy", "http://127.0.0.1:1", TRUE);
    g_setenv("ALL_PROXY", "http://127.0.0.1:1", TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Server, NULL, server_start, tests[i].test, server_stop);
    g_test_add_func("/transport/addresses", test_addresses);
    g_test_add_func("/transport/silent-name", test_silent_name);
    g_test_add("/transport/pu50-limit", Server, NULL, server_start, pu50_limit, server_stop);
    g_test_add("/transport/pu50-cancelled", Server, NULL, server_start, pu50_cancelled, server_stop);
    g_test_add("/transport/silent-tls", Server, NULL, server_start, silent_tls, server_stop);
    return g_test_run();
}
