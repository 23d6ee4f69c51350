/*
 * when: a record's time as people see it: what it claims, and between what others say it lies (manifests/bracket.h).
 */
#ifndef CHAMA_NODE_WHEN_H
#define CHAMA_NODE_WHEN_H

#include <jansson.h>

#include "manifests/home.h"

/* "claimed T; between T (PEER anchored) and T (PEER anchored)"; NULL if nobody else says anything.  The caller's. */
char *when_text(Home *home, const char *node, guint64 seq, gint64 time);
/* {"claimed","verdict","not_before"?:{"time","node","basis"},"not_after"?} */
json_t *when_json(Home *home, const char *node, guint64 seq, gint64 time);

#endif
