/*
 * ssh_exec: a command at the other end of an SSH session, its standard input and output joined to the gate that libcurl comes through.  A thread of its own has
 * the session from the start to the stop.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SSH_EXEC_H
#define CHAMA_SYNC_TRANSPORT_SSH_EXEC_H

#include "sync/transport/gate.h"
#include "sync/transport/ssh_session.h"

typedef struct SshExec SshExec;

/* Takes @session, whatever happens; @gate must outlive it.  What the command says on standard error is kept to the last line. */
SshExec *ssh_exec_start(SshSession *session, const char *command, Gate *gate, GError **error);
/* Does not wait for the command. */
void ssh_exec_stop(SshExec *exec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SshExec, ssh_exec_stop)

/* Why there is nothing more to come, for people; NULL: it goes on.  Borrowed. */
const char *ssh_exec_reason(SshExec *exec);

#endif
