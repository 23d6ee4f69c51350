#include "sync/bundle/pieces.h"

#include <string.h>

#include "keys/error.h"

void
pieces_free(Pieces *pieces)
{
    if (!pieces)
        return;
    g_clear_pointer(&pieces->file, g_bytes_unref);
    g_clear_pointer(&pieces->ranges, g_array_unref);
    g_clear_pointer(&pieces->places, g_array_unref);
    g_clear_pointer(&pieces->offsets, g_array_unref);
    g_free(pieces);
}

/* How many frames must follow, as far as the file has room for them. */
static gboolean
count_asked(const Pieces *pieces, gsize room, guint64 *count, GError **error)
{
    *count = pieces->places ? pieces->places->len : 0;
    for (guint i = 0; pieces->ranges && i < pieces->ranges->len && *count <= room; i++) {
        const PositionRange *range = &g_array_index(pieces->ranges, PositionRange, i);

        *count += MIN(range->last - range->first, G_MAXUINT32) + 1;
    }
    return *count <= room / WIRE_FRAME_HEADER_SIZE ||
           chama_error(error, CHAMA_ERROR_MALFORMED, "pieces: B16: want a frame for each thing asked for, have fewer");
}

static gboolean
index_frames(Pieces *pieces, gsize at, guint64 count, GError **error)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(pieces->file, &size);
    guint32 offset = (guint32)at;
    FrameHeader header;

    pieces->offsets = g_array_sized_new(FALSE, FALSE, sizeof(guint32), (guint)count + 1);
    for (guint64 i = 0; i < count; i++) {
        g_array_append_val(pieces->offsets, offset);
        if (size - offset < WIRE_FRAME_HEADER_SIZE)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "pieces: B16: want a frame for each thing asked for, have fewer");
        if (!frame_header_parse(bytes + offset, &header, error))
            return FALSE;
        if (size - offset - WIRE_FRAME_HEADER_SIZE < header.stored_size)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "pieces: B16: want whole frames, have one that was cut");
        offset += WIRE_FRAME_HEADER_SIZE + header.stored_size;
    }
    g_array_append_val(pieces->offsets, offset);
    return offset == size || chama_error(error, CHAMA_ERROR_MALFORMED, "pieces: B16: want nothing behind the frames, have %" G_GSIZE_FORMAT " bytes", size - offset);
}

static gboolean
read_asked(Pieces *pieces, GBytes *asked, gboolean pages, GError **error)
{
    g_autoptr(GBytes) rest = NULL;
    Digest have;

    if (!have_parse(asked, &pieces->against, &have, &rest, error))
        return FALSE;
    if (pages)
        pieces->places = places_parse(rest, error);
    else
        pieces->ranges = ranges_parse(rest, error);
    return pieces->places || pieces->ranges;
}

Pieces *
pieces_parse(GBytes *file, gboolean pages, GError **error)
{
    g_autoptr(Pieces) pieces = g_new0(Pieces, 1);
    gsize size, limit;
    const char *bytes = g_bytes_get_data(file, &size), *end;
    g_autoptr(GBytes) asked = NULL;
    guint64 count;

    if (size > G_MAXUINT32 / 2)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "pieces: B3: want a smaller file");
    limit = MIN(size, WIRE_RANGES_SIZE_MAX + 128);
    end = size > 0 ? memmem(bytes, limit, "\n\n", 2) : NULL;
    if (!end)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "pieces: B16: want what was asked, an empty line and frames, have something else");
    pieces->file = g_bytes_ref(file);
    asked = g_bytes_new_from_bytes(file, 0, (gsize)(end - bytes) + 1);
    if (!read_asked(pieces, asked, pages, error) || !count_asked(pieces, size, &count, error) ||
        !index_frames(pieces, (gsize)(end - bytes) + 2, count, error))
        return NULL;
    return g_steal_pointer(&pieces);
}

gboolean
pieces_find(const Pieces *pieces, guint64 position, guint *index)
{
    guint64 before = 0;

    for (guint i = 0; pieces->ranges && i < pieces->ranges->len; i++) {
        const PositionRange *range = &g_array_index(pieces->ranges, PositionRange, i);

        if (position < range->first)
            return FALSE;
        if (position <= range->last) {
            *index = (guint)(before + position - range->first);
            return TRUE;
        }
        before += range->last - range->first + 1;
    }
    return FALSE;
}

const guint8 *
pieces_frame(const Pieces *pieces, guint index, gboolean patches, gsize *size)
{
    const guint8 *bytes = g_bytes_get_data(pieces->file, NULL);
    guint32 from = g_array_index(pieces->offsets, guint32, index);
    FrameHeader header;

    if (!frame_header_parse(bytes + from, &header, NULL) || header.kind == 0 || (header.codec == CODEC_PATCH && !patches))
        return NULL;
    *size = g_array_index(pieces->offsets, guint32, index + 1) - from;
    return bytes + from;
}
