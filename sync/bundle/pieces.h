/*
 * pieces: the payload files of a bundle that answer for parts of a version: what was asked (sync/PROTOCOL.md, W13, W14, with W16), an empty line, and the answer, frames
 * (W15), as a peer would give it (sync/BUNDLE.md, B16, B17).  Bytes to index, pure and bounded.
 */
#ifndef CHAMA_SYNC_BUNDLE_PIECES_H
#define CHAMA_SYNC_BUNDLE_PIECES_H

#include "sync/wire.h"

#define PIECES_BYTES (8 * 1024 * 1024)   /* plain bytes of the chunks in one file, about */

typedef struct {
    GBytes *file;
    GArray *ranges;            /* of PositionRange: of chunks; or NULL */
    GArray *places;            /* of PagePlace: of pages; or NULL */
    gboolean against;          /* a version is named that the receiver holds: frames may be patches */
    GArray *offsets;           /* of guint32: where each frame begins; one more, the end */
} Pieces;
Pieces *pieces_parse(GBytes *file, gboolean pages, GError **error);
void pieces_free(Pieces *pieces);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pieces, pieces_free)
/* Which frame answers for a chunk position. */
gboolean pieces_find(const Pieces *pieces, guint64 position, guint *index);
/* Borrowed.  NULL if it is a patch and @patches is FALSE, or says that there was nothing. */
const guint8 *pieces_frame(const Pieces *pieces, guint index, gboolean patches, gsize *size);

#endif
