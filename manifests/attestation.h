/*
 * attestation: attestation/1, what a node found of a version of any node (manifests/FORMAT.md, part 3, S13-S15).  Pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_ATTESTATION_H
#define CHAMA_MANIFESTS_ATTESTATION_H

#include "manifests/body.h"
#include "manifests/statements.h"

#define ATTESTATION "attestation/1"
#define ATTESTATION_KIND_MAX 256
#define ATTESTATION_NOTE_MAX 4096

typedef struct {
    Subject subject;
    char *kind;        /* "quality", "review", "approval", "valuation", or a URI */
    gboolean pass;
    char *note;        /* may be NULL */
    gboolean has_until;
    gint64 until;      /* from then on it has lapsed */
} Attestation;

Attestation *attestation_new(void);
void attestation_free(Attestation *attestation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attestation, attestation_free)

/* TRUE if @kind is one of the four words or spelt as a URI. */
gboolean attestation_kind_valid(const char *kind);

/* Of a record's bytes. */
Attestation *attestation_parse(GBytes *record, GError **error);
/* Members of a record; refuses what attestation_parse() would. */
GBytes *attestation_format(const Attestation *attestation, GError **error);

/* An attestation as it stands in the ledger of the node that made it. */
typedef struct {
    Attestation *said;
    char node[NODE_ID_SIZE];
    Digest record;
    gint64 time;
} Attested;
void attested_free(Attested *attested);
/* TRUE from its `until` on. */
gboolean attested_lapsed(const Attested *attested, gint64 now);
/* What is attested of a version: of each node and kind the one that counts (S14), by node; array of Attested*. */
GPtrArray *attestations_of(Catalogue *catalogue, const Manifest *manifest, GError **error);

/* As a kind of statement (manifests/statements.h). */
gboolean attestation_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);

#endif
