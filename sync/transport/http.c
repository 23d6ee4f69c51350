/* Its checks of options are macros in place of the functions, which here are pointers. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "keys/error.h"
#include "keys/library.h"
#include "sync/transport/http.h"

#define READ_SIZE (256 * 1024L)
#define DEAD_MILLISECONDS (60 * 1000)
#define SLICE 50                     /* milliseconds between looks at whether a request is to stop: curl_easy_perform() looks once a second */

/* Loaded with the first request: it brings LDAP, Kerberos, OpenSSL for ssh. */
#define FUNCTIONS(f) \
    f(curl_easy_cleanup) f(curl_easy_getinfo) f(curl_easy_init) f(curl_easy_perform) f(curl_easy_setopt) f(curl_easy_strerror) f(curl_global_init) \
    f(curl_multi_add_handle) f(curl_multi_cleanup) f(curl_multi_info_read) f(curl_multi_init) f(curl_multi_perform) f(curl_multi_poll) f(curl_multi_remove_handle) \
    f(curl_slist_append) f(curl_slist_free_all) f(curl_version) f(curl_version_info)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_CURL, .functions = functions, .count = G_N_ELEMENTS(functions) };

struct HttpClient {
    CURL *curl;
    CURLM *multi;                    /* of this one alone, while a request lasts; keeps the connection */
    char *base, *name;
    char *trouble;                   /* CURL_ERROR_SIZE bytes for libcurl's own words */
    gint *cancelled;
    guint patience;
    guint64 slowest;
    gint64 begun;                    /* the present request, in microseconds; later by what this side itself took */
    gboolean overdue, gave_way;
    gint *gives_way;
    CURLcode code;                   /* of the last request */
    void (*head)(gpointer data);     /* http_on_head() */
    gpointer head_data;
};

/* One request on its way through libcurl's callbacks. */
typedef struct {
    HttpClient *http;
    RoadBody body;
    gpointer data;
    gsize head;                      /* bytes of header lines so far */
    gboolean whole_head;             /* the empty line after them has come */
    GError *error;                   /* why a callback broke off */
} Passage;

static gboolean
is_stopped(HttpClient *http)
{
    http->gave_way = http->gives_way && g_atomic_int_get(http->gives_way);
    return http->gave_way || (http->cancelled && g_atomic_int_get(http->cancelled));
}

/* Called with every piece, and in every slice or, while only connecting, once a second: the only way out of a request that goes nowhere. */
static int
on_progress(void *data, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    HttpClient *http = data;
    gint64 seconds = (g_get_monotonic_time() - http->begun) / G_USEC_PER_SEC;

    /* A stall is no byte at all: who sends one now and then would hold up the sync, and all other peers, for ever. */
    http->overdue = http->patience > 0 && seconds > http->patience + (down + up) / (curl_off_t)http->slowest;
    return http->overdue || is_stopped(http) ? 1 : 0;
}

static void
head_comes(HttpClient *http)
{
    if (http->head)
        http->head(http->head_data);
}

static size_t
on_header(char *bytes, size_t one, size_t size, void *data)
{
    Passage *passage = data;

    if (passage->head == 0)
        head_comes(passage->http);
    passage->head += size;
    passage->whole_head = size <= 2 && (*bytes == '\r' || *bytes == '\n');
    if (passage->head > ANSWER_HEAD_MAX) {
        chama_error(&passage->error, CHAMA_ERROR_LIMIT, "%s: answer's head: want at most %d bytes", passage->http->name, ANSWER_HEAD_MAX);
        return 0;
    }
    return size;
}

static size_t
on_body(char *bytes, size_t one, size_t size, void *data)
{
    Passage *passage = data;
    gint64 since = g_get_monotonic_time();
    long status = 0;
    gboolean good;

    lib.curl_easy_getinfo(passage->http->curl, CURLINFO_RESPONSE_CODE, &status);
    good = passage->body(passage->data, (int)status, bytes, size, &passage->error);
    passage->http->begun += g_get_monotonic_time() - since;
    return good ? size : 0;
}

