/*
 * invite: one line that two people exchange: chama://HOST:PORT/NODE-ID?tls=<64 hex>&name=<percent-encoded>&url=<further>...&check=<8 hex>.
 * No secret; check is the first 4 bytes of the SHA-256 of all before "&check=", so that a mistyped or cut line is refused.  Pure.
 */
#ifndef CHAMA_SYNC_INVITE_H
#define CHAMA_SYNC_INVITE_H

#include "sync/peers.h"

#define INVITE_SIZE_MAX 2048

/* From a peer's node, name, urls and pins (the first of each is required, but urls may be empty: then the host part is "-"). */
char *invite_format(const Peer *self, GError **error);
Peer *invite_parse(const char *line, GError **error);
/* TRUE if @word begins as an invite does. */
gboolean invite_looks_like(const char *word);

#endif
