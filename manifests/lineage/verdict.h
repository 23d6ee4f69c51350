/*
 * verdict: what can be said of one step of a lineage, "this version was made from that one" (manifests/FORMAT.md, part 14, LI3-LI10).  Pure: facts
 * in, verdict out, table-tested.  Never a bare yes: a verdict comes with the reason that decided.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_VERDICT_H
#define CHAMA_MANIFESTS_LINEAGE_VERDICT_H

#include "manifests/manifest.h"

/* Worst first: of several the smallest counts. */
typedef enum {
    VERDICT_BROKEN,      /* a manifest does not verify, or the address that is named is not that version's */
    VERDICT_MISSING,     /* a record or document is not known here, and nobody who was asked has it */
    VERDICT_WITHHELD,    /* it is closed, and not for this node */
    VERDICT_ERASED,      /* a tombstone stands where it was */
    VERDICT_STATED,      /* signed; the activity was not observed */
    VERDICT_REPEATED,    /* another node states the same derivation with the same result */
    VERDICT_PROVEN,      /* observed by the program that signed, or shown by the content itself */
    VERDICTS             /* how many there are; as a verdict: there is nothing to judge */
} Verdict;
/* "broken", ...; "none" for VERDICTS. */
const char *verdict_format(Verdict verdict);

/* What is known of the sources that a version states. */
typedef enum {
    SOURCES_KNOWN,
    SOURCES_ABSENT,      /* they stand in details that this node may have and has not */
    SOURCES_WITHHELD,    /* they stand in details that are not for this node */
    SOURCES_ERASED,      /* they stood in details that were erased */
} SourcesState;

/* One edge. */
typedef struct {
    const char *derived_fault;   /* what does not hold of the derived version's record; NULL: all holds */
    gboolean source_known;       /* the record of the address that is named is here */
    const char *source_fault;
    char *source_is;             /* the version that the address is, if it is not the one named ("roads@2"); else NULL */
    char *named_is;              /* the address of the version that is named, if it is known here and another one; else NULL */
    gboolean source_erased;
    gboolean disavowed;          /* one of the two records, by its own node since (keys/IDENTITY.md, N12) */
    gboolean observed;           /* by the program that signed the derived version (M14) */
    gboolean same_content;       /* both have the same listing, which is not empty */
    guint repeats;               /* other nodes' versions that verify and say the same derivation with the same result */
} EdgeFacts;
/* *@reason is the caller's. */
Verdict verdict_of_edge(const EdgeFacts *facts, char **reason);

/* Of a version of which the sources are not known (not SOURCES_KNOWN). */
Verdict verdict_of_unknown(SourcesState state, char **reason);

#endif
