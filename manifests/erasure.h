/*
 * erasure: erasure/1, the tombstone of a version's content at the node that states it (manifests/FORMAT.md, part 3, S18, S19).  Parsing is pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_ERASURE_H
#define CHAMA_MANIFESTS_ERASURE_H

#include "manifests/statements.h"

#define ERASURE "erasure/1"

typedef struct {
    Digest manifest;
    char *reason;               /* NULL: it follows another */
    Digest of;                  /* that one's record; zero where there is a reason */
    char node[NODE_ID_SIZE];    /* where it stands, with its record; empty of one that is being made */
    Digest record;
    gint64 time;
} Erasure;
void erasure_free(Erasure *erasure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Erasure, erasure_free)

/* Of a record's bytes. */
Erasure *erasure_parse(GBytes *record, GError **error);
/* Members of a record: @reason, or the record @of that it follows; refuses what erasure_parse() would. */
GBytes *erasure_format(const Digest *manifest, const char *reason, const Digest *of, GError **error);
/* As a kind of statement (manifests/statements.h). */
gboolean erasure_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);

/* Where a version's content is no more: the first tombstone of its own node, which all follow, or else of node @self (may be NULL).  *@erasure (the caller's) is
 * NULL if there is neither.  Its reason is never NULL: of one that follows another that is known here it is that one's. */
gboolean erasure_of(Catalogue *catalogue, const Manifest *manifest, const char *self, Erasure **erasure, GError **error);

/* TRUE if @node has a tombstone of @manifest; *@yes. */
gboolean erasure_stated(Catalogue *catalogue, const char *node, const Digest *manifest, gboolean *yes, GError **error);

#endif
