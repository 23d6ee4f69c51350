/*
 * introduction: how two nodes that do not know each other show who they are.  The answer to GET /v1/node, bytes to struct (pure, bounded), and
 * what this node sends of itself.
 */
#ifndef CHAMA_SYNC_PULL_INTRODUCTION_H
#define CHAMA_SYNC_PULL_INTRODUCTION_H

#include "sync/peers.h"

#define NODE_DOCUMENT_MAX (256 * 1024)

/* What someone says of itself; nothing is verified but the spelling. */
typedef struct {
    char node[NODE_ID_SIZE];
    char *checkpoint, *inception, *profile;   /* a note and two log entries */
} NodeDocument;
/* {"checkpoint","inception","node","profile","type":"node/1"}; members that are not known are passed over. */
NodeDocument *node_document_parse(GBytes *bytes, GError **error);
void node_document_free(NodeDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NodeDocument, node_document_free)

/* Verifies it: the inception hashes to the node's id, it signed the profile, its log key signed the checkpoint.  The peer as it would be accepted:
 * node, name, urls and pins. */
Peer *node_document_verify(const NodeDocument *document, GError **error);

/* This node's inception and newest profile as log entries. */
gboolean introduction_own(Home *home, char **inception, char **profile, GError **error);

#endif
