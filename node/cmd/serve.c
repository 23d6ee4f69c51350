/* chama serve: the daemon. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/statement.h"
#include "node/command.h"
#include "node/config.h"
#include "node/contacted.h"
#include "node/dropbox.h"
#include "node/http/descriptor.h"
#include "node/http/listener.h"
#include "node/journal.h"
#include "node/renewing.h"
#include "node/rounds.h"
#include "node/self.h"
#include "sync/peers.h"
#include "sync/transport/ssh_session.h"

/* The daemon between two readings of its configuration. */
typedef struct {
    const Invocation *invocation;
    const char *listen;          /* of the command line, or NULL */
    Journal *journal;
    Config *config;
    Limits *limits, *fetching;   /* of what is served, and fetched */
    Policy *policy;
    Pushes *pushes;
    Listener *listener;
    Rounds *rounds;
    Dropbox *dropbox;            /* NULL: there is none */
    gint64 counted;              /* until when the time of service was counted, in monotonic seconds */
    char *trouble;               /* with the TLS key, as it was told last; or NULL */
} Daemon;

#define TEND_EVERY 30     /* seconds */
#define COUNT_EVERY 600   /* seconds: each time a file is written */

/* sd_notify(3): one datagram to the socket that systemd names. */
static void
notify(const char *text)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    gsize length = path ? strlen(path) : 0;
    int fd;

    if (length == 0 || length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un, sun_path) + length)) < 0)
        fprintf(stderr, "chama: NOTIFY_SOCKET: %s\n", g_strerror(errno));
    close(fd);
}

static void
log_request(gpointer data, const AnsweredEvent *event)
{
    g_autofree char *status = g_strdup_printf("%d", event->status), *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, event->bytes);
    g_autofree char *milliseconds = g_strdup_printf("%.1f", (double)event->microseconds / 1000);
    char pin[DIGEST_TEXT_SIZE];

    journal_write(data, "request", "from", event->address, "node", *event->node ? event->node : "-", "key", event->has_pin ? digest_format(&event->pin, pin) : "none", "method",
                  event->method ? event->method : "-", "path", event->path, "status", status, "bytes", bytes, "ms", milliseconds, event->remark ? "remark" : event->cut ? "cut" : NULL, event->remark ? event->remark : "yes", NULL);
}

static void
tell_renewing(gpointer data, const char *what)
{
    journal_write(data, "tls", "key", what, NULL);
}

/* TC8-TC12: counts the time that was served, now and then, and does what is due.  The same trouble is told once. */
static void
renew_tls(Daemon *daemon, gboolean count)
{
    g_autoptr(GError) failed = NULL;
    gint64 now = g_get_monotonic_time() / G_USEC_PER_SEC, served = daemon->listener ? now - daemon->counted : 0;

    count = count || served >= COUNT_EVERY;
    renewing_run(daemon->invocation->home, count ? (guint64)served : 0, tell_renewing, daemon->journal, &failed);
    if (count || !daemon->listener)
        daemon->counted = now;
    if (failed && g_strcmp0(daemon->trouble, failed->message) != 0)
        journal_write(daemon->journal, "tls", "error", failed->message, NULL);
    g_free(daemon->trouble);
    daemon->trouble = failed ? g_strdup(failed->message) : NULL;
}

/* The timer's work, besides the rounds: also what a command renewed while this daemon serves is taken into use. */
static void
tend_tls(Daemon *daemon, gboolean count)
{
    g_autoptr(GError) failed = NULL;
    gboolean renewed = FALSE;

    renew_tls(daemon, count);
    if (daemon->listener && !listener_renew(daemon->listener, &renewed, &failed))
        journal_write(daemon->journal, "tls", "error", failed->message, NULL);
    else if (renewed)
        journal_write(daemon->journal, "tls", "listener", "shows the new certificate", NULL);
}

/* TC7: an address that was changed is in the certificate before it is shown. */
static void
name_certificate(Daemon *daemon)
{
    g_autoptr(GError) failed = NULL;
    gboolean renewed;

    if (!self_name_certificate(daemon->invocation->home, daemon->config, &renewed, &failed))
        journal_write(daemon->journal, "tls", "error", failed->message, NULL);
    else if (renewed)
        journal_write(daemon->journal, "tls", "certificate", "has the names of config.ini now", NULL);
}

