/*
 * proof: one record of a ledger with all that is needed to believe it, as a text file (manifests/FORMAT.md, part 12, PF1-PF5): its log entry, the keys
 * of its node, witnesses, and at the end a C2SP tlog-proof.  Bytes to struct and back; what holds of it, manifests/proof/check.h says.
 *
 * Pure and bounded.  A proof has one form: what is not byte for byte what writing it again gives is refused.
 */
#ifndef CHAMA_MANIFESTS_PROOF_PROOF_H
#define CHAMA_MANIFESTS_PROOF_PROOF_H

#include "manifests/ledger/checkpoint.h"
#include "manifests/ledger/merkle.h"
#include "manifests/record.h"

#define PROOF_FIRST_LINE "chama-proof/1"
#define PROOF_SIZE_MAX (4 * 1024 * 1024)
#define PROOF_KEYS_MAX 129        /* inception and rotations */
#define PROOF_SHOWN_MAX (64 * 1024)

/* A log entry and where it stands in the tree of the checkpoint. */
typedef struct {
    guint64 index;
    GBytes *entry;
    GArray *path;          /* of Digest: its inclusion proof */
} ProofEntry;
ProofEntry *proof_entry_new(guint64 index, GBytes *entry, GArray *path);
void proof_entry_free(ProofEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProofEntry, proof_entry_free)

/* Who made a cosignature: a node, by the entries that give its keys, or somebody whose verifier key is all that is known. */
typedef struct {
    GPtrArray *keys;       /* of GBytes: log entries of its inception and rotations; empty: */
    char *verifier;        /* "NAME+ID+KEY" */
} ProofWitness;
ProofWitness *proof_witness_new(void);
void proof_witness_free(ProofWitness *witness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProofWitness, proof_witness_free)

typedef struct {
    ProofEntry *record;
    GPtrArray *keys;       /* of ProofEntry: inception and rotations */
    ProofEntry *profile;   /* may be NULL */
    GPtrArray *witnesses;  /* of ProofWitness: one for each signature line behind the log's */
    GBytes *shown;         /* the document behind a digest in the record: an opening/1 or content/1; may be NULL */
    char *note;            /* the checkpoint */
} Proof;
Proof *proof_new(void);
void proof_free(Proof *proof);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Proof, proof_free)

/* MALFORMED or LIMIT, naming the rule. */
Proof *proof_parse(GBytes *bytes, GError **error);
GBytes *proof_format(const Proof *proof);

#endif
