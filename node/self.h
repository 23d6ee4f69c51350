/*
 * self: this node as others see it.
 */
#ifndef CHAMA_NODE_SELF_H
#define CHAMA_NODE_SELF_H

#include "sync/peers.h"

/* Its id, name, the addresses of its profile (with [node] url of the configuration first) and TLS pin. */
Peer *self_as_peer(Home *home, GError **error);

#endif
