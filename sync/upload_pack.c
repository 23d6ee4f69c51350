/* What stock git sends; GT1, GT4, GT5 of sync/PROTOCOL.md. */
#include "sync/upload_pack.h"

#include <string.h>

#include <zlib.h>

#include "keys/error.h"

#define SUFFIX ".git"
#define GZIP_ONLY (16 + MAX_WBITS)   /* zlib's word for it */
#define PIECE (16 * 1024)

gboolean
upload_pack_parse_name(const char *name, char node[NODE_ID_SIZE], GError **error)
{
    gsize length = strlen(name);

    if (length != NODE_ID_SIZE - 1 + strlen(SUFFIX) || !g_str_has_suffix(name, SUFFIX))
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "request: GT1: want a node id and .git");
    memcpy(node, name, NODE_ID_SIZE - 1);
    node[NODE_ID_SIZE - 1] = '\0';
    return node_id_valid(node) || chama_error(error, CHAMA_ERROR_NOT_FOUND, "request: GT1: want a node id and .git");
}

guint
upload_pack_parse_version(const char *header)
{
    g_auto(GStrv) words = header && strlen(header) <= 256 ? g_strsplit(header, ":", 0) : NULL;
    guint version = 0;

    for (guint i = 0; words && words[i]; i++) {
        if (strcmp(words[i], "version=1") == 0)
            version = MAX(version, 1);
        else if (strcmp(words[i], "version=2") == 0)
            version = MAX(version, 2);
    }
    return version;
}

/* Piece by piece, so that no size that the sender names is believed. */
static gboolean
inflate_all(z_stream *zlib, GByteArray *plain, gsize max, GError **error)
{
    guint8 piece[PIECE];
    int status = Z_OK;

    while (status == Z_OK) {
        zlib->next_out = piece;
        zlib->avail_out = sizeof piece;
        status = inflate(zlib, Z_NO_FLUSH);
        if (plain->len + (sizeof piece - zlib->avail_out) > max)
            return chama_error(error, CHAMA_ERROR_LIMIT, "request: GT4: want at most %" G_GSIZE_FORMAT " bytes unpacked, have more", max);
        g_byte_array_append(plain, piece, (guint)(sizeof piece - zlib->avail_out));
    }
    if (status != Z_STREAM_END || zlib->avail_in > 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "request: GT4: want one whole gzip member and nothing behind it");
    return TRUE;
}

static GBytes *
gunzip(GBytes *packed, gsize max, GError **error)
{
    z_stream zlib = { 0 };
    g_autoptr(GByteArray) plain = g_byte_array_new();
    gsize size;
    gboolean whole;

    zlib.next_in = (Bytef *)g_bytes_get_data(packed, &size);
    zlib.avail_in = (uInt)size;
    if (inflateInit2(&zlib, GZIP_ONLY) != Z_OK)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "zlib: out of memory");
    whole = inflate_all(&zlib, plain, max, error);
    inflateEnd(&zlib);
    return whole ? g_byte_array_free_to_bytes(g_steal_pointer(&plain)) : NULL;
}

GBytes *
upload_pack_decode(const char *encoding, GBytes *body, gsize max, GError **error)
{
    if (g_bytes_get_size(body) > max)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "request: GT4: want at most %" G_GSIZE_FORMAT " bytes, have %" G_GSIZE_FORMAT, max, g_bytes_get_size(body));
    if (!encoding || g_ascii_strcasecmp(encoding, "identity") == 0)
        return g_bytes_ref(body);
    if (g_ascii_strcasecmp(encoding, "gzip") != 0 && g_ascii_strcasecmp(encoding, "x-gzip") != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "request: GT4: want Content-Encoding gzip or none");
    return gunzip(body, max, error);
}
