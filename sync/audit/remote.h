/*
 * remote: a node being asked for its log over the network (sync/PROTOCOL.md, E4, E23-E25): who it is, its checkpoint, its tiles.  What is verified says so.
 *
 * A Remote belongs to one thread; entry bundles come over a connection of their own, one ahead of the one that is being looked at.
 */
#ifndef CHAMA_SYNC_AUDIT_REMOTE_H
#define CHAMA_SYNC_AUDIT_REMOTE_H

#include "manifests/ledger/tiletree.h"
#include "manifests/progress.h"

#include "manifests/home.h"

typedef struct Remote Remote;

/* @target is a peer's alias or id, or an address ("https://..."), of which whoever answers is believed to be who its inception says.  UNREACHABLE;
 * VERIFY if the keys are not those of the node meant. */
Remote *remote_open(Home *home, const char *target, Progress *progress, GError **error);
void remote_close(Remote *remote);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Remote, remote_close)

/* Verified: the node, its newest key state, and the records that say so (of Record*): inception and rotations. */
const char *remote_node(const Remote *remote);
const Identity *remote_identity(const Remote *remote);
GPtrArray *remote_keys(const Remote *remote);

/* Its newest checkpoint, verified by the key that its identity says; @note is the caller's. */
Checkpoint *remote_checkpoint(Remote *remote, char **note, GError **error);

/* A TileFetch whose data is the remote. */
GBytes *remote_tile(gpointer remote, const Tile *tile, GError **error);

/* Entry bundles in the order in which they are asked for: @tile's bytes, while those of @next (NULL: none) are on their way. */
GBytes *remote_bundle(Remote *remote, const Tile *tile, const Tile *next, GError **error);

#endif
