#include "manifests/store/codec.h"

#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "keys/error.h"

#define COMPRESSION_LEVEL 1
/* Of what is larger than LARGE, of which zstd takes 13 at this level: then the table fits into the nearest cache beside the data, for some 5 % less time and the same
 * size, give or take half a percent. */
#define HASH_LOG 12
#define LARGE (16 * 1024)
/* Enough that every place of a prefix of two chunks is found again: a quarter smaller than what level 1 takes by itself. */
#define PATCH_HASH_LOG 17

typedef struct {
    ZSTD_CCtx *compress, *patch;
    ZSTD_DCtx *decompress;
    guint8 *scratch;
} Workbench;

static void
workbench_free(gpointer data)
{
    Workbench *bench = data;

    ZSTD_freeCCtx(bench->compress);
    ZSTD_freeCCtx(bench->patch);
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
    ZSTD_CCtx_setParameter(bench->compress, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    ZSTD_CCtx_setParameter(bench->compress, ZSTD_c_hashLog, size > LARGE ? HASH_LOG : 0);
    result = ZSTD_compress2(bench->compress, room, most, data, size);
    if (ZSTD_isError(result))
        return CODEC_STORED;
    *stored_size = result;
    return CODEC_ZSTD;
}

/* The window reaches over the prefix and what is said about it. */
static int
window_log(gsize size)
{
    int log = 10;   /* what zstd takes at least */

    while ((gsize)1 << log < size)
        log++;
    return log;
}

gsize
codec_patch(const void *prefix, gsize prefix_size, const void *data, gsize size, void *room, gsize room_size)
{
    Workbench *bench = workbench();
    gsize result;

    if (!bench->patch)
        bench->patch = ZSTD_createCCtx();
    if (!bench->patch)
        return 0;
    ZSTD_CCtx_reset(bench->patch, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(bench->patch, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    ZSTD_CCtx_setParameter(bench->patch, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(bench->patch, ZSTD_c_windowLog, window_log(prefix_size + size));
    ZSTD_CCtx_setParameter(bench->patch, ZSTD_c_hashLog, MIN(PATCH_HASH_LOG, window_log(prefix_size + size)));
    if (ZSTD_isError(ZSTD_CCtx_refPrefix(bench->patch, prefix, prefix_size)))
        return 0;
    result = ZSTD_compress2(bench->patch, room, room_size, data, size);
    return ZSTD_isError(result) ? 0 : result;
}

gboolean
codec_check(guint codec, guint64 plain_size, guint64 stored_size, GError **error)
{
    if (codec > CODEC_PATCH)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "object: P12: want codec 0 to 2, have %u", codec);
    if (plain_size > OBJECT_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "object: P11: want at most %d bytes, have %" G_GUINT64_FORMAT, OBJECT_SIZE_MAX,
                           plain_size);
    if (codec == CODEC_STORED && stored_size != plain_size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "object: P12: want %" G_GUINT64_FORMAT " stored bytes, have %" G_GUINT64_FORMAT,
                           plain_size, stored_size);
    if (codec != CODEC_STORED && stored_size >= plain_size)
        return chama_error(error, CHAMA_ERROR_MALFORMED,
                           "object: P12: want fewer than %" G_GUINT64_FORMAT " compressed bytes, have %" G_GUINT64_FORMAT, plain_size,
                           stored_size);
    return TRUE;
}

/* P13: the buffer is exactly as large as was stated, so more can neither be written nor allocated. */
static gboolean
check_expanded(const Digest *digest, guint32 plain_size, gsize size, GError **error)
{
    char text[DIGEST_TEXT_SIZE];

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

static ZSTD_DCtx *
decompressor(GError **error)
{
    Workbench *bench = workbench();

    if (!bench->decompress)
        bench->decompress = ZSTD_createDCtx();
    return bench->decompress ? bench->decompress : chama_error_null(error, CHAMA_ERROR_FAILED, "zstd: no memory to decompress");
}

gboolean
codec_expand(const Digest *digest, guint codec, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room, GError **error)
{
    char text[DIGEST_TEXT_SIZE];
    ZSTD_DCtx *context;

    if (!codec_check(codec, plain_size, stored_size, error))
        return FALSE;
    if (codec == CODEC_PATCH)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: P25: want no patch here, have one", digest_format(digest, text));
    if (codec == CODEC_STORED) {
        if (plain_size)
            memcpy(room, stored, plain_size);
        return TRUE;
    }
    context = decompressor(error);
    return context && check_expanded(digest, plain_size, ZSTD_decompressDCtx(context, room, plain_size, stored, stored_size), error);
}

gboolean
codec_expand_patch(const Digest *digest, const void *prefix, gsize prefix_size, guint32 plain_size, const void *delta, gsize delta_size,
                   guint8 *room, GError **error)
{
    ZSTD_DCtx *context = decompressor(error);
    char text[DIGEST_TEXT_SIZE];

    if (!context)
        return FALSE;
    if (ZSTD_findFrameCompressedSize(delta, delta_size) != delta_size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: P25: want one zstd frame, have other bytes", digest_format(digest, text));
    /* Of one use: the next frame is opened without it. */
    if (ZSTD_isError(ZSTD_DCtx_refPrefix(context, prefix, prefix_size)))
        return chama_error(error, CHAMA_ERROR_FAILED, "zstd: no memory to decompress");
    return check_expanded(digest, plain_size, ZSTD_decompressDCtx(context, room, plain_size, delta, delta_size), error);
}

gboolean
codec_prove(const Digest *digest, const void *plain, gsize plain_size, GError **error)
{
    char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];
    Digest actual;

    digest_of(plain, plain_size, &actual);
    if (digest_equal(&actual, digest))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_VERIFY, "object: P14: want %s, have %s", digest_format(digest, want), digest_format(&actual, have));
}

gboolean
codec_open(const Digest *digest, guint codec, guint32 plain_size, const void *stored, gsize stored_size, guint8 *room, GError **error)
{
    return codec_expand(digest, codec, plain_size, stored, stored_size, room, error) && codec_prove(digest, room, plain_size, error);
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
