#include "keys/seal.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "keys/durable.h"
#include "keys/error.h"

#define KEY_FILE_MAX 1024
#define PLAIN_PREFIX "x25519-secret:"
#define ENCRYPTED_PREFIX "x25519-secret-encrypted:argon2id:"

/* SE5: what a key file may ask for, so that no file makes a node compute for minutes or take all of its memory. */
#define OPERATIONS_MAX 16
#define MEMORY_MAX (G_GUINT64_CONSTANT(1) << 30)

/* What an encrypted key file holds after its parameters. */
typedef struct {
    guint8 salt[crypto_pwhash_SALTBYTES];
    guint8 nonce[crypto_secretbox_NONCEBYTES];
    guint8 box[crypto_secretbox_MACBYTES + crypto_box_SECRETKEYBYTES];
} Locked;

G_STATIC_ASSERT(ENCRYPTION_KEY_SIZE == crypto_box_PUBLICKEYBYTES);
G_STATIC_ASSERT(sizeof(Locked) == 16 + 24 + 48);

static void
need_sodium(void)
{
    if (sodium_init() < 0)
        g_error("libsodium finds no source of random numbers");
}

void
salt_generate(guint8 salt[SALT_SIZE])
{
    need_sodium();
    randombytes_buf(salt, SALT_SIZE);
}

void
seal_digest(const guint8 salt[SALT_SIZE], GBytes *body, Digest *digest)
{
    DigestStream *stream = digest_stream_new();
    gsize size;
    const void *data = g_bytes_get_data(body, &size);

    digest_stream_update(stream, salt, SALT_SIZE);
    digest_stream_update(stream, data, size);
    digest_stream_finish(stream, digest);
}

static gboolean
derive(const char *passphrase, const guint8 *salt, guint64 operations, guint64 memory, guint8 key[crypto_secretbox_KEYBYTES],
       GError **error)
{
    if (crypto_pwhash(key, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase), salt, operations, memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "encryption key: cannot take %" G_GUINT64_FORMAT " bytes for its passphrase",
                           memory);
    return TRUE;
}

/* The text of a key file; the caller wipes and frees it. */
static char *
format_plain(const guint8 *secret)
{
    char encoded[sodium_base64_ENCODED_LEN(crypto_box_SECRETKEYBYTES, sodium_base64_VARIANT_ORIGINAL)];
    char *text;

    sodium_bin2base64(encoded, sizeof encoded, secret, crypto_box_SECRETKEYBYTES, sodium_base64_VARIANT_ORIGINAL);
    text = g_strconcat(PLAIN_PREFIX, encoded, "\n", NULL);
    sodium_memzero(encoded, sizeof encoded);
    return text;
}

static char *
format_encrypted(const guint8 *secret, const char *passphrase, GError **error)
{
    g_autofree char *encoded = NULL;
    guint8 key[crypto_secretbox_KEYBYTES];
    Locked locked;

    randombytes_buf(locked.salt, sizeof locked.salt);
    randombytes_buf(locked.nonce, sizeof locked.nonce);
    if (!derive(passphrase, locked.salt, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE, key, error))
        return NULL;
    crypto_secretbox_easy(locked.box, secret, crypto_box_SECRETKEYBYTES, locked.nonce, key);
    sodium_memzero(key, sizeof key);
    encoded = base64_format(&locked, sizeof locked);
    return g_strdup_printf(ENCRYPTED_PREFIX "%llu:%llu:%s\n", (unsigned long long)crypto_pwhash_OPSLIMIT_INTERACTIVE,
                           (unsigned long long)crypto_pwhash_MEMLIMIT_INTERACTIVE, encoded);
}

gboolean
encryption_key_generate(const char *path, const char *passphrase, guint8 public_key[ENCRYPTION_KEY_SIZE], GError **error)
{
    guint8 secret[crypto_box_SECRETKEYBYTES], public[ENCRYPTION_KEY_SIZE];
    g_autofree char *text = NULL;
    gboolean ok = FALSE;

    need_sodium();
    crypto_box_keypair(public, secret);
    text = passphrase ? format_encrypted(secret, passphrase, error) : format_plain(secret);
    sodium_memzero(secret, sizeof secret);
    if (text) {
        ok = durable_create(path, text, strlen(text), 0600, error);
        sodium_memzero(text, strlen(text));
    }
    if (ok)
        memcpy(public_key, public, sizeof public);
    return ok;
}

/* SE4: @text is base64 of exactly @size bytes and a line feed. */
static gboolean
read_encoded(const char *text, void *data, gsize size, const char *path, GError **error)
{
    gsize length = strlen(text), decoded;

    if (length > 0 && text[length - 1] == '\n'
        && sodium_base642bin(data, size, text, length - 1, NULL, &decoded, NULL, sodium_base64_VARIANT_ORIGINAL) == 0
        && decoded == size)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: SE4: want base64 of %zu bytes and a line feed, have something else",
                       path, size);
}

