#include "manifests/store/pack.h"

#include <errno.h>
#include <unistd.h>

/* Compiled in: the state on the stack must be the one that this header knows. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "keys/error.h"
#include "manifests/store/codec.h"
#include "manifests/store/littleendian.h"
#include "manifests/store/patch.h"

#define PACK_MAGIC_SIZE 16
#define FRAME_MAGIC_SIZE 4
#define FRAME_CHECKSUM_OFFSET 48
#define READER_ROOM (4 * 1024 * 1024) /* more than the largest frame */

static const guint8 pack_magic[PACK_MAGIC_SIZE] = "chama-pack/1\n";
static const guint8 frame_magic[FRAME_MAGIC_SIZE] = { 'c', 'h', 'f', '1' };

void
pack_header_format(const PackHeader *header, guint8 bytes[PACK_HEADER_SIZE])
{
    memcpy(bytes, pack_magic, PACK_MAGIC_SIZE);
    put_le64(bytes + 16, header->id);
    memcpy(bytes + 24, header->scope.bytes, DIGEST_SIZE);
    put_le64(bytes + 56, XXH3_64bits(bytes, 56));
}

gboolean
pack_header_parse(const guint8 *bytes, gsize size, PackHeader *header, GError **error)
{
    if (size < PACK_HEADER_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "pack: P2: want a header of %d bytes, have %zu", PACK_HEADER_SIZE, size);
    if (memcmp(bytes, "chama-pack/", 11) != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "pack: P2: want chama-pack/1, have another kind of file");
    if (get_le64(bytes + 56) != XXH3_64bits(bytes, 56))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "pack: P2: the checksum of the header does not hold");
    if (memcmp(bytes, pack_magic, PACK_MAGIC_SIZE) != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "pack: P2: want chama-pack/1, have another version");
    header->id = get_le64(bytes + 16);
    memcpy(header->scope.bytes, bytes + 24, DIGEST_SIZE);
    return TRUE;
}

char *
pack_name_format(guint64 id, char name[PACK_NAME_SIZE])
{
    g_snprintf(name, PACK_NAME_SIZE, "%016" G_GINT64_MODIFIER "x.pack", id);
    return name;
}

gboolean
pack_name_parse(const char *name, guint64 *id)
{
    char again[PACK_NAME_SIZE];
    guint64 value = g_ascii_strtoull(name, NULL, 16);

    if (strcmp(pack_name_format(value, again), name) != 0)
        return FALSE;
    *id = value;
    return TRUE;
}

gboolean
frame_parse(const guint8 *bytes, gsize size, Frame *frame, GError **error)
{
    if (size < FRAME_HEADER_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame: P5: want a header of %d bytes, have %zu", FRAME_HEADER_SIZE, size);
    if (memcmp(bytes, frame_magic, FRAME_MAGIC_SIZE) != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame: P5: want the magic chf1");
    frame->kind = bytes[4];
    frame->codec = bytes[5];
    frame->header_size = get_le16(bytes + 6);
    frame->stored_size = get_le32(bytes + 8);
    frame->plain_size = get_le32(bytes + 12);
    memcpy(frame->digest.bytes, bytes + 16, DIGEST_SIZE);
    frame->checksum = get_le64(bytes + FRAME_CHECKSUM_OFFSET);
    if (frame->header_size < FRAME_HEADER_SIZE || frame->header_size > FRAME_HEADER_MAX)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame: P6: want a header of %d to %d bytes, have %u", FRAME_HEADER_SIZE,
                           FRAME_HEADER_MAX, frame->header_size);
    if (frame->stored_size > OBJECT_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "frame: P10: want at most %d stored bytes, have %u", OBJECT_SIZE_MAX,
                           frame->stored_size);
    if (frame->plain_size > OBJECT_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "frame: P11: want at most %d plain bytes, have %u", OBJECT_SIZE_MAX,
                           frame->plain_size);
    return TRUE;
}

gboolean
frame_check(const Frame *frame, GError **error)
{
    if (frame->header_size != FRAME_HEADER_SIZE)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "frame: P6: want a header of %d bytes, have %u", FRAME_HEADER_SIZE,
                           frame->header_size);
    if (frame->kind < OBJECT_CHUNK || frame->kind > FRAME_MARK)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "frame: P8: want kind 1 to 4, have %u", frame->kind);
    if (frame->kind != FRAME_MARK)
        return codec_check(frame->codec, frame->plain_size, frame->stored_size, error);
    if (frame->codec != CODEC_STORED || frame->stored_size != 0 || frame->plain_size != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame: P9: want a mark without bytes, have codec %u, %u stored, %u plain",
                           frame->codec, frame->stored_size, frame->plain_size);
    return TRUE;
}

