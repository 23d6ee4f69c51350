/*
 * policy: which logs are believed, which witnesses count, and how many must have seen a checkpoint (C2SP tlog-policy; manifests/FORMAT.md, part 8,
 * rules T30-T36).  A policy file is an auditor's own, and still read as if it were a stranger's: pure and bounded.
 *
 * Judging is in two steps: who saw it and when (policy_read(), of a note; or whoever keeps cosignatures), then what that amounts to (policy_judge()).
 */
#ifndef CHAMA_MANIFESTS_LEDGER_POLICY_H
#define CHAMA_MANIFESTS_LEDGER_POLICY_H

#include "manifests/ledger/note.h"

#define POLICY_SIZE_MAX (256 * 1024)
#define POLICY_LOGS_MAX 64
#define POLICY_WITNESSES_MAX 64 /* no note has more signatures */
#define POLICY_GROUPS_MAX 64

typedef struct Policy Policy;

/* Errors name the line: MALFORMED, LIMIT, or UNSUPPORTED of an algorithm that can sign no such thing. */
Policy *policy_parse(const char *text, gsize size, GError **error);
/* The same of a file (NOT_FOUND, FAILED).  At most POLICY_SIZE_MAX bytes are read. */
Policy *policy_load(const char *path, GError **error);
void policy_free(Policy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Policy, policy_free)

/* Borrowed.  Witnesses are numbered in the order of the file; @name is what the file calls one, opaque bytes: shown only if text_shows() says so. */
typedef struct {
    const char *name, *url; /* url: NULL if there is none */
    const NoteVerifier *verifier;
} PolicyWitness;
guint policy_witnesses(const Policy *policy);
PolicyWitness policy_witness(const Policy *policy, guint index);

/* T35: TRUE if the policy names no logs, or names this one with this key. */
gboolean policy_allows_log(const Policy *policy, const char *origin, const PublicKey *key);

/* When each witness cosigned a note, 0 if it did not, into @times (policy_witnesses() of them).  VERIFY or MALFORMED if the line of one of them does not hold:
 * then the note is refused.  Says nothing of the note's owner: note_open(). */
gboolean policy_read(const Policy *policy, const char *note, gsize size, gint64 *times, GError **error);

typedef struct {
    guint witnesses; /* in the policy */
    guint seen;      /* of them have cosigned */
    gint64 earliest; /* the first of these times, 0 if there is none */
    gboolean quorum; /* T34: whether they are enough */
    gint64 reached;  /* the time at which they were enough; 0 if they are not, or none are needed */
} PolicyVerdict;
PolicyVerdict policy_judge(const Policy *policy, const gint64 *times);

/* "seen by 3 of 4 witnesses, earliest 2026-05-01T08:00:00Z", or "seen by none of 4 witnesses"; "; the policy wants more" follows if there is no quorum.
 * The caller's. */
char *policy_verdict_format(const PolicyVerdict *verdict);

#endif
