/*
 * evidence: statements that one node signed and that cannot all be true, as a document that anyone can check with nothing else: evidence/1
 * (manifests/FORMAT.md, part 13, rules EV1..).  It holds the entries that say which keys are the node's, records, checkpoints, and the hashes that show
 * that they do not fit.
 *
 * Pure and bounded: at most 512 KiB.  One contradiction has one spelling, so a flipped bit anywhere is refused; what does not contradict is refused as well.
 */
#ifndef CHAMA_MANIFESTS_EVIDENCE_H
#define CHAMA_MANIFESTS_EVIDENCE_H

#include "keys/rotation.h"
#include "manifests/ledger/checkpoint.h"
#include "manifests/record.h"

#define EVIDENCE_SIZE_MAX (512 * 1024)
#define EVIDENCE_KEYS_MAX (ROTATIONS_MAX + 1)   /* entries that say which keys were the node's */
#define EVIDENCE_RECORDS_MAX 1024
#define EVIDENCE_HASHES_MAX 64

#define EVIDENCE_KIND_FORK "fork"             /* two histories */
#define EVIDENCE_KIND_ROLLBACK "rollback"     /* fewer records than it had signed before */

/* What evidence shows, verified. */
typedef enum {
    CONTRADICTION_RECORDS,      /* EV6: two records of one number, or one that does not continue the other */
    CONTRADICTION_ROOTS,        /* EV7: two checkpoints of one size */
    CONTRADICTION_PREFIX,       /* EV8: two checkpoints, of which the larger does not continue the smaller */
    CONTRADICTION_CHECKPOINT,   /* EV9: records, and a checkpoint that is not theirs */
    CONTRADICTION_ROLLBACK,     /* EV10: two checkpoints, the later of fewer records */
} ContradictionForm;
typedef struct {
    ContradictionForm form;
    char node[NODE_ID_SIZE];
    Identity *identity;         /* whose keys signed all of it: the newest state that is given */
    const Identity *oldest;     /* the key state that signed the oldest part, borrowed from @identity: who had those keys alone could make this */
    Digest address;             /* of the document: SHA-256 of its bytes */
    guint64 size;               /* of a fork: the two histories differ within their first so many records; of a rollback 0 */
    GPtrArray *records;         /* of Record* */
    GPtrArray *checkpoints;     /* of Checkpoint*: at most two */
} Contradiction;
void contradiction_free(Contradiction *contradiction);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Contradiction, contradiction_free)
/* "fork" or "rollback". */
const char *contradiction_kind(const Contradiction *contradiction);
/* In words, for people: one line, without the node's name.  The caller's. */
char *contradiction_describe(const Contradiction *contradiction);

/* Checks a document, whoever it came from.  MALFORMED, LIMIT or UNSUPPORTED if it is none, VERIFY if something in it was not signed by the node, or if all of
 * it can be true. */
Contradiction *evidence_verify(GBytes *bytes, GError **error);

/* What evidence is made of; what is not needed is NULL or 0. */
typedef struct {
    const Record *const *keys;           /* verified: the inception and the rotations in order; those that came later are left out */
    guint key_count;
    const char *checkpoints[2];          /* signed notes, in any order; lines of other keys than the node's are left out */
    const Record *const *records;        /* EV6: two in any order; EV9: all from the first checkpoint's size (or 0) to the second's */
    guint record_count;
    const Digest *root;                  /* EV8: of the larger tree's first records, as many as the smaller checkpoint names */
    const Digest *hashes;                /* EV8: consistency proof from there to the larger one; EV9: the complete subtrees below the first checkpoint */
    guint hash_count;
    gboolean rollback;
} EvidenceParts;
/* The document, verified: VERIFY, as evidence_verify() says it, where nothing contradicts.  LIMIT if it would be too large. */
GBytes *evidence_make(const EvidenceParts *parts, GError **error);

#endif
