/*
 * stated: what nodes have stated about a version, for people and scripts, the same in every command.
 */
#ifndef CHAMA_NODE_STATED_H
#define CHAMA_NODE_STATED_H

#include <jansson.h>

#include "manifests/home.h"

/* "withdrawn 2026-05-02: REASON" or "erased 2026-05-02: REASON", on one line, or NULL if neither is known here.  The caller's. */
char *stated_end(Home *home, const Manifest *manifest);
/* The same as members "withdrawn" and "erased" of @root, where there are any. */
void stated_add_end(Home *home, const Manifest *manifest, json_t *root);
/* DENIED, saying which version to take instead, if @manifest was withdrawn. */
gboolean stated_in_force(Home *home, const Manifest *manifest, GError **error);

/* The version that a word means, which must say it (NAME@V): a statement is about one, and the newest may be another one when it is read. */
Manifest *stated_find(Home *home, const char *word, GError **error);

/* A line for each attestation that counts, with who made it; one that has lapsed says so. */
gboolean stated_print(Home *home, const Manifest *manifest, GError **error);

/* {"attestations":[...]}: to be joined to what show_manifest_json() gave.  NULL with an error. */
json_t *stated_json(Home *home, const Manifest *manifest, GError **error);

#endif
