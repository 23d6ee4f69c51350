/* The answer to a request for chunks: the first byte says how many were asked for, the second in what pieces the rest comes. */
#include <stddef.h>
#include <stdint.h>

#include "sync/pull/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean
take(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error)
{
    guint *taken = data;

    g_assert_cmpuint(index, ==, (*taken)++);
    if (stored)
        g_assert_cmpuint(g_bytes_get_size(stored), ==, header->stored_size);
    return TRUE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    guint asked = size > 0 ? data[0] : 0, taken = 0;
    size_t step = size > 1 ? (size_t)data[1] + 1 : 1;
    g_autoptr(FrameReader) reader = frame_reader_new(asked, OBJECT_CHUNK, take, &taken);
    gboolean good = TRUE;

    for (size_t at = 2; at < size && good; at += step)
        good = frame_reader_feed(reader, data + at, MIN(step, size - at), NULL);
    if (good && frame_reader_end(reader, NULL))
        g_assert_cmpuint(taken, ==, asked);
    return 0;
}
