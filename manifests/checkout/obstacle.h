/*
 * obstacle: something of another kind in the way of a path of the new version: a file above it, or a folder in its place.  Rare, so each is
 * looked up by itself.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_OBSTACLE_H
#define CHAMA_MANIFESTS_CHECKOUT_OBSTACLE_H

#include "manifests/checkout/plan.h"

/* Is what stands at @path (no folder) as the base or another version has it there? */
gboolean obstacle_is_known(const Plan *plan, const char *path, gboolean *known, GError **error);

/* Adds what is in the folder @path, and then the folder, to plan->clear; what no version knows (with force: no version has there)
 * goes to @strange instead, as paths: a folder with something of the person's own is never removed. */
gboolean obstacle_clear_folder(Plan *plan, const char *path, GPtrArray *strange, GError **error);

#endif
