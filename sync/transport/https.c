/* Its checks of options are macros in place of the functions, which here are pointers. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include <string.h>

#include "keys/error.h"
#include "keys/library.h"
#include "keys/tls.h"
#include "sync/transport/road.h"

#define READ_SIZE (256 * 1024L)
#define RATE_MIN (8 * 1024)          /* bytes a second; the other side asks for the same */

/* Loaded with the first request: it brings LDAP, Kerberos, OpenSSL for ssh. */
#define FUNCTIONS(f) \
    f(curl_easy_cleanup) f(curl_easy_getinfo) f(curl_easy_init) f(curl_easy_perform) f(curl_easy_setopt) f(curl_easy_strerror) f(curl_free) \
    f(curl_global_init) f(curl_slist_append) f(curl_slist_free_all) f(curl_url) f(curl_url_cleanup) f(curl_url_get) f(curl_url_set) f(curl_version) \
    f(curl_version_info)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_CURL, .functions = functions, .count = G_N_ELEMENTS(functions) };

struct Road {
    CURL *curl;
    char *base;                      /* "https://host:port", and the path of the address, without a slash at its end */
    char *trouble;                   /* CURL_ERROR_SIZE bytes for libcurl's own words */
    gint *cancelled;
    guint patience;
    gint64 begun;                    /* the present request, in microseconds */
    gboolean overdue;
    gboolean has_pin;
    Digest pin;
};

/* One request on its way through libcurl's callbacks. */
typedef struct {
    Road *road;
    RoadBody body;
    gpointer data;
    gsize head;                      /* bytes of header lines so far */
    int status;
    GError *error;                   /* why a callback broke off */
} Passage;

/* Host, port and path (S5), nothing else: a name or query in a peer's address would go where no rule of ours looks. */
static char *
base_of_url(const char *url, GError **error)
{
    static const CURLUPart refused[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT };
    CURLU *parsed = lib.curl_url();
    char *host = NULL, *port = NULL, *path = NULL, *part = NULL;
    char *base = NULL;
    gboolean plain;

    plain = lib.curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK && lib.curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
            lib.curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK && lib.curl_url_get(parsed, CURLUPART_PATH, &path, 0) == CURLUE_OK;
    for (gsize i = 0; i < G_N_ELEMENTS(refused) && plain; i++) {
        plain = lib.curl_url_get(parsed, refused[i], &part, 0) != CURLUE_OK;
        lib.curl_free(part);
        part = NULL;
    }
    if (plain)
        base = g_strdup_printf("https://%s:%s%.*s", host, port, (int)strlen(path) - (g_str_has_suffix(path, "/") ? 1 : 0), path);
    else
        chama_error(error, CHAMA_ERROR_USAGE, "%s: want https://HOST[:PORT][/PATH]", url);
    lib.curl_free(host);
    lib.curl_free(port);
    lib.curl_free(path);
    lib.curl_url_cleanup(parsed);
    return base;
}

/* Called about once a second and with every piece: the only way out of a request that goes nowhere. */
static int
on_progress(void *data, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    Road *road = data;
    gint64 seconds = (g_get_monotonic_time() - road->begun) / G_USEC_PER_SEC;

    /* A stall is no byte at all: who sends one now and then would hold up the sync, and all other peers, for ever. */
    road->overdue = road->patience > 0 && seconds > road->patience + (down + up) / RATE_MIN;
    return road->overdue || (road->cancelled && g_atomic_int_get(road->cancelled)) ? 1 : 0;
}

/* The session is libcurl's and lives for the connection, so the key is read while an answer comes in. */
static void
note_pin(Road *road)
{
    struct curl_tlssessioninfo *session = NULL;

    if (lib.curl_easy_getinfo(road->curl, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session && session->backend == CURLSSLBACKEND_GNUTLS &&
        session->internals)
        road->has_pin = tls_pin_of_peer(session->internals, &road->pin, NULL);
}

static size_t
on_header(char *bytes, size_t one, size_t size, void *data)
{
    Passage *passage = data;

    if (passage->head == 0)
        note_pin(passage->road);
    passage->head += size;
    if (passage->head > ANSWER_HEAD_MAX) {
        chama_error(&passage->error, CHAMA_ERROR_LIMIT, "%s: answer's head: want at most %d bytes", passage->road->base, ANSWER_HEAD_MAX);
        return 0;
    }
    return size;
}

static size_t
on_body(char *bytes, size_t one, size_t size, void *data)
{
    Passage *passage = data;
    long status = 0;

    lib.curl_easy_getinfo(passage->road->curl, CURLINFO_RESPONSE_CODE, &status);
    if (!passage->body(passage->data, (int)status, bytes, size, &passage->error))
        return 0;
    return size;
}

/* Any of the pins, as libcurl wants them: "sha256//...;sha256//...". */
static char *
join_pins(const TransportOptions *options)
{
    GString *joined = g_string_new(NULL);

    for (guint i = 0; i < options->pin_count; i++) {
        g_autofree char *pin = tls_pin_for_curl(&options->pins[i]);

        g_string_append_printf(joined, "%s%s", i > 0 ? ";" : "", pin);
    }
    return g_string_free(joined, FALSE);
}

/* The pinned key is the whole of the trust: no authority is asked, no name is compared (addresses change, keys are told by a person). */
static gboolean
set_trust(CURL *curl, const TransportOptions *options)
{
    g_autofree char *pins = join_pins(options);

    return lib.curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_CAINFO, NULL) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK &&
           (options->pin_count == 0 || lib.curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pins) == CURLE_OK) &&
           lib.curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)(CURL_SSLVERSION_TLSv1_3 | CURL_SSLVERSION_MAX_TLSv1_3)) == CURLE_OK &&
           (!options->certificate_path || (lib.curl_easy_setopt(curl, CURLOPT_SSLCERT, options->certificate_path) == CURLE_OK &&
                                           lib.curl_easy_setopt(curl, CURLOPT_SSLKEY, options->key_path) == CURLE_OK));
}

