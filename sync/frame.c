/* Requests for parts of a version (ranges of positions, places of pages) and the frames that answer them: W13 to W16. */
#include <string.h>

#include "keys/error.h"
#include "manifests/listing/page.h"
#include "sync/decimal.h"
#include "sync/wire.h"

G_STATIC_ASSERT(WIRE_LEVEL_ROOT == PAGE_LEVEL_MAX + 1);

/* Takes one line (without its line feed, NUL-terminated) apart and appends what it says to @array. */
typedef gboolean (*LineParse)(const char *line, GArray *array);

static gboolean
parse_range(const char *line, GArray *array)
{
    guint64 next = array->len > 0 ? g_array_index(array, PositionRange, array->len - 1).last + 1 : 0;
    PositionRange range;

    if (!decimal_read(&line, DECIMAL_MAX, &range.first) || range.first < next)
        return FALSE;
    range.last = range.first;
    /* one spelling: a single position has no second number */
    if (*line == '-') {
        line++;
        if (!decimal_read(&line, DECIMAL_MAX, &range.last) || range.last <= range.first)
            return FALSE;
    }
    if (*line)
        return FALSE;
    g_array_append_val(array, range);
    return TRUE;
}

static gboolean
parse_place(const char *line, GArray *array)
{
    PagePlace place;
    guint64 level;

    if (!decimal_read(&line, WIRE_LEVEL_ROOT, &level) || *line++ != ' ')
        return FALSE;
    if (!decimal_parse(line, DECIMAL_MAX, &place.first_item) || (level == WIRE_LEVEL_ROOT && place.first_item > 0))
        return FALSE;
    place.level = (guint)level;
    g_array_append_val(array, place);
    return TRUE;
}

static gboolean
parse_lines(const char *text, gsize size, LineParse parse, const char *rule, GArray *array, GError **error)
{
    const char *end = text + size;

    while (text < end) {
        const char *feed = memchr(text, '\n', (gsize)(end - text));
        char line[64];

        if (array->len == WIRE_RANGES_MAX)
            return chama_error(error, CHAMA_ERROR_LIMIT, "request: %s: want at most %d lines, have more", rule, WIRE_RANGES_MAX);
        if (!feed || (gsize)(feed - text) >= sizeof line)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "request: %s: want short lines that end in a line feed", rule);
        memcpy(line, text, (gsize)(feed - text));
        line[feed - text] = '\0';
        /* a NUL within would end the text early */
        if (strlen(line) != (gsize)(feed - text) || !parse(line, array))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "request: %s: line %u is not one of its kind, or out of order", rule, array->len + 1);
        text = feed + 1;
    }
    return TRUE;
}

static GArray *
parse_body(GBytes *body, LineParse parse, guint element, const char *rule, GError **error)
{
    g_autoptr(GArray) array = g_array_new(FALSE, FALSE, element);
    gsize size = 0;
    const char *text = body ? g_bytes_get_data(body, &size) : NULL;

    if (size == 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "request: %s: want at least one line, have none", rule);
    if (size > WIRE_RANGES_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "request: %s: want at most %d bytes, have %zu", rule, WIRE_RANGES_SIZE_MAX, size);
    if (!parse_lines(text, size, parse, rule, array, error))
        return NULL;
    return g_steal_pointer(&array);
}

GArray *
ranges_parse(GBytes *body, GError **error)
{
    return parse_body(body, parse_range, sizeof(PositionRange), "W13", error);
}

GArray *
places_parse(GBytes *body, GError **error)
{
    return parse_body(body, parse_place, sizeof(PagePlace), "W14", error);
}

GBytes *
ranges_format(const GArray *ranges)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < ranges->len; i++) {
        const PositionRange *range = &g_array_index(ranges, PositionRange, i);

        g_string_append_printf(out, "%" G_GUINT64_FORMAT, range->first);
        if (range->last > range->first)
            g_string_append_printf(out, "-%" G_GUINT64_FORMAT, range->last);
        g_string_append_c(out, '\n');
    }
    return g_string_free_to_bytes(out);
}

GBytes *
places_format(const GArray *places)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < places->len; i++) {
        const PagePlace *place = &g_array_index(places, PagePlace, i);

        g_string_append_printf(out, "%u %" G_GUINT64_FORMAT "\n", place->level, place->first_item);
    }
    return g_string_free_to_bytes(out);
}

#define HAVE_WORD "have "
#define HAVE_LINE_SIZE (sizeof HAVE_WORD - 1 + DIGEST_HEX_SIZE - 1 + 1)

