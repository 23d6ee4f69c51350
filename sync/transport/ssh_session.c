#include "sync/transport/ssh_session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/error.h"
#include "sync/names.h"
#include "sync/transport/known_hosts.h"
#include "sync/transport/ssh_dial.h"
#include "sync/transport/ssh_proof.h"

#define SLICE 50   /* milliseconds between looks at whether it is to stop */
#define WORDS_MAX 256

/* What libssh2 has of today's; no CBC, no SHA-1, no key exchange of 1024 bits. */
static const struct {
    int method;
    const char *list;
} methods[] = {
    { LIBSSH2_METHOD_KEX, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group16-sha512,"
                          "diffie-hellman-group14-sha256" },
    { LIBSSH2_METHOD_CRYPT_CS, "aes128-ctr,aes256-ctr,aes192-ctr" },
    { LIBSSH2_METHOD_CRYPT_SC, "aes128-ctr,aes256-ctr,aes192-ctr" },
    { LIBSSH2_METHOD_MAC_CS, "hmac-sha2-256,hmac-sha2-512" },
    { LIBSSH2_METHOD_MAC_SC, "hmac-sha2-256,hmac-sha2-512" },
};

struct SshSession {
    LIBSSH2_SESSION *handle;
    int fd;
    char *name;              /* the address */
    guint stall_timeout, patience;
    guint64 slowest;
    gint64 deadline;         /* in microseconds of the monotonic clock; 0: none */
    gint *cancelled;
};

LIBSSH2_SESSION *
ssh_session_handle(SshSession *session)
{
    return session->handle;
}

int
ssh_session_descriptor(const SshSession *session)
{
    return session->fd;
}

short
ssh_session_events(SshSession *session)
{
    int directions = ssh.libssh2_session_block_directions(session->handle);

    return (short)((directions & LIBSSH2_SESSION_BLOCK_INBOUND ? POLLIN : 0) | (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0));
}

const char *
ssh_session_name(const SshSession *session)
{
    return session->name;
}

guint
ssh_session_set_stall(SshSession *session, guint seconds)
{
    guint before = session->stall_timeout;

    session->stall_timeout = seconds;
    return before;
}

void
ssh_session_allow(SshSession *session)
{
    session->deadline = session->patience > 0 ? g_get_monotonic_time() + (gint64)session->patience * G_USEC_PER_SEC : 0;
}

void
ssh_session_allow_bytes(SshSession *session, guint64 bytes, gint64 rest)
{
    if (session->deadline > 0)
        session->deadline += (gint64)(bytes * G_USEC_PER_SEC / session->slowest) + rest;
}

gboolean
ssh_session_wait(SshSession *session, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)session->stall_timeout * G_USEC_PER_SEC;
    struct pollfd polled = { .fd = session->fd, .events = ssh_session_events(session) };

    for (;;) {
        if (session->cancelled && g_atomic_int_get(session->cancelled))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped", session->name);
        /* Who sends a byte now and then is not silent. */
        if (session->deadline > 0 && g_get_monotonic_time() >= session->deadline)
            return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: PU53: want an answer within %u seconds and 1 more for each %" G_GUINT64_FORMAT " bytes, have a slower one",
                               session->name, session->patience, session->slowest);
        if (poll(&polled, 1, SLICE) > 0)
            return TRUE;
        if (g_get_monotonic_time() >= deadline)
            return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: want an answer within %u seconds, have none", session->name, session->stall_timeout);
    }
}

gboolean
ssh_session_is_gone(SshSession *session)
{
    char byte;
    ssize_t size = recv(session->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
}

gboolean
ssh_session_error(SshSession *session, const char *doing, GError **error)
{
    g_autofree char *words = NULL;
    char *text = NULL;
    int size = 0;

    ssh.libssh2_session_last_error(session->handle, &text, &size, 0);
    words = name_printable(text ? text : "", (gsize)MAX(size, 0), WORDS_MAX);
    return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: %s: %s", session->name, doing, words);
}

void
ssh_session_close(SshSession *session)
{
    if (!session)
        return;
    if (session->handle) {
        /* One attempt each: who is gone is not waited for. */
        ssh.libssh2_session_disconnect_ex(session->handle, SSH_DISCONNECT_BY_APPLICATION, "", "");
        shutdown(session->fd, SHUT_RDWR);
        ssh.libssh2_session_free(session->handle);
    }
    if (session->fd >= 0)
        close(session->fd);
    g_free(session->name);
    g_free(session);
}

static gboolean
set_methods(SshSession *session, const char *host_kinds, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (ssh.libssh2_session_method_pref(session->handle, methods[i].method, methods[i].list) != 0)
            return ssh_session_error(session, "methods", error);
    }
    return ssh.libssh2_session_method_pref(session->handle, LIBSSH2_METHOD_HOSTKEY, host_kinds) == 0 || ssh_session_error(session, "methods", error);
}

