#include "manifests/ledger/tile.h"

#include <string.h>

#include "keys/error.h"

#define PREFIX "tile/"
#define ENTRIES "entries"
#define GROUP 1000
/* A tree of 2^63-1 leaves has fewer than 10^18 tiles at each level. */
#define GROUPS_MAX 6

/* T20: "x001/234/067": groups of three digits, all but the last behind an x. */
static void
append_index(GString *path, guint64 index)
{
    guint groups[GROUPS_MAX + 1] = { 0 }, count = 0;

    do
        groups[count++] = (guint)(index % GROUP);
    while ((index /= GROUP) > 0 && count <= GROUPS_MAX);
    while (count-- > 1)
        g_string_append_printf(path, "x%03u/", groups[count]);
    g_string_append_printf(path, "%03u", groups[0]);
}

char *
tile_format(const Tile *tile, char path[TILE_PATH_SIZE])
{
    g_autoptr(GString) text = g_string_new(PREFIX);

    if (tile->entries)
        g_string_append(text, ENTRIES "/");
    else
        g_string_append_printf(text, "%u/", tile->level);
    append_index(text, tile->index);
    if (tile->width < TILE_WIDTH)
        g_string_append_printf(text, ".p/%u", tile->width);
    g_strlcpy(path, text->str, TILE_PATH_SIZE);
    return path;
}

/* At most three digits: what is spelt otherwise than tile_format() does is found by formatting again. */
static gboolean
read_number(const char **at, guint max, guint *number)
{
    guint digits = 0;

    for (*number = 0; g_ascii_isdigit(**at); (*at)++) {
        if (++digits > 3)
            return FALSE;
        *number = *number * 10 + (guint)(**at - '0');
    }
    return digits > 0 && *number <= max;
}

static gboolean
read_level(const char **at, Tile *tile)
{
    tile->entries = g_str_has_prefix(*at, ENTRIES "/");
    if (tile->entries)
        *at += strlen(ENTRIES);
    else if (!read_number(at, TILE_LEVEL_MAX, &tile->level))
        return FALSE;
    return *(*at)++ == '/';
}

static gboolean
read_index(const char **at, Tile *tile)
{
    for (guint groups = 1; groups <= GROUPS_MAX; groups++) {
        gboolean last = **at != 'x';
        guint group;

        *at += !last;
        if (!read_number(at, GROUP - 1, &group))
            return FALSE;
        tile->index = tile->index * GROUP + group;
        if (last)
            return TRUE;
        if (*(*at)++ != '/')
            return FALSE;
    }
    return FALSE;
}

static gboolean
read_width(const char **at, Tile *tile)
{
    tile->width = TILE_WIDTH;
    if (**at == '\0')
        return TRUE;
    if (!g_str_has_prefix(*at, ".p/"))
        return FALSE;
    *at += strlen(".p/");
    return read_number(at, TILE_WIDTH - 1, &tile->width) && tile->width > 0 && **at == '\0';
}

gboolean
tile_parse(const char *path, Tile *tile, GError **error)
{
    const char *at = path + strlen(PREFIX);
    char again[TILE_PATH_SIZE];
    Tile read = { 0 };

    if (!g_str_has_prefix(path, PREFIX) || !read_level(&at, &read) || !read_index(&at, &read) || !read_width(&at, &read)
        || strcmp(tile_format(&read, again), path) != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "tile: T20: want tile/LEVEL/INDEX or tile/entries/INDEX, and .p/WIDTH of a partial one");
    *tile = read;
    return TRUE;
}

/* Hashes of @level in a tree of @size leaves: each stands for 256^level of them. */
static guint64
level_count(guint level, guint64 size)
{
    return level >= 64 / TILE_HEIGHT ? 0 : size >> (level * TILE_HEIGHT);
}

guint
tile_width(guint level, guint64 index, guint64 size)
{
    guint64 count = level_count(level, size);

    if (index < count / TILE_WIDTH)
        return TILE_WIDTH;
    return index == count / TILE_WIDTH ? (guint)(count % TILE_WIDTH) : 0;
}

gboolean
tile_check(const Tile *tile, guint64 size, GError **error)
{
    guint width = tile_width(tile->level, tile->index, size);
    char path[TILE_PATH_SIZE];

    if (tile->width <= width)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: T23: want a tile of a tree of at most %" G_GUINT64_FORMAT " leaves, in which it has %u of %u",
                       tile_format(tile, path), size, width, tile->width);
}

GBytes *
tile_hashes(const Tile *tile, MerkleFile *merkle, GError **error)
{
    g_autofree Digest *hashes = g_new(Digest, tile->width);

    for (guint i = 0; i < tile->width; i++)
        if (!merkle_file_node(merkle, tile->level * TILE_HEIGHT, tile->index * TILE_WIDTH + i, &hashes[i], error))
            return NULL;
    return g_bytes_new_take(g_steal_pointer(&hashes), tile->width * sizeof(Digest));
}

void
tile_append_entry(GByteArray *bundle, GBytes *entry)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(entry, &size);
    const guint8 length[2] = { (guint8)(size >> 8), (guint8)size };

    G_STATIC_ASSERT(ENTRY_SIZE_MAX <= G_MAXUINT16);
    g_byte_array_append(bundle, length, sizeof length);
    g_byte_array_append(bundle, data, (guint)size);
}

GPtrArray *
tile_parse_bundle(GBytes *bundle, guint width, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    gsize size, at = 0;
    const guint8 *data = g_bytes_get_data(bundle, &size);

    while (at < size) {
        gsize length = size - at < 2 ? G_MAXSIZE : (gsize)data[at] << 8 | data[at + 1];

        if (length > ENTRY_SIZE_MAX || length > size - at - 2)
            return chama_error_null(error, CHAMA_ERROR_MALFORMED, "entry bundle: T22: entry %u is cut off, or longer than %d bytes", entries->len,
                                    ENTRY_SIZE_MAX);
        if (entries->len == width)
            break;
        g_ptr_array_add(entries, g_bytes_new_from_bytes(bundle, at + 2, length));
        at += 2 + length;
    }
    if (entries->len != width || at != size)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "entry bundle: T22: want %u entries, have %s", width, at != size ? "more" : "fewer");
    return g_steal_pointer(&entries);
}
