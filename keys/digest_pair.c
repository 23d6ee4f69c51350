#include "keys/digest_pair.h"

#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

#define BLOCK 64

typedef struct {
    DigestStream *stream;      /* where the processor has no SHA instructions; else NULL, and: */
    guint32 state[8];
    guint64 size;              /* of all bytes so far */
    guint8 rest[BLOCK];        /* size % BLOCK of them */
} Side;

struct DigestPair {
    Side sides[2];
};

/* FIPS 180-4, 5.3.3 */
static const guint32 initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

#ifdef __x86_64__

/* FIPS 180-4, 4.2.2 */
static const guint32 constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static gboolean
has_instructions(void)
{
    static gsize known = 0;    /* 1: no, 2: yes */
    guint a, b = 0, c = 0, d;

    if (g_once_init_enter(&known)) {
        gboolean has = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);

        g_once_init_leave(&known, has ? 2 : 1);
    }
    return known == 2;
}

#define WITH_SHA __attribute__((target("sha,sse4.1")))

/* What the instructions take: words A B E F and C D G H. */
WITH_SHA static inline void
load_state(const guint32 state[8], __m128i *abef, __m128i *cdgh)
{
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1), efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);

    *abef = _mm_alignr_epi8(badc, efgh, 8);
    *cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
}

WITH_SHA static inline void
save_state(guint32 state[8], __m128i abef, __m128i cdgh)
{
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);

    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Words 4 * @four .. of the message schedule of a block, of which the 16 before are in @words. */
WITH_SHA static inline __m128i
schedule(const guint8 *block, guint four, __m128i words[4])
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i sum;

    if (four < 4)
        return words[four] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * four)), big_endian);
    sum = _mm_sha256msg1_epu32(words[four % 4], words[(four + 1) % 4]);
    sum = _mm_add_epi32(sum, _mm_alignr_epi8(words[(four + 3) % 4], words[(four + 2) % 4], 4));
    return words[four % 4] = _mm_sha256msg2_epu32(sum, words[(four + 3) % 4]);
}

/* FIPS 180-4, 6.2.2, of @count blocks of each of @lanes sides (1 or 2: a constant where it is called, so that no loop over lanes is left). */
WITH_SHA static inline __attribute__((always_inline)) void
hash_lanes(guint lanes, guint32 *const states[2], const guint8 *const blocks[2], gsize count)
{
    __m128i abef[2], cdgh[2], words[2][4];

    for (guint lane = 0; lane < lanes; lane++)
        load_state(states[lane], &abef[lane], &cdgh[lane]);
    for (gsize at = 0; at < count * BLOCK; at += BLOCK) {
        const __m128i abef_before[2] = { abef[0], abef[lanes - 1] }, cdgh_before[2] = { cdgh[0], cdgh[lanes - 1] };

#pragma GCC unroll 16
        for (guint four = 0; four < 16; four++) {
            const __m128i k = _mm_load_si128((const __m128i *)(constants + 4 * four));

#pragma GCC unroll 2
            for (guint lane = 0; lane < lanes; lane++) {
                __m128i sum = _mm_add_epi32(schedule(blocks[lane] + at, four, words[lane]), k);

                cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], sum);
                abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(sum, 0x0e));
            }
        }
        for (guint lane = 0; lane < lanes; lane++) {
            abef[lane] = _mm_add_epi32(abef[lane], abef_before[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], cdgh_before[lane]);
        }
    }
    for (guint lane = 0; lane < lanes; lane++)
        save_state(states[lane], abef[lane], cdgh[lane]);
}

WITH_SHA static void
hash_one(Side *side, const guint8 *blocks, gsize count)
{
    guint32 *const states[2] = { side->state, NULL };
    const guint8 *const both[2] = { blocks, NULL };

    hash_lanes(1, states, both, count);
}