static gboolean
read_encrypted(const char *text, const char *path, const char *passphrase, guint8 *secret, GError **error)
{
    guint8 key[crypto_secretbox_KEYBYTES];
    unsigned long long operations, memory;
    int at = 0, status;
    Locked locked;

    if (!passphrase)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: SE5: the key is encrypted: want its passphrase, have none", path);
    if (sscanf(text, "%4llu:%12llu:%n", &operations, &memory, &at) != 2 || at == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: SE4: want OPERATIONS:MEMORY:, have something else", path);
    if (operations < crypto_pwhash_OPSLIMIT_MIN || operations > OPERATIONS_MAX || memory < crypto_pwhash_MEMLIMIT_MIN
        || memory > MEMORY_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT,
                           "%s: SE5: want at most %d operations and %" G_GUINT64_FORMAT " bytes, have %llu and %llu", path,
                           OPERATIONS_MAX, MEMORY_MAX, operations, memory);
    if (!read_encoded(text + at, &locked, sizeof locked, path, error)
        || !derive(passphrase, locked.salt, operations, memory, key, error))
        return FALSE;
    status = crypto_secretbox_open_easy(secret, locked.box, sizeof locked.box, locked.nonce, key);
    sodium_memzero(key, sizeof key);
    if (status != 0)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: SE5: want the passphrase of this key, have a wrong one", path);
    return TRUE;
}

static gboolean
read_secret(const char *text, const char *path, const char *passphrase, guint8 *secret, GError **error)
{
    if (g_str_has_prefix(text, PLAIN_PREFIX))
        return read_encoded(text + strlen(PLAIN_PREFIX), secret, crypto_box_SECRETKEYBYTES, path, error);
    if (g_str_has_prefix(text, ENCRYPTED_PREFIX))
        return read_encrypted(text + strlen(ENCRYPTED_PREFIX), path, passphrase, secret, error);
    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: SE4: want an X25519 secret key, have something else", path);
}

static gboolean
load_secret(const char *path, const char *passphrase, guint8 secret[crypto_box_SECRETKEYBYTES], GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(path, KEY_FILE_MAX, error);
    g_autofree char *text = NULL;
    gsize size;
    void *data;
    gboolean ok;

    if (!bytes)
        return FALSE;
    data = (void *)g_bytes_get_data(bytes, &size);
    text = g_strndup(data, size);
    ok = read_secret(text, path, passphrase, secret, error);
    sodium_memzero(text, strlen(text));
    sodium_memzero(data, size);
    return ok;
}

gboolean
encryption_key_is_encrypted(const char *path)
{
    g_autoptr(GBytes) bytes = durable_read(path, KEY_FILE_MAX, NULL);

    return bytes && g_bytes_get_size(bytes) > strlen(ENCRYPTED_PREFIX) && memcmp(g_bytes_get_data(bytes, NULL), ENCRYPTED_PREFIX, strlen(ENCRYPTED_PREFIX)) == 0;
}

gboolean
encryption_key_try(const char *path, const char *passphrase, GError **error)
{
    guint8 secret[crypto_box_SECRETKEYBYTES];
    gboolean ok;

    need_sodium();
    ok = load_secret(path, passphrase, secret, error);
    sodium_memzero(secret, sizeof secret);
    return ok;
}

GBytes *
seal_encrypt(const guint8 public_key[ENCRYPTION_KEY_SIZE], GBytes *plain, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(plain, &size);
    g_autofree guint8 *sealed = g_malloc(size + crypto_box_SEALBYTES);

    need_sodium();
    /* A public key of low order would give a secret that everyone knows: libsodium refuses it. */
    if (crypto_box_seal(sealed, data, size, public_key) != 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED,
                                "encryption key: SE6: want an X25519 public key, have a point of low order");
    return g_bytes_new_take(g_steal_pointer(&sealed), size + crypto_box_SEALBYTES);
}

static GBytes *
open_sealed(const guint8 secret[crypto_box_SECRETKEYBYTES], GBytes *sealed, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(sealed, &size);
    g_autofree guint8 *plain = NULL;
    guint8 public[ENCRYPTION_KEY_SIZE];

    if (size < crypto_box_SEALBYTES)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "sealed: SE6: want at least %u bytes, have %zu",
                                (unsigned int)crypto_box_SEALBYTES, size);
    crypto_scalarmult_base(public, secret);
    plain = g_malloc(size - crypto_box_SEALBYTES + 1);
    if (crypto_box_seal_open(plain, data, size, public, secret) != 0)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "sealed: SE6: want bytes for this key, have others, or altered ones");
    return g_bytes_new_take(g_steal_pointer(&plain), size - crypto_box_SEALBYTES);
}

GBytes *
seal_decrypt(const char *key_path, const char *passphrase, GBytes *sealed, GError **error)
{
    guint8 secret[crypto_box_SECRETKEYBYTES];
    GBytes *plain;

    need_sodium();
    if (!load_secret(key_path, passphrase, secret, error))
        return NULL;
    plain = open_sealed(secret, sealed, error);
    sodium_memzero(secret, sizeof secret);
    return plain;
}
