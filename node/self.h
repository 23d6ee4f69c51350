/*
 * self: this node as others see it.
 */
#ifndef CHAMA_NODE_SELF_H
#define CHAMA_NODE_SELF_H

#include "node/config.h"
#include "sync/peers.h"

/* Its id, name, addresses ([node] url of the configuration) and TLS pins: that of the key in use, and that of one announced. */
Peer *self_as_peer(Home *home, GError **error);

/* States a new profile if [node] url of the configuration has other addresses than the newest one.  With a signing key under a passphrase that
 * nobody is there to give: DENIED. */
gboolean self_publish_address(const char *home, const Config *config, GError **error);

/* The hosts of [node] listen and of the https:// addresses of [node] url stand in the TLS certificate: if one does not, there is a new one over the same key (TC7). */
gboolean self_name_certificate(const char *home, const Config *config, gboolean *renewed, GError **error);

#endif
