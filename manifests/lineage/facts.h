/*
 * facts: what a home knows of versions, for the graph: records as its ledgers hold them, verified again; sources out of manifests, and out of
 * details where they are held; who else derived the same (manifests/FORMAT.md, part 14, LI1, LI4-LI10).
 *
 * Reads only.  For one thread, as the Home.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_FACTS_H
#define CHAMA_MANIFESTS_LINEAGE_FACTS_H

#include "manifests/home.h"
#include "manifests/lineage/graph.h"

/* Ledgers that are held whole, and their projection. */
typedef struct {
    Catalogue *catalogue;
    Ledger *(*ledger)(gpointer data, const char *node);   /* borrowed; NULL: it is not held */
    gpointer data;
} LineageLedgers;

/* What rooms above know of records that stand in no ledger held whole.  Each may be NULL: then nothing is. */
typedef struct {
    gpointer data;
    /* TRUE if @record, of a ledger of which the open part is held, stands there where it says: *@place (the caller's) says under what.  VERIFY or another
     * error: it does not. */
    gboolean (*stands)(gpointer data, const Record *record, char **place, GError **error);
    /* The record of address @named->manifest, verified, its place proven as *@place says; NULL without an error if nobody has it.  @namer: of whose node the version
     * is that names it, if only those who may read that may know of it; else NULL. */
    Record *(*find)(gpointer data, const Input *named, const char *namer, char **place, GError **error);
    /* May be NULL: of which part of a node's ledger each signature was checked before (AU11). */
    void (*remembered)(gpointer data, const char *node, LedgerVerified *verified);
    gpointer remembered_data;
} LineageBeyond;

typedef struct HomeFacts HomeFacts;
HomeFacts *home_facts_new(Home *home, const LineageBeyond *beyond);
/* Of ledgers without a home: nothing that is not open can be read. */
HomeFacts *home_facts_of(const LineageLedgers *ledgers, const LineageBeyond *beyond);
void home_facts_free(HomeFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HomeFacts, home_facts_free)
/* Borrows @facts. */
LineageFacts home_facts_source(HomeFacts *facts);

/* @manifest as something that names it would. */
void lineage_name_of(const Manifest *manifest, Input *input);

#endif