static gboolean
agree(SshSession *session, GError **error)
{
    g_autoptr(GError) waited = NULL;
    int result;

    SSH_AGAIN(session, result, ssh.libssh2_session_handshake(session->handle, session->fd), &waited);
    if (result == 0)
        return TRUE;
    if (!waited)
        return ssh_session_error(session, "SSH", error);
    g_propagate_error(error, g_steal_pointer(&waited));
    return FALSE;
}

/* SH4: what a person has to know in order to say yes. */
static gboolean
ask_about_host(const SshSession *session, const SshAddress *address, const char *own, const char *host, const void *key, gsize size, GError **error)
{
    g_autofree char *kind = host_key_kind(key, size), *print = host_key_fingerprint(key, size);
    g_autofree char *question = g_strdup_printf("%s: the key of this host is not known\nkind         %s\nfingerprint  %s\nDid its people tell you this fingerprint?",
                                                session->name, kind ? kind : "?", print);

    if (!kind || !own || !ssh_proof_ask_accept(question))
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: SH4: want a host whose key is known, have %s %s: compare it with its people, then connect once at a terminal, "
                           "or add it with `ssh-keyscan -p %u %s` to %s", session->name, kind ? kind : "a strange key", print, address->port, address->host,
                           own ? own : "~/.ssh/known_hosts");
    return known_hosts_add(own, host, key, size, error);
}

static gboolean
judge_host(const SshSession *session, const SshAddress *address, KnownHosts *hosts, const char *own, GError **error)
{
    g_autofree char *host = ssh_address_host_name(address);
    g_autofree char *print = NULL;
    size_t size = 0;
    int type = 0;
    const char *key = ssh.libssh2_session_hostkey(session->handle, &size, &type);

    if (!key || size == 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: SH4: want a host key, have none", session->name);
    print = host_key_fingerprint(key, size);
    switch (known_hosts_check(hosts, host, key, size)) {
    case HOST_KNOWN:
        return TRUE;
    case HOST_REVOKED:
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: SH4: shows a host key that is revoked here (%s): someone who stole it may stand between", session->name, print);
    case HOST_CHANGED:
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: SH4: shows another host key (%s) than is known for it: someone may stand between; if its people changed it, "
                           "remove the old one with `ssh-keygen -R '%s'` (-f %s for what chama itself noted)", session->name, print, host, own ? own : "FILE");
    default:
        return ask_about_host(session, address, own, host, key, size, error);
    }
}

/* The keys that are known decide which ones the host is asked for. */
static gboolean
meet_host(SshSession *session, const SshAddress *address, const char *own, GError **error)
{
    g_autoptr(KnownHosts) hosts = known_hosts_read(session->handle, own, error);
    g_autofree char *host = ssh_address_host_name(address);
    g_autofree char *kinds = hosts ? known_hosts_kinds(hosts, host) : NULL;

    return kinds && set_methods(session, kinds, error) && agree(session, error) && judge_host(session, address, hosts, own, error);
}

SshSession *
ssh_session_open(const SshAddress *address, const TransportOptions *options, GError **error)
{
    g_autoptr(SshSession) session = NULL;

    if (!ssh_library_start(error))
        return NULL;
    session = g_new0(SshSession, 1);
    session->name = g_strdup(address->url);
    session->stall_timeout = options->stall_timeout;
    session->patience = options->patience;
    session->slowest = options->slowest > 0 ? options->slowest : PATIENCE_RATE;
    session->cancelled = options->cancelled;
    session->fd = ssh_dial(address->host, address->port, options->connect_timeout, options->cancelled, session->name, error);
    if (session->fd < 0)
        return NULL;
    session->handle = ssh.libssh2_session_init_ex(NULL, NULL, NULL, NULL);
    if (!session->handle)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "libssh2: no memory for a session");
    ssh.libssh2_session_set_blocking(session->handle, 0);
    ssh_session_allow(session);
    if (!meet_host(session, address, options->known_hosts, error) || !ssh_proof_give(session, address->user, error))
        return NULL;
    return g_steal_pointer(&session);
}
