/*
 * known: nodes that peers have brought word of and that no person here has accepted yet: who they are by their newest verified profile, and which peers
 * brought their ledgers (sync/PROTOCOL.md, PE7).  Nothing here dials them.
 */
#ifndef CHAMA_SYNC_KNOWN_H
#define CHAMA_SYNC_KNOWN_H

#include "sync/peers.h"

typedef struct {
    Peer *peer;                  /* as it would be accepted: node, name, addresses, keys */
    Profile *profile;
    char *word;                  /* SLUG~ID6 (NM5) */
    GPtrArray *introducers;      /* of char*: ids of accepted peers */
} KnownNode;
void known_node_free(KnownNode *known);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KnownNode, known_node_free)

/* By node id; array of KnownNode*. */
GPtrArray *known_all(Home *home, GError **error);
/* The one that @word means (NM4).  NOT_FOUND, also for a peer that is accepted, or USAGE if several. */
KnownNode *known_find(Home *home, const char *word, GError **error);

#endif
