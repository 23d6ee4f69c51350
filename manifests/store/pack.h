/*
 * pack: the bytes of pack files, headers and frames (manifests/FORMAT.md, part 6, rules P2-P14), and reading a pack from one end to
 * the other.  Parsing is pure; a PackReader belongs to one thread and holds a few MiB.
 */
#ifndef CHAMA_MANIFESTS_STORE_PACK_H
#define CHAMA_MANIFESTS_STORE_PACK_H

#include "manifests/store/store.h"

#define PACK_HEADER_SIZE 64
#define PACK_SIZE_MAX (G_GUINT64_CONSTANT(1) << 30)   /* P4: a writer starts another pack before this */
#define PACK_NAME_SIZE 22                             /* 16 hex digits, ".pack", NUL */
#define FRAME_HEADER_SIZE 56
#define FRAME_HEADER_MAX 4096                         /* P6 */
#define FRAME_MARK 4                                  /* P9: after the three of ObjectKind */

typedef struct {
    guint64 id;
    Scope scope;
} PackHeader;

void pack_header_format(const PackHeader *header, guint8 bytes[PACK_HEADER_SIZE]);
/* P2: MALFORMED, or UNSUPPORTED for another version. */
gboolean pack_header_parse(const guint8 *bytes, gsize size, PackHeader *header, GError **error);

/* P1: the name of a pack's file, and back: FALSE if it is not spelt like one. */
char *pack_name_format(guint64 id, char name[PACK_NAME_SIZE]);
gboolean pack_name_parse(const char *name, guint64 *id);

typedef struct {
    guint kind, codec;
    guint header_size;
    guint32 stored_size, plain_size;
    Digest digest;
    guint64 checksum;
    guint reach;         /* P26: of a patch, as its stored bytes say; set where those are known, else 0 */
} Frame;

/* P5, P6, P10, P11: the shape of a frame header, whatever its kind and codec: MALFORMED or LIMIT. */
gboolean frame_parse(const guint8 *bytes, gsize size, Frame *frame, GError **error);
/* P6, P8, P9, P12: what this program can make sense of: UNSUPPORTED naming what is new, or MALFORMED. */
gboolean frame_check(const Frame *frame, GError **error);
static inline guint64 frame_size(const Frame *frame)
{
    return (guint64)frame->header_size + frame->stored_size;
}
/* P7: the checksum of a whole frame in the pack @pack_id. */
guint64 frame_checksum(guint64 pack_id, const guint8 *bytes, const Frame *frame);
/* The same of one whose header and stored bytes lie apart. */
guint64 frame_checksum_apart(guint64 pack_id, const guint8 *header, const void *stored, const Frame *frame);
/* Writes the header of @frame (header_size and checksum are set here) for the bytes at @stored. */
void frame_format(Frame *frame, guint64 pack_id, const void *stored, guint8 bytes[FRAME_HEADER_SIZE]);

/* All of @size bytes at @offset of a file: DAMAGED naming @name if it ends before. */
gboolean pack_pread(int fd, const char *name, guint64 offset, void *room, gsize size, GError **error);

typedef enum {
    PACK_FRAME,  /* a frame whose checksum holds */
    PACK_DAMAGE, /* bytes that are no frame, up to the next frame whose checksum holds */
    PACK_END,
    PACK_FAILED, /* the file could not be read */
} PackStep;

typedef struct {
    guint64 offset, size; /* of the whole frame, or of the damaged bytes */
    Frame frame;
    const guint8 *bytes;  /* the whole frame, until the next step */
} PackPiece;

typedef struct PackReader PackReader;
/* Reads @fd (borrowed; called @name in errors) from byte @from, where a frame begins, to @to. */
PackReader *pack_reader_new(int fd, const char *name, guint64 pack_id, guint64 from, guint64 to);
void pack_reader_free(PackReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackReader, pack_reader_free)
PackStep pack_reader_next(PackReader *reader, PackPiece *piece, GError **error);

#endif
