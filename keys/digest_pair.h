/*
 * digest_pair: two SHA-256 worked out side by side.  A processor with SHA instructions waits for most of the time of one SHA-256 for its own results; a second one fits into
 * the gaps, and both together take little longer than one.  On other processors they are done one after the other.  Pure; one thread.
 */
#ifndef CHAMA_KEYS_DIGEST_PAIR_H
#define CHAMA_KEYS_DIGEST_PAIR_H

#include "keys/digest.h"

typedef struct DigestPair DigestPair;
DigestPair *digest_pair_new(void);
void digest_pair_free(DigestPair *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DigestPair, digest_pair_free)

/* Each side goes on with its own bytes.  Side by side goes as much as both have; the rest of the longer alone. */
void digest_pair_update(DigestPair *pair, const void *first, gsize first_size, const void *second, gsize second_size);
/* The digest of what @side (0, 1) was given so far; it starts anew. */
void digest_pair_reset(DigestPair *pair, guint side, Digest *digest);

#endif