/* Silence may be long (PS5); that nobody is at the other end any more only the system finds out.  Not every socket is of TCP. */
static int
on_socket(void *unused, curl_socket_t fd, curlsocktype purpose)
{
    const int yes = 1, idle = 20, every = 10, most = DEAD_MILLISECONDS;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most, sizeof most);
    return CURL_SOCKOPT_OK;
}

/* Nothing from the environment and nowhere but the address: no proxy, no redirect, no other protocol. */
static gboolean
set_ways(CURL *curl, const char *protocol)
{
    return lib.curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocol) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_USERAGENT, "chama/" CHAMA_VERSION) == CURLE_OK;
}

static gboolean
set_patience(CURL *curl, const TransportOptions *options)
{
    /* Who is stopped does not wait for the system's resolver; before 7.87 it does. */
    lib.curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    return lib.curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)options->connect_timeout) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)options->stall_timeout) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, READ_SIZE) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK;
}

static gboolean
set_callbacks(HttpClient *http)
{
    return lib.curl_easy_setopt(http->curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           lib.curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK && lib.curl_easy_setopt(http->curl, CURLOPT_SOCKOPTFUNCTION, on_socket) == CURLE_OK &&
           lib.curl_easy_setopt(http->curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           lib.curl_easy_setopt(http->curl, CURLOPT_XFERINFODATA, http) == CURLE_OK && lib.curl_easy_setopt(http->curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           lib.curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, http->trouble) == CURLE_OK;
}

void
http_free(HttpClient *http)
{
    if (!http)
        return;
    lib.curl_easy_cleanup(http->curl);
    lib.curl_multi_cleanup(http->multi);
    g_free(http->base);
    g_free(http->name);
    g_free(http->trouble);
    g_free(http);
}

static gboolean
start_libcurl(GError **error)
{
    static gsize started;

    if (!library_load(&library, error))
        return FALSE;
    if (g_once_init_enter(&started))
        g_once_init_leave(&started, lib.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 1 : 2);
    return started == 1 || chama_error(error, CHAMA_ERROR_FAILED, "libcurl: does not start");
}

HttpClient *
http_new(const char *base, const char *name, const char *protocol, const TransportOptions *options, GError **error)
{
    HttpClient *http;

    if (!start_libcurl(error))
        return NULL;
    http = g_new0(HttpClient, 1);
    http->curl = lib.curl_easy_init();
    http->multi = lib.curl_multi_init();
    http->base = g_strdup(base);
    http->name = g_strdup(name);
    http->trouble = g_malloc0(CURL_ERROR_SIZE);
    http->cancelled = options->cancelled;
    http->patience = options->patience;
    http->gives_way = options->gives_way;
    http->slowest = options->slowest ? options->slowest : PATIENCE_RATE;
    /* An option that this libcurl does not know must not be passed over in silence. */
    if (!http->curl || !http->multi || !set_ways(http->curl, protocol) || !set_patience(http->curl, options) || !set_callbacks(http)) {
        http_free(http);
        return chama_error_null(error, CHAMA_ERROR_FAILED, "libcurl: lacks something that chama needs (%s)", lib.curl_version());
    }
    return http;
}

void
http_on_head(HttpClient *http, void (*head)(gpointer data), gpointer data)
{
    http->head = head;
    http->head_data = data;
}

static struct curl_slist *
headers_of(const RoadRequest *request)
{
    struct curl_slist *headers = lib.curl_slist_append(NULL, "Expect:");

    if (request->body)
        headers = lib.curl_slist_append(headers, "Content-Type: application/octet-stream");
    if (request->grant) {
        g_autofree char *line = g_strdup_printf("Chama-Grant: %s", request->grant);

        headers = lib.curl_slist_append(headers, line);
    }
    return headers;
}

static gboolean
set_request(Passage *passage, const RoadRequest *request, struct curl_slist *headers)
{
    CURL *curl = passage->http->curl;
    g_autofree char *url = g_strconcat(passage->http->base, request->path, NULL);
    gboolean post = strcmp(request->method, "POST") == 0;
    gsize size = 0;
    const void *body = request->body ? g_bytes_get_data(request->body, &size) : NULL;

    return lib.curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_HEADERDATA, passage) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_WRITEDATA, passage) == CURLE_OK &&
           lib.curl_easy_setopt(curl, post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L) == CURLE_OK &&
           (!post || (lib.curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size) == CURLE_OK &&
                      lib.curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "") == CURLE_OK));
}

