/*
 * tied: two rotations of one key, for people: which they are, and deciding between them (sync/ties.h).
 */
#ifndef CHAMA_NODE_TIED_H
#define CHAMA_NODE_TIED_H

#include <jansson.h>

#include "manifests/home.h"

/* Lines of `chama status` for the ties of other nodes that are open. */
gboolean tied_print_alarms(Home *home, GError **error);
/* All ties of @node (NULL: of all), as a list.  The caller's. */
json_t *tied_json(Home *home, const char *node, GError **error);
/* What a person must know to decide: NOT_FOUND if there is no tie of @node. */
gboolean tied_print(Home *home, const char *node, GError **error);
/* @word: 8 or more digits of the rotation's address, or its spoken fingerprint.  USAGE, NOT_FOUND. */
gboolean tied_decide(Home *home, const char *node, const char *word, GError **error);

#endif
