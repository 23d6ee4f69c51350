#include "node/http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <gnutls/gnutls.h>

#include "keys/error.h"
#include "keys/tls.h"
#include "node/config.h"
#include "node/http/certificates.h"
#include "node/http/connections.h"

#define THREADS 4
#define DESCRIPTORS_EACH 8
#define DESCRIPTORS_REST 512        /* homes that wait, libraries, the daemon's own sync */
#define IDLE_SECONDS 60

struct Listener {
    struct MHD_Daemon *daemon;
    Answering *answering;
    Certificates *certificates;
    char *home, *address;
    guint connections_max;
};

/* A certificate is asked for and not required; no names of authorities are sent, since keys are pinned. */
static void
prepare_session(gpointer data, struct MHD_Connection *connection)
{
    Listener *listener = data;
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
    unsigned int flags = MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD | ANSWERING_FLAGS;
    guint limit = make_room(listener->connections_max);

    if (!(listener->certificates = certificates_new(listener->home, error)) || !resolve(listener->address, &found, error))
        return FALSE;
    if (found->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    errno = 0;
    listener->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answering_request, listener->answering, MHD_OPTION_SOCK_ADDR, found->ai_addr,
                                        MHD_OPTION_HTTPS_MEM_KEY, certificates_first_key(listener->certificates), MHD_OPTION_HTTPS_MEM_CERT,
                                        certificates_first(listener->certificates), MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITY, MHD_OPTION_THREAD_POOL_SIZE,
                                        (unsigned int)MIN(THREADS, limit), MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MAX(limit, THREADS),
                                        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)MAX(limit / 2, 8), MHD_OPTION_CONNECTION_TIMEOUT,
                                        (unsigned int)IDLE_SECONDS, ANSWERING_CALLBACKS(listener->answering), MHD_OPTION_END);
    freeaddrinfo(found);
    if (listener->daemon)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot listen there: %s", listener->address, errno ? g_strerror(errno) : "TLS setup failed");
}

Listener *
listener_start(const ListenerOptions *options, GError **error)
{
    Listener *listener = g_new0(Listener, 1);
    AnsweringOptions answering = { .wait_seconds = REQUEST_SECONDS, .pushes = options->pushes, .limits = options->limits, .slowest = options->slowest, .log = options->log, .log_data = options->log_data,
                                   .began = prepare_session, .began_data = listener };

    answering.home = listener->home = g_strdup(options->home);
    listener->address = g_strdup(options->address);
    listener->connections_max = options->connections_max;
    listener->answering = answering_new(&answering);
    if (start_daemon(listener, error))
        return listener;
    listener_stop(listener);
    return NULL;
}

void
listener_stop(Listener *listener)
{
    if (!listener)
        return;
    answering_end(listener->answering, listener->daemon);
    certificates_free(listener->certificates);
    g_free(listener->home);
    g_free(listener->address);
    g_free(listener);
}
