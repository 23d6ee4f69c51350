/*
 * follow: which datasets of other nodes this node wants the content of.  A pattern is a node ("*" for any) and a glob over dataset names.
 * Kept in state.sqlite.
 */
#ifndef CHAMA_SYNC_FOLLOW_H
#define CHAMA_SYNC_FOLLOW_H

#include "manifests/home.h"

typedef struct { char node[NODE_ID_SIZE]; char *glob; } Follow;   /* node "*": any */
void follow_free(Follow *follow);

/* Idempotent; TRUE in @*changed if it is new (or was there). */
gboolean follow_add(Home *home, const char *node, const char *glob, gboolean *changed, GError **error);
gboolean follow_remove(Home *home, const char *node, const char *glob, gboolean *changed, GError **error);
GPtrArray *follow_all(Home *home, GError **error);
/* Does any pattern match? @follows from follow_all(). */
gboolean follow_matches(const GPtrArray *follows, const char *node, const char *name);

/* A version that a person dropped is not fetched again by itself: it is set aside until follow_add() names its dataset once more. */
gboolean follow_set_aside(Home *home, const Manifest *manifest, GError **error);
/* FALSE, too, if that cannot be read. */
gboolean follow_is_aside(Home *home, const Digest *manifest);

#endif
