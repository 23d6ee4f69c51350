/*
 * derivation: one name for "this, from that, in this way" (manifests/FORMAT.md, part 14, LI8), by which two versions that say the same are found.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_DERIVATION_H
#define CHAMA_MANIFESTS_LINEAGE_DERIVATION_H

#include "manifests/manifest.h"

/* The SHA-256 over root of the listing, activity and sources (order does not matter, nor that one is named twice).  FALSE if there is no source or no
 * activity: then nothing is said that could be repeated. */
gboolean derivation_digest(const Digest *listing, const char *activity, const GPtrArray *inputs, Digest *digest);

/* The activity that a person states (M14, not observed): canonical JSON.  @tool may be NULL; @parameters "NAME=VALUE", each name once, NULL-terminated or NULL.
 * MALFORMED or LIMIT for what breaks M14 or M6; USAGE for a parameter that is not spelt so. */
char *activity_format(const char *kind, const char *tool, char *const *parameters, GError **error);

/* What an activity says, taken apart; @activity is as in a Manifest.  *@kind, *@tool and *@parameters (canonical JSON) are the caller's; the last two may
 * be NULL. FALSE for what is no activity. */
gboolean activity_read(const char *activity, char **kind, char **tool, char **parameters, gboolean *observed);

#endif
