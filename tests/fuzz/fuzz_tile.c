/* The path of a tile, as a caller asks for it; and an entry bundle, as another log gives it: the first byte is its width less one. */
#include <stdint.h>
#include <string.h>

#include "manifests/ledger/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *path = g_strndup((const char *)data, size);
    g_autoptr(GPtrArray) entries = NULL;
    Tile tile;

    if (tile_parse(path, &tile, NULL)) {
        char again[TILE_PATH_SIZE];

        g_assert_cmpstr(tile_format(&tile, again), ==, path);
        g_assert_true(tile.width >= 1 && tile.width <= TILE_WIDTH && tile.level <= TILE_LEVEL_MAX);
        g_assert_cmpint(tile_check(&tile, 70000, NULL), ==, tile_width(tile.level, tile.index, 70000) >= tile.width);
    }
    if (size > 0) {
        g_autoptr(GBytes) bundle = g_bytes_new(data + 1, size - 1);
        g_autoptr(GByteArray) again = g_byte_array_new();

        entries = tile_parse_bundle(bundle, data[0] + 1u, NULL);
        for (guint i = 0; entries && i < entries->len; i++)
            tile_append_entry(again, entries->pdata[i]);
        if (entries)
            g_assert_cmpmem(again->data, again->len, data + 1, size - 1);
    }
    return 0;
}
