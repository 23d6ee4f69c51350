#include "manifests/store/codec.h"

#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "keys/error.h"

#define COMPRESSION_LEVEL 1

typedef struct {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
    guint8 *scratch;
} Workbench;

static void
workbench_free(gpointer data)
{
    Workbench *bench = data;

    ZSTD_freeCCtx(bench->compress);
    ZSTD_freeDCtx(bench->decompress);
    g_free(bench->scratch);
    g_free(bench);
}

static Workbench *
workbench(void)
{
    static GPrivate private = G_PRIVATE_INIT(workbench_free);
    Workbench *bench = g_private_get(&private);

    if (!bench) {
        bench = g_new0(Workbench, 1);
        g_private_set(&private, bench);
    }
    return bench;
}

guint8 *
codec_scratch(void)
{
    Workbench *bench = workbench();

    if (!bench->scratch)
        bench->scratch = g_malloc(OBJECT_SIZE_MAX);
    return bench->scratch;
}

Codec
codec_compress(const void *data, gsize size, void *room, gsize *stored_size)
{
    Workbench *bench = workbench();
    /* No room for more than what pays: zstd gives up by itself on what does not shrink. */
    gsize most = size - size / 32;
    gsize result;

    if (!bench->compress)
        bench->compress = ZSTD_createCCtx();
    if (!bench->compress || most == size)
        return CODEC_STORED;
    result = ZSTD_compressCCtx(bench->compress, room, most, data, size, COMPRESSION_LEVEL);
    if (ZSTD_isError(result))
        return CODEC_STORED;
    *stored_size = result;
    return CODEC_ZSTD;
}

gboolean
codec_check(guint codec, guint64 plain_size, guint64 stored_size, GError **error)
{
    if (codec != CODEC_STORED && codec != CODEC_ZSTD)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "object: P12: want codec 0 or 1, have %u", codec);
    if (plain_size > OBJECT_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "object: P11: want at most %d bytes, have %" G_GUINT64_FORMAT, OBJECT_SIZE_MAX,
                           plain_size);
    if (codec == CODEC_STORED && stored_size != plain_size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "object: P12: want %" G_GUINT64_FORMAT " stored bytes, have %" G_GUINT64_FORMAT,
                           plain_size, stored_size);
    if (codec == CODEC_ZSTD && stored_size >= plain_size)
        return chama_error(error, CHAMA_ERROR_MALFORMED,
                           "object: P12: want fewer than %" G_GUINT64_FORMAT " compressed bytes, have %" G_GUINT64_FORMAT, plain_size,
                           stored_size);
    return TRUE;
}

/* P13: the buffer is exactly as large as was stated, so more can neither be written nor allocated. */
static gboolean
decompress(const Digest *digest, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room, GError **error)
{
    Workbench *bench = workbench();
    char text[DIGEST_TEXT_SIZE];
    gsize size;

    if (!bench->decompress)
        bench->decompress = ZSTD_createDCtx();
    if (!bench->decompress)
        return chama_error(error, CHAMA_ERROR_FAILED, "zstd: no memory to decompress");
    size = ZSTD_decompressDCtx(bench->decompress, room, plain_size, stored, stored_size);
    if (ZSTD_isError(size) && ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: P13: want %u plain bytes, have more: a decompression bomb",
                           digest_format(digest, text), plain_size);
    if (ZSTD_isError(size))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: P13: want zstd, have: %s", digest_format(digest, text),
                           ZSTD_getErrorName(size));
    if (size != plain_size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: P13: want %u plain bytes, have %zu", digest_format(digest, text), plain_size,
                           size);
    return TRUE;
}

gboolean
codec_open(const Digest *digest, guint codec, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room, GError **error)
{
    const void *plain = codec == CODEC_STORED ? stored : room;
    char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];
    Digest actual;

    if (!codec_check(codec, plain_size, stored_size, error))
        return FALSE;
    if (codec == CODEC_ZSTD && !decompress(digest, plain_size, stored, stored_size, room, error))
        return FALSE;
    digest_of(plain, plain_size, &actual);
    if (!digest_equal(&actual, digest))
        return chama_error(error, CHAMA_ERROR_VERIFY, "object: P14: want %s, have %s", digest_format(digest, want),
                           digest_format(&actual, have));
    if (codec == CODEC_STORED && plain_size)
        memcpy(room, stored, plain_size);
    return TRUE;
}

GBytes *
stored_object_open(const Digest *digest, Codec codec, guint32 plain_size, const void *stored, gsize stored_size, GError **error)
{
    g_autofree guint8 *room = NULL;

    /* P11: before the allocation, so that a peer cannot size it. */
    if (!codec_check(codec, plain_size, stored_size, error))
        return NULL;
    room = g_malloc(MAX(plain_size, 1));
    if (!codec_open(digest, codec, plain_size, stored, stored_size, room, error))
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&room), plain_size);
}
