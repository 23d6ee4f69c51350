/*
 * ssh_dial: a TCP connection to a host, at whichever of its addresses answers.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SSH_DIAL_H
#define CHAMA_SYNC_TRANSPORT_SSH_DIAL_H

#include <glib.h>

/* Waits at most @timeout seconds for the name, and for each address.  The descriptor does not block and is the caller's; -1: UNREACHABLE, CANCELLED.  @name stands in errors. */
int ssh_dial(const char *host, guint16 port, guint timeout, gint *cancelled, const char *name, GError **error);

#endif