/* A typing error in [peer ALIAS] is not silently nobody. */
static void
tell_strangers(Daemon *daemon)
{
    g_autoptr(Home) home = home_open(daemon->invocation->home, NULL);
    g_autoptr(GPtrArray) strangers = home ? contacted_strangers(home, daemon->config) : NULL;

    for (guint i = 0; strangers && i < strangers->len; i++)
        journal_write(daemon->journal, "config", "peer", (char *)strangers->pdata[i], "error", STRANGER, NULL);
}

static void
log_push(gpointer data, const char *peer, const PullResult *result, const GError *failed)
{
    g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, result->records), *versions = g_strdup_printf("%" G_GUINT64_FORMAT, result->versions);
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, result->bytes);

    for (guint i = 0; result->alarms && i < result->alarms->len; i++)
        journal_write(data, "ALARM", "peer", peer, "evidence", g_ptr_array_index(result->alarms, i), NULL);
    for (guint i = 0; result->problems && i < result->problems->len; i++)
        journal_write(data, "push", "from", peer, "problem", g_ptr_array_index(result->problems, i), NULL);
    journal_write(data, "push", "from", peer, "records", records, "versions", versions, "bytes", bytes, failed ? "error" : NULL, failed ? failed->message : NULL, NULL);
}

/* Of a policy that cannot be read the rounds tell. */
static Pushes *
start_pushes(Daemon *daemon)
{
    PushesOptions options = { .home = daemon->invocation->home, .config = daemon->config, .limits = daemon->fetching, .log = log_push, .log_data = daemon->journal };

    config_policy(daemon->invocation->home, NULL, &daemon->policy, NULL);
    options.policy = daemon->policy;
    return pushes_new(&options);
}

static gboolean
start(Daemon *daemon, GError **error)
{
    const char *address = daemon->listen ? daemon->listen : daemon->config->listen;
    ListenerOptions options = { .home = daemon->invocation->home, .address = address, .connections_max = daemon->config->connections_max,
                                .log = log_request, .log_data = daemon->journal };

    daemon->fetching = config_limits(daemon->config, FALSE);
    daemon->pushes = options.pushes = start_pushes(daemon);
    daemon->limits = options.limits = config_limits(daemon->config, TRUE);
    ssh_set_key(daemon->config->ssh_key);
    options.slowest = daemon->config->slowest;
    journal_set_json(daemon->journal, daemon->config->log_json);
    tell_strangers(daemon);
    name_certificate(daemon);
    tend_tls(daemon, TRUE);
    daemon->listener = listener_start(&options, error);
    if (!daemon->listener)
        return FALSE;
    daemon->rounds = rounds_start(daemon->invocation->home, daemon->config, daemon->fetching, daemon->limits, daemon->journal);
    daemon->dropbox = dropbox_start(daemon->invocation->home, daemon->config, daemon->journal);
    journal_write(daemon->journal, "listening", "address", address, NULL);
    return TRUE;
}

static void
stop(Daemon *daemon)
{
    g_clear_pointer(&daemon->dropbox, dropbox_stop);
    g_clear_pointer(&daemon->rounds, rounds_stop);
    g_clear_pointer(&daemon->listener, listener_stop);
    g_clear_pointer(&daemon->pushes, pushes_free);
    g_clear_pointer(&daemon->policy, policy_free);
    g_clear_pointer(&daemon->limits, limits_free);
    g_clear_pointer(&daemon->fetching, limits_free);
}

/* A configuration with an error in it is reported, and the one before goes on. */
static gboolean
reload(Daemon *daemon, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    Config *config = config_load(daemon->invocation->home, &wrong);

    if (!config) {
        journal_write(daemon->journal, "reload", "error", wrong->message, NULL);
        return TRUE;
    }
    notify("RELOADING=1");
    stop(daemon);
    config_free(daemon->config);
    daemon->config = config;
    if (!self_publish_address(daemon->invocation->home, config, &wrong))
        journal_write(daemon->journal, "profile", "error", wrong->message, NULL);
    return start(daemon, error);
}

/* Signals are blocked in every thread and taken here, one after the other. */
static gboolean
run(Daemon *daemon, const sigset_t *signals, GError **error)
{
    const struct timespec tick = { .tv_sec = TEND_EVERY };
    int number;

    notify("READY=1");
    for (;;) {
        number = sigtimedwait(signals, NULL, &tick);
        if (number < 0 && errno != EAGAIN && errno != EINTR)
            return chama_error_errno(error, errno, "signals");
        if (number < 0) {
            tend_tls(daemon, FALSE);
            continue;
        }
        if (number == SIGHUP) {
            tend_tls(daemon, TRUE);
            if (!reload(daemon, error))
                return FALSE;
            notify("READY=1");
            continue;
        }
        notify("STOPPING=1");
        tend_tls(daemon, TRUE);
        journal_write(daemon->journal, "stopping", "signal", strsignal(number), NULL);
        return TRUE;
    }
}

