/*
 * seen: who has seen what of a ledger, and when, as commands say it (manifests/sightings.h): by a policy, or of all nodes known.
 */
#ifndef CHAMA_NODE_SEEN_H
#define CHAMA_NODE_SEEN_H

#include <jansson.h>

#include "manifests/sightings.h"

/* Asks for many records, of one ledger after the other. */
typedef struct Seer Seer;
/* @policy is borrowed, and may be NULL. */
Seer *seer_new(Home *home, const Policy *policy);
void seer_free(Seer *seer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Seer, seer_free)
/* Of record @seq of @node's ledger: "seen by 3 of 4 witnesses, earliest ..." (the caller's), and the same for --json (may be NULL):
 * {"earliest"?,"policy","quorum"?,"reached"?,"seen","text","witnesses"?}. */
char *seer_say(Seer *seer, const char *node, guint64 seq, json_t **json, GError **error);

#endif
