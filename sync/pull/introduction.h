/*
 * introduction: how two nodes that do not know each other show who they are.  The answer to GET /v1/node, bytes to struct (pure, bounded).
 */
#ifndef CHAMA_SYNC_PULL_INTRODUCTION_H
#define CHAMA_SYNC_PULL_INTRODUCTION_H

#include "sync/credentials.h"
#include "sync/peers.h"

#define NODE_DOCUMENT_MAX (1024 * 1024)

/* What someone says of itself; nothing is verified but the spelling. */
typedef struct {
    char node[NODE_ID_SIZE];
    char *checkpoint;            /* a note */
    Credentials *credentials;
} NodeDocument;
/* {"checkpoint","inception","node","profile","rotations"?,"type":"node/1"}; members that are not known are passed over. */
NodeDocument *node_document_parse(GBytes *bytes, GError **error);
void node_document_free(NodeDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NodeDocument, node_document_free)

/* Verifies it: credentials_verify(), with what is @known of the node here (may be NULL), and the log key signed the checkpoint.  The peer as it would be
 * accepted: node, name, urls and pins. */
Peer *node_document_verify(const NodeDocument *document, const Identity *known, GError **error);

#endif
