/* B16: what was asked, an empty line, and the frames that answer it. */
#include <string.h>

#include <glib.h>

#include "keys/error.h"
#include "sync/bundle/pieces.h"

static void
add_frame(GByteArray *file, guint8 kind, Codec codec, const char *stored)
{
    const FrameHeader header = { kind, codec, (guint32)strlen(stored), kind ? (guint32)strlen(stored) : 0 };
    guint8 bytes[WIRE_FRAME_HEADER_SIZE];

    frame_header_format(&header, bytes);
    g_byte_array_append(file, bytes, sizeof bytes);
    g_byte_array_append(file, (const guint8 *)stored, header.stored_size);
}

static GBytes *
make_file(const char *asked, guint frames)
{
    GByteArray *file = g_byte_array_new();

    g_byte_array_append(file, (const guint8 *)asked, (guint)strlen(asked));
    for (guint i = 0; i < frames; i++)
        add_frame(file, OBJECT_CHUNK, CODEC_STORED, i % 2 ? "odd" : "even");
    return g_byte_array_free_to_bytes(file);
}

static void
test_good(void)
{
    g_autoptr(GBytes) file = make_file("3-4\n9\n\n", 3);
    g_autoptr(GError) error = NULL;
    g_autoptr(Pieces) pieces = pieces_parse(file, FALSE, &error);
    static const struct { guint64 position; gint index; } cases[] = { { 2, -1 }, { 3, 0 }, { 4, 1 }, { 5, -1 }, { 9, 2 }, { 10, -1 } };
    gsize size;
    guint index;

    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        gboolean found = pieces_find(pieces, cases[i].position, &index);

        g_assert_cmpint(found ? (gint)index : -1, ==, cases[i].index);
    }
    g_assert_cmpmem(pieces_frame(pieces, 1, FALSE, &size) + WIRE_FRAME_HEADER_SIZE, 3, "odd", 3);
    g_assert_cmpuint(size, ==, WIRE_FRAME_HEADER_SIZE + 3);
}

static void
test_refused(void)
{
    static const struct { const char *asked; guint frames; } cases[] = {
        { "", 0 },                    /* nothing was asked */
        { "3-4\n", 2 },               /* no empty line */
        { "3-4\n\n", 1 },             /* fewer frames */
        { "3-4\n\n", 3 },             /* more */
        { "4-3\n\n", 2 },             /* out of order */
        { "0-9007199254740990\n\n", 2 },  /* more than could be there */
        { "have x\n3\n\n", 1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) file = make_file(cases[i].asked, cases[i].frames);
        g_autoptr(GError) error = NULL;

        g_assert_null(pieces_parse(file, FALSE, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_cut(void)
{
    g_autoptr(GBytes) file = make_file("16 0\n0 0\n\n", 2);

    for (gsize size = 0; size < g_bytes_get_size(file); size++) {
        g_autoptr(GBytes) cut = g_bytes_new_from_bytes(file, 0, size);

        g_assert_null(pieces_parse(cut, TRUE, NULL));
    }
    pieces_free(pieces_parse(file, TRUE, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pieces/good", test_good);
    g_test_add_func("/pieces/B16-refused", test_refused);
    g_test_add_func("/pieces/B16-cut", test_cut);
    return g_test_run();
}
