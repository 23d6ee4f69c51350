#include "keys/sshsig.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "keys/digest.h"
#include "keys/error.h"

#define MAGIC "SSHSIG"
#define MAGIC_LENGTH 6
#define VERSION 1
#define KEY_TYPE "ssh-ed25519"
#define ARMOUR_BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define ARMOUR_END "-----END SSH SIGNATURE-----\n"
#define ARMOUR_COLUMNS 70
#define HASH_MAX 64

static const struct {
    const char *name;
    gnutls_digest_algorithm_t algorithm;
} hashes[] = {
    { "sha512", GNUTLS_DIG_SHA512 },
    { "sha256", GNUTLS_DIG_SHA256 },
};

/* A part of the blob that is being read, or one SSH string in it; borrowed. */
typedef struct {
    const guint8 *data;
    gsize size;
} Span;

/* What a blob says, borrowed from it. */
typedef struct {
    Span key;
    Span name_space;
    Span reserved;
    Span hash;
    Span signature;
} Fields;

static void
put_string(GByteArray *out, const void *data, gsize size)
{
    guint32 length = GUINT32_TO_BE((guint32)size);

    g_byte_array_append(out, (const guint8 *)&length, sizeof length);
    g_byte_array_append(out, data, (guint)size);
}

static void
put_text(GByteArray *out, const char *text)
{
    put_string(out, text, strlen(text));
}

/* SSH string of two SSH strings: the key type and @data. */
static void
put_typed(GByteArray *out, const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) inner = g_byte_array_new();

    put_text(inner, KEY_TYPE);
    put_string(inner, data, size);
    put_string(out, inner->data, inner->len);
}

/* What the key really signs: never a message itself, so that no signature is good for another purpose. */
static GByteArray *
signed_data(const char *name_space, gsize hash, const void *message, gsize size)
{
    GByteArray *out = g_byte_array_new();
    guint8 digest[HASH_MAX];

    if (gnutls_hash_fast(hashes[hash].algorithm, message, size, digest) < 0)
        g_error("GnuTLS cannot do %s", hashes[hash].name);
    g_byte_array_append(out, (const guint8 *)MAGIC, MAGIC_LENGTH);
    put_text(out, name_space);
    put_text(out, "");
    put_text(out, hashes[hash].name);
    put_string(out, digest, gnutls_hash_get_len(hashes[hash].algorithm));
    return out;
}

GBytes *
sshsig_sign(const Keypair *keypair, const char *name_space, const void *message, gsize size, GError **error)
{
    g_autoptr(GByteArray) data = signed_data(name_space, 0, message, size);
    static const guint8 version[4] = { 0, 0, 0, VERSION };
    guint8 signature[ED25519_SIGNATURE_SIZE];
    GByteArray *out;

    if (!keypair_sign(keypair, data->data, data->len, signature, error))
        return NULL;
    out = g_byte_array_new();
    g_byte_array_append(out, (const guint8 *)MAGIC, MAGIC_LENGTH);
    g_byte_array_append(out, version, sizeof version);
    put_typed(out, keypair_public(keypair)->bytes, ED25519_PUBLIC_SIZE);
    put_text(out, name_space);
    put_text(out, "");
    put_text(out, hashes[0].name);
    put_typed(out, signature, sizeof signature);
    return g_byte_array_free_to_bytes(out);
}

static gboolean
take(Span *from, gsize size, Span *taken)
{
    if (size > from->size)
        return FALSE;
    *taken = (Span){ from->data, size };
    from->data += size;
    from->size -= size;
    return TRUE;
}

static gboolean
take_number(Span *from, guint32 *number)
{
    Span raw;

    if (!take(from, 4, &raw))
        return FALSE;
    *number = (guint32)raw.data[0] << 24 | (guint32)raw.data[1] << 16 | (guint32)raw.data[2] << 8 | raw.data[3];
    return TRUE;
}

static gboolean
take_string(Span *from, Span *string)
{
    guint32 size;

    return take_number(from, &size) && take(from, size, string);
}

static gboolean
span_is(Span span, const void *data, gsize size)
{
    return span.size == size && memcmp(span.data, data, size) == 0;
}

static gboolean
cut_short(GError **error)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "signature: K7: want a whole SSHSIG blob, have one cut short");
}

/* K9: the key type by name, then @size bytes, then nothing. */
static gboolean
read_typed(Span from, gsize size, Span *data, GError **error)
{
    Span type;

    if (!take_string(&from, &type))
        return cut_short(error);
    if (!span_is(type, KEY_TYPE, strlen(KEY_TYPE)))
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "signature: K9: want the key type " KEY_TYPE ", have \"%.*s\"",
                           (int)MIN(type.size, 64), (const char *)type.data);
    if (!take_string(&from, data))
        return cut_short(error);
    if (data->size != size || from.size != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "signature: K9: want %zu bytes of Ed25519, have %zu and %zu after them",
                           size, data->size, from.size);
    return TRUE;
}

