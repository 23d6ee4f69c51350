#include <string.h>

#include <glib.h>

#include "keys/error.h"
#include "sync/pull/frames.h"

typedef struct {
    guint taken, absent;
    gsize bytes;
} Seen;

static gboolean
see(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error)
{
    Seen *seen = data;

    g_assert_cmpuint(index, ==, seen->taken + seen->absent);
    if (!stored) {
        seen->absent++;
        return TRUE;
    }
    g_assert_cmpuint(g_bytes_get_size(stored), ==, header->stored_size);
    seen->taken++;
    seen->bytes += header->stored_size;
    return TRUE;
}

static void
append_frame(GByteArray *out, guint8 kind, guint32 size)
{
    const FrameHeader header = { .kind = kind, .codec = CODEC_STORED, .stored_size = size, .plain_size = size };
    guint8 bytes[WIRE_FRAME_HEADER_SIZE];
    g_autofree guint8 *stored = g_malloc0(size);

    frame_header_format(&header, bytes);
    g_byte_array_append(out, bytes, sizeof bytes);
    g_byte_array_append(out, stored, size);
}

/* Feeds in pieces of @step bytes. */
static gboolean
read_frames(const GByteArray *bytes, guint count, gsize step, Seen *seen, GError **error)
{
    g_autoptr(FrameReader) reader = frame_reader_new(count, OBJECT_CHUNK, see, seen);

    for (gsize at = 0; at < bytes->len; at += step) {
        if (!frame_reader_feed(reader, bytes->data + at, MIN(step, bytes->len - at), error))
            return FALSE;
    }
    return frame_reader_end(reader, error);
}

static void
test_any_pieces(void)
{
    static const gsize steps[] = { 1, 7, 12, 13, 1000, 1000000 };

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        Seen seen = { 0 };

        append_frame(bytes, OBJECT_CHUNK, 1);
        append_frame(bytes, 0, 0);
        append_frame(bytes, OBJECT_CHUNK, 5000);
        append_frame(bytes, 0, 0);
        g_assert_true(read_frames(bytes, 4, steps[i], &seen, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(seen.taken, ==, 2);
        g_assert_cmpuint(seen.absent, ==, 2);
        g_assert_cmpuint(seen.bytes, ==, 5001);
    }
}

static void
test_refusals(void)
{
    static const struct {
        guint asked, sent;
        guint8 kind;
        guint32 size;
        gint cut;       /* bytes to take off the end */
        int code;
    } cases[] = {
        { 2, 1, OBJECT_CHUNK, 10, 0, CHAMA_ERROR_MALFORMED },
        { 1, 2, OBJECT_CHUNK, 10, 0, CHAMA_ERROR_MALFORMED },
        { 0, 1, OBJECT_CHUNK, 10, 0, CHAMA_ERROR_MALFORMED },
        { 1, 1, OBJECT_CHUNK, 10, 1, CHAMA_ERROR_MALFORMED },
        { 1, 1, OBJECT_CHUNK, 10, 15, CHAMA_ERROR_MALFORMED },
        { 2, 2, OBJECT_CHUNK, 10, 15, CHAMA_ERROR_MALFORMED },
        { 1, 1, OBJECT_PAGE, 10, 0, CHAMA_ERROR_MALFORMED },
        { 1, 1, OBJECT_DOCUMENT, 10, 0, CHAMA_ERROR_MALFORMED },
        { 1, 1, 9, 10, 0, CHAMA_ERROR_UNSUPPORTED },
        { 1, 1, OBJECT_CHUNK, 256 * 1024 + 1, 0, CHAMA_ERROR_LIMIT },
        { 1, 1, OBJECT_CHUNK, 0, 0, CHAMA_ERROR_LIMIT },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        Seen seen = { 0 };

        for (guint j = 0; j < cases[i].sent; j++)
            append_frame(bytes, cases[i].kind, cases[i].size);
        g_byte_array_set_size(bytes, bytes->len - (guint)cases[i].cut);
        g_assert_false(read_frames(bytes, cases[i].asked, 100, &seen, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
    }
}

static gboolean
enough(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error)
{
    return chama_error(error, CHAMA_ERROR_NO_SPACE, "disk: full");
}

static void
test_the_takers_error_comes_through(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(FrameReader) reader = frame_reader_new(1, OBJECT_CHUNK, enough, NULL);
    g_autoptr(GError) error = NULL;

    append_frame(bytes, OBJECT_CHUNK, 10);
    g_assert_false(frame_reader_feed(reader, bytes->data, bytes->len, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NO_SPACE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frames/any-pieces", test_any_pieces);
    g_test_add_func("/frames/refusals", test_refusals);
    g_test_add_func("/frames/the-takers-error-comes-through", test_the_takers_error_comes_through);
    return g_test_run();
}