/* P7: seeded with the pack's id, which nobody outside knows, so that content can never hold a frame that counts. */
static guint64
checksum(guint64 pack_id, const guint8 *header, gsize header_size, const void *stored, gsize stored_size)
{
    XXH3_state_t state = { .seed = 0 };

    XXH3_64bits_reset_withSeed(&state, pack_id);
    XXH3_64bits_update(&state, header, FRAME_CHECKSUM_OFFSET);
    XXH3_64bits_update(&state, header + FRAME_HEADER_SIZE, header_size - FRAME_HEADER_SIZE);
    XXH3_64bits_update(&state, stored, stored_size);
    return XXH3_64bits_digest(&state);
}

guint64
frame_checksum(guint64 pack_id, const guint8 *bytes, const Frame *frame)
{
    return checksum(pack_id, bytes, frame->header_size, bytes + frame->header_size, frame->stored_size);
}

guint64
frame_checksum_apart(guint64 pack_id, const guint8 *header, const void *stored, const Frame *frame)
{
    return checksum(pack_id, header, frame->header_size, stored, frame->stored_size);
}

void
frame_format(Frame *frame, guint64 pack_id, const void *stored, guint8 bytes[FRAME_HEADER_SIZE])
{
    frame->header_size = FRAME_HEADER_SIZE;
    memcpy(bytes, frame_magic, FRAME_MAGIC_SIZE);
    bytes[4] = (guint8)frame->kind;
    bytes[5] = (guint8)frame->codec;
    put_le16(bytes + 6, FRAME_HEADER_SIZE);
    put_le32(bytes + 8, frame->stored_size);
    put_le32(bytes + 12, frame->plain_size);
    memcpy(bytes + 16, frame->digest.bytes, DIGEST_SIZE);
    frame->checksum = checksum(pack_id, bytes, FRAME_HEADER_SIZE, stored, frame->stored_size);
    put_le64(bytes + FRAME_CHECKSUM_OFFSET, frame->checksum);
}

gboolean
pack_pread(int fd, const char *name, guint64 offset, void *room, gsize size, GError **error)
{
    for (gsize done = 0; done < size;) {
        gssize got = pread(fd, (guint8 *)room + done, size - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return chama_error_errno(error, errno, "%s: byte %" G_GUINT64_FORMAT, name, offset + done);
        if (got == 0)
            return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: P4: want %zu bytes at %" G_GUINT64_FORMAT ", have %zu", name, size, offset,
                               done);
        done += (gsize)got;
    }
    return TRUE;
}

struct PackReader {
    int fd;
    char *name;
    guint64 pack_id;
    guint64 at, to;
    guint64 start; /* of what is in the room */
    gsize filled;
    guint8 *room;
};

PackReader *
pack_reader_new(int fd, const char *name, guint64 pack_id, guint64 from, guint64 to)
{
    PackReader *reader = g_new0(PackReader, 1);

    reader->fd = fd;
    reader->name = g_strdup(name);
    reader->pack_id = pack_id;
    reader->at = reader->start = from;
    reader->to = MAX(from, to);
    reader->room = g_malloc(READER_ROOM);
    return reader;
}

void
pack_reader_free(PackReader *reader)
{
    if (!reader)
        return;
    g_free(reader->name);
    g_free(reader->room);
    g_free(reader);
}

