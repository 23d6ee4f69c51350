/* The protocol's bytes: W1 to W15 of sync/PROTOCOL.md, and the numbers and names in them. */
#include <string.h>

#include "keys/error.h"
#include "manifests/text.h"
#include "sync/decimal.h"
#include "sync/names.h"
#include "sync/wire.h"

static const char node_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char node_b[] = "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#define ROOT "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define POSITION(node) "{\"node\":\"" node "\",\"root\":\"" ROOT "\",\"size\":3,\"time\":\"2026-05-01T08:00:00Z\"}"
#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OFFER(node) "{\"access\":\"whole\",\"checkpoint\":\"note\",\"node\":\"" node "\",\"size\":3}"

static GBytes *
bytes_of(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

static void
assert_bytes(GBytes *bytes, const char *text)
{
    g_assert_nonnull(bytes);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), text, strlen(text));
}

static LedgerPosition
position_of(const char *node)
{
    LedgerPosition position = { .size = 3, .time = 1777622400 };

    memcpy(position.node, node, NODE_ID_SIZE);
    return position;
}

static void
test_exchange(void)
{
    static const char text[] = "{\"introduction\":{\"inception\":\"i\\nj\\n\",\"profile\":\"p\\nq\\n\"},\"ledgers\":[" POSITION(A) "],\"node\":\"" A
                               "\",\"openings\":7,\"sparse\":[" POSITION(B) "],\"type\":\"exchange/1\"}";
    g_autoptr(Exchange) exchange = exchange_new();
    g_autoptr(Exchange) back = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    LedgerPosition a = position_of(node_a), b = position_of(node_b);

    memcpy(exchange->node, node_a, NODE_ID_SIZE);
    exchange->introduction = g_new0(Credentials, 1);
    exchange->introduction->inception = g_strdup("i\nj\n");
    exchange->introduction->profile = g_strdup("p\nq\n");
    exchange->introduction->rotations = g_ptr_array_new_with_free_func(g_free);
    exchange->openings = 7;
    g_array_append_val(exchange->ledgers, a);
    g_array_append_val(exchange->sparse, b);
    bytes = exchange_format(exchange, &error);
    g_assert_no_error(error);
    assert_bytes(bytes, text);
    back = exchange_parse(bytes, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(back->node, ==, node_a);
    g_assert_cmpstr(back->introduction->profile, ==, "p\nq\n");
    g_assert_cmpuint(back->openings, ==, 7);
    g_assert_cmpstr(g_array_index(back->ledgers, LedgerPosition, 0).node, ==, node_a);
    g_assert_cmpint(g_array_index(back->ledgers, LedgerPosition, 0).time, ==, a.time);
    g_assert_cmpuint(g_array_index(back->ledgers, LedgerPosition, 0).size, ==, 3);
    g_assert_cmpstr(g_array_index(back->sparse, LedgerPosition, 0).node, ==, node_b);
}

typedef struct {
    const char *text;
    int code;   /* -1: good */
} Case;

static void
test_exchange_cases(void)
{
    static const Case cases[] = {
        { "{\"ledgers\":[],\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", -1 },
        { "{\"ledgers\":[],\"news\":true,\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", -1 },
        { "", CHAMA_ERROR_MALFORMED },
        { "[]", CHAMA_ERROR_MALFORMED },
        { "{ \"ledgers\":[],\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"openings\":0,\"sparse\":[],\"type\":\"exchange/2\"}", CHAMA_ERROR_UNSUPPORTED },
        { "{\"ledgers\":[],\"openings\":0,\"revealed\":7,\"sparse\":[],\"type\":\"exchange/1\"}", -1 },
        { "{\"ledgers\":[],\"openings\":0,\"revealed\":\"7\",\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"openings\":-1,\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"node\":\"AAAA\",\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"introduction\":{\"inception\":\"\",\"profile\":\"\"},\"ledgers\":[],\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"introduction\":{\"inception\":\"\"},\"ledgers\":[],\"node\":\"" A "\",\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[" POSITION(A) "," POSITION(A) "],\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[{\"node\":\"" A "\"}],\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", CHAMA_ERROR_MALFORMED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = bytes_of(cases[i].text);
        g_autoptr(GError) error = NULL;
        g_autoptr(Exchange) exchange = exchange_parse(bytes, &error);

        g_test_message("%s", cases[i].text);
        if (cases[i].code < 0)
            g_assert_no_error(error);
        else
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_true((exchange != NULL) == (cases[i].code < 0));
    }
}

static void
test_exchange_too_many(void)
{
    g_autoptr(Exchange) exchange = exchange_new();
    g_autoptr(Exchange) back = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GBytes) none = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < WIRE_LEDGERS_MAX; i++) {
        LedgerPosition position = position_of(node_a);

        for (guint rest = i, at = 0; at < 3; rest /= 26, at++)
            position.node[at] = (char)('a' + rest % 26);
        g_array_append_val(i % 2 ? exchange->ledgers : exchange->sparse, position);
    }
    /* the most that is allowed fits the profile of canonical JSON */
    bytes = exchange_format(exchange, &error);
    g_assert_no_error(error);
    back = exchange_parse(bytes, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(back->ledgers->len + back->sparse->len, ==, WIRE_LEDGERS_MAX);
    g_array_append_val(exchange->sparse, g_array_index(exchange->ledgers, LedgerPosition, 0));
    none = exchange_format(exchange, &error);
    g_assert_null(none);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

static LedgerOffer *
offer_of(const char *node, gboolean whole)
{
    LedgerOffer *offer = g_new0(LedgerOffer, 1);

    memcpy(offer->node, node, NODE_ID_SIZE);
    offer->whole = whole;
    offer->size = 3;
    offer->checkpoint = g_strdup("note");
    return offer;
}

static void
test_reply(void)
{
    static const char text[] = "{\"bring\":{\"openings\":2,\"size\":3},\"ledgers\":[" OFFER(A) "],\"node\":\"" A "\",\"openings\":[\"{}\"],\"peer\":true,\"type\":\"exchange-reply/1\","
                               "\"yours\":{\"checkpoint\":\"note\",\"node\":\"" B "\",\"size\":3}}";
    g_autoptr(ExchangeReply) reply = exchange_reply_new();
    g_autoptr(ExchangeReply) back = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;

    memcpy(reply->node, node_a, NODE_ID_SIZE);
    reply->peer = TRUE;
    g_ptr_array_add(reply->ledgers, offer_of(node_a, TRUE));
    g_ptr_array_add(reply->openings, bytes_of("{}"));
    reply->yours = offer_of(node_b, TRUE);
    reply->bring = TRUE;
    reply->bring_size = 3;
    reply->bring_openings = 2;
    bytes = exchange_reply_format(reply, &error);
    g_assert_no_error(error);
    assert_bytes(bytes, text);
    back = exchange_reply_parse(bytes, &error);
    g_assert_no_error(error);
    g_assert_true(back->peer);
    g_assert_cmpuint(back->ledgers->len, ==, 1);
    g_assert_true(((LedgerOffer *)back->ledgers->pdata[0])->whole);
    assert_bytes(back->openings->pdata[0], "{}");
    g_assert_cmpstr(back->yours->node, ==, node_b);
    g_assert_true(back->bring && back->bring_size == 3 && back->bring_openings == 2);
}

static void
test_reply_cases(void)
{
    static const Case cases[] = {
        { "{\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":false,\"type\":\"exchange-reply/1\"}", -1 },
        { "{\"ledgers\":[],\"openings\":[],\"peer\":false,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":1,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"node\":\"" A "\",\"openings\":[1],\"peer\":true,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[" OFFER(A) "," OFFER(A) "],\"node\":\"" A "\",\"openings\":[],\"peer\":true,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[{\"access\":\"part\",\"checkpoint\":\"\",\"node\":\"" A "\",\"size\":3}],\"node\":\"" A
          "\",\"openings\":[],\"peer\":true,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":true,\"type\":\"exchange-reply/1\",\"yours\":{}}", CHAMA_ERROR_MALFORMED },
        { "{\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":true,\"type\":\"problem\"}", CHAMA_ERROR_UNSUPPORTED },
        { "{\"bring\":{\"openings\":2,\"size\":3},\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":true,\"type\":\"exchange-reply/1\"}", -1 },
        { "{\"bring\":{\"size\":3},\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":true,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"bring\":{\"openings\":-1,\"size\":3},\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":true,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
        { "{\"bring\":7,\"ledgers\":[],\"node\":\"" A "\",\"openings\":[],\"peer\":true,\"type\":\"exchange-reply/1\"}", CHAMA_ERROR_MALFORMED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = bytes_of(cases[i].text);
        g_autoptr(GError) error = NULL;
        g_autoptr(ExchangeReply) reply = exchange_reply_parse(bytes, &error);

        g_test_message("%s", cases[i].text);
        if (cases[i].code < 0)
            g_assert_no_error(error);
        else
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_true((reply != NULL) == (cases[i].code < 0));
    }
}

/* What a stream told, as text. */
static gboolean
note_batch(gpointer data, guint64 first, guint count, GBytes *signature, GError **error)
{
    g_string_append_printf(data, "batch %" G_GUINT64_FORMAT " %u %zu;", first, count, g_bytes_get_size(signature));
    return TRUE;
}

static gboolean
note_entry(gpointer data, const char *entry, gsize size, GError **error)
{
    g_string_append_printf(data, "entry %.*s;", (int)size, entry);
    return TRUE;
}

static gboolean
note_sparse(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    g_string_append_printf(data, "sparse %" G_GUINT64_FORMAT " %.*s %u %u;", index, (int)size, entry, count, count ? proof[count - 1].bytes[0] : 0);
    return TRUE;
}

static gboolean
note_checkpoint(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    g_string_append_printf(data, "checkpoint %" G_GUINT64_FORMAT " %u %.*s;", old_size, count, (int)size, note);
    return TRUE;
}

static const RecordStreamEvents all_events = { note_batch, note_entry, note_sparse, note_checkpoint };
static const RecordStreamEvents whole_events = { .batch = note_batch, .entry = note_entry };
static const RecordStreamEvents sparse_events = { .sparse = note_sparse, .checkpoint = note_checkpoint };

static gboolean
feed_in_pieces(const RecordStreamEvents *events, const char *text, gsize size, gsize piece, GString *told, GError **error)
{
    g_autoptr(RecordStream) stream = record_stream_new(events, told);

    for (gsize at = 0; at < size; at += piece)
        if (!record_stream_feed(stream, text + at, MIN(piece, size - at), error))
            return FALSE;
    return record_stream_end(stream, error);
}

static void
test_stream(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GBytes) blob = g_bytes_new("sig", 3), entry = bytes_of("{\"n\":1}\nc2ln\n");
    Digest proof[2] = { { { 1 } }, { { 2 } } };

    record_stream_write_batch(out, 5, 2, blob);
    record_stream_write_entry(out, entry);
    record_stream_write_entry(out, entry);
    record_stream_write_sparse(out, 9, entry, NULL, 0);
    record_stream_write_sparse(out, 10, entry, proof, 2);
    record_stream_write_checkpoint(out, 4, proof, 1, "a\n\nnote\n");
    record_stream_write_checkpoint(out, 0, NULL, 0, "b");
    record_stream_write_end(out);
    for (gsize piece = 1; piece <= out->len; piece += piece < 40 ? 1 : 97) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(GError) error = NULL;

        g_assert_true(feed_in_pieces(&all_events, out->str, out->len, piece, told, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(told->str, ==,
                        "batch 5 2 3;entry {\"n\":1}\nc2ln\n;entry {\"n\":1}\nc2ln\n;sparse 9 {\"n\":1}\nc2ln\n 0 0;"
                        "sparse 10 {\"n\":1}\nc2ln\n 2 2;checkpoint 4 1 a\n\nnote\n;checkpoint 0 0 b;");
    }
}

static void
test_stream_refusals(void)
{
    static const struct {
        const char *text;
        const RecordStreamEvents *events;
        int code;
    } cases[] = {
        { "", &all_events, CHAMA_ERROR_MALFORMED },                                         /* W12: cut off */
        { "batch 0 1 c2ln\n{}\nc2ln\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch 0 2 c2ln\n{}\nc2ln\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "end", &all_events, CHAMA_ERROR_MALFORMED },
        { "end\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "end\n\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "End\n", &all_events, CHAMA_ERROR_MALFORMED },                                    /* W8 */
        { "\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "end\r\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch 0 0 c2ln\nend\n", &all_events, CHAMA_ERROR_MALFORMED },                    /* W9 */
        { "batch 0 1025 c2ln\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch 00 1 c2ln\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch -1 1 c2ln\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch 0 1\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch 0 1 c2l\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch 9007199254740992 1 c2ln\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "batch 0 1 c2ln\n{}\nc2ln\nend\n", &sparse_events, CHAMA_ERROR_MALFORMED },
        { "entry 0 65\nend\n", &all_events, CHAMA_ERROR_MALFORMED },                        /* W10 */
        { "entry 0\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "entry 0 1\n{}\nc2ln\nc2ln\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "entry 0 0\n{}\nc2ln\nend\n", &whole_events, CHAMA_ERROR_MALFORMED },
        { "checkpoint 0 0 0\nend\n", &all_events, CHAMA_ERROR_MALFORMED },                  /* W11 */
        { "checkpoint 0 65 1\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "checkpoint 0 0 65537\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "checkpoint 0 0 9\nend\n", &all_events, CHAMA_ERROR_MALFORMED },
        { "checkpoint 0 0 1\nxend\n", &whole_events, CHAMA_ERROR_MALFORMED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(GError) error = NULL;

        g_test_message("%s", cases[i].text);
        g_assert_false(feed_in_pieces(cases[i].events, cases[i].text, strlen(cases[i].text), 7, told, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
    }
}

/* W8: lines are bounded as they come, in whatever pieces. */
static void
test_stream_long_lines(void)
{
    static const struct {
        const char *before;
        gsize size;
        gboolean good;
    } cases[] = {
        { "", 2049, FALSE },
        { "batch 0 1 c2ln\n", RECORD_SIZE_MAX, TRUE },
        { "batch 0 1 c2ln\n", RECORD_SIZE_MAX + 1, FALSE },
        { "batch 0 1 c2ln\n{}\n", 1371, FALSE },
        { "entry 0 1\n{}\nc2ln\n", 45, FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autofree char *line = g_strnfill(cases[i].size, 'x');
        g_autoptr(RecordStream) stream = record_stream_new(&all_events, told);
        g_autoptr(GError) error = NULL;

        g_assert_true(record_stream_feed(stream, cases[i].before, strlen(cases[i].before), &error));
        g_assert_true(record_stream_feed(stream, line, cases[i].size, &error) == cases[i].good);
        if (!cases[i].good)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    }
}

static void
test_ranges(void)
{
    g_autoptr(GBytes) body = bytes_of("0\n1-2\n3-4\n9007199254740991\n");
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) ranges = ranges_parse(body, &error);
    g_autoptr(GBytes) back = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(ranges->len, ==, 4);
    g_assert_cmpuint(g_array_index(ranges, PositionRange, 2).first, ==, 3);
    g_assert_cmpuint(g_array_index(ranges, PositionRange, 2).last, ==, 4);
    back = ranges_format(ranges);
    g_assert_true(g_bytes_equal(back, body));
}

static void
test_ranges_refusals(void)
{
    static const char *const cases[] = { "",     "\n",      "5",     "5-5\n", "5-4\n", "2\n1\n", "1-3\n3\n", "01\n", "+1\n", "1-\n", "-1\n",
                                         "1 2\n", "9007199254740992\n", "1\r\n", "1,2\n", "1-2-3\n", "18446744073709551616\n", "2\n2\n" };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) body = bytes_of(cases[i]);
        g_autoptr(GError) error = NULL;

        g_test_message("%s", cases[i]);
        g_assert_null(ranges_parse(body, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_ranges_limits(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GBytes) large = g_bytes_new_take(g_malloc0(WIRE_RANGES_SIZE_MAX + 1), WIRE_RANGES_SIZE_MAX + 1);
    g_autoptr(GBytes) body = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i <= WIRE_RANGES_MAX; i++)
        g_string_append_printf(text, "%u\n", i);
    body = g_bytes_new(text->str, text->len);
    g_assert_null(ranges_parse(body, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_null(ranges_parse(large, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_null(ranges_parse(NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static void
test_places(void)
{
    static const char *const bad[] = { "", "1\n", "17 0\n", "16 1\n", "1  0\n", "1 0 \n", "-1 0\n", "1 0", "a 0\n", "1 9007199254740992\n" };
    g_autoptr(GBytes) body = bytes_of("16 0\n2 0\n1 0\n1 77\n0 77\n");
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) places = places_parse(body, &error);
    g_autoptr(GBytes) back = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(places->len, ==, 5);
    g_assert_cmpuint(g_array_index(places, PagePlace, 3).first_item, ==, 77);
    back = places_format(places);
    g_assert_true(g_bytes_equal(back, body));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GBytes) text = bytes_of(bad[i]);

        g_test_message("%s", bad[i]);
        g_assert_null(places_parse(text, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_clear_error(&error);
    }
}

/* W16 */
static void
test_have(void)
{
    static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const struct {
        const char *before;
        int digits;
        const char *after;
        int code;
    } cases[] = {
        { "have ", 64, "\n0-5\n", -1 },
        { "have ", 64, "\n", -1 },
        { "have ", 64, "", CHAMA_ERROR_MALFORMED },
        { "have ", 63, "\n0-5\n", CHAMA_ERROR_MALFORMED },
        { "have ", 64, "0\n0-5\n", CHAMA_ERROR_MALFORMED },
        { "have  ", 64, "\n0-5\n", CHAMA_ERROR_MALFORMED },
        { "have ", 63, "G\n0-5\n", CHAMA_ERROR_MALFORMED },
        { "have ", 63, "A\n0-5\n", CHAMA_ERROR_MALFORMED },
        { "have \n", 64, "\n", CHAMA_ERROR_MALFORMED },
        { "have ", 0, "", CHAMA_ERROR_MALFORMED },
    };
    g_autoptr(GBytes) plain = g_bytes_new_static("0-5\n", 4), none = NULL;
    gboolean any;
    Digest have;

    g_assert_true(have_parse(plain, &any, &have, &none, NULL));
    g_assert_false(any);
    g_assert_true(g_bytes_equal(plain, none));
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) body = NULL, rest = NULL;
        g_autofree char *text = g_strdup_printf("%s%.*s%s", cases[i].before, cases[i].digits, hex, cases[i].after);

        body = g_bytes_new(text, strlen(text));
        g_assert_cmpint(have_parse(body, &any, &have, &rest, &error), ==, cases[i].code < 0);
        if (cases[i].code >= 0) {
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
            continue;
        }
        g_assert_true(any);
        g_autoptr(GBytes) again = have_format(&have, rest);

        g_assert_true(g_bytes_equal(body, again));
    }
}

static void
test_frames(void)
{
    static const struct {
        FrameHeader header;
        int code;
    } cases[] = {
        { { 0, CODEC_STORED, 0, 0 }, -1 },
        { { OBJECT_CHUNK, CODEC_STORED, 5, 5 }, -1 },
        { { OBJECT_CHUNK, CODEC_ZSTD, 5, 256 * 1024 }, -1 },
        { { OBJECT_PAGE, CODEC_PATCH, 40, 64 * 1024 }, -1 },
        { { OBJECT_DOCUMENT, CODEC_STORED, OBJECT_SIZE_MAX, OBJECT_SIZE_MAX }, -1 },
        { { 0, CODEC_STORED, 1, 0 }, CHAMA_ERROR_MALFORMED },
        { { 0, CODEC_ZSTD, 0, 0 }, CHAMA_ERROR_MALFORMED },
        { { 4, CODEC_STORED, 5, 5 }, CHAMA_ERROR_UNSUPPORTED },
        { { OBJECT_CHUNK, (Codec)3, 5, 5 }, CHAMA_ERROR_UNSUPPORTED },
        { { OBJECT_CHUNK, CODEC_PATCH, 6, 5 }, CHAMA_ERROR_LIMIT },
        { { OBJECT_CHUNK, CODEC_STORED, 5, 6 }, CHAMA_ERROR_MALFORMED },
        { { OBJECT_CHUNK, CODEC_STORED, 0, 0 }, CHAMA_ERROR_LIMIT },
        { { OBJECT_CHUNK, CODEC_ZSTD, 0, 5 }, CHAMA_ERROR_LIMIT },
        { { OBJECT_CHUNK, CODEC_ZSTD, 6, 5 }, CHAMA_ERROR_LIMIT },
        { { OBJECT_CHUNK, CODEC_ZSTD, 5, 256 * 1024 + 1 }, CHAMA_ERROR_LIMIT },
        { { OBJECT_PAGE, CODEC_ZSTD, 5, 64 * 1024 + 1 }, CHAMA_ERROR_LIMIT },
        { { OBJECT_DOCUMENT, CODEC_ZSTD, 5, OBJECT_SIZE_MAX + 1 }, CHAMA_ERROR_LIMIT },
    };
    guint8 bytes[WIRE_FRAME_HEADER_SIZE];
    FrameHeader back;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("case %zu", i);
        frame_header_format(&cases[i].header, bytes);
        if (cases[i].code >= 0) {
            g_assert_false(frame_header_parse(bytes, &back, &error));
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
            continue;
        }
        g_assert_true(frame_header_parse(bytes, &back, &error));
        g_assert_cmpuint(back.kind, ==, cases[i].header.kind);
        g_assert_cmpuint(back.stored_size, ==, cases[i].header.stored_size);
        g_assert_cmpuint(back.plain_size, ==, cases[i].header.plain_size);
        bytes[2] = 1;
        g_assert_false(frame_header_parse(bytes, &back, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_grant_header(void)
{
    g_autoptr(GBytes) opening = bytes_of("{\"type\":\"opening/1\"}");
    g_autofree char *value = grant_header_format(opening);
    g_autofree char *large = g_strnfill(WIRE_GRANT_HEADER_MAX + 4, 'A');
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) back = grant_header_parse(value, &error);

    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(back, opening));
    g_assert_null(grant_header_parse("", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_null(grant_header_parse(large, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_null(grant_header_parse("a b=", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

/* I4: the answer to what is refused is, byte for byte, that to what is not there; what broke here stays here. */
static void
test_problem_format(void)
{
    static const char absent[] =
        "{\"code\":\"not-found\",\"detail\":\"no such thing here\",\"status\":404,\"title\":\"Not Found\",\"type\":\"about:blank\"}";
    g_autoptr(GError) denied = g_error_new(CHAMA_ERROR, CHAMA_ERROR_DENIED, "grant is over");
    g_autoptr(GError) missing = g_error_new(CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND, "no version 7 of x");
    g_autoptr(GError) failed = g_error_new(CHAMA_ERROR, CHAMA_ERROR_DAMAGED, "/var/lib/chama/store/packs/7: checksum");
    g_autoptr(GError) limit = g_error_new(CHAMA_ERROR, CHAMA_ERROR_LIMIT, "W13: too\tmuch");
    g_autoptr(GBytes) one = problem_format(denied), two = problem_format(missing), three = problem_format(failed), four = problem_format(limit);

    assert_bytes(one, absent);
    assert_bytes(two, absent);
    assert_bytes(three, "{\"code\":\"damaged\",\"detail\":\"this node could not do it: its own log says why\",\"status\":500,"
                        "\"title\":\"Internal Server Error\",\"type\":\"about:blank\"}");
    assert_bytes(four, "{\"code\":\"limit\",\"detail\":\"W13: too?much\",\"status\":413,\"title\":\"Content Too Large\",\"type\":\"about:blank\"}");
}

static void
test_problem_read(void)
{
    static const struct {
        const char *body;
        int status, code;
        const char *text;
    } cases[] = {
        { "{\"code\":\"unsupported\",\"detail\":\"type x\"}", 400, CHAMA_ERROR_UNSUPPORTED, "the peer answers: type x" },
        { "{\"code\":\"not-found\",\"detail\":\"d\"}", 404, CHAMA_ERROR_NOT_FOUND, "the peer answers: d" },
        { "{\"code\":\"damaged\",\"detail\":\"d\"}", 404, CHAMA_ERROR_NOT_FOUND, "the peer answers: d" },
        { "{\"code\":7,\"detail\":\"d\"}", 503, CHAMA_ERROR_UNREACHABLE, "the peer answers: d" },
        { "{\"code\":\"limit\",\"detail\":7}", 413, CHAMA_ERROR_LIMIT, "the peer answers with status 413" },
        { "{\"detail\":\"a\\u001b[2Jb\xe2\x80\xae\"}", 507, CHAMA_ERROR_NO_SPACE, "the peer answers: a?[2Jb?" },
        { "<html>", 502, CHAMA_ERROR_UNREACHABLE, "the peer answers with status 502" },
        { "", 400, CHAMA_ERROR_MALFORMED, "the peer answers with status 400" },
        { "[]", 302, CHAMA_ERROR_FAILED, "the peer answers with status 302" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) body = bytes_of(cases[i].body);
        g_autoptr(GError) error = NULL;

        problem_read(body, cases[i].status, &error);
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_cmpstr(error->message, ==, cases[i].text);
    }
}

static void
test_problem_read_cuts(void)
{
    g_autofree char *wide = g_strnfill(3000, 'x');
    g_autofree char *text = g_strdup_printf("{\"code\":\"failed\",\"detail\":\"%s\"}", wide);
    g_autoptr(GBytes) body = bytes_of(text);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) none = NULL;

    problem_read(body, 500, &error);
    g_assert_cmpuint(strlen(error->message), ==, strlen("the peer answers: ") + 512);
    problem_read(NULL, 500, &none);
    g_assert_error(none, CHAMA_ERROR, CHAMA_ERROR_FAILED);
}

static void
test_decimal(void)
{
    static const struct {
        const char *text;
        guint64 max;
        gint64 value;   /* -1: refused */
    } cases[] = {
        { "0", 5, 0 },   { "5", 5, 5 },  { "6", 5, -1 }, { "10", 5, -1 }, { "00", 5, -1 }, { "", 5, -1 },        { " 1", 5, -1 },
        { "1 ", 5, -1 }, { "+1", 5, -1 }, { "7", 3, -1 }, { "1x", 5, -1 }, { "9007199254740991", DECIMAL_MAX, 9007199254740991 },
        { "9007199254740992", DECIMAL_MAX, -1 }, { "99999999999999999999999", G_MAXUINT64, -1 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint64 value = 77;
        gboolean ok = decimal_parse(cases[i].text, cases[i].max, &value);

        g_test_message("%s", cases[i].text);
        g_assert_true(ok == (cases[i].value >= 0));
        g_assert_cmpuint(value, ==, ok ? (guint64)cases[i].value : 77);
    }
}

static void
test_names(void)
{
    static const char *const slugs[][2] = {
        { "Forestry", "forestry" }, { "Forestry & Grassland  Bureau ", "forestry-grassland-bureau" }, { "\xe6\x9e\x97\xe4\xb8\x9a\xe5\xb1\x80", "node" },
        { NULL, "node" }, { "", "node" }, { "-x-", "x" }, { "Self", "node" }, { "a\xe6\x9e\x97z", "a-z" },
    };
    static const char *const bad[] = { "", "-x", "X", "self", "a b", "a/b", "a~b", "a@1", "01234567890123456789012345678901234567890" };
    static const char *const unprintable[] = { "a\nb", "\xff", "a\xe2\x80\xae", "\x1b[31m", "\xe2\x80\xa8", "\x7f", "\xc2\x9b" };

    for (gsize i = 0; i < G_N_ELEMENTS(slugs); i++) {
        g_autofree char *slug = name_slug(slugs[i][0]);

        g_assert_cmpstr(slug, ==, slugs[i][1]);
        g_assert_true(alias_check(slug, NULL));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(alias_check(bad[i], &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(unprintable); i++) {
        g_autofree char *shown = name_printable(unprintable[i], strlen(unprintable[i]), 100);

        g_assert_nonnull(strchr(shown, '?'));
        g_assert_true(text_shows(shown, FALSE));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/W2-exchange", test_exchange);
    g_test_add_func("/wire/W1-W4-exchange-cases", test_exchange_cases);
    g_test_add_func("/wire/W3-exchange-too-many", test_exchange_too_many);
    g_test_add_func("/wire/W5-reply", test_reply);
    g_test_add_func("/wire/W5-reply-cases", test_reply_cases);
    g_test_add_func("/wire/W6-grant-header", test_grant_header);
    g_test_add_func("/wire/W7-problem-format", test_problem_format);
    g_test_add_func("/wire/W7-problem-read", test_problem_read);
    g_test_add_func("/wire/W7-problem-read-cuts", test_problem_read_cuts);
    g_test_add_func("/wire/W8-W12-stream", test_stream);
    g_test_add_func("/wire/W8-W12-stream-refusals", test_stream_refusals);
    g_test_add_func("/wire/W8-stream-long-lines", test_stream_long_lines);
    g_test_add_func("/wire/W8-decimal", test_decimal);
    g_test_add_func("/wire/W13-ranges", test_ranges);
    g_test_add_func("/wire/W13-ranges-refusals", test_ranges_refusals);
    g_test_add_func("/wire/W13-ranges-limits", test_ranges_limits);
    g_test_add_func("/wire/W14-places", test_places);
    g_test_add_func("/wire/W15-frames", test_frames);
    g_test_add_func("/wire/W16-have", test_have);
    g_test_add_func("/wire/NM1-NM2-NM6-names", test_names);
    return g_test_run();
}
