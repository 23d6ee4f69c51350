#include "sync/pull/introduction.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "sync/pull.h"

#define CONNECT_TIMEOUT 15
#define STALL_TIMEOUT 30
#define PATIENCE 60

void
node_document_free(NodeDocument *document)
{
    if (!document)
        return;
    g_free(document->checkpoint);
    credentials_free(document->credentials);
    g_free(document);
}

NodeDocument *
node_document_parse(GBytes *bytes, GError **error)
{
    static const char what[] = "node";
    g_autoptr(json_t) root = canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), NODE_DOCUMENT_MAX, what, error);
    g_autoptr(NodeDocument) document = g_new0(NodeDocument, 1);
    const char *type, *node, *checkpoint;

    if (!root || !member_string(root, what, "type", RECORD_TYPE_MAX, &type, error))
        return NULL;
    if (strcmp(type, "node/1") != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "node: want type node/1, have %s", type);
    if (!member_string(root, what, "node", NODE_ID_LENGTH, &node, error) || !member_string(root, what, "checkpoint", NOTE_SIZE_MAX, &checkpoint, error) ||
        !(document->credentials = credentials_parse(root, what, error)))
        return NULL;
    if (!node_id_valid(node))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "node: want a node id, have %s", node);
    g_strlcpy(document->node, node, sizeof document->node);
    document->checkpoint = g_strdup(checkpoint);
    return g_steal_pointer(&document);
}

static Peer *
peer_of_profile(const char *node, const Profile *profile)
{
    Peer *peer = peer_new();

    g_strlcpy(peer->node, node, sizeof peer->node);
    peer->name = g_strdup(profile->name_en ? profile->name_en : profile->name_zh);
    for (guint i = 0; i < profile->addresses->len && i < PEER_URLS_MAX; i++)
        g_ptr_array_add(peer->urls, g_strdup(profile->addresses->pdata[i]));
    g_array_append_vals(peer->pins, profile->pins->data, MIN(profile->pins->len, PEER_PINS_MAX));
    return peer;
}

/* PE6: a key that was withdrawn since, perhaps because it was stolen, is not shown by an older profile. */
static gboolean
check_age(Home *home, const NodeDocument *document, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Record) known = catalogue ? catalogue_profile_record(catalogue, document->node, NULL) : NULL;
    g_autoptr(RecordReceived) shown = catalogue ? record_receive(document->credentials->profile, strlen(document->credentials->profile), error) : NULL;

    if (!shown)
        return FALSE;
    return !known || record_received_claims(shown)->seq >= known->seq ||
           chama_error(error, CHAMA_ERROR_VERIFY, "node: PE6: want the profile that is known here (record %" G_GUINT64_FORMAT " of its ledger) or a newer one, have record %" G_GUINT64_FORMAT,
                       known->seq, record_received_claims(shown)->seq);
}

Peer *
node_document_verify(const NodeDocument *document, const Identity *known, GError **error)
{
    g_autoptr(Identity) identity = NULL;
    g_autoptr(Profile) profile = credentials_verify(document->credentials, document->node, known, "node", &identity, error);
    g_autoptr(Checkpoint) checkpoint = profile ? checkpoint_verify_by(document->checkpoint, strlen(document->checkpoint), identity, error) : NULL;

    return checkpoint ? peer_of_profile(document->node, profile) : NULL;
}

/* The address that answered comes first, whatever the profile says. */
static void
prefer_url(Peer *peer, const char *url)
{
    for (guint i = 0; i < peer->urls->len; i++) {
        if (strcmp(peer->urls->pdata[i], url) == 0) {
            g_ptr_array_remove_index(peer->urls, i);
            break;
        }
    }
    if (peer->urls->len == PEER_URLS_MAX)
        g_ptr_array_remove_index(peer->urls, PEER_URLS_MAX - 1);
    g_ptr_array_insert(peer->urls, 0, g_strdup(url));
}

static gboolean
has_pin(const Peer *peer, const Digest *pin)
{
    for (guint i = 0; i < peer->pins->len; i++) {
        if (digest_equal(&g_array_index(peer->pins, Digest, i), pin))
            return TRUE;
    }
    return FALSE;
}

static Identity *
known_identity(Home *home, const char *node)
{
    Catalogue *catalogue = home_catalogue(home, NULL);

    return catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
}

Peer *
pull_introduce(Home *home, const char *url, GError **error)
{
    g_autofree char *certificate = home_file(home, "keys/tls.crt");
    g_autofree char *key = home_file(home, "keys/tls.key"), *known_hosts = home_file(home, "known_hosts");
    const TransportOptions options = {
        .certificate_path = certificate, .key_path = key, .known_hosts = known_hosts, .connect_timeout = CONNECT_TIMEOUT, .stall_timeout = STALL_TIMEOUT,
        .patience = PATIENCE,
    };
    g_autoptr(Transport) transport = transport_open(url, &options, error);
    g_autoptr(GBytes) bytes = transport ? transport_fetch(transport, "GET", "/v1/node", NULL, NULL, NODE_DOCUMENT_MAX, error) : NULL;
    g_autoptr(NodeDocument) document = bytes ? node_document_parse(bytes, error) : NULL;
    g_autoptr(Identity) known = document ? known_identity(home, document->node) : NULL;
    g_autoptr(Peer) peer = document && check_age(home, document, error) ? node_document_verify(document, known, error) : NULL;
    Digest shown;

    if (!peer) {
        /* the transport has named it already */
        if (bytes)
            g_prefix_error(error, "%s: ", url);
        return NULL;
    }
    if (transport_wants_pins(url) && (!transport_peer_pin(transport, &shown) || !has_pin(peer, &shown)))
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: want a TLS key that the profile of %s names, have another: someone may stand between",
                                url, peer->node);
    prefer_url(peer, url);
    return g_steal_pointer(&peer);
}
