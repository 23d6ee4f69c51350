/* A patch against a table of 1 000 rows: two bytes that say how many plain bytes it stands for (a sixteenth, little-endian), then as it is stored. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "manifests/store/codec.h"
#include "manifests/store/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS 1000
#define ROW_SIZE 20

static const Digest nobody;

static const char *
prefix(void)
{
    static char rows[ROWS * ROW_SIZE + 1];

    for (guint i = 0; rows[ROWS * ROW_SIZE - 1] == 0 && i < ROWS; i++)
        snprintf(rows + i * ROW_SIZE, ROW_SIZE + 1, "%06u,station-%04u\n", i * 7919 % 1000000, i * 31 % 997);
    return rows;
}

/* What was read comes to the same when it is written again. */
static void
check_head(const Patch *patch, const uint8_t *stored)
{
    guint8 head[PATCH_HEAD_SIZE + PATCH_BASES_MAX * DIGEST_SIZE];

    g_assert_cmpuint(patch->reach, <=, PATCH_REACH_MAX);
    patch_head_format(patch->bases, patch->base_count, patch->reach, head);
    g_assert_cmpmem(head, patch_head_size(patch->base_count), stored, patch_head_size(patch->base_count));
}

/* Whatever @plain is, a patch that says it leads back to it. */
static void
check_way_back(const guint8 *plain, guint32 size)
{
    g_autofree guint8 *delta = g_malloc(size + 100), *again = g_malloc(size + 1);
    gsize delta_size = codec_patch(prefix(), ROWS * ROW_SIZE, plain, size, delta, size + 100);

    g_assert_cmpuint(delta_size, >, 0);
    g_assert_true(codec_expand_patch(&nobody, prefix(), ROWS * ROW_SIZE, size, delta, delta_size, again, NULL));
    g_assert_cmpmem(again, size, plain, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree guint8 *plain = NULL;
    guint32 plain_size;
    Patch patch;

    if (size < 2 || !patch_parse(data + 2, size - 2, &patch, NULL))
        return 0;
    check_head(&patch, data + 2);
    plain_size = (guint32)(data[0] | data[1] << 8) * 16;
    plain = g_malloc(plain_size + 1);
    if (codec_expand_patch(&nobody, prefix(), ROWS * ROW_SIZE, plain_size, patch.delta, patch.delta_size, plain, NULL))
        check_way_back(plain, plain_size);
    return 0;
}