static gboolean
read_head(Span *blob, GError **error)
{
    Span magic;
    guint32 version;

    if (!take(blob, MAGIC_LENGTH, &magic) || !span_is(magic, MAGIC, MAGIC_LENGTH))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "signature: K7: want the magic SSHSIG, have something else");
    if (!take_number(blob, &version))
        return cut_short(error);
    if (version != VERSION)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "signature: K8: want SSHSIG version 1, have %u", version);
    return TRUE;
}

static gboolean
read_fields(GBytes *bytes, Fields *fields, GError **error)
{
    Span blob, key, signature;

    blob.data = g_bytes_get_data(bytes, &blob.size);
    if (blob.size > SSHSIG_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "signature: K7: want at most %d bytes, have %zu", SSHSIG_SIZE_MAX, blob.size);
    if (!read_head(&blob, error))
        return FALSE;
    if (!take_string(&blob, &key) || !take_string(&blob, &fields->name_space) || !take_string(&blob, &fields->reserved)
        || !take_string(&blob, &fields->hash) || !take_string(&blob, &signature))
        return cut_short(error);
    if (blob.size != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "signature: K7: want nothing after the blob, have %zu bytes", blob.size);
    /* K10: it is not signed, so anyone could write anything there and give one signature many spellings. */
    if (fields->reserved.size != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "signature: K10: want an empty reserved field, have %zu bytes",
                           fields->reserved.size);
    return read_typed(key, ED25519_PUBLIC_SIZE, &fields->key, error)
           && read_typed(signature, ED25519_SIGNATURE_SIZE, &fields->signature, error);
}

static gboolean
find_hash(Span name, gsize *hash, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        if (span_is(name, hashes[i].name, strlen(hashes[i].name))) {
            *hash = i;
            return TRUE;
        }
    }
    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "signature: K11: want the hash sha512 or sha256, have \"%.*s\"",
                       (int)MIN(name.size, 64), (const char *)name.data);
}

gboolean
sshsig_verify(GBytes *blob, const PublicKey *key, const char *name_space, const void *message, gsize size, GError **error)
{
    g_autoptr(GByteArray) data = NULL;
    Fields fields;
    gsize hash = 0;

    if (!read_fields(blob, &fields, error) || !find_hash(fields.hash, &hash, error))
        return FALSE;
    if (!span_is(fields.name_space, name_space, strlen(name_space)))
        return chama_error(error, CHAMA_ERROR_VERIFY, "signature: K12: want the namespace \"%s\", have \"%.*s\"", name_space,
                           (int)MIN(fields.name_space.size, 64), (const char *)fields.name_space.data);
    if (!span_is(fields.key, key->bytes, ED25519_PUBLIC_SIZE))
        return chama_error(error, CHAMA_ERROR_VERIFY,
                           "signature: K13: want one by the key that was valid here, have one by another");
    data = signed_data(name_space, hash, message, size);
    return public_key_verify(key, data->data, data->len, fields.signature.data, error);
}

char *
sshsig_armour(GBytes *blob)
{
    gsize size, length;
    const void *data = g_bytes_get_data(blob, &size);
    g_autofree char *encoded = base64_format(data, size);
    GString *text = g_string_new(ARMOUR_BEGIN);

    length = strlen(encoded);
    for (gsize at = 0; at < length; at += ARMOUR_COLUMNS) {
        g_string_append_len(text, encoded + at, (gssize)MIN(ARMOUR_COLUMNS, length - at));
        g_string_append_c(text, '\n');
    }
    g_string_append(text, ARMOUR_END);
    return g_string_free(text, FALSE);
}

/* The base64 between the armour's first and last line without its line feeds, or NULL. */
static char *
armour_body(const char *text, gsize size)
{
    const gsize begin = strlen(ARMOUR_BEGIN), end = strlen(ARMOUR_END) - 1;
    char *body;
    gsize length = 0;

    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (size < begin + end || memcmp(text, ARMOUR_BEGIN, begin) != 0 || memcmp(text + size - end, ARMOUR_END, end) != 0)
        return NULL;
    body = g_malloc(size);
    for (gsize i = begin; i < size - end; i++) {
        if (text[i] != '\n')
            body[length++] = text[i];
    }
    body[length] = '\0';
    return body;
}

GBytes *
sshsig_dearmour(const char *text, gsize size, GError **error)
{
    g_autofree char *body = NULL;
    g_autofree char *again = NULL;
    g_autoptr(GBytes) blob = NULL;

    if (size > 2 * SSHSIG_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "signature: K14: want at most %d characters of armour, have %zu",
                                2 * SSHSIG_SIZE_MAX, size);
    body = armour_body(text, size);
    if (!body)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED,
                                "signature: K14: want an armoured SSH signature, have something else");
    blob = base64_parse(body, strlen(body), SSHSIG_SIZE_MAX, error);
    if (!blob)
        return g_prefix_error(error, "signature: K14: "), NULL;
    /* The final line feed may be missing: git keeps signatures without it. */
    again = sshsig_armour(blob);
    if (strncmp(again, text, size) != 0 || strlen(again) - size > 1)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "signature: K14: want lines of %d characters, have others",
                                ARMOUR_COLUMNS);
    return g_steal_pointer(&blob);
}
