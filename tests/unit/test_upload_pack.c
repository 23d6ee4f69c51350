/* What stock git sends: GT1, GT4, GT5 of sync/PROTOCOL.md. */
#include "sync/upload_pack.h"

#include <string.h>

#include <zlib.h>

#include "keys/error.h"

#define NODE "ohf2qmvx4rtbgmk6svijdrumt5t2bzfd2hwc2r4mma2hz33vxxea"

static void
test_names(void)
{
    static const char *const refused[] = { "", ".git", NODE, NODE ".gitx", NODE "/.git", "self.git", "x" NODE ".git", NODE ".GIT",
                                           "OHF2QMVX4RTBGMK6SVIJDRUMT5T2BZFD2HWC2R4MMA2HZ33VXXEA.git", "../../../../../../../../../../../../../../../../keys/.git" };
    char node[NODE_ID_SIZE];

    g_assert_true(upload_pack_parse_name(NODE ".git", node, NULL));
    g_assert_cmpstr(node, ==, NODE);
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(upload_pack_parse_name(refused[i], node, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
}

static void
test_versions(void)
{
    static const struct {
        const char *header;
        guint version;
    } cases[] = {
        { NULL, 0 }, { "", 0 }, { "version=2", 2 }, { "version=1", 1 }, { "version=0", 0 }, { "version=3", 0 }, { "version=22", 0 }, { "version=2:version=1", 2 },
        { "hash=sha256:version=2", 2 }, { " version=2", 0 }, { "version=2\nversion=1", 0 }, { "VERSION=2", 0 }, { "version=2:", 2 },
    };
    g_autofree char *endless = g_strnfill(100000, ':');

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(upload_pack_parse_version(cases[i].header), ==, cases[i].version);
    g_assert_cmpuint(upload_pack_parse_version(endless), ==, 0);
}

static GBytes *
pack(const void *plain, gsize size)
{
    z_stream zlib = { 0 };
    g_autofree guint8 *out = g_malloc(size + 1000);
    gsize packed;

    g_assert_cmpint(deflateInit2(&zlib, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), ==, Z_OK);
    zlib.next_in = (Bytef *)plain;
    zlib.avail_in = (uInt)size;
    zlib.next_out = out;
    zlib.avail_out = (uInt)(size + 1000);
    g_assert_cmpint(deflate(&zlib, Z_FINISH), ==, Z_STREAM_END);
    packed = zlib.total_out;
    deflateEnd(&zlib);
    return g_bytes_new(out, packed);
}

static void
assert_refused(const char *encoding, GBytes *body, gsize max, ChamaError code)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(upload_pack_decode(encoding, body, max, &error));
    g_assert_error(error, CHAMA_ERROR, (int)code);
}

static void
test_bodies(void)
{
    g_autoptr(GBytes) plain = g_bytes_new_static("0014command=ls-refs\n0000", 24), packed = pack("0014command=ls-refs\n0000", 24);
    static const char *const as_it_is[] = { NULL, "identity", "Identity" }, *const gzip[] = { "gzip", "x-gzip", "GZIP" };

    for (guint i = 0; i < 3; i++) {
        g_autoptr(GBytes) same = upload_pack_decode(as_it_is[i], plain, 24, NULL), unpacked = upload_pack_decode(gzip[i], packed, 1000, NULL);

        g_assert_true(g_bytes_equal(same, plain));
        g_assert_true(g_bytes_equal(unpacked, plain));
    }
    assert_refused("br", plain, 1000, CHAMA_ERROR_UNSUPPORTED);
    assert_refused("gzip, gzip", packed, 1000, CHAMA_ERROR_UNSUPPORTED);
    assert_refused("gzip", plain, 1000, CHAMA_ERROR_MALFORMED);
    assert_refused(NULL, plain, 23, CHAMA_ERROR_LIMIT);
}

/* Each prefix, something behind it, one bit changed: never more than one whole member. */
static void
test_damaged(void)
{
    g_autofree char *text = g_strnfill(5000, 'a');
    g_autoptr(GBytes) packed = pack(text, 5000);
    gsize size;
    const guint8 *bytes = g_bytes_get_data(packed, &size);
    g_autofree guint8 *longer = g_malloc0(size + 1);
    g_autoptr(GBytes) behind = NULL;

    for (gsize i = 0; i < size; i++) {
        g_autoptr(GBytes) part = g_bytes_new(bytes, i);

        assert_refused("gzip", part, 10000, CHAMA_ERROR_MALFORMED);
    }
    memcpy(longer, bytes, size);
    behind = g_bytes_new(longer, size + 1);
    assert_refused("gzip", behind, 10000, CHAMA_ERROR_MALFORMED);
    longer[size - 5] ^= 1;
    g_clear_pointer(&behind, g_bytes_unref);
    behind = g_bytes_new(longer, size);
    assert_refused("gzip", behind, 10000, CHAMA_ERROR_MALFORMED);
}

/* A bomb: a megabyte that unpacks to a thousand is given up at the limit. */
static void
test_bomb(void)
{
    const gsize size = 64 * 1024 * 1024;
    g_autofree guint8 *zeros = g_malloc0(size);
    g_autoptr(GBytes) packed = pack(zeros, size), whole = upload_pack_decode("gzip", packed, size, NULL);

    g_assert_cmpuint(g_bytes_get_size(packed), <, 100000);
    g_assert_cmpuint(g_bytes_get_size(whole), ==, size);
    assert_refused("gzip", packed, size - 1, CHAMA_ERROR_LIMIT);
    assert_refused("gzip", packed, 1024 * 1024, CHAMA_ERROR_LIMIT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/upload-pack/GT1-names", test_names);
    g_test_add_func("/upload-pack/GT5-versions", test_versions);
    g_test_add_func("/upload-pack/GT4-bodies", test_bodies);
    g_test_add_func("/upload-pack/GT4-damaged", test_damaged);
    g_test_add_func("/upload-pack/GT4-bomb", test_bomb);
    return g_test_run();
}
