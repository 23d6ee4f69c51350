/*
 * check: what holds of a proof (manifests/FORMAT.md, part 12, PF6-PF12): every signature, every inclusion proof, every cosignature in it.  Needs no node
 * and no network.
 *
 * It proves who stated what, in which place of which history, and which witnesses saw that history when; never that what is stated is true, nor who
 * stands behind a node id.
 */
#ifndef CHAMA_MANIFESTS_PROOF_CHECK_H
#define CHAMA_MANIFESTS_PROOF_CHECK_H

#include "manifests/proof/proof.h"
#include "manifests/statement.h"

/* One cosignature. */
typedef struct {
    char *name;                /* of its key */
    char node[NODE_ID_SIZE];   /* "" if only the key is known */
    gint64 time;
} ProofSeen;

typedef struct {
    Record *record;
    Identity *identity;        /* the newest key state of its node that the checkpoint covers */
    const Identity *signer;    /* the one at the record */
    const Identity *disavowed; /* the rotation that disavows the record, or NULL */
    Profile *profile;          /* what the node calls itself; may be NULL */
    Checkpoint *checkpoint;
    GPtrArray *seen;           /* of ProofSeen, in the order of the note */
    Opening *opening;          /* of a sealed record, if it is shown */
    gboolean has_content;      /* of a version that is not open, if its content document is shown */
    Content content;
} ProofVerified;
void proof_verified_free(ProofVerified *verified);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProofVerified, proof_verified_free)

/* VERIFY, MALFORMED, LIMIT or UNSUPPORTED, naming the rule. */
ProofVerified *proof_check(const Proof *proof, GError **error);

/* The root of the files that the manifest proven is about: USAGE if the record is no manifest, NOT_FOUND if the proof does not show it. */
gboolean proof_listing(const ProofVerified *verified, Digest *root, GError **error);

#endif
