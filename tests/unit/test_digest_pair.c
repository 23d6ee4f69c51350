#include <string.h>

#include "keys/digest_pair.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* FIPS 180-4's example of two blocks */
#define TWO_BLOCKS "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
#define OF_TWO_BLOCKS "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
#define ROOM 5000

static void
assert_side(DigestPair *pair, guint side, const char *expected)
{
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_pair_reset(pair, side, &digest);
    g_assert_cmpstr(digest_format_hex(&digest, hex), ==, expected);
}

static void
test_known_answers(void)
{
    g_autoptr(DigestPair) pair = digest_pair_new();

    assert_side(pair, 0, EMPTY);
    digest_pair_update(pair, "abc", 3, TWO_BLOCKS, strlen(TWO_BLOCKS));
    assert_side(pair, 0, ABC);
    assert_side(pair, 1, OF_TWO_BLOCKS);
    digest_pair_update(pair, NULL, 0, "abc", 3);
    assert_side(pair, 1, ABC);
    assert_side(pair, 0, EMPTY);
    digest_pair_free(NULL);
}

/* One side starts anew while the other goes on: as a chunk does within its file. */
static void
test_sides_are_apart(void)
{
    g_autoptr(DigestPair) pair = digest_pair_new();
    g_autofree guint8 *bytes = g_malloc(ROOM);
    Digest whole, part, digest;

    for (guint i = 0; i < ROOM; i++)
        bytes[i] = (guint8)(i * 7);
    for (guint at = 0; at < ROOM; at += 500) {
        digest_pair_update(pair, bytes + at, 500, bytes + at, 500);
        digest_pair_reset(pair, 1, &part);
        digest_of(bytes + at, 500, &digest);
        g_assert_true(digest_equal(&part, &digest));
    }
    digest_pair_reset(pair, 0, &whole);
    digest_of(bytes, ROOM, &digest);
    g_assert_true(digest_equal(&whole, &digest));
}

static gsize
feed(const guint8 *bytes, gsize size, gsize from, const guint8 **piece)
{
    gsize most = (gsize)g_test_rand_int_range(0, g_test_rand_bit() ? 70 : 700);

    *piece = bytes + from;
    return MIN(most, size - from);
}

/* In pieces of any size, against GnuTLS. */
static void
test_any_pieces(void)
{
    g_autoptr(DigestPair) pair = digest_pair_new();
    guint8 bytes[2][ROOM];

    for (guint i = 0; i < 2 * ROOM; i++)
        bytes[i / ROOM][i % ROOM] = (guint8)g_test_rand_int();
    for (guint round = 0; round < 2000; round++) {
        gsize sizes[2] = { (gsize)g_test_rand_int_range(0, round < 1000 ? 200 : ROOM), (gsize)g_test_rand_int_range(0, ROOM) };

        for (gsize at[2] = { 0, 0 }; at[0] < sizes[0] || at[1] < sizes[1];) {
            const guint8 *pieces[2];
            gsize count[2] = { feed(bytes[0], sizes[0], at[0], &pieces[0]), feed(bytes[1], sizes[1], at[1], &pieces[1]) };

            digest_pair_update(pair, pieces[0], count[0], pieces[1], count[1]);
            at[0] += count[0];
            at[1] += count[1];
        }
        for (guint side = 0; side < 2; side++) {
            Digest have, want;

            digest_pair_reset(pair, side, &have);
            digest_of(bytes[side], sizes[side], &want);
            g_assert_true(digest_equal(&have, &want));
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/digest_pair/known-answers", test_known_answers);
    g_test_add_func("/digest_pair/sides-are-apart", test_sides_are_apart);
    g_test_add_func("/digest_pair/any-pieces", test_any_pieces);
    return g_test_run();
}
