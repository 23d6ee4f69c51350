/*
 * stated: what nodes have stated about a version, for people and scripts, the same in every command.
 */
#ifndef CHAMA_NODE_STATED_H
#define CHAMA_NODE_STATED_H

#include <jansson.h>

#include "manifests/home.h"

/* A line for each attestation that counts, with who made it; one that has lapsed says so. */
gboolean stated_print(Home *home, const Manifest *manifest, GError **error);

/* {"attestations":[...]}: to be joined to what show_manifest_json() gave.  NULL with an error. */
json_t *stated_json(Home *home, const Manifest *manifest, GError **error);

#endif
