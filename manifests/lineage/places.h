/*
 * places: whether a record stands where it says, in a ledger that is known here, and what proves it (manifests/FORMAT.md, part 14, LI1).
 *
 * Each ledger is opened once.  For one thread.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_PLACES_H
#define CHAMA_MANIFESTS_LINEAGE_PLACES_H

#include "manifests/lineage/facts.h"

typedef struct Places Places;
/* Borrows both; @beyond may be NULL. */
Places *places_new(const LineageLedgers *ledgers, const LineageBeyond *beyond);
void places_free(Places *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Places, places_free)

/* *@place (the caller's) says what shows it. */
gboolean places_record_holds(Places *places, const Record *record, char **place, GError **error);
/* The node's newest key state known, or NULL; borrowed. */
const Identity *places_identity(Places *places, const char *node);

#endif
