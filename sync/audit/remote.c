#include "sync/audit/remote.h"

#include <string.h>

#include "keys/error.h"
#include "sync/pull/introduction.h"
#include "sync/pull.h"

#define CONNECT_TIMEOUT 15
#define STALL_TIMEOUT 60
#define PATIENCE 120
#define BUNDLE_MAX (TILE_WIDTH * (ENTRY_SIZE_MAX + 2))

/* A bundle on its way. */
typedef struct {
    GThread *thread;
    Transport *transport;
    Tile tile;
    char *path;
    GBytes *bytes;
    GError *error;
} Ahead;

struct Remote {
    Home *home;
    Peer *peer;
    char *url;               /* the address that answered */
    Transport *transport;
    Transport *bundles;      /* NULL until the first is asked for */
    Ahead *ahead;            /* NULL: none is on its way */
    Identity *identity;
    GPtrArray *keys;
    Progress *progress;
};

static void
ahead_free(Ahead *ahead)
{
    if (!ahead)
        return;
    if (ahead->thread)
        g_thread_join(ahead->thread);
    g_clear_pointer(&ahead->bytes, g_bytes_unref);
    g_clear_error(&ahead->error);
    g_free(ahead->path);
    g_free(ahead);
}

void
remote_close(Remote *remote)
{
    if (!remote)
        return;
    ahead_free(remote->ahead);
    g_clear_pointer(&remote->bundles, transport_close);
    g_clear_pointer(&remote->transport, transport_close);
    g_clear_pointer(&remote->peer, peer_free);
    g_clear_pointer(&remote->identity, identity_free);
    g_clear_pointer(&remote->keys, g_ptr_array_unref);
    g_free(remote->url);
    g_free(remote);
}

static Transport *
connect_to(const Remote *remote, const char *url, GError **error)
{
    const GArray *pins = remote->peer->pins;
    g_autofree char *certificate = home_file(remote->home, "keys/tls.crt"), *key = home_file(remote->home, "keys/tls.key");
    g_autofree char *known_hosts = home_file(remote->home, "known_hosts");
    const TransportOptions options = {
        .certificate_path = certificate,
        .key_path = key,
        .pins = (const Digest *)(gpointer)pins->data,
        .pin_count = pins->len,
        .known_hosts = known_hosts,
        .connect_timeout = CONNECT_TIMEOUT,
        .stall_timeout = STALL_TIMEOUT,
        .patience = PATIENCE,
        .cancelled = remote->progress ? &remote->progress->cancelled : NULL,
    };

    if (pins->len == 0 && transport_wants_pins(url))
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: no TLS key is pinned for this peer; add it again by its invite", url);
    return transport_open(url, &options, error);
}

static Identity *
known_identity(Home *home, const char *node)
{
    Catalogue *catalogue = home_catalogue(home, NULL);

    return catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
}

/* Verified with the credentials that it stands in. */
static gboolean
add_key(Remote *remote, const char *entry, GError **error)
{
    Record *record = record_trust(entry, strlen(entry), error);

    if (record)
        g_ptr_array_add(remote->keys, record);
    return record != NULL;
}

static gboolean
add_rotations(Remote *remote, const GPtrArray *rotations, GError **error)
{
    for (guint i = 0; i < rotations->len; i++)
        if (!add_key(remote, g_ptr_array_index(rotations, i), error))
            return FALSE;
    return TRUE;
}

