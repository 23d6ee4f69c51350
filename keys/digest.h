/*
 * digest: SHA-256 digests and their two spellings.  Written "sha256:" and 64 lower-case hex digits; an unknown algorithm
 * name is refused by name (keys/IDENTITY.md, part 1).  Pure, except that hashing uses GnuTLS.
 */
#ifndef CHAMA_KEYS_DIGEST_H
#define CHAMA_KEYS_DIGEST_H

#include <glib.h>

#define DIGEST_SIZE 32
#define DIGEST_TEXT_SIZE 72 /* "sha256:" + 64 + NUL */
#define DIGEST_HEX_SIZE 65

typedef struct {
    guint8 bytes[DIGEST_SIZE];
} Digest;

/* SHA-256 of @size bytes at @data. */
void digest_of(const void *data, gsize size, Digest *digest);
void digest_of_bytes(GBytes *bytes, Digest *digest);

/* SHA-256 in pieces.  digest_stream_finish() frees the stream; digest_stream_free() abandons it.  digest_stream_reset() gives
 * the digest so far and starts anew, so that one stream serves many files. */
typedef struct DigestStream DigestStream;
DigestStream *digest_stream_new(void);
void digest_stream_update(DigestStream *stream, const void *data, gsize size);
void digest_stream_reset(DigestStream *stream, Digest *digest);
void digest_stream_finish(DigestStream *stream, Digest *digest);
void digest_stream_free(DigestStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DigestStream, digest_stream_free)

/* "sha256:<hex>" and bare hex into the caller's buffer; return @text. */
char *digest_format(const Digest *digest, char text[DIGEST_TEXT_SIZE]);
char *digest_format_hex(const Digest *digest, char text[DIGEST_HEX_SIZE]);

/* Exactly what the formatters write, nothing else: MALFORMED, or UNSUPPORTED naming the algorithm. */
gboolean digest_parse(const char *text, Digest *digest, GError **error);
gboolean digest_parse_hex(const char *text, Digest *digest, GError **error);

/* For GHashTable and qsort. */
guint digest_hash(gconstpointer digest);
gboolean digest_equal(gconstpointer a, gconstpointer b);
int digest_compare(const Digest *a, const Digest *b);

/* Standard base64 with padding, one spelling per value: what does not re-encode to the same text is MALFORMED.  The result
 * is the caller's. */
GBytes *base64_parse(const char *text, gsize text_size, gsize max_bytes, GError **error);
char *base64_format(const void *data, gsize size);

#endif
