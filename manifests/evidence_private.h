/*
 * evidence_private: what evidence.c, evidence_reading.c, evidence_judging.c and evidence_making.c share.  Not for others.
 */
#ifndef CHAMA_MANIFESTS_EVIDENCE_PRIVATE_H
#define CHAMA_MANIFESTS_EVIDENCE_PRIVATE_H

#include "manifests/evidence.h"

#define EVIDENCE_TYPE "evidence/1"

/* A document while it is read: what is in it, signed by the node, but not yet judged. */
typedef struct {
    Contradiction *found;
    gboolean has_root;
    Digest root;
    GArray *hashes;      /* of Digest */
    gboolean rollback;   /* what it says it is */
} EvidenceReading;
void evidence_reading_clear(EvidenceReading *reading);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EvidenceReading, evidence_reading_clear)

Contradiction *contradiction_new(void);
/* Borrowed. */
const Checkpoint *contradiction_checkpoint(const Contradiction *contradiction, guint i);
const Record *contradiction_record(const Contradiction *contradiction, guint i);

/* EV1 to EV5. */
gboolean evidence_read(EvidenceReading *reading, GBytes *bytes, GError **error);
/* EV6 to EV10: VERIFY where all of it can be true. */
gboolean evidence_judge(const EvidenceReading *reading, GError **error);
/* EV5: the same note with the line of its owner alone; the keys are those that the node had at its size.  The caller's, as *@checkpoint. */
char *evidence_bare(const char *note, gsize size, const Identity *identity, Checkpoint **checkpoint, GError **error);

#endif