static gboolean
verify_document(Remote *remote, const NodeDocument *document, const char *url, GError **error)
{
    g_autoptr(Identity) known = known_identity(remote->home, remote->peer->node);
    g_autoptr(Profile) profile = NULL;

    if (strcmp(document->node, remote->peer->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: AU7: want node %s, have %s", url, remote->peer->node, document->node);
    g_ptr_array_set_size(remote->keys, 0);
    g_clear_pointer(&remote->identity, identity_free);
    profile = credentials_verify(document->credentials, document->node, known, url, &remote->identity, error);
    return profile && add_key(remote, document->credentials->inception, error) && add_rotations(remote, document->credentials->rotations, error);
}

/* AU7: who it is, before anything it says counts. */
static gboolean
introduce_at(Remote *remote, const char *url, GError **error)
{
    g_autoptr(Transport) transport = connect_to(remote, url, error);
    g_autoptr(GBytes) bytes = transport ? transport_fetch(transport, "GET", "/v1/node", NULL, NULL, NODE_DOCUMENT_MAX, error) : NULL;
    g_autoptr(NodeDocument) document = bytes ? node_document_parse(bytes, error) : NULL;

    if (!document || !verify_document(remote, document, url, error))
        return FALSE;
    remote->transport = g_steal_pointer(&transport);
    remote->url = g_strdup(url);
    return TRUE;
}

static gboolean
introduce(Remote *remote, GError **error)
{
    const GPtrArray *urls = remote->peer->urls;
    g_autoptr(GError) failed = NULL;

    for (guint i = 0; i < urls->len; i++) {
        g_clear_error(&failed);
        if (introduce_at(remote, urls->pdata[i], &failed))
            return TRUE;
        if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
            break;
    }
    if (!failed)
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "no address is known for it");
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static Peer *
find_peer(Home *home, const char *target, GError **error)
{
    g_autofree char *node = NULL;
    g_autoptr(Peer) peer = NULL;

    if (strstr(target, "://"))
        return pull_introduce(home, target, error);
    node = peers_resolve(home, target, error);
    peer = node ? peers_get(home, node, error) : NULL;
    if (peer && peer->status != PEER_ACCEPTED)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "%s: waits to be accepted: `chama peer accept`; or give its address", target);
    return g_steal_pointer(&peer);
}

Remote *
remote_open(Home *home, const char *target, Progress *progress, GError **error)
{
    g_autoptr(Remote) remote = g_new0(Remote, 1);

    remote->home = home;
    remote->progress = progress;
    remote->keys = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    remote->peer = find_peer(home, target, error);
    return remote->peer && introduce(remote, error) ? g_steal_pointer(&remote) : NULL;
}

const char *
remote_node(const Remote *remote)
{
    return remote->peer->node;
}

const Identity *
remote_identity(const Remote *remote)
{
    return remote->identity;
}

GPtrArray *
remote_keys(const Remote *remote)
{
    return remote->keys;
}

Checkpoint *
remote_checkpoint(Remote *remote, char **note, GError **error)
{
    g_autofree char *path = g_strdup_printf("/log/%s/checkpoint", remote_node(remote));
    g_autoptr(GBytes) bytes = transport_fetch(remote->transport, "GET", path, NULL, NULL, NOTE_SIZE_MAX, error);
    gsize size = bytes ? g_bytes_get_size(bytes) : 0;
    g_autofree char *text = size > 0 ? g_strndup(g_bytes_get_data(bytes, NULL), size) : g_strdup("");
    g_autoptr(Checkpoint) checkpoint = bytes ? checkpoint_verify_by(text, size, remote->identity, error) : NULL;

    if (checkpoint)
        *note = g_steal_pointer(&text);
    return g_steal_pointer(&checkpoint);
}

static char *
path_of(const Remote *remote, const Tile *tile)
{
    char path[TILE_PATH_SIZE];

    return g_strdup_printf("/log/%s/%s", remote_node(remote), tile_format(tile, path));
}

GBytes *
remote_tile(gpointer data, const Tile *tile, GError **error)
{
    Remote *remote = data;
    g_autofree char *path = path_of(remote, tile);
    GBytes *bytes = transport_fetch(remote->transport, "GET", path, NULL, NULL, tile->width * sizeof(Digest), error);

    if (!bytes)
        g_prefix_error(error, "AU8: %s: ", strstr(path, "tile/"));
    return bytes;
}

static gpointer
fetch_ahead(gpointer data)
{
    Ahead *ahead = data;

    ahead->bytes = transport_fetch(ahead->transport, "GET", ahead->path, NULL, NULL, BUNDLE_MAX, &ahead->error);
    return NULL;
}

static Ahead *
send_for(Remote *remote, const Tile *tile)
{
    Ahead *ahead = g_new0(Ahead, 1);

    ahead->transport = remote->bundles;
    ahead->tile = *tile;
    ahead->path = path_of(remote, tile);
    ahead->thread = g_thread_new("bundle", fetch_ahead, ahead);
    return ahead;
}

GBytes *
remote_bundle(Remote *remote, const Tile *tile, const Tile *next, GError **error)
{
    Ahead *ahead = g_steal_pointer(&remote->ahead);
    GBytes *bytes;

    if (!remote->bundles && !(remote->bundles = connect_to(remote, remote->url, error)))
        return NULL;
    if (!ahead)
        ahead = send_for(remote, tile);
    g_thread_join(g_steal_pointer(&ahead->thread));
    g_warn_if_fail(ahead->tile.index == tile->index);
    bytes = g_steal_pointer(&ahead->bytes);
    if (!bytes)
        g_propagate_error(error, g_steal_pointer(&ahead->error));
    else if (next)
        remote->ahead = send_for(remote, next);
    ahead_free(ahead);
    return bytes;
}
