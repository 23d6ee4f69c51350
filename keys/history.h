/*
 * history: which keys of a node counted where (keys/IDENTITY.md, N13).  An Identity leads back to its inception; a record or commit counts only if it
 * is signed by the signing key of the state at its number, a checkpoint of n records by the log key of the state at record n - 1.
 */
#ifndef CHAMA_KEYS_HISTORY_H
#define CHAMA_KEYS_HISTORY_H

#include "keys/identity.h"

/* The key state at record @seq, as far as @newest knows: a rotation counts from its own number on.  Borrowed from @newest. */
const Identity *identity_at(const Identity *newest, guint64 seq);

/* The first state that had @key as its signing (log) key, or NULL. */
const Identity *identity_that_signed(const Identity *newest, const PublicKey *key);
const Identity *identity_that_logged(const Identity *newest, const PublicKey *key);

/* States after the inception. */
guint identity_rotations(const Identity *newest);

/* The first rotation at or after record @seq, or NULL. */
const Identity *identity_rotated_from(const Identity *newest, guint64 seq);

/* N14, N15: two histories of one node, by the key states at their ends, of which neither is the beginning of the other.  Which one counts? */
typedef enum {
    BRANCH_HELD,     /* the one held: it has a rotation that the other has not, and so the key that both had committed to */
    BRANCH_OFFERED,  /* the other, for the same reason */
    BRANCH_NEITHER,  /* no rotation tells: a fork */
    BRANCH_FROZEN,   /* a rotation in each, of the same commitment, and of the same kind: only people can say */
} BranchVerdict;
BranchVerdict identity_judge(const Identity *held, const Identity *offered);

/* The first rotation of each that the other has not, or NULL: where there are two, they reveal the key of one commitment.  Borrowed. */
void identity_rivals(const Identity *held, const Identity *offered, const Identity **ours, const Identity **theirs);

/* N12: the newest rotation that disavows record @seq, or NULL. */
const Identity *identity_disavowed(const Identity *newest, guint64 seq);

/* N5: lines of an allowed-signers file (ssh-keygen(1)), each with a final line feed: the node's id, both namespaces, a key; a line for each signing key
 * that the node has had, the first one first. */
char *identity_allowed_signers(const Identity *identity);

#endif
