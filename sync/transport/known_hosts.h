/*
 * known_hosts: whose host keys are known: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts, which are read and never written, and a file of chama's own with
 * what a person accepted here.  One set of all; a key that any of them revokes is refused.
 */
#ifndef CHAMA_SYNC_TRANSPORT_KNOWN_HOSTS_H
#define CHAMA_SYNC_TRANSPORT_KNOWN_HOSTS_H

#include <glib.h>

#include "sync/transport/ssh_library.h"

typedef struct KnownHosts KnownHosts;

typedef enum { HOST_KNOWN, HOST_UNKNOWN, HOST_CHANGED, HOST_REVOKED } HostVerdict;

/* @own: chama's own file, which need not be there; NULL: none. */
KnownHosts *known_hosts_read(LIBSSH2_SESSION *session, const char *own, GError **error);
/* The same of texts that are given, for tests: as many as @count files. */
KnownHosts *known_hosts_parse(LIBSSH2_SESSION *session, const char *const *texts, gsize count, GError **error);
void known_hosts_free(KnownHosts *hosts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KnownHosts, known_hosts_free)

/* The kinds of host keys to ask @host ("[HOST]:PORT" for another port than 22) for, those first by which it is known: "ssh-ed25519,...".  The caller's. */
char *known_hosts_kinds(KnownHosts *hosts, const char *host);

/* SH4: a host that is known by a key of another kind has changed, too. */
HostVerdict known_hosts_check(KnownHosts *hosts, const char *host, const void *key, gsize size);

/* Adds a line to chama's own file @own. */
gboolean known_hosts_add(const char *own, const char *host, const void *key, gsize size, GError **error);

/* The words at the beginning of a key's bytes ("ssh-ed25519"); NULL if it has none.  The caller's. */
char *host_key_kind(const void *key, gsize size);
/* "SHA256:...", as ssh-keygen -l shows it.  The caller's. */
char *host_key_fingerprint(const void *key, gsize size);

#endif
