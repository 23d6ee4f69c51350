/*
 * rotating: how a node changes its keys (keys/IDENTITY.md, part 8).
 */
#ifndef CHAMA_MANIFESTS_ROTATING_H
#define CHAMA_MANIFESTS_ROTATING_H

#include "keys/rotation.h"
#include "manifests/home.h"

/* The rotation that continues @head: signed by @revealed, endorsed by @old unless that is lost (NULL; then the plan says that it is a recovery). */
Record *rotating_sign(const LedgerHead *head, const RotationPlan *plan, const Keypair *revealed, const Keypair *old, gint64 time, GError **error);

/* What a person wants. */
typedef struct {
    const char *next;       /* file, or PKCS#11 URI, of the key that was committed to; NULL: keys/next.key */
    const char *new_next;   /* where to write the one that is committed to now, a new file, or the PKCS#11 URI of one; NULL: keys/next.key */
    gboolean lost;          /* the signing key is not there any more */
    gboolean stolen;        /* someone else may have signed with it: a new epoch of the log begins (as with lost) */
    guint64 disavowed;      /* the first record that is not stood by; 0: none */
    gboolean dry_run;       /* check all, change nothing */
} RotatingOptions;

/* What came of it. */
typedef struct {
    guint64 seq;            /* of the rotation */
    guint64 epoch;          /* that began with it; 0: none did */
    gboolean settled;       /* another history of this ledger that was known here is repudiated by it */
    char *next, *new_next;  /* files or URIs, as they were used */
} RotatingResult;
void rotating_result_clear(RotatingResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RotatingResult, rotating_result_clear)

/* Rotates.  A kill at any moment leaves a node that works, with the old keys or the new ones, and the next call goes on.  EXISTS if the new file is there, VERIFY if
 * the next key is not the one committed to, DENIED without a passphrase. */
gboolean rotating_rotate(Home *home, const RotatingOptions *options, RotatingResult *result, GError **error);

#endif