gboolean
have_parse(GBytes *body, gboolean *any, Digest *have, GBytes **rest, GError **error)
{
    gsize size = 0, word = sizeof HAVE_WORD - 1;
    const char *text = body ? g_bytes_get_data(body, &size) : NULL;
    char hex[DIGEST_HEX_SIZE];

    *any = size >= word && memcmp(text, HAVE_WORD, word) == 0;
    if (!*any) {
        *rest = body ? g_bytes_ref(body) : NULL;
        return TRUE;
    }
    if (size < HAVE_LINE_SIZE || text[HAVE_LINE_SIZE - 1] != '\n')
        return chama_error(error, CHAMA_ERROR_MALFORMED, "request: W16: want have, a digest in hex and a line feed");
    memcpy(hex, text + word, DIGEST_HEX_SIZE - 1);
    hex[DIGEST_HEX_SIZE - 1] = '\0';
    if (!digest_parse_hex(hex, have, NULL))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "request: W16: want have, a digest in hex and a line feed");
    *rest = g_bytes_new_from_bytes(body, HAVE_LINE_SIZE, size - HAVE_LINE_SIZE);
    return TRUE;
}

GBytes *
have_format(const Digest *have, GBytes *body)
{
    char hex[DIGEST_HEX_SIZE];
    GString *out = g_string_new(HAVE_WORD);
    gsize size;
    const char *text = g_bytes_get_data(body, &size);

    g_string_append(out, digest_format_hex(have, hex));
    g_string_append_c(out, '\n');
    g_string_append_len(out, text, (gssize)size);
    return g_string_free_to_bytes(out);
}

void
frame_header_format(const FrameHeader *header, guint8 bytes[WIRE_FRAME_HEADER_SIZE])
{
    guint32 stored = GUINT32_TO_LE(header->stored_size), plain = GUINT32_TO_LE(header->plain_size);

    memset(bytes, 0, WIRE_FRAME_HEADER_SIZE);
    bytes[0] = header->kind;
    bytes[1] = (guint8)header->codec;
    memcpy(bytes + 4, &stored, 4);
    memcpy(bytes + 8, &plain, 4);
}

/* The most that an object of this kind holds; 0 for a kind that there is not. */
static guint32
plain_size_max(guint8 kind)
{
    static const guint32 max[] = { [OBJECT_CHUNK] = CHUNK_SIZE_MAX, [OBJECT_PAGE] = PAGE_SIZE_MAX, [OBJECT_DOCUMENT] = OBJECT_SIZE_MAX };

    return kind < G_N_ELEMENTS(max) ? max[kind] : 0;
}

static gboolean
check_sizes(const FrameHeader *header, GError **error)
{
    guint32 max = plain_size_max(header->kind);

    if (max == 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "frame: W15: want kind 0 to 3, have %u", header->kind);
    if (header->codec > CODEC_PATCH)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "frame: W15: want codec 0 to 2, have %u", (guint)header->codec);
    /* before the receiver allocates: what lies in a pack is never longer than what it stands for */
    if (header->plain_size == 0 || header->plain_size > max || header->stored_size == 0 || header->stored_size > header->plain_size)
        return chama_error(error, CHAMA_ERROR_LIMIT, "frame: W15: want 1 to %u bytes, have %u stored for %u", max, header->stored_size, header->plain_size);
    if (header->codec == CODEC_STORED && header->stored_size != header->plain_size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame: W15: want equal sizes under codec 0, have %u and %u", header->stored_size,
                           header->plain_size);
    return TRUE;
}

gboolean
frame_header_parse(const guint8 bytes[WIRE_FRAME_HEADER_SIZE], FrameHeader *header, GError **error)
{
    static const guint8 nothing[WIRE_FRAME_HEADER_SIZE];
    FrameHeader read = { .kind = bytes[0], .codec = (Codec)bytes[1] };
    guint32 stored, plain;

    memcpy(&stored, bytes + 4, 4);
    memcpy(&plain, bytes + 8, 4);
    read.stored_size = GUINT32_FROM_LE(stored);
    read.plain_size = GUINT32_FROM_LE(plain);
    if (bytes[2] || bytes[3])
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame: W15: want zero in bytes 2 and 3");
    if (read.kind == 0 && memcmp(bytes, nothing, sizeof nothing) != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "frame: W15: want zeros after kind 0");
    if (read.kind != 0 && !check_sizes(&read, error))
        return FALSE;
    *header = read;
    return TRUE;
}
