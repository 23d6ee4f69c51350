/*
 * varint: the numbers of a listing page (manifests/FORMAT.md, L9): LEB128, seven bits a byte, lowest first, in the shortest form,
 * at most 2^53-1, so that every number of a listing fits JSON too and sums of two never wrap.  Pure.
 */
#ifndef CHAMA_MANIFESTS_LISTING_VARINT_H
#define CHAMA_MANIFESTS_LISTING_VARINT_H

#include <glib.h>

#define VARINT_MAX ((G_GUINT64_CONSTANT(1) << 53) - 1)
#define VARINT_SIZE_MAX 8

guint varint_size(guint64 value);
void varint_append(GByteArray *bytes, guint64 value);
/* Reads one number at *@at, before @end, and moves *@at behind it.  FALSE (and nothing moved) if it is cut short, longer than
 * need be, or too large. */
gboolean varint_read(const guint8 **at, const guint8 *end, guint64 *value);

#endif
