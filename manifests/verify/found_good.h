/*
 * found_good: what one verification found good, so that it is not read again for another version: versions of a dataset have most in common.  Files, each
 * by the digest of all that a listing says of its content, and the pages of listings in which nothing was wrong.  Bounded (I6): what is beyond is read
 * again.  One thread.
 */
#ifndef CHAMA_MANIFESTS_VERIFY_FOUND_GOOD_H
#define CHAMA_MANIFESTS_VERIFY_FOUND_GOOD_H

#include "manifests/listing/known.h"

typedef struct FoundGood FoundGood;
FoundGood *found_good_new(void);
void found_good_free(FoundGood *found_good);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FoundGood, found_good_free)

/* The name of the content of a file of @digest in these chunks.  Its digest alone would not do: another listing may give it other chunks. */
void content_name(const Digest *digest, const ChunkRef *chunks, guint count, Digest *name);

gboolean found_good_has(const FoundGood *found_good, const Digest *name);
void found_good_add(FoundGood *found_good, const Digest *name);
/* The pages of listings all of whose files were good. */
KnownPages *found_good_pages(FoundGood *found_good);

#endif
