/*
 * rotation: the record by which a node changes its keys (keys/IDENTITY.md, part 8, N6-N12).  It reveals the signing key that was committed to before,
 * and is signed by it; the key before signs it too (`endorsed`), or it is a recovery and begins a new epoch of the log.
 */
#ifndef CHAMA_KEYS_ROTATION_H
#define CHAMA_KEYS_ROTATION_H

#include "keys/identity.h"

#define ROTATION_TYPE "rotation/1"
#define ROTATION_SIZE_MAX 2048
#define ROTATIONS_MAX 128 /* of a ledger */

/* What a rotation is made from; @before and what the record continues are record_format()'s. */
typedef struct {
    PublicKey signing, log;
    guint8 encryption[ENCRYPTION_KEY_SIZE];
    Digest next;
    guint64 epoch;      /* of a recovery: the epoch that begins; 0: none begins */
    guint64 stands;     /* of a recovery: how many records stand in the epoch before */
    guint64 disavowed;  /* the first record that is disavowed; 0: none */
} RotationPlan;
/* Its own members as canonical JSON, without what every record has and without the endorsement. */
GBytes *rotation_members(const RotationPlan *plan, GError **error);

/* @record is the whole record without the member `endorsed`: what the old key signs.  Gives @members with the member `endorsed`. */
GBytes *rotation_endorse(GBytes *members, GBytes *record, const Keypair *old, GError **error);

/* The key state after the rotation @record, which continues a ledger of which @before is the key state: every rule but the record's own signature
 * (record_verify() checks that, with the new state's signing key).  The new state keeps a reference to @before. */
Identity *identity_rotate(const Identity *before, GBytes *record, GError **error);

#endif