static gboolean
serve(Daemon *daemon, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    sigset_t signals;
    gboolean served;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (!self_publish_address(daemon->invocation->home, daemon->config, &wrong))
        journal_write(daemon->journal, "profile", "error", wrong->message, NULL);
    served = start(daemon, error) && run(daemon, &signals, error);
    stop(daemon);
    g_free(daemon->trouble);
    return served;
}

/* PS1: one caller, whose requests come by standard input; no rounds, no renewing of keys: a daemon may run beside it. */
static gboolean
serve_stdio(const Invocation *invocation, const char *node, gboolean log, GError **error)
{
    g_autoptr(Journal) journal = log ? journal_new(FALSE) : NULL;
    g_autoptr(Home) home = home_open(invocation->home, error);
    g_autoptr(Config) config = home ? config_load(invocation->home, error) : NULL;
    g_autoptr(Limits) limits = config ? config_limits(config, TRUE) : NULL, fetching = config ? config_limits(config, FALSE) : NULL;
    g_autoptr(Policy) policy = NULL;
    PushesOptions taking = { .home = invocation->home, .config = config, .limits = fetching, .log = journal ? log_push : NULL, .log_data = journal };
    DescriptorOptions options = { .home = invocation->home, .node = node, .address = "stdio", .limits = limits, .log = journal ? log_request : NULL, .log_data = journal };

    gboolean served;

    if (!config || !config_policy(invocation->home, NULL, &policy, error))
        return FALSE;
    options.slowest = config->slowest;
    /* PS2 */
    if (node && strcmp(node, home_id(home)) == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "--as: PS2: want another node than this one itself");
    g_clear_pointer(&home, home_close);
    taking.policy = policy;
    options.pushes = pushes_new(&taking);
    served = descriptor_serve(STDIN_FILENO, STDOUT_FILENO, &options, error);
    pushes_free(options.pushes);
    return served;
}

static gboolean
serve_daemon(const Invocation *invocation, const char *listen, GError **error)
{
    Daemon daemon = { .invocation = invocation, .listen = listen };
    g_autoptr(Home) home = home_open(invocation->home, error);
    gboolean served;

    if (!home || !(daemon.config = config_load(invocation->home, error)))
        return FALSE;
    g_clear_pointer(&home, home_close);
    daemon.journal = journal_new(daemon.config->log_json);
    served = serve(&daemon, error);
    journal_free(daemon.journal);
    config_free(daemon.config);
    return served;
}

/* PS2: an alias may come to mean another node. */
static gboolean
check_options(const char *listen, gboolean stdio, const char *node, gboolean log, GError **error)
{
    if (listen && !config_parse_address(listen, NULL, NULL, error))
        return FALSE;
    if (stdio && listen)
        return chama_error(error, CHAMA_ERROR_USAGE, "serve: want --stdio or --listen, have both");
    if (!stdio && (node || log))
        return chama_error(error, CHAMA_ERROR_USAGE, "serve: want --as and --log with --stdio, have them without");
    return !node || node_id_valid(node) || chama_error(error, CHAMA_ERROR_USAGE, "--as: PS2: want a node id (52 characters, as `chama id` shows it), have \"%s\"", node);
}

gboolean
cmd_serve(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    g_autofree char *listen = NULL, *node = NULL;
    gboolean stdio = FALSE, log = FALSE;
    const GOptionEntry entries[] = {
        { "listen", 0, 0, G_OPTION_ARG_STRING, &listen, "where to listen (default: [node] listen of config.ini)", "HOST:PORT" },
        { "stdio", 0, 0, G_OPTION_ARG_NONE, &stdio, "answer one caller on standard input and output, then end", NULL },
        { "as", 0, 0, G_OPTION_ARG_STRING, &node, "with --stdio: the caller is this node", "NODE-ID" },
        { "log", 0, 0, G_OPTION_ARG_NONE, &log, "with --stdio: write each request to standard error", NULL },
        { 0 },
    };

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !check_options(listen, stdio, node, log, error))
        return FALSE;
    return stdio ? serve_stdio(invocation, node, log, error) : serve_daemon(invocation, listen, error);
}
