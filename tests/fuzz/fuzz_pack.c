/* A whole pack file: header, frames, and what is in them. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "manifests/store/codec.h"
#include "manifests/store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Frames also as a peer would send them: without the checksum, which a fuzzer does not find. */
static void
parse_frame(const uint8_t *data, size_t size)
{
    Frame frame;

    if (!frame_parse(data, size, &frame, NULL))
        return;
    frame_check(&frame, NULL);
    if (frame_size(&frame) <= size)
        codec_open(&frame.digest, frame.codec, frame.plain_size, data + frame.header_size, frame.stored_size, codec_scratch(), NULL);
}

static void
read_frames(int fd, const PackHeader *header, size_t size)
{
    g_autoptr(PackReader) reader = pack_reader_new(fd, "fuzz", header->id, PACK_HEADER_SIZE, size);
    guint64 at = PACK_HEADER_SIZE;
    PackPiece piece;
    PackStep step;

    while ((step = pack_reader_next(reader, &piece, NULL)) == PACK_FRAME || step == PACK_DAMAGE) {
        g_assert_cmpuint(piece.offset, ==, at);
        g_assert_cmpuint(piece.size, >, 0);
        at += piece.size;
    }
    g_assert_cmpint(step, ==, PACK_END);
    g_assert_cmpuint(at, ==, MAX(size, PACK_HEADER_SIZE));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PackHeader header = { .id = 1 };
    int fd;

    if (size < PACK_HEADER_SIZE)
        return 0;
    pack_header_parse(data, size, &header, NULL);
    parse_frame(data + PACK_HEADER_SIZE, size - PACK_HEADER_SIZE);
    fd = memfd_create("pack", MFD_CLOEXEC);
    if (write(fd, data, size) == (ssize_t)size)
        read_frames(fd, &header, size);
    close(fd);
    return 0;
}
