/*
 * format: what the parser (page.c), the builder (builder.c) and the writer of a listing page agree on (manifests/FORMAT.md, part 4).
 * Private to manifests/listing.
 */
#ifndef CHAMA_MANIFESTS_LISTING_FORMAT_H
#define CHAMA_MANIFESTS_LISTING_FORMAT_H

#include "manifests/listing/page.h"

#define PAGE_MAGIC "chl1"
#define PAGE_MAGIC_SIZE 4
#define PAGE_CHUNKER_FASTCDC_1 1
#define PAGE_HEAD_SIZE 6                   /* magic, level, chunker */
#define PAGE_PATHS_MAX (1024 * 1024)       /* L12: of the paths of one page, written out, each with a NUL */
#define PAGE_SIZE_MIN (4 * 1024)           /* L26: no cut by content before */

gboolean item_is_file(const Item *item);
/* L19: the digest of an empty file and of a file of one chunk is not written. */
gboolean item_digest_is_implied(const Item *item);
/* SHA-256 of no bytes. */
extern const Digest digest_of_nothing;

#endif
