/*
 * provenance: labels, inputs, activity and evidence as they stand in a manifest/1 that is open and in every details/1
 * (manifests/FORMAT.md, rules M12-M16).  For the parsers of those two.
 */
#ifndef CHAMA_MANIFESTS_PROVENANCE_H
#define CHAMA_MANIFESTS_PROVENANCE_H

#include <jansson.h>

#include "manifests/manifest.h"

/* Where the members go: borrowed from a Manifest or a Details. */
typedef struct {
    GPtrArray *labels, *inputs, *evidence;
    char **activity;
} Provenance;

/* Lists for @labels (of char*) and @inputs (of Input*). */
GPtrArray *provenance_labels_new(void);
GPtrArray *provenance_inputs_new(void);

/* Reads what is there of the four members; @inputs_max is the bound for this document. */
gboolean provenance_read(const json_t *object, const char *what, guint inputs_max, const Provenance *provenance, GError **error);
/* Sets them; what is empty is left out.  MALFORMED if the activity is not canonical JSON. */
gboolean provenance_write(json_t *object, const char *what, const Provenance *provenance, GError **error);

#endif
