/*
 * format: a lineage for people and programs (manifests/FORMAT.md, part 14, LI12-LI16).  Pure; each returns the whole text, the caller's, with a final line
 * feed.  Versions must have been named (lineage_name()).
 *
 * What stands in titles comes from others: it was checked by M6, and is escaped here as each format wants it.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_FORMAT_H
#define CHAMA_MANIFESTS_LINEAGE_FORMAT_H

#include "manifests/lineage/graph.h"

/* LI12: a tree, what is worst first; a version that is reached again is not opened again. */
char *lineage_text(const Lineage *lineage);
/* LI13: for scripts. */
char *lineage_json(const Lineage *lineage);
/* LI14: for graphviz. */
char *lineage_dot(const Lineage *lineage);
/* LI15: a picture. */
char *lineage_svg(const Lineage *lineage);
/* LI16: PROV-JSON, for tools of provenance. */
char *lineage_prov(const Lineage *lineage);

#endif
