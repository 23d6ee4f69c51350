#include "sync/transport/ssh_address.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/statement.h"

#define SSH "ssh://"
#define SSH_PORT 22

void
ssh_address_free(SshAddress *address)
{
    if (!address)
        return;
    g_free(address->url);
    g_free(address->user);
    g_free(address->host);
    g_free(address->path);
    g_free(address);
}

/* A path of one's own is told from one that begins at the root by "~" in its first place, as curl and others do. */
static char *
path_of(const char *path)
{
    if (!*path || strcmp(path, "/") == 0)
        return NULL;
    if (strcmp(path, "/~") == 0 || strcmp(path, "/~/") == 0)
        return g_strdup(".");
    return g_strdup(g_str_has_prefix(path, "/~/") ? path + strlen("/~/") : path);
}

SshAddress *
ssh_address_parse(const char *url, const char *scheme, GError **error)
{
    g_autofree char *spelt = g_str_has_prefix(url, scheme) ? g_strconcat(SSH, url + strlen(scheme), NULL) : NULL;
    g_autoptr(GUri) uri = spelt && address_valid(spelt) ? g_uri_parse(spelt, G_URI_FLAGS_NONE, NULL) : NULL;
    SshAddress *address;

    if (!uri)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: SH1: want %s[USER@]HOST[:PORT][/PATH]", url, scheme);
    address = g_new0(SshAddress, 1);
    address->url = g_strdup(url);
    address->user = g_strdup(g_uri_get_userinfo(uri) ? g_uri_get_userinfo(uri) : g_get_user_name());
    address->host = g_ascii_strdown(g_uri_get_host(uri), -1);
    address->port = (guint16)(g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : SSH_PORT);
    address->path = path_of(g_uri_get_path(uri));
    return address;
}

/* SH6: a forced command at the other end knows its own folder. */
char *
ssh_address_command(const SshAddress *address)
{
    g_autofree char *home = address->path ? g_shell_quote(address->path) : NULL;

    return home ? g_strdup_printf("chama --home %s serve --stdio", home) : g_strdup("chama serve --stdio");
}

char *
ssh_address_host_name(const SshAddress *address)
{
    return address->port == SSH_PORT ? g_strdup(address->host) : g_strdup_printf("[%s]:%u", address->host, address->port);
}
