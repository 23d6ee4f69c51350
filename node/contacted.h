/*
 * contacted: what came of the last session with a peer, and when the next begins, for people and scripts (sync/PROTOCOL.md, PU52).
 */
#ifndef CHAMA_NODE_CONTACTED_H
#define CHAMA_NODE_CONTACTED_H

#include <jansson.h>

#include "node/config.h"
#include "sync/peers.h"

/* "ok", "failed 3 times: WHY; again at TIME", and after "; push: " the same of pushes, if there were any.  The caller's. */
char *contacted_text(Home *home, const Peer *peer);
/* Adds last_contact, last_try, last_error, failures, next_try to @object, as far as there are such, and an object "push" with the same of pushes. */
void contacted_add(Home *home, const Peer *peer, json_t *object);
#define STRANGER "config.ini has a section for it, and no peer goes by that name; see `chama peer ls`"
/* Of sections [peer ALIAS] in config.ini: the aliases that no peer goes by; of char*, the caller's. */
GPtrArray *contacted_strangers(Home *home, const Config *config);
/* Says so on standard error. */
void contacted_warn(Home *home, const Config *config);

#endif