static gboolean
trouble_error(const HttpClient *http, GError **error)
{
    const char *words = *http->trouble ? http->trouble : lib.curl_easy_strerror(http->code);

    switch (http->code) {
    case CURLE_ABORTED_BY_CALLBACK:
        if (http->overdue)
            return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: PU53: want an answer within %u seconds and 1 more for each %" G_GUINT64_FORMAT " bytes, have a slower one",
                               http->name, http->patience, http->slowest);
        if (http->gave_way)
            return chama_error(error, CHAMA_ERROR_EXISTS, "%s: PU55: gives way to a session with another peer", http->name);
        return chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped", http->name);
    /* libcurl's word for a header line of more than 100 KiB; without memory GLib would have ended the program */
    case CURLE_OUT_OF_MEMORY:
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: answer's head: want at most %d bytes", http->name, ANSWER_HEAD_MAX);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_FAILED_INIT:
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: %s", http->name, words);
    default:
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: %s", http->name, words);
    }
}

/* How it ended; it is the only transfer there. */
static CURLcode
outcome(HttpClient *http)
{
    int left;
    const CURLMsg *message = lib.curl_multi_info_read(http->multi, &left);

    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
}

/* As curl_easy_perform(), and stops soon. */
static CURLcode
perform(HttpClient *http)
{
    int running = 1;
    CURLMcode good = lib.curl_multi_add_handle(http->multi, http->curl);
    CURLcode code;

    while (good == CURLM_OK && running && !is_stopped(http)) {
        good = lib.curl_multi_perform(http->multi, &running);
        if (good == CURLM_OK && running)
            good = lib.curl_multi_poll(http->multi, NULL, 0, SLICE, NULL);
    }
    code = good != CURLM_OK ? CURLE_FAILED_INIT : running ? CURLE_ABORTED_BY_CALLBACK : outcome(http);
    lib.curl_multi_remove_handle(http->multi, http->curl);
    return code;
}

gboolean
http_request(HttpClient *http, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error)
{
    Passage passage = { .http = http, .body = body, .data = data };
    struct curl_slist *headers = headers_of(request);
    long answered = 0;

    *http->trouble = '\0';
    http->begun = g_get_monotonic_time();
    http->overdue = FALSE;
    http->code = set_request(&passage, request, headers) ? perform(http) : CURLE_FAILED_INIT;
    lib.curl_slist_free_all(headers);
    if (passage.error) {
        g_propagate_error(error, passage.error);
        return FALSE;
    }
    if (http->code != CURLE_OK)
        return trouble_error(http, error);
    /* To libcurl a head that is cut off is the whole of an answer. */
    if (!passage.whole_head)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: want a whole answer, have one whose head is cut off", http->name);
    lib.curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answered);
    *status = (int)answered;
    return TRUE;
}

gboolean
http_connect(HttpClient *http, GError **error)
{
    *http->trouble = '\0';
    http->begun = g_get_monotonic_time();
    http->overdue = FALSE;
    http->code = lib.curl_easy_setopt(http->curl, CURLOPT_URL, http->base) == CURLE_OK && lib.curl_easy_setopt(http->curl, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK
                     ? lib.curl_easy_perform(http->curl) : CURLE_FAILED_INIT;
    return http->code == CURLE_OK || trouble_error(http, error);
}

int
http_code(const HttpClient *http)
{
    return (int)http->code;
}

gpointer
http_handle(HttpClient *http)
{
    return http->curl;
}

const char *
http_name(const HttpClient *http)
{
    return http->name;
}

const char *
http_library(void)
{
    return library_load(&library, NULL) ? lib.curl_version_info(CURLVERSION_NOW)->version : "none";
}
