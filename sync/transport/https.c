/* Its checks of options are macros in place of the functions, which here are pointers. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include <string.h>

#include "keys/error.h"
#include "keys/library.h"
#include "keys/tls.h"
#include "sync/transport/http.h"
#include "sync/transport/joint.h"

#define FUNCTIONS(f) f(curl_easy_getinfo) f(curl_easy_setopt) f(curl_free) f(curl_url) f(curl_url_cleanup) f(curl_url_get) f(curl_url_set) f(curl_version)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_CURL, .functions = functions, .count = G_N_ELEMENTS(functions) };

struct Road {
    HttpClient *http;
    Joint *joint;            /* of its connection by itself; or NULL */
    gboolean has_pin;
    Digest pin;
};

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

/* The session is libcurl's and lives for the connection, so the key is read while an answer comes in. */
static void
note_pin(gpointer data)
{
    Road *road = data;
    struct curl_tlssessioninfo *session = NULL;

    if (lib.curl_easy_getinfo(http_handle(road->http), CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session && session->backend == CURLSSLBACKEND_GNUTLS &&
        session->internals)
        road->has_pin = tls_pin_of_peer(session->internals, &road->pin, NULL);
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

static void
https_close(Road *road)
{
    joint_stop(road->joint);
    http_free(road->http);
    g_free(road);
}

static Road *
https_open(const char *url, const TransportOptions *options, GError **error)
{
    g_autofree char *base = library_load(&library, error) ? base_of_url(url, error) : NULL;
    HttpClient *http = base ? http_new(base, base, "https", options, error) : NULL;
    Road *road;

    if (!http)
        return NULL;
    road = g_new0(Road, 1);
    road->http = http;
    http_on_head(http, note_pin, road);
    /* An option that this libcurl does not know must not be passed over in silence: one of them is the pin. */
    if (!set_trust(http_handle(http), options)) {
        https_close(road);
        return chama_error_null(error, CHAMA_ERROR_FAILED, "libcurl: lacks something that chama needs (%s)", lib.curl_version());
    }
    return road;
}

/* In place of what libcurl says of it; TRUE: it was that. */
static gboolean
explain_pin(const Road *road, GError **error)
{
    if (http_code(road->http) != CURLE_SSL_PINNEDPUBKEYNOTMATCH)
        return FALSE;
    g_clear_error(error);
    chama_error(error, CHAMA_ERROR_VERIFY, "%s: shows a TLS key that is none of those pinned for this peer: if its people changed it, a sync with another peer that has its ledger "
                "brings the new one, or else the line that they get from `chama invite`, given to `chama peer add` here", http_name(road->http));
    return TRUE;
}

static gboolean
https_request(Road *road, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error)
{
    if (http_request(road->http, request, body, data, status, error))
        return TRUE;
    explain_pin(road, error);
    return FALSE;
}

static int
https_bare(Road *road, char **prefix, GError **error)
{
    const char *path = strchr(http_name(road->http) + strlen("https://"), '/');
    int fd;

    if (!http_connect(road->http, error)) {
        explain_pin(road, error);
        return -1;
    }
    note_pin(road);
    road->joint = joint_start(http_handle(road->http), &fd, error);
    if (!road->joint)
        return -1;
    *prefix = g_strdup(path ? path : "");
    return fd;
}

static gboolean
https_peer_pin(Road *road, Digest *pin)
{
    if (road->has_pin)
        *pin = road->pin;
    return road->has_pin;
}

const RoadKind road_https = {
    .scheme = "https://",
    .open = https_open,
    .close = https_close,
    .request = https_request,
    .bare = https_bare,
    .peer_pin = https_peer_pin,
    .library = http_library,
};