WITH_SHA static void
hash_two(Side *sides, const guint8 *const *blocks, gsize count)
{
    guint32 *const states[2] = { sides[0].state, sides[1].state };

    hash_lanes(2, states, blocks, count);
}

#else

static gboolean
has_instructions(void)
{
    return FALSE;
}

static void
hash_one(Side *side, const guint8 *blocks, gsize count)
{
    g_assert_not_reached();
}

static void
hash_two(Side *sides, const guint8 *const *blocks, gsize count)
{
    g_assert_not_reached();
}

#endif

static void
side_start(Side *side)
{
    memcpy(side->state, initial, sizeof initial);
    side->size = 0;
}

/* Fills up a block that was begun; says how many bytes of @data that took. */
static gsize
side_fill(Side *side, const guint8 *data, gsize size)
{
    gsize begun = side->size % BLOCK, took = begun ? MIN(size, BLOCK - begun) : 0;

    if (took == 0)
        return 0;
    memcpy(side->rest + begun, data, took);
    side->size += took;
    if (begun + took == BLOCK)
        hash_one(side, side->rest, 1);
    return took;
}

/* @data follows @done blocks of it that were hashed: the other blocks, and what is left is kept. */
static void
side_end(Side *side, const guint8 *data, gsize size, gsize done)
{
    gsize left = size % BLOCK;

    if (size / BLOCK > done)
        hash_one(side, data + done * BLOCK, size / BLOCK - done);
    if (left)
        memcpy(side->rest, data + size - left, left);
    side->size += size;
}

/* FIPS 180-4, 5.1.1 */
static void
side_finish(Side *side, Digest *digest)
{
    guint8 last[2 * BLOCK] = { 0 };
    gsize begun = side->size % BLOCK, blocks = begun + 9 > BLOCK ? 2 : 1;
    guint64 bits = GUINT64_TO_BE(side->size * 8);

    memcpy(last, side->rest, begun);
    last[begun] = 0x80;
    memcpy(last + blocks * BLOCK - sizeof bits, &bits, sizeof bits);
    hash_one(side, last, blocks);
    for (guint i = 0; i < G_N_ELEMENTS(side->state); i++) {
        guint32 word = GUINT32_TO_BE(side->state[i]);

        memcpy(digest->bytes + 4 * i, &word, sizeof word);
    }
}

DigestPair *
digest_pair_new(void)
{
    DigestPair *pair = g_new0(DigestPair, 1);

    for (guint i = 0; i < 2; i++) {
        side_start(&pair->sides[i]);
        if (!has_instructions())
            pair->sides[i].stream = digest_stream_new();
    }
    return pair;
}

void
digest_pair_free(DigestPair *pair)
{
    if (!pair)
        return;
    digest_stream_free(pair->sides[0].stream);
    digest_stream_free(pair->sides[1].stream);
    g_free(pair);
}

void
digest_pair_update(DigestPair *pair, const void *first, gsize first_size, const void *second, gsize second_size)
{
    const guint8 *data[2] = { first, second };
    gsize sizes[2] = { first_size, second_size }, both;

    for (guint i = 0; i < 2; i++) {
        if (pair->sides[i].stream) {
            digest_stream_update(pair->sides[i].stream, data[i], sizes[i]);
            continue;
        }
        gsize took = side_fill(&pair->sides[i], data[i], sizes[i]);

        data[i] = took ? data[i] + took : data[i];
        sizes[i] -= took;
    }
    if (pair->sides[0].stream)
        return;
    both = MIN(sizes[0], sizes[1]) / BLOCK;
    if (both)
        hash_two(pair->sides, data, both);
    for (guint i = 0; i < 2; i++)
        side_end(&pair->sides[i], data[i], sizes[i], both);
}

void
digest_pair_reset(DigestPair *pair, guint side, Digest *digest)
{
    if (pair->sides[side].stream) {
        digest_stream_reset(pair->sides[side].stream, digest);
        return;
    }
    side_finish(&pair->sides[side], digest);
    side_start(&pair->sides[side]);
}
