/*
 * endorsement: endorse/1, by which a node stands by a document that others stand by, too: one body, one record of each party in its own ledger
 * (manifests/FORMAT.md, part 3, S20, S21).  Parsing is pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_ENDORSEMENT_H
#define CHAMA_MANIFESTS_ENDORSEMENT_H

#include "manifests/statements.h"

#define ENDORSEMENT "endorse/1"
#define ENDORSEMENT_NOTE_MAX 1024

typedef struct {
    Digest body;                /* of the document's bytes */
    char *note;                 /* may be NULL */
    char node[NODE_ID_SIZE];    /* where it stands, with its record; empty of one that is being made */
    Digest record;
    gint64 time;
} Endorsement;
void endorsement_free(Endorsement *endorsement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Endorsement, endorsement_free)

/* Of a record's bytes. */
Endorsement *endorsement_parse(GBytes *record, GError **error);
/* Members of a record; refuses what endorsement_parse() would. */
GBytes *endorsement_format(const Digest *body, const char *note, GError **error);
/* As a kind of statement (manifests/statements.h): it is about its body. */
gboolean endorsement_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);

/* S21: the first of each node for @body, by node; array of Endorsement*. */
GPtrArray *endorsements_of(Catalogue *catalogue, const Digest *body, GError **error);

#endif
