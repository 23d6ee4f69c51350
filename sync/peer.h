/*
 * peer: one Peer (sync/peers.h) as a value, for those who keep peers in the table.  Pure.
 */
#ifndef CHAMA_SYNC_PEER_H
#define CHAMA_SYNC_PEER_H

#include "sync/peers.h"

/* PE1: id, alias, name, addresses and keys as they may stand in the table: USAGE, MALFORMED or LIMIT otherwise. */
gboolean peer_check(const Peer *peer, GError **error);
/* Adds @url unless it is there, is empty, or PEER_URLS_MAX are. */
void peer_add_url(GPtrArray *urls, const char *url);
/* The addresses of both (either may be NULL), the first ones first, joined by line feeds.  The caller's. */
char *peer_join_urls(const GPtrArray *first, const GPtrArray *second);
/* The same name, addresses and keys? */
gboolean peer_same_introduction(const Peer *a, const Peer *b);

#endif
