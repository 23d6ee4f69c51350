#include "manifests/store/chunker.h"

#include <string.h>

#include "keys/digest.h"

#define DATA_SIZE (8 * 1024 * 1024)

/* Bytes that every implementation can make: SHA-256 of a counter, one after the other. */
static guint8 *
noise(gsize size)
{
    guint8 *data = g_malloc(size);
    Digest digest;

    for (gsize at = 0; at < size; at += DIGEST_SIZE) {
        guint64 counter = GUINT64_TO_LE(at / DIGEST_SIZE);

        digest_of(&counter, sizeof counter, &digest);
        memcpy(data + at, digest.bytes, MIN(DIGEST_SIZE, size - at));
    }
    return data;
}

/* The rules CH2-CH5 once more, as slowly and plainly as the document has them. */
static gsize
plain_cut(const guint8 *data, gsize size)
{
    guint64 sum = 0, gear[256];

    for (guint i = 0; i < 256; i++) {
        guint8 seed[16] = "chama fastcdc/1";
        Digest digest;

        seed[15] = (guint8)i;
        digest_of(seed, sizeof seed, &digest);
        gear[i] = 0;
        for (guint k = 0; k < 8; k++)
            gear[i] |= (guint64)digest.bytes[k] << (8 * k);
    }
    for (gsize n = 1; n <= size; n++) {
        if (n <= 16384)
            continue;
        sum = 2 * sum + gear[data[n - 1]];
        if (n == 262144 || (n <= 65536 ? sum < G_GUINT64_CONSTANT(1) << 46 : sum < G_GUINT64_CONSTANT(1) << 50))
            return n;
    }
    return size;
}

static void
test_rules(void)
{
    g_autofree guint8 *data = noise(DATA_SIZE);
    guint chunks = 0;

    for (gsize at = 0; at < DATA_SIZE; chunks++) {
        gsize cut = chunker_cut(data + at, DATA_SIZE - at);

        g_assert_cmpuint(cut, ==, plain_cut(data + at, DATA_SIZE - at));
        at += cut;
    }
    g_assert_cmpuint(chunks, >, DATA_SIZE / 96 / 1024);
    g_assert_cmpuint(chunks, <, DATA_SIZE / 48 / 1024);
}

/* Where the data ends, at any place near a cut: odd and even, before it, at it, after it. */
static void
test_rules_at_end(void)
{
    g_autofree guint8 *data = noise(DATA_SIZE);

    for (gsize at = 0, chunk = 0; chunk < 24; chunk++) {
        gsize cut = chunker_cut(data + at, DATA_SIZE - at);

        for (gsize size = cut - 2; size <= cut + 2; size++)
            g_assert_cmpuint(chunker_cut(data + at, size), ==, plain_cut(data + at, size));
        at += cut;
    }
}

/* Frozen: if one of these changes, it is no longer fastcdc/1. */
static void
test_vectors(void)
{
    static const gsize want[] = { 127848, 75460, 43356, 56883, 67761, 83535, 74750, 124108, 74037, 63235 };
    g_autofree guint8 *data = noise(DATA_SIZE);
    gsize at = 0;

    for (guint i = 0; i < G_N_ELEMENTS(want); i++) {
        g_assert_cmpuint(chunker_cut(data + at, DATA_SIZE - at), ==, want[i]);
        at += want[i];
    }
}

static void
test_short(void)
{
    static const gsize sizes[] = { 0, 1, 63, CHUNK_SIZE_MIN - 1, CHUNK_SIZE_MIN };
    g_autofree guint8 *data = noise(CHUNK_SIZE_MIN);

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        g_assert_cmpuint(chunker_cut(data, sizes[i]), ==, sizes[i]);
}

/* A hole is cut into equal chunks, so that a listing joins them to one run. */
static void
test_constant_bytes(void)
{
    g_autofree guint8 *data = g_malloc(2 * CHUNK_SIZE_LIMIT);

    for (guint byte = 0; byte < 256; byte++) {
        gsize first;

        memset(data, (int)byte, 2 * CHUNK_SIZE_LIMIT);
        first = chunker_cut(data, 2 * CHUNK_SIZE_LIMIT);
        g_assert_cmpuint(first, ==, CHUNK_SIZE_LIMIT);
    }
}

/* What lies after the chunk does not move its end, once there is enough of it. */
static void
test_end_does_not_depend_on_size(void)
{
    g_autofree guint8 *data = noise(DATA_SIZE);

    for (gsize at = 0; at + 2 * CHUNK_SIZE_LIMIT < DATA_SIZE; at += chunker_cut(data + at, CHUNK_SIZE_LIMIT))
        g_assert_cmpuint(chunker_cut(data + at, CHUNK_SIZE_LIMIT), ==, chunker_cut(data + at, DATA_SIZE - at));
}

static gsize
cut_all(const guint8 *data, gsize size, GHashTable *seen)
{
    gsize fresh = 0;

    for (gsize at = 0; at < size;) {
        gsize cut = chunker_cut(data + at, size - at);
        Digest *digest = g_new(Digest, 1);

        digest_of(data + at, cut, digest);
        if (g_hash_table_add(seen, digest))
            fresh += cut;
        at += cut;
    }
    return fresh;
}

/* One byte put in at the front costs a few chunks, not the file. */
static void
test_insertion_is_local(void)
{
    g_autofree guint8 *data = noise(DATA_SIZE);
    g_autofree guint8 *moved = g_malloc(DATA_SIZE + 1);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);

    memcpy(moved + 1, data, DATA_SIZE);
    moved[0] = 'x';
    g_assert_cmpuint(cut_all(data, DATA_SIZE, seen), ==, DATA_SIZE);
    g_assert_cmpuint(cut_all(moved, DATA_SIZE + 1, seen), <, 4 * CHUNK_SIZE_LIMIT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chunker/CH2-CH5-rules", test_rules);
    g_test_add_func("/chunker/vectors", test_vectors);
    g_test_add_func("/chunker/CH5-rules-at-end", test_rules_at_end);
    g_test_add_func("/chunker/CH2-short", test_short);
    g_test_add_func("/chunker/constant-bytes", test_constant_bytes);
    g_test_add_func("/chunker/end-does-not-depend-on-size", test_end_does_not_depend_on_size);
    g_test_add_func("/chunker/insertion-is-local", test_insertion_is_local);
    return g_test_run();
}
