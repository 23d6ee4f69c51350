/*
 * ssh_session: a connection to an SSH server up to the point where channels are opened: TCP, keys agreed, the host's key judged, this user proven.
 * Rules SH1 to SH6 of sync/PROTOCOL.md.  One thread at a time.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SSH_SESSION_H
#define CHAMA_SYNC_TRANSPORT_SSH_SESSION_H

#include "sync/transport/ssh_address.h"
#include "sync/transport/ssh_library.h"
#include "sync/transport/transport.h"

/* What only a person can say.  Called in whatever thread connects, one call at a time. */
typedef struct {
    /* TRUE: yes. */
    gboolean (*accept)(gpointer data, const char *question);
    /* Without showing it.  @what is "passphrase of FILE".  The caller's; NULL with an error. */
    char *(*secret)(gpointer data, const char *what, GError **error);
    gpointer data;
} SshAsk;

/* Once, before connections are made.  NULL, as it is at first: nobody is there to ask, so what is not known is refused. */
void ssh_set_ask(const SshAsk *ask);
/* The only key file to use, and no agent; NULL, as it is at first: those of the agent, then ~/.ssh/id_ed25519 and id_ecdsa. */
void ssh_set_key(const char *path);

typedef struct SshSession SshSession;

/* Connects.  UNREACHABLE: no connection, or it went; VERIFY: the host's key has changed or was revoked; DENIED: its key is not known and nobody
 * accepted it, or the server takes none of this user's keys; CANCELLED. */
SshSession *ssh_session_open(const SshAddress *address, const TransportOptions *options, GError **error);
void ssh_session_close(SshSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SshSession, ssh_session_close)

LIBSSH2_SESSION *ssh_session_handle(SshSession *session);   /* does not block */
int ssh_session_descriptor(const SshSession *session);
/* What to poll the descriptor for after LIBSSH2_ERROR_EAGAIN. */
short ssh_session_events(SshSession *session);
const char *ssh_session_name(const SshSession *session);

/* From now on an answer is waited for that many seconds.  Returns what it was before. */
guint ssh_session_set_stall(SshSession *session, guint seconds);

/* After LIBSSH2_ERROR_EAGAIN: TRUE once it is worth calling again.  UNREACHABLE after the stall timeout without a byte, or when the time that is allowed is over; CANCELLED. */
gboolean ssh_session_wait(SshSession *session, GError **error);
/* What is begun now may take the patience of the options in all (PU53); it was last allowed when the session was opened. */
void ssh_session_allow(SshSession *session);
/* And longer by what that many bytes may take at the slowest, and by @rest, microseconds in which this side takes none (PU50). */
void ssh_session_allow_bytes(SshSession *session, guint64 bytes, gint64 rest);
/* Has the other side ended the connection, with nothing left to read? */
gboolean ssh_session_is_gone(SshSession *session);
/* What libssh2 says went wrong while @doing. */
gboolean ssh_session_error(SshSession *session, const char *doing, GError **error);

/* Calls again until it is done or has failed; @call is an expression of the result, kept in @result. */
#define SSH_AGAIN(session, result, call, error) \
    while (((result) = (call)) == LIBSSH2_ERROR_EAGAIN && ssh_session_wait(session, error)) \
        ;
/* The same of what returns a pointer. */
#define SSH_AGAIN_POINTER(session, result, call, error) \
    while (!((result) = (call)) && ssh.libssh2_session_last_errno(ssh_session_handle(session)) == LIBSSH2_ERROR_EAGAIN && ssh_session_wait(session, error)) \
        ;

#endif