/* Nothing from the environment and nowhere but the address: no proxy, no redirect, no other protocol. */
static gboolean
set_ways(CURL *curl)
{
    return lib.curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_USERAGENT, "chama/" CHAMA_VERSION) == CURLE_OK;
}

static gboolean
set_patience(CURL *curl, const TransportOptions *options)
{
    return lib.curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)options->connect_timeout) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)options->stall_timeout) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, READ_SIZE) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK;
}

static gboolean
set_callbacks(Road *road)
{
    return lib.curl_easy_setopt(road->curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           lib.curl_easy_setopt(road->curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           lib.curl_easy_setopt(road->curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           lib.curl_easy_setopt(road->curl, CURLOPT_XFERINFODATA, road) == CURLE_OK && lib.curl_easy_setopt(road->curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           lib.curl_easy_setopt(road->curl, CURLOPT_ERRORBUFFER, road->trouble) == CURLE_OK;
}

static void
https_close(Road *road)
{
    lib.curl_easy_cleanup(road->curl);
    g_free(road->base);
    g_free(road->trouble);
    g_free(road);
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

static Road *
https_open(const char *url, const TransportOptions *options, GError **error)
{
    g_autofree char *base = start_libcurl(error) ? base_of_url(url, error) : NULL;
    Road *road;

    if (!base)
        return NULL;
    road = g_new0(Road, 1);
    road->curl = lib.curl_easy_init();
    road->base = g_steal_pointer(&base);
    road->trouble = g_malloc0(CURL_ERROR_SIZE);
    road->cancelled = options->cancelled;
    road->patience = options->patience;
    /* An option that this libcurl does not know must not be passed over in silence: one of them is the pin. */
    if (!road->curl || !set_trust(road->curl, options) || !set_ways(road->curl) || !set_patience(road->curl, options) || !set_callbacks(road)) {
        https_close(road);
        return chama_error_null(error, CHAMA_ERROR_FAILED, "libcurl: lacks something that chama needs (%s)", lib.curl_version());
    }
    return road;
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
    CURL *curl = passage->road->curl;
    g_autofree char *url = g_strconcat(passage->road->base, request->path, NULL);
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
trouble_error(const Road *road, CURLcode code, GError **error)
{
    const char *words = *road->trouble ? road->trouble : lib.curl_easy_strerror(code);

    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        if (road->overdue)
            return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: want an answer within %u seconds and 1 more for each 8 KiB, have a slower one",
                               road->base, road->patience);
        return chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped", road->base);
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: shows a TLS key that is none of those pinned for this peer: if its people changed it, a sync with another peer that has its ledger "
                           "brings the new one, or else the line that they get from `chama invite`, given to `chama peer add` here", road->base);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: %s", road->base, words);
    default:
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: %s", road->base, words);
    }
}

static gboolean
https_request(Road *road, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error)
{
    Passage passage = { .road = road, .body = body, .data = data };
    struct curl_slist *headers = headers_of(request);
    long answered = 0;
    CURLcode code;

    *road->trouble = '\0';
    road->begun = g_get_monotonic_time();
    road->overdue = FALSE;
    code = set_request(&passage, request, headers) ? lib.curl_easy_perform(road->curl) : CURLE_FAILED_INIT;
    lib.curl_slist_free_all(headers);
    if (passage.error) {
        g_propagate_error(error, passage.error);
        return FALSE;
    }
    if (code != CURLE_OK)
        return trouble_error(road, code, error);
    lib.curl_easy_getinfo(road->curl, CURLINFO_RESPONSE_CODE, &answered);
    *status = (int)answered;
    return TRUE;
}

static gboolean
https_peer_pin(Road *road, Digest *pin)
{
    if (road->has_pin)
        *pin = road->pin;
    return road->has_pin;
}

static const char *
https_library(void)
{
    return library_load(&library, NULL) ? lib.curl_version_info(CURLVERSION_NOW)->version : "none";
}

const RoadKind road_https = {
    .scheme = "https://",
    .open = https_open,
    .close = https_close,
    .request = https_request,
    .peer_pin = https_peer_pin,
    .library = https_library,
};
