/* All that a peer or a caller sends: the first byte chooses the parser (sync/wire.h). */
#include <stdint.h>
#include <string.h>

#include "sync/wire.h"

static gboolean
on_batch(gpointer data, guint64 first, guint count, GBytes *signature, GError **error)
{
    return count > 0 && count <= WIRE_BATCH_MAX;
}

static gboolean
on_entry(gpointer data, const char *entry, gsize size, GError **error)
{
    g_autoptr(RecordReceived) received = record_receive(entry, size, NULL);

    g_assert(size <= ENTRY_SIZE_MAX);
    return TRUE;
}

static gboolean
on_sparse(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    g_assert(count <= WIRE_PROOF_MAX);
    return on_entry(data, entry, size, error);
}

static gboolean
on_checkpoint(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    g_assert(count <= WIRE_PROOF_MAX);
    return TRUE;
}

/* The stream comes in pieces of different sizes; how it is cut must not matter. */
static gboolean
feed(const guint8 *data, gsize size, gsize piece)
{
    static const RecordStreamEvents events = { on_batch, on_entry, on_sparse, on_checkpoint };
    g_autoptr(RecordStream) stream = record_stream_new(&events, NULL);

    for (gsize at = 0; at < size; at += piece)
        if (!record_stream_feed(stream, data + at, MIN(piece, size - at), NULL))
            return FALSE;
    return record_stream_end(stream, NULL);
}

static void
fuzz_stream(GBytes *bytes)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);

    g_assert(feed(data, size, 7) == feed(data, size, size + 1));
}

static void
fuzz_exchange(GBytes *bytes)
{
    g_autoptr(Exchange) exchange = exchange_parse(bytes, NULL);
    g_autoptr(GBytes) again = exchange ? exchange_format(exchange, NULL) : NULL;
    g_autoptr(Exchange) back = again ? exchange_parse(again, NULL) : NULL;

    g_assert(!again || back);
}

static void
fuzz_reply(GBytes *bytes)
{
    g_autoptr(ExchangeReply) reply = exchange_reply_parse(bytes, NULL);
    g_autoptr(GBytes) again = reply ? exchange_reply_format(reply, NULL) : NULL;
    g_autoptr(ExchangeReply) back = again ? exchange_reply_parse(again, NULL) : NULL;

    g_assert(!again || back);
}

static void
fuzz_ranges(GBytes *bytes)
{
    g_autoptr(GArray) ranges = ranges_parse(bytes, NULL);
    g_autoptr(GBytes) again = ranges ? ranges_format(ranges) : NULL;

    g_assert(!again || g_bytes_equal(again, bytes));
}

static void
fuzz_places(GBytes *bytes)
{
    g_autoptr(GArray) places = places_parse(bytes, NULL);
    g_autoptr(GBytes) again = places ? places_format(places) : NULL;

    g_assert(!again || g_bytes_equal(again, bytes));
}

static void
fuzz_frame(GBytes *bytes)
{
    guint8 header[WIRE_FRAME_HEADER_SIZE], again[WIRE_FRAME_HEADER_SIZE];
    FrameHeader frame;

    if (g_bytes_get_size(bytes) != sizeof header)
        return;
    memcpy(header, g_bytes_get_data(bytes, NULL), sizeof header);
    if (!frame_header_parse(header, &frame, NULL))
        return;
    frame_header_format(&frame, again);
    g_assert(memcmp(header, again, sizeof header) == 0);
}

static void
fuzz_problem(GBytes *bytes)
{
    g_autoptr(GError) error = NULL;

    problem_read(bytes, 400, &error);
    g_assert(error && g_utf8_validate(error->message, -1, NULL) && strlen(error->message) < 600);
}

static void
fuzz_grant(GBytes *bytes)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_autofree char *text = g_strndup(data ? data : "", size);
    g_autoptr(GBytes) opening = grant_header_parse(text, NULL);
    g_autofree char *again = opening ? grant_header_format(opening) : NULL;

    g_assert(!again || strcmp(again, text) == 0);
}

static void
fuzz_arrivals(GBytes *bytes)
{
    g_autoptr(GArray) arrivals = arrivals_parse(bytes, NULL);
    g_autoptr(GBytes) again = arrivals ? arrivals_format(arrivals, NULL) : NULL;
    g_autoptr(GArray) back = again ? arrivals_parse(again, NULL) : NULL;
    ArrivalsReply reply;

    g_assert(!arrivals || (back && back->len == arrivals->len));
    arrivals_reply_parse(bytes, &reply, NULL);
}

static void
fuzz_comparison(GBytes *bytes)
{
    g_autoptr(Comparison) comparison = comparison_parse(bytes, NULL);
    g_autoptr(GBytes) again = comparison ? comparison_format(comparison, NULL) : NULL;
    g_autoptr(Comparison) back = again ? comparison_parse(again, NULL) : NULL;

    g_assert(!comparison || (back && back->has_root == comparison->has_root && back->hashes->len == comparison->hashes->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(GBytes *) = { fuzz_stream, fuzz_exchange, fuzz_reply, fuzz_ranges, fuzz_places, fuzz_frame, fuzz_problem, fuzz_grant,
                                                 fuzz_arrivals, fuzz_comparison };
    g_autoptr(GBytes) bytes = size > 0 ? g_bytes_new(data + 1, size - 1) : NULL;

    if (bytes && data[0] - '0' >= 0 && (gsize)(data[0] - '0') < G_N_ELEMENTS(parsers))
        parsers[data[0] - '0'](bytes);
    return 0;
}
