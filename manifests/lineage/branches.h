/*
 * branches: the edges of a lineage by the version from which they are looked at (upstream the derived one, downstream the source), and how bad what lies
 * beyond each version is.  For the formats.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_BRANCHES_H
#define CHAMA_MANIFESTS_LINEAGE_BRANCHES_H

#include "manifests/lineage/graph.h"

typedef struct {
    const Lineage *lineage;
    guint *first;        /* of each version: where its edges begin in @edges; one more at the end */
    guint *edges;        /* indexes of edges, those with the worst beyond them first */
    Verdict *worst;      /* of each version: of all edges beyond it */
} Branches;

Branches *branches_new(const Lineage *lineage);
void branches_free(Branches *branches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Branches, branches_free)

/* The version at the near and at the far end of an edge; LINEAGE_NOTHING if that is not known. */
guint branch_near(const Lineage *lineage, const LineageEdge *edge);
guint branch_far(const Lineage *lineage, const LineageEdge *edge);

/* "join with duckdb 1.1 {...} (as stated)"; NULL if nothing is said.  The caller's. */
char *branch_activity(const VersionFacts *facts);
/* "森林覆盖 Forest cover"; "" without a title.  The caller's. */
char *branch_title(const VersionFacts *facts);

#endif
