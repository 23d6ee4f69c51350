#include "sync/pull/frames.h"

#include <string.h>

#include "keys/error.h"

struct FrameReader {
    guint count, index;
    ObjectKind kind;
    FrameTake take;
    gpointer data;
    guint8 head[WIRE_FRAME_HEADER_SIZE];
    gsize head_size;
    FrameHeader header;
    guint8 *stored;             /* header.stored_size bytes, NULL while the header is not whole */
    gsize stored_size;
};

FrameReader *
frame_reader_new(guint count, ObjectKind kind, FrameTake take, gpointer data)
{
    FrameReader *reader = g_new0(FrameReader, 1);

    reader->count = count;
    reader->kind = kind;
    reader->take = take;
    reader->data = data;
    return reader;
}

void
frame_reader_free(FrameReader *reader)
{
    if (!reader)
        return;
    g_free(reader->stored);
    g_free(reader);
}

static gboolean
give_frame(FrameReader *reader, GError **error)
{
    g_autoptr(GBytes) stored = reader->header.kind != 0 ? g_bytes_new_take(g_steal_pointer(&reader->stored), reader->header.stored_size) : NULL;

    reader->head_size = 0;
    reader->stored_size = 0;
    return reader->take(reader->data, reader->index++, &reader->header, stored, error);
}

static gboolean
take_head(FrameReader *reader, const guint8 **bytes, gsize *size, GError **error)
{
    gsize part = MIN(*size, WIRE_FRAME_HEADER_SIZE - reader->head_size);

    memcpy(reader->head + reader->head_size, *bytes, part);
    reader->head_size += part;
    *bytes += part;
    *size -= part;
    if (reader->head_size < WIRE_FRAME_HEADER_SIZE)
        return TRUE;
    if (reader->index == reader->count)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frames: PU13: want %u as asked for, have more", reader->count);
    /* W15: sizes are bounded there, before the allocation. */
    if (!frame_header_parse(reader->head, &reader->header, error))
        return FALSE;
    if (reader->header.kind == 0)
        return give_frame(reader, error);
    if (reader->header.kind != reader->kind)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame %u: PU13: want an object of kind %d, have kind %u", reader->index, reader->kind,
                           reader->header.kind);
    reader->stored = g_malloc(reader->header.stored_size);
    return TRUE;
}

static gboolean
take_stored(FrameReader *reader, const guint8 **bytes, gsize *size, GError **error)
{
    gsize part = MIN(*size, reader->header.stored_size - reader->stored_size);

    memcpy(reader->stored + reader->stored_size, *bytes, part);
    reader->stored_size += part;
    *bytes += part;
    *size -= part;
    return reader->stored_size < reader->header.stored_size || give_frame(reader, error);
}

gboolean
frame_reader_feed(gpointer data, const void *bytes, gsize size, GError **error)
{
    FrameReader *reader = data;
    const guint8 *rest = bytes;

    while (size > 0) {
        if (!(reader->stored ? take_stored(reader, &rest, &size, error) : take_head(reader, &rest, &size, error)))
            return FALSE;
    }
    return TRUE;
}

gboolean
frame_reader_end(FrameReader *reader, GError **error)
{
    if (reader->index == reader->count && reader->head_size == 0)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_MALFORMED, "frames: PU13: want %u as asked for, have %u", reader->count, reader->index);
}
