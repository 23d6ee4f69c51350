/* A payload file of a bundle that answers for pages or chunks (B16): the first byte says which. */
#include <stddef.h>
#include <stdint.h>

#include "sync/bundle/pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) file = g_bytes_new(data + (size > 0), size > 0 ? size - 1 : 0);
    g_autoptr(Pieces) pieces = pieces_parse(file, size > 0 && data[0] & 1, NULL);
    gsize total = 0, length;
    guint index;

    for (guint i = 0; pieces && i + 1 < pieces->offsets->len; i++) {
        if (pieces_frame(pieces, i, TRUE, &length))
            total += length;
    }
    g_assert_cmpuint(total, <=, size);
    if (pieces && pieces->ranges && pieces_find(pieces, g_array_index(pieces->ranges, PositionRange, 0).first, &index))
        g_assert_cmpuint(index, ==, 0);
    return 0;
}
