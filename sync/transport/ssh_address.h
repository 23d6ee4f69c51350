/*
 * ssh_address: an address that SSH leads to, "ssh://" or "sftp://" and [USER@]HOST[:PORT][/PATH], spelt as manifests/FORMAT.md, S5 says.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SSH_ADDRESS_H
#define CHAMA_SYNC_TRANSPORT_SSH_ADDRESS_H

#include <glib.h>

typedef struct {
    char *url;       /* as it was given, for errors */
    char *user;      /* this user's own name if the address has none */
    char *host;      /* without brackets */
    guint16 port;
    char *path;      /* unescaped, "/srv/chama"; of "/~/inbox" it is "inbox", below the user's own folder there; NULL: none */
} SshAddress;

/* @scheme "ssh://" or "sftp://".  USAGE, rule SH1. */
SshAddress *ssh_address_parse(const char *url, const char *scheme, GError **error);
void ssh_address_free(SshAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SshAddress, ssh_address_free)

/* "host", or "[host]:port" for another port than 22, as known_hosts names it.  The caller's. */
char *ssh_address_host_name(const SshAddress *address);

/* What is run there for an "ssh://" address, for a shell: the path is the folder of the node.  The caller's. */
char *ssh_address_command(const SshAddress *address);

#endif
