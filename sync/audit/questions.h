/*
 * questions: what audit_run() asks, in its order; a file each.  A question adds findings; it fails only where the home cannot be read at all.
 */
#ifndef CHAMA_SYNC_AUDIT_QUESTIONS_H
#define CHAMA_SYNC_AUDIT_QUESTIONS_H

#include "sync/audit/audit.h"

/* ledgers.c: does every signature, chain, commit and root hold; what was stated when; how old is the checkpoint. */
gboolean audit_ledgers(Auditing *auditing, GError **error);
/* evidence.c: what contradicts itself. */
gboolean audit_evidence(Auditing *auditing, GError **error);
/* versions.c: do versions continue each other; what they were made from (lineage.c); times that others contradict; what others found. */
gboolean audit_versions(Auditing *auditing, GError **error);
/* grants.c: which grants are over, about to end, revoked; what is sealed and closed to us. */
gboolean audit_grants(Auditing *auditing, GError **error);
/* receipts.c: which deliveries and receipts have no other half, or contradict; which content left without a grant in force. */
gboolean audit_receipts(Auditing *auditing, GError **error);
/* withdrawals.c: what was taken back or erased, and what was made from it. */
gboolean audit_withdrawals(Auditing *auditing, GError **error);
/* keys.c: which keys were changed, and what was disavowed by it. */
gboolean audit_keys(Auditing *auditing, GError **error);
/* witnesses.c: who saw the ledgers, and since when. */
gboolean audit_witnesses(Auditing *auditing, GError **error);
/* live.c: what a node shows of its log over the network, and whether it goes on from what was seen before.  Instead of all others. */
gboolean audit_live(Auditing *auditing, GError **error);

/* ---- of one version, for versions.c ---- */

/* brackets.c: is its time one that others contradict. */
gboolean audit_version_bracket(Auditing *auditing, const Manifest *manifest, GError **error);
/* attestations.c: which have lapsed, which say "fail". */
gboolean audit_version_attestations(Auditing *auditing, const Manifest *manifest, GError **error);

/* ---- records.c, for who sees records ---- */

typedef struct {
    Auditing *auditing;
    AuditNode *node;
    gint64 before;         /* time of the record before; 0: none */
} AuditWalk;
/* What is to be known of a record that costs time, in any thread. */
gpointer audit_look(const Record *record);
void audit_looked_free(gpointer looked);
/* Counts, judges and lists a record.  FALSE: who asked does not wait any more. */
gboolean audit_take(AuditWalk *walk, const Record *record, gconstpointer looked);
/* Both: a LedgerVisit whose data is the walk. */
gboolean audit_visit(gpointer walk, const Record *record, GError **error);
void audit_tell_of_unknown_types(Auditing *auditing, const AuditNode *node);

/* ---- witnesses.c ---- */

/* Who of the policy, if there is one, has cosigned @note, which holds as @checkpoint of the node; both NULL: nothing was shown. */
void audit_note_witnesses(Auditing *auditing, const AuditNode *node, const char *note, const Checkpoint *checkpoint, const Identity *identity);

/* ---- ledgers.c ---- */

void audit_look_at_age(Auditing *auditing, AuditNode *node, gint64 signed_at);

#endif
