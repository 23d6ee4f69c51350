/*
 * show: how datasets, versions and nodes are written for people and scripts, the same in every command.
 */
#ifndef CHAMA_NODE_SHOW_H
#define CHAMA_NODE_SHOW_H

#include <jansson.h>

#include "manifests/home.h"
#include "manifests/version.h"

/* "NAME" or "PEER/NAME", as commands take it; with @version "NAME@3".  The caller's. */
char *show_dataset(Home *home, const char *node, const char *name);
char *show_version(Home *home, const Manifest *manifest);

/* The node's own name for people ("林业厅 Forestry"), "" if it has no profile here.  The caller's. */
char *show_node_name(Home *home, const char *node);

/* Puts the version's name before the message of @error.  Always FALSE, so that a command may return it. */
gboolean show_blame(Home *home, const Manifest *manifest, GError **error);

/* "held", "partly", "" */
const char *show_held(Home *home, const Manifest *manifest);

/* "valid", or what is wrong: checks the record's bytes, address and signature again, as they lie in the catalogue, by the key of the ledger. */
const char *show_signature(Home *home, const Manifest *manifest);

/* When its publisher stated that it stands by it no more (keys/IDENTITY.md, N12); 0 if it did not. */
gint64 show_disavowed(Home *home, const Manifest *manifest);
/* show_signature() for people: a valid one that was disavowed since says so.  The caller's. */
char *show_signature_text(Home *home, const Manifest *manifest);

/* Everything that the manifest says, for --json. */
json_t *show_manifest_json(Home *home, const Manifest *manifest);

#endif
