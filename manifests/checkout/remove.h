/*
 * remove: what a checkout takes away: files of the base that the new version does not have, with the folders that they leave empty, and
 * what stands in the way.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_REMOVE_H
#define CHAMA_MANIFESTS_CHECKOUT_REMOVE_H

#include "manifests/checkout/plan.h"

/* *@removed: how many files. */
gboolean remove_planned(const Plan *plan, guint64 *removed, GError **error);

#endif
