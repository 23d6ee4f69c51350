/*
 * kind: what an audit can find, each with its verdict and the name that --json gives it.  The sentences, in each language, are in node/report/words.c.
 */
#ifndef CHAMA_SYNC_AUDIT_KIND_H
#define CHAMA_SYNC_AUDIT_KIND_H

#include <glib.h>

typedef enum {
    AUDIT_GOOD,      /* was checked and holds */
    AUDIT_NOTE,      /* to know, and nobody's fault: what is withheld, what was not asked for */
    AUDIT_WARNING,   /* somebody should look: a grant about to end, a source that was withdrawn */
    AUDIT_FAILED,    /* a proof does not hold, or two signed statements contradict */
    AUDIT_VERDICTS
} AuditVerdict;

/* The values of each are named behind it. */
#define AUDIT_KINDS(k) \
    k(LEDGER_GOOD, GOOD, "ledger-good")                      /* records */ \
    k(SPARSE_GOOD, GOOD, "sparse-good")                      /* records seen, records in all */ \
    k(LEDGER_BROKEN, FAILED, "ledger-broken")                /* what is wrong */ \
    k(LEDGER_UNREADABLE, FAILED, "ledger-unreadable")        /* why */ \
    k(NO_CHECKPOINT, WARNING, "no-checkpoint") \
    k(CHECKPOINT_OLD, WARNING, "checkpoint-old")             /* when it was signed */ \
    k(CHECKPOINT_GOOD, GOOD, "checkpoint-good")              /* records it covers, records held, when it was signed */ \
    k(CHECKPOINT_BEYOND, WARNING, "checkpoint-beyond")       /* records it covers, records held */ \
    k(CHECKPOINT_BROKEN, FAILED, "checkpoint-broken")        /* what is wrong */ \
    k(CHECKPOINT_BEHIND, NOTE, "checkpoint-behind")          /* records it covers, records held */ \
    k(FORK, FAILED, "fork") \
    k(ROLLBACK, FAILED, "rollback") \
    k(OWN_FORK, FAILED, "own-fork") \
    k(CONTRADICTION_SEEN, WARNING, "contradiction-seen") \
    k(EVIDENCE_DAMAGED, FAILED, "evidence-damaged")          /* what is wrong with what is kept */ \
    k(COSIGNATURES_DAMAGED, WARNING, "cosignatures-damaged") /* how many of those that are kept */ \
    k(LIVE_GOOD, GOOD, "live-good")                          /* records now, records when it was seen before, when that was signed */ \
    k(LIVE_FIRST, GOOD, "live-first")                        /* records */ \
    k(LIVE_ENTRIES, GOOD, "live-entries")                    /* records verified now, records in all */ \
    k(LIVE_WITHHELD, NOTE, "live-withheld")                  /* records that are withheld, records in all */ \
    k(LIVE_REPLACED, WARNING, "live-replaced")               /* records when it was seen before */ \
    k(LIVE_BROKEN, FAILED, "live-broken")                    /* what is wrong */ \
    k(LIVE_UNREACHED, WARNING, "live-unreached")             /* who was meant, why */ \
    k(TYPE_UNKNOWN, NOTE, "type-unknown")                    /* type, how many */ \
    k(BODY_INVALID, WARNING, "body-invalid")                 /* type */ \
    k(TIME_BACKWARDS, NOTE, "time-backwards")                /* time, the time of the record before */ \
    k(TIME_AHEAD, WARNING, "time-ahead")                     /* time */ \
    k(VERSION_UNCOUNTED, WARNING, "version-uncounted")       /* dataset, number */ \
    k(VERSION_BROKEN, FAILED, "version-broken")              /* version, what is wrong */ \
    k(LINEAGE_BROKEN, FAILED, "lineage-broken")              /* version, source, reason */ \
    k(LINEAGE_MISSING, WARNING, "lineage-missing")           /* the same */ \
    k(LINEAGE_DISAVOWED, WARNING, "lineage-disavowed")       /* the same */ \
    k(LINEAGE_WITHHELD, NOTE, "lineage-withheld")            /* version: its sources are not for this node to know */ \
    k(LINEAGE_ABSENT, NOTE, "lineage-absent")                /* version: they stand in content that is not held here */ \
    k(LINEAGE_ERASED, NOTE, "lineage-erased")                /* version, source, reason */ \
    k(LINEAGE_FORGOTTEN, NOTE, "lineage-forgotten")          /* version: its sources stood in details that were erased */ \
    k(LINEAGE_STATED, NOTE, "lineage-stated")                /* version, source, reason */ \
    k(LINEAGE_REPEATED, GOOD, "lineage-repeated")            /* the same */ \
    k(LINEAGE_PROVEN, GOOD, "lineage-proven")                /* the same */ \
    k(GRANT_OVER, NOTE, "grant-over")                        /* dataset, grantee, until */ \
    k(GRANT_ENDS, WARNING, "grant-ends")                     /* dataset, grantee, until */ \
    k(GRANT_REVOKED, NOTE, "grant-revoked")                  /* dataset, grantee */ \
    k(SEALED_CLOSED, NOTE, "sealed-closed")                  /* how many */ \
    k(SHARE_LOOSENED, NOTE, "share-loosened")                /* version, sharing before, sharing now */ \
    k(ATTESTATION_LAPSED, WARNING, "attestation-lapsed")     /* kind, version, by whom, until */ \
    k(ATTESTATION_FAIL, WARNING, "attestation-fail")         /* kind, version, by whom */ \
    k(WITHDRAWN, NOTE, "withdrawn")                          /* version, reason */ \
    k(WITHDRAWN_IN_USE, WARNING, "withdrawn-in-use")         /* version, its source, reason of the withdrawal */ \
    k(ERASED, NOTE, "erased")                                /* version, reason */ \
    k(ERASED_AFTER, NOTE, "erased-after")                    /* version */ \
    k(KEYS_ROTATED, NOTE, "keys-rotated") \
    k(KEYS_RECOVERED, WARNING, "keys-recovered") \
    k(RECORDS_DISAVOWED, WARNING, "records-disavowed")       /* the first of them */ \
    k(WITNESSED, GOOD, "witnessed")                          /* witnesses that saw it, witnesses of the policy, the earliest time, records */ \
    k(WITNESSES_MISSING, WARNING, "witnesses-missing")       /* the same */ \
    k(LOG_NOT_IN_POLICY, WARNING, "log-not-in-policy") \
    k(COSIGNED, GOOD, "cosigned")                            /* nodes that saw it, the earliest time, records */ \
    k(COSIGNED_BY_NONE, NOTE, "cosigned-by-none")            /* records */ \
    k(TIME_TOO_EARLY, WARNING, "time-too-early")             /* version, time claimed, time that it came after, who says so */ \
    k(TIME_TOO_LATE, WARNING, "time-too-late")               /* version, time claimed, time before which it was there, who says so */ \
    k(TIME_CROSSED, WARNING, "time-crossed")                 /* version, time claimed, time that it came after, who says so */ \
    k(RECEIPT_OWED, WARNING, "receipt-owed")                 /* version, by whom */ \
    k(DELIVERY_OWED, WARNING, "delivery-owed")               /* version, by whom */ \
    k(RECEIPT_CONTRADICTS, FAILED, "receipt-contradicts")    /* version, provider */ \
    k(DELIVERY_WITHOUT_GRANT, FAILED, "delivery-without-grant") /* version, receiver */ \
    k(MORE, NOTE, "more")                                    /* how many, of which kind */

typedef enum {
#define AUDIT_KIND_ENUM(kind, verdict, name) AUDIT_##kind,
    AUDIT_KIND_FIRST_ = 100 - 1, /* apart from AuditVerdict, so that neither passes for the other */
    AUDIT_KINDS(AUDIT_KIND_ENUM)
    AUDIT_KIND_END_
#undef AUDIT_KIND_ENUM
} AuditKind;

AuditVerdict audit_kind_verdict(AuditKind kind);
const char *audit_kind_name(AuditKind kind);
const char *audit_verdict_name(AuditVerdict verdict);

#endif
