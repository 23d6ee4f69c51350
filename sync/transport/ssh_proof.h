/*
 * ssh_proof: how this user proves to an SSH server who it is (SH5): keys of the agent, key files; and what a person is asked on the way.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SSH_PROOF_H
#define CHAMA_SYNC_TRANSPORT_SSH_PROOF_H

#include "sync/transport/ssh_session.h"

/* DENIED, naming what was tried. */
gboolean ssh_proof_give(SshSession *session, const char *user, GError **error);
/* FALSE if the person says no, or nobody is there. */
gboolean ssh_proof_ask_accept(const char *question);

#endif
