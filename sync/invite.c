/* Invites: part 5 of sync/PROTOCOL.md, rules V1 to V5. */
#include <string.h>

#include "keys/error.h"
#include "manifests/text.h"
#include "sync/invite.h"
#include "sync/names.h"
#include "sync/peer.h"

#define SCHEME "chama://"
#define HTTPS "https://"
#define CHECK "&check="
#define CHECK_DIGITS 8

gboolean
invite_looks_like(const char *word)
{
    return g_str_has_prefix(word, SCHEME);
}

static void
check_of(const char *text, gsize size, char digits[DIGEST_HEX_SIZE])
{
    Digest digest;

    digest_of(text, size, &digest);
    digest_format_hex(&digest, digits);
    digits[CHECK_DIGITS] = '\0';
}

/* The authority of an https address without a path, which can stand as the invite's host; else NULL. */
static const char *
host_of(const char *url)
{
    const char *host = g_str_has_prefix(url, HTTPS) ? url + strlen(HTTPS) : NULL;

    return host && !strchr(host, '/') ? host : NULL;
}

static void
append_value(GString *line, const char *name, const char *value)
{
    g_autofree char *escaped = g_uri_escape_string(value, NULL, FALSE);

    g_string_append_printf(line, "&%s=%s", name, escaped);
}

char *
invite_format(const Peer *self, GError **error)
{
    g_autoptr(GString) line = g_string_new(SCHEME);
    const char *host = self->urls->len > 0 ? host_of(self->urls->pdata[0]) : NULL;
    char digits[DIGEST_HEX_SIZE];

    if (!peer_check(self, error))
        return NULL;
    if (!self->name || !*self->name || self->pins->len == 0)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "invite: V3: want a name and a TLS key");
    g_string_append_printf(line, "%s/%s", host ? host : "-", self->node);
    for (guint i = 0; i < self->pins->len; i++)
        g_string_append_printf(line, "%ctls=%s", i == 0 ? '?' : '&', digest_format_hex(&g_array_index(self->pins, Digest, i), digits));
    append_value(line, "name", self->name);
    for (guint i = host ? 1 : 0; i < self->urls->len; i++)
        append_value(line, "url", self->urls->pdata[i]);
    check_of(line->str, line->len, digits);
    g_string_append_printf(line, CHECK "%s", digits);
    if (line->len > INVITE_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "invite: V1: want at most %d bytes, have %zu; give fewer addresses", INVITE_SIZE_MAX, line->len);
    return g_string_free(g_steal_pointer(&line), FALSE);
}

/* V1, V2: the line without its check.  The caller's. */
static char *
checked_line(const char *line, GError **error)
{
    g_autofree char *stripped = NULL;
    char digits[DIGEST_HEX_SIZE];
    char *check;

    if (strlen(line) > INVITE_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "invite: V1: want at most %d bytes, have %zu", INVITE_SIZE_MAX, strlen(line));
    stripped = g_strstrip(g_strdup(line));
    if (!invite_looks_like(stripped))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "invite: V1: want a line that begins with " SCHEME);
    for (const char *p = stripped; *p; p++)
        if (!g_ascii_isgraph(*p))
            return chama_error_null(error, CHAMA_ERROR_MALFORMED, "invite: V1: want one line of ASCII without spaces");
    check = g_strrstr(stripped, CHECK);
    if (!check)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "invite: V2: want a check at the end, have none; was the line cut?");
    check_of(stripped, (gsize)(check - stripped), digits);
    if (strcmp(check + strlen(CHECK), digits) != 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "invite: V2: want a line as it was given, have one that was mistyped or cut");
    *check = '\0';
    return g_steal_pointer(&stripped);
}

static gboolean
take_url(Peer *peer, const char *url, GError **error)
{
    if (!address_valid(url))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "invite: V4: want an address https://HOST[:PORT][/PATH] or ssh://[USER@]HOST[:PORT][/PATH]");
    if (peer->urls->len == PEER_URLS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "invite: V4: want at most %d addresses", PEER_URLS_MAX);
    peer_add_url(peer->urls, url);
    return TRUE;
}

static gboolean
take_pin(Peer *peer, const char *hex, GError **error)
{
    Digest pin;

    if (peer->pins->len == PEER_PINS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "invite: V3: want at most %d keys", PEER_PINS_MAX);
    if (!digest_parse_hex(hex, &pin, error)) {
        g_prefix_error(error, "invite: V3: tls: ");
        return FALSE;
    }
    g_array_append_val(peer->pins, pin);
    return TRUE;
}

static gboolean
take_name(Peer *peer, const char *name, GError **error)
{
    if (peer->name || !*name || strlen(name) > PEER_NAME_MAX || !text_shows(name, FALSE))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "invite: V3: want one name of 1 to %d bytes that shows", PEER_NAME_MAX);
    peer->name = g_strdup(name);
    return TRUE;
}

/* "name=value"; V5: what is not known is passed over, so that later versions can say more. */
static gboolean
take_parameter(Peer *peer, const char *parameter, GError **error)
{
    static const struct {
        const char *name;
        gboolean (*take)(Peer *, const char *, GError **);
    } known[] = { { "tls=", take_pin }, { "name=", take_name }, { "url=", take_url } };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autofree char *value = NULL;

        if (!g_str_has_prefix(parameter, known[i].name))
            continue;
        value = g_uri_unescape_string(parameter + strlen(known[i].name), NULL);
        if (!value)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "invite: V5: want percent-encoding, have %s", parameter);
        return known[i].take(peer, value, error);
    }
    return TRUE;
}

/* HOST/NODE-ID */
static gboolean
take_place(Peer *peer, char *place, GError **error)
{
    char *slash = strchr(place, '/');
    g_autofree char *url = NULL;

    if (!slash || !node_id_valid(slash + 1))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "invite: V3: want HOST/NODE-ID");
    g_strlcpy(peer->node, slash + 1, sizeof peer->node);
    *slash = '\0';
    if (strcmp(place, "-") == 0)
        return TRUE;
    url = g_strconcat(HTTPS, place, NULL);
    return take_url(peer, url, error);
}

Peer *
invite_parse(const char *line, GError **error)
{
    g_autofree char *text = checked_line(line, error);
    g_autoptr(Peer) peer = peer_new();
    g_auto(GStrv) parameters = NULL;
    char *query;

    if (!text)
        return NULL;
    query = strchr(text, '?');
    if (!query)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "invite: V3: want a TLS key and a name");
    *query = '\0';
    if (!take_place(peer, text + strlen(SCHEME), error))
        return NULL;
    parameters = g_strsplit(query + 1, "&", -1);
    for (guint i = 0; parameters[i]; i++)
        if (!take_parameter(peer, parameters[i], error))
            return NULL;
    if (peer->pins->len == 0 || !peer->name)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "invite: V3: want a TLS key and a name");
    return g_steal_pointer(&peer);
}
