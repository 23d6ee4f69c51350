#include "keys/digest.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "keys/error.h"

#define PREFIX "sha256:"
#define PREFIX_LENGTH 7

struct DigestStream {
    gnutls_hash_hd_t handle;
};

G_STATIC_ASSERT(DIGEST_TEXT_SIZE == PREFIX_LENGTH + DIGEST_HEX_SIZE);

/* SHA-256 does not fail for anything that a peer sends: only where GnuTLS is broken or forbidden to hash. */
static void
must(int status)
{
    if (status < 0)
        g_error("GnuTLS cannot do SHA-256: %s", gnutls_strerror(status));
}

void
digest_of(const void *data, gsize size, Digest *digest)
{
    must(gnutls_hash_fast(GNUTLS_DIG_SHA256, data, size, digest->bytes));
}

void
digest_of_bytes(GBytes *bytes, Digest *digest)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    digest_of(data, size, digest);
}

DigestStream *
digest_stream_new(void)
{
    DigestStream *stream = g_new(DigestStream, 1);

    must(gnutls_hash_init(&stream->handle, GNUTLS_DIG_SHA256));
    return stream;
}

void
digest_stream_update(DigestStream *stream, const void *data, gsize size)
{
    must(gnutls_hash(stream->handle, data, size));
}

void
digest_stream_reset(DigestStream *stream, Digest *digest)
{
    gnutls_hash_output(stream->handle, digest->bytes);
}

void
digest_stream_finish(DigestStream *stream, Digest *digest)
{
    digest_stream_reset(stream, digest);
    digest_stream_free(stream);
}

void
digest_stream_free(DigestStream *stream)
{
    if (!stream)
        return;
    gnutls_hash_deinit(stream->handle, NULL);
    g_free(stream);
}

char *
digest_format_hex(const Digest *digest, char text[DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (gsize i = 0; i < DIGEST_SIZE; i++) {
        text[2 * i] = digits[digest->bytes[i] >> 4];
        text[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    text[2 * DIGEST_SIZE] = '\0';
    return text;
}

char *
digest_format(const Digest *digest, char text[DIGEST_TEXT_SIZE])
{
    memcpy(text, PREFIX, PREFIX_LENGTH);
    digest_format_hex(digest, text + PREFIX_LENGTH);
    return text;
}

/* D1: lower case only, so that a digest has one spelling. */
static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

gboolean
digest_parse_hex(const char *text, Digest *digest, GError **error)
{
    Digest parsed;

    if (strnlen(text, DIGEST_HEX_SIZE) != 2 * DIGEST_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "digest: D1: want 64 lower-case hex digits, have \"%.80s\"", text);
    for (gsize i = 0; i < DIGEST_SIZE; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "digest: D1: want 64 lower-case hex digits, have \"%s\"", text);
        parsed.bytes[i] = (guint8)(high << 4 | low);
    }
    *digest = parsed;
    return TRUE;
}

gboolean
digest_parse(const char *text, Digest *digest, GError **error)
{
    const char *colon;

    if (strncmp(text, PREFIX, PREFIX_LENGTH) == 0)
        return digest_parse_hex(text + PREFIX_LENGTH, digest, error);
    colon = memchr(text, ':', strnlen(text, DIGEST_TEXT_SIZE));
    if (!colon)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "digest: D1: want \"sha256:\" and hex digits, have \"%.80s\"", text);
    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "digest: D2: want the algorithm sha256, have \"%.*s\"",
                       (int)(colon - text), text);
}

guint
digest_hash(gconstpointer digest)
{
    guint value;

    memcpy(&value, ((const Digest *)digest)->bytes, sizeof value);
    return value;
}

gboolean
digest_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, DIGEST_SIZE) == 0;
}

int
digest_compare(const Digest *a, const Digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE);
}

GBytes *
base64_parse(const char *text, gsize text_size, gsize max_bytes, GError **error)
{
    g_autofree guint8 *decoded = NULL;
    g_autofree char *again = NULL;
    gsize size;
    int state = 0;
    guint save = 0;

    /* D4: before the allocation. */
    if (text_size / 4 > (max_bytes + 2) / 3)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "base64: D4: want at most %zu bytes, have %zu characters",
                                max_bytes, text_size);
    decoded = g_malloc(text_size / 4 * 3 + 3);
    size = g_base64_decode_step(text, text_size, decoded, &state, &save);
    again = g_base64_encode(decoded, size);
    /* D3: GLib skips what is not base64, and the unused bits of the last character may be anything. */
    if (strlen(again) != text_size || memcmp(again, text, text_size) != 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED,
                                "base64: D3: want the one standard spelling with padding, have another");
    if (size > max_bytes)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "base64: D4: want at most %zu bytes, have %zu", max_bytes, size);
    return g_bytes_new_take(g_steal_pointer(&decoded), size);
}

char *
base64_format(const void *data, gsize size)
{
    return g_base64_encode(data, size);
}
