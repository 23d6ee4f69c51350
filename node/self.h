/*
 * self: this node as others see it.
 */
#ifndef CHAMA_NODE_SELF_H
#define CHAMA_NODE_SELF_H

#include "node/config.h"
#include "sync/peers.h"

/* Its id, name, the addresses of its profile (with [node] url of the configuration first) and TLS pins: that of the key in use, and that of one announced. */
Peer *self_as_peer(Home *home, GError **error);

/* States a new profile if [node] url of the configuration is an address that the newest one does not name.  With a signing key under a passphrase that
 * nobody is there to give: DENIED. */
gboolean self_publish_address(const char *home, const Config *config, GError **error);

#endif