/* Makes @size bytes at @at (both within the range) lie in the room; NULL if the file could not be read. */
static const guint8 *
fill(PackReader *reader, guint64 at, gsize size, GError **error)
{
    gsize kept, want;

    if (at >= reader->start && at + size <= reader->start + reader->filled)
        return reader->room + (at - reader->start);
    kept = at >= reader->start && at < reader->start + reader->filled ? (gsize)(reader->start + reader->filled - at) : 0;
    want = (gsize)MIN(reader->to - at, READER_ROOM) - kept;
    memmove(reader->room, reader->room + reader->filled - kept, kept);
    reader->start = at;
    reader->filled = kept;
    if (!pack_pread(reader->fd, reader->name, at + kept, reader->room + kept, want, error))
        return NULL;
    reader->filled += want;
    return reader->room;
}

/* P26: of a patch that is one; any other has none. */
static guint
stored_reach(const Frame *frame, const guint8 *bytes)
{
    Patch patch;

    return frame->kind != FRAME_MARK && frame->codec == CODEC_PATCH && patch_parse(bytes + frame->header_size, frame->stored_size, &patch, NULL)
               ? patch.reach
               : 0;
}

/* TRUE if a frame whose checksum holds lies at @at; FALSE with an error only if the file could not be read. */
static gboolean
frame_at(PackReader *reader, guint64 at, PackPiece *piece, GError **error)
{
    const guint8 *bytes;

    if (reader->to - at < FRAME_HEADER_SIZE)
        return FALSE;
    bytes = fill(reader, at, FRAME_HEADER_SIZE, error);
    if (!bytes || !frame_parse(bytes, FRAME_HEADER_SIZE, &piece->frame, NULL))
        return FALSE;
    piece->offset = at;
    piece->size = frame_size(&piece->frame);
    if (piece->size > reader->to - at)
        return FALSE;
    bytes = fill(reader, at, (gsize)piece->size, error);
    piece->bytes = bytes;
    if (bytes)
        piece->frame.reach = stored_reach(&piece->frame, bytes);
    return bytes && frame_checksum(reader->pack_id, bytes, &piece->frame) == piece->frame.checksum;
}

/* The next place from @from on where a frame's magic lies, or the end. */
static gboolean
find_magic(PackReader *reader, guint64 from, guint64 *found, GError **error)
{
    while (reader->to - from >= FRAME_HEADER_SIZE) {
        gsize size = (gsize)MIN(reader->to - from, 64 * 1024);
        const guint8 *bytes = fill(reader, from, size, error);
        const guint8 *magic;

        if (!bytes)
            return FALSE;
        magic = memmem(bytes, size, frame_magic, FRAME_MAGIC_SIZE);
        if (magic) {
            *found = from + (guint64)(magic - bytes);
            return TRUE;
        }
        from += size - (FRAME_MAGIC_SIZE - 1);
    }
    *found = reader->to;
    return TRUE;
}

/* P18: damage ends where the next frame begins whose checksum holds. */
static PackStep
skip_damage(PackReader *reader, PackPiece *piece, GError **error)
{
    guint64 begin = reader->at, found = begin;

    while (find_magic(reader, found + 1, &found, error)) {
        g_autoptr(GError) failed = NULL;

        if (found < reader->to && !frame_at(reader, found, piece, &failed) && !failed)
            continue;
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return PACK_FAILED;
        }
        piece->offset = begin;
        piece->size = found - begin;
        piece->bytes = NULL;
        reader->at = found;
        return PACK_DAMAGE;
    }
    return PACK_FAILED;
}

PackStep
pack_reader_next(PackReader *reader, PackPiece *piece, GError **error)
{
    g_autoptr(GError) failed = NULL;

    if (reader->at >= reader->to)
        return PACK_END;
    if (frame_at(reader, reader->at, piece, &failed)) {
        reader->at += piece->size;
        return PACK_FRAME;
    }
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return PACK_FAILED;
    }
    return skip_damage(reader, piece, error);
}
