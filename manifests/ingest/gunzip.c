#include "manifests/ingest/gunzip.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "keys/error.h"

#define BLOCK (256 * 1024)
#define PLAIN (1024 * 1024)
#define GZIP_ONLY (16 + MAX_WBITS)

struct Gunzip {
    int fd;
    gboolean begun, packed, within;   /* within: of a member */
    z_stream stream;
    guint8 *block, *plain;
};

Gunzip *
gunzip_new(int fd)
{
    Gunzip *gunzip = g_new0(Gunzip, 1);

    gunzip->fd = fd;
    gunzip->block = g_malloc(BLOCK);
    gunzip->plain = g_malloc(PLAIN);
    return gunzip;
}

void
gunzip_free(Gunzip *gunzip)
{
    if (!gunzip)
        return;
    if (gunzip->packed)
        inflateEnd(&gunzip->stream);
    g_free(gunzip->block);
    g_free(gunzip->plain);
    g_free(gunzip);
}

gboolean
gunzip_begins(const guint8 magic[2])
{
    return magic[0] == 0x1f && magic[1] == 0x8b;
}

/* Fills the block behind what is left of it, up to @least bytes or the end. */
static gboolean
fill(Gunzip *gunzip, gsize least, GError **error)
{
    z_stream *stream = &gunzip->stream;

    if (stream->avail_in > 0)
        memmove(gunzip->block, stream->next_in, stream->avail_in);
    stream->next_in = gunzip->block;
    while (stream->avail_in < least) {
        ssize_t n = read(gunzip->fd, gunzip->block + stream->avail_in, BLOCK - stream->avail_in);

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return chama_error_errno(error, errno, "cannot read");
        stream->avail_in += (uInt)MAX(n, 0);
    }
    return TRUE;
}

static gboolean
begin(Gunzip *gunzip, GError **error)
{
    gunzip->begun = TRUE;
    if (!fill(gunzip, 2, error))
        return FALSE;
    if (gunzip->stream.avail_in < 2 || !gunzip_begins(gunzip->stream.next_in))
        return TRUE;
    gunzip->packed = gunzip->within = inflateInit2(&gunzip->stream, GZIP_ONLY) == Z_OK;
    return gunzip->packed || chama_error(error, CHAMA_ERROR_FAILED, "cannot set up zlib");
}

/* Between two members; FALSE without an error behind the last. */
static gboolean
next_member(Gunzip *gunzip, GError **error)
{
    if (!fill(gunzip, 2, error))
        return FALSE;
    if (gunzip->stream.avail_in == 0)
        return FALSE;
    if (gunzip->stream.avail_in < 2 || !gunzip_begins(gunzip->stream.next_in))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "AR12: want nothing behind its end, have %u bytes or more", gunzip->stream.avail_in);
    return gunzip->within = inflateReset(&gunzip->stream) == Z_OK;
}

/* Some plain bytes of the member, or none at its end. */
static gboolean
inflate_some(Gunzip *gunzip, gsize *size, GError **error)
{
    z_stream *stream = &gunzip->stream;
    int status = Z_OK;

    stream->next_out = gunzip->plain;
    stream->avail_out = PLAIN;
    while (status == Z_OK && stream->avail_out > 0) {
        if (stream->avail_in == 0 && !fill(gunzip, 1, error))
            return FALSE;
        if (stream->avail_in == 0)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "AR5: not a whole archive: gzip: it was cut off");
        status = inflate(stream, Z_NO_FLUSH);
    }
    if (status != Z_OK && status != Z_STREAM_END)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "AR5: not a whole archive: gzip: %s", stream->msg ? stream->msg : zError(status));
    gunzip->within = status == Z_OK;
    *size = PLAIN - stream->avail_out;
    return TRUE;
}

gboolean
gunzip_read(Gunzip *gunzip, const guint8 **bytes, gsize *size, GError **error)
{
    GError *failed = NULL;

    *size = 0;
    if (!gunzip->begun && !begin(gunzip, error))
        return FALSE;
    if (!gunzip->packed) {
        if (!fill(gunzip, 1, error))
            return FALSE;
        *bytes = gunzip->stream.next_in;
        *size = gunzip->stream.avail_in;
        gunzip->stream.avail_in = 0;
        return TRUE;
    }
    *bytes = gunzip->plain;
    while (*size == 0 && (gunzip->within || next_member(gunzip, &failed))) {
        if (!inflate_some(gunzip, size, error))
            return FALSE;
    }
    if (failed)
        g_propagate_error(error, failed);
    return !failed;
}
