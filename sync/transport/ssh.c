/* The road over SSH: a peer's `chama serve --stdio`, asked by HTTP.  Connects with the first request, and anew after one that was broken off, as libcurl does. */
#include "keys/error.h"
#include "sync/transport/ssh_exec.h"

#define SCHEME "ssh://"

/* A connection while it lasts. */
typedef struct {
    Gate *gate;
    HttpClient *http;
    SshExec *exec;
} Line;

struct Road {
    SshAddress *address;
    TransportOptions options;
    char *known_hosts;
    Line *line;              /* NULL: none at present */
};

static void
line_free(Line *line)
{
    if (!line)
        return;
    ssh_exec_stop(line->exec);
    http_free(line->http);
    gate_close(line->gate);
    g_free(line);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Line, line_free)

static Line *
line_open(const Road *road, GError **error)
{
    g_autofree char *command = ssh_address_command(road->address);
    g_autoptr(Line) line = g_new0(Line, 1);
    SshSession *session = NULL;

    line->gate = gate_open(error);
    line->http = line->gate ? http_new("http://peer", road->address->url, "http", &road->options, error) : NULL;
    if (line->http && gate_lead(line->gate, line->http, error))
        session = ssh_session_open(road->address, &road->options, error);
    line->exec = session ? ssh_exec_start(session, command, line->gate, error) : NULL;
    return line->exec ? g_steal_pointer(&line) : NULL;
}

static void
ssh_close(Road *road)
{
    line_free(road->line);
    ssh_address_free(road->address);
    g_free(road->known_hosts);
    g_free(road);
}

static Road *
ssh_open(const char *url, const TransportOptions *options, GError **error)
{
    g_autoptr(SshAddress) address = ssh_address_parse(url, SCHEME, error);
    Road *road;

    if (!address)
        return NULL;
    road = g_new0(Road, 1);
    road->address = g_steal_pointer(&address);
    road->known_hosts = g_strdup(options->known_hosts);
    road->options = (TransportOptions){
        .known_hosts = road->known_hosts, .connect_timeout = options->connect_timeout, .stall_timeout = options->stall_timeout, .patience = options->patience,
        .slowest = options->slowest, .gives_way = options->gives_way, .cancelled = options->cancelled,
    };
    return road;
}

/* What the other side said when it ended tells more than that it did. */
static void
explain(Road *road, GError **error)
{
    const char *reason = ssh_exec_reason(road->line->exec);

    if (!reason || !g_error_matches(*error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE))
        return;
    g_clear_error(error);
    chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s", reason);
}

static gboolean
ssh_request(Road *road, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error)
{
    g_autoptr(GError) failed = NULL;

    if (!road->line)
        road->line = line_open(road, error);
    if (!road->line)
        return FALSE;
    if (http_request(road->line->http, request, body, data, status, &failed))
        return TRUE;
    explain(road, &failed);
    g_clear_pointer(&road->line, line_free);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* The command's input and output, for who speaks with it by itself. */
static int
ssh_bare(Road *road, char **prefix, GError **error)
{
    int fd;

    if (!road->line)
        road->line = line_open(road, error);
    fd = road->line ? gate_dial(road->line->gate, error) : -1;
    if (fd >= 0)
        *prefix = g_strdup("");
    return fd;
}

static gboolean
ssh_peer_pin(Road *road, Digest *pin)
{
    return FALSE;
}

const RoadKind road_ssh = {
    .scheme = SCHEME,
    .open = ssh_open,
    .close = ssh_close,
    .request = ssh_request,
    .bare = ssh_bare,
    .peer_pin = ssh_peer_pin,
    .library = ssh_library_version,
    .judges = TRUE,
    .single = TRUE,
};
