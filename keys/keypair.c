#include "keys/keypair.h"

#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <sodium.h>

#include "keys/digest.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/token.h"

#define KEY_FILE_MAX 8192
#define SEED_SIZE 32
#define PREFIX "ed25519:"
#define PREFIX_LENGTH 8
#define ENCRYPTED_HEADER "-----BEGIN ENCRYPTED PRIVATE KEY-----"

struct Keypair {
    gnutls_x509_privkey_t file; /* exports to a key file; NULL of one in a token */
    gnutls_privkey_t signer;    /* signs; made from the other, or by the token */
    char *token;                /* its URI; NULL of one that is in memory */
    PublicKey public;
};

void
keypair_free(Keypair *keypair)
{
    if (!keypair)
        return;
    if (keypair->signer)
        (keypair->token ? token_close : gnutls_privkey_deinit)(keypair->signer);
    if (keypair->file)
        gnutls_x509_privkey_deinit(keypair->file);
    g_free(keypair->token);
    g_free(keypair);
}

static Keypair *
keypair_new(GError **error)
{
    g_autoptr(Keypair) keypair = g_new0(Keypair, 1);
    int status = gnutls_x509_privkey_init(&keypair->file);

    if (status < 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "key: cannot allocate: %s", gnutls_strerror(status));
    return g_steal_pointer(&keypair);
}

/* Fills in what follows from the private key.  Frees @keypair on failure. */
static Keypair *
complete(Keypair *incomplete, const char *subject, GError **error)
{
    g_autoptr(Keypair) keypair = incomplete;
    int algorithm = gnutls_x509_privkey_get_pk_algorithm(keypair->file);
    gnutls_datum_t x = { NULL, 0 };
    int status;

    if (algorithm != GNUTLS_PK_EDDSA_ED25519)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "%s: K5: want an Ed25519 key, have %s",
                                subject, gnutls_pk_get_name(algorithm));
    status = gnutls_x509_privkey_export_ecc_raw(keypair->file, NULL, &x, NULL, NULL);
    if (status >= 0 && x.size == ED25519_PUBLIC_SIZE)
        memcpy(keypair->public.bytes, x.data, ED25519_PUBLIC_SIZE);
    else
        chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot take the public key: %s", subject, gnutls_strerror(status));
    gnutls_free(x.data);
    if (status < 0 || x.size != ED25519_PUBLIC_SIZE)
        return NULL;
    status = gnutls_privkey_init(&keypair->signer);
    if (status >= 0)
        status = gnutls_privkey_import_x509(keypair->signer, keypair->file, 0);
    if (status < 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: cannot use the key: %s", subject, gnutls_strerror(status));
    return g_steal_pointer(&keypair);
}

Keypair *
keypair_generate(GError **error)
{
    g_autoptr(Keypair) keypair = keypair_new(error);
    int status;

    if (!keypair)
        return NULL;
    status = gnutls_x509_privkey_generate(keypair->file, GNUTLS_PK_EDDSA_ED25519, 0, 0);
    if (status < 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "key: cannot generate: %s", gnutls_strerror(status));
    return complete(g_steal_pointer(&keypair), "key", error);
}

Keypair *
keypair_from_seed(const guint8 seed[32], GError **error)
{
    /* RFC 8410: everything of an Ed25519 PKCS#8 document before its seed. */
    guint8 der[16 + SEED_SIZE] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
    gnutls_datum_t document = { der, sizeof der };
    g_autoptr(Keypair) keypair = keypair_new(error);
    int status;

    if (!keypair)
        return NULL;
    memcpy(der + 16, seed, SEED_SIZE);
    status = gnutls_x509_privkey_import_pkcs8(keypair->file, &document, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
    gnutls_memset(der, 0, sizeof der);
    if (status < 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "key: cannot use the seed: %s", gnutls_strerror(status));
    return complete(g_steal_pointer(&keypair), "key", error);
}

static Keypair *
open_token(const char *uri, const PublicKey *want, GError **error)
{
    g_autoptr(Keypair) keypair = g_new0(Keypair, 1);

    keypair->token = g_strdup(uri);
    keypair->signer = token_open(uri, want, &keypair->public, error);
    return keypair->signer ? g_steal_pointer(&keypair) : NULL;
}

Keypair *
keypair_open_token(const char *uri, GError **error)
{
    return open_token(uri, NULL, error);
}

const char *
keypair_token(const Keypair *keypair)
{
    return keypair->token;
}

/* KT2: no passphrase, for there is no secret in it. */
static gboolean
save_reference(const Keypair *keypair, const char *path, GError **error)
{
    g_autoptr(GBytes) reference = token_reference_format(keypair->token, &keypair->public, error);

    return reference && durable_create(path, g_bytes_get_data(reference, NULL), g_bytes_get_size(reference), 0600, error);
}

static gboolean
save_key(const Keypair *keypair, const char *path, const char *passphrase, GError **error)
{
    unsigned int flags = passphrase ? GNUTLS_PKCS_PBES2_AES_256 : GNUTLS_PKCS_PLAIN;
    gnutls_datum_t pem = { NULL, 0 };
    int status = gnutls_x509_privkey_export2_pkcs8(keypair->file, GNUTLS_X509_FMT_PEM, passphrase, flags, &pem);
    gboolean ok;

    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot export the key: %s", path, gnutls_strerror(status));
    /* A key that is lost is lost for ever: never write over one. */
    ok = durable_create(path, pem.data, pem.size, 0600, error);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return ok;
}

gboolean
keypair_save(const Keypair *keypair, const char *path, const char *passphrase, GError **error)
{
    return keypair->token ? save_reference(keypair, path, error) : save_key(keypair, path, passphrase, error);
}

static gboolean
is_encrypted(GBytes *pem)
{
    gsize size;
    const char *text = g_bytes_get_data(pem, &size);

    return size > strlen(ENCRYPTED_HEADER) && memmem(text, size, ENCRYPTED_HEADER, strlen(ENCRYPTED_HEADER)) != NULL;
}

gboolean
keypair_file_is_encrypted(const char *path)
{
    g_autoptr(GBytes) pem = durable_read(path, KEY_FILE_MAX, NULL);

    return pem && is_encrypted(pem);
}

/* K6: a wrong passphrase may decrypt to anything, so whatever then fails means the same. */
static Keypair *
load_encrypted(const char *path, const gnutls_datum_t *pem, const char *passphrase, GError **error)
{
    g_autoptr(Keypair) keypair = NULL;

    if (!passphrase)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "%s: K6: the key is encrypted: want its passphrase, have none", path);
    keypair = keypair_new(error);
    if (!keypair)
        return NULL;
    if (gnutls_x509_privkey_import_pkcs8(keypair->file, pem, GNUTLS_X509_FMT_PEM, passphrase, 0) < 0)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "%s: K6: want the passphrase of this key, have a wrong one", path);
    return complete(g_steal_pointer(&keypair), path, error);
}

static Keypair *
load_plain(const char *path, const gnutls_datum_t *pem, GError **error)
{
    g_autoptr(Keypair) keypair = keypair_new(error);
    int status;

    if (!keypair)
        return NULL;
    status = gnutls_x509_privkey_import_pkcs8(keypair->file, pem, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    if (status < 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: K5: want a PKCS#8 key in PEM: %s",
                                path, gnutls_strerror(status));
    return complete(g_steal_pointer(&keypair), path, error);
}

static Keypair *
load_from_token(const char *path, GBytes *bytes, GError **error)
{
    g_auto(TokenReference) reference = { 0 };
    Keypair *keypair = NULL;

    if (!token_reference_parse(bytes, path, &reference, error))
        return NULL;
    keypair = open_token(reference.uri, &reference.key, error);
    if (!keypair)
        g_prefix_error(error, "%s: ", path);
    return keypair;
}

Keypair *
keypair_load(const char *path, const char *passphrase, GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(path, KEY_FILE_MAX, error);
    gnutls_datum_t pem;
    gsize size;

    if (!bytes)
        return NULL;
    if (token_is_reference(bytes))
        return load_from_token(path, bytes, error);
    pem.data = (unsigned char *)g_bytes_get_data(bytes, &size);
    pem.size = (unsigned int)size;
    return is_encrypted(bytes) ? load_encrypted(path, &pem, passphrase, error) : load_plain(path, &pem, error);
}

const PublicKey *
keypair_public(const Keypair *keypair)
{
    return &keypair->public;
}

gboolean
keypair_sign(const Keypair *keypair, const void *message, gsize size, guint8 signature[ED25519_SIGNATURE_SIZE], GError **error)
{
    gnutls_datum_t data = { (unsigned char *)message, (unsigned int)size };
    gnutls_datum_t made = { NULL, 0 };
    int status;
    gboolean ok;

    if (size > G_MAXUINT32)
        return chama_error(error, CHAMA_ERROR_LIMIT, "signature: want a message below 4 GiB, have %zu bytes", size);
    status = gnutls_privkey_sign_data2(keypair->signer, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &made);
    ok = status >= 0 && made.size == ED25519_SIGNATURE_SIZE;
    if (ok)
        memcpy(signature, made.data, ED25519_SIGNATURE_SIZE);
    gnutls_free(made.data);
    if (!ok && keypair->token)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT4: the token does not sign: %s", keypair->token, gnutls_strerror(status));
    return ok || chama_error(error, CHAMA_ERROR_FAILED, "signature: cannot sign: %s", gnutls_strerror(status));
}

gboolean
public_key_check(const PublicKey *key, GError **error)
{
    /* K3: canonical encoding, on the curve, in the prime-order group (so neither of low nor of mixed order). */
    if (crypto_core_ed25519_is_valid_point(key->bytes) != 1)
        return chama_error(error, CHAMA_ERROR_MALFORMED,
                           "public key: K3: want a canonical point of the prime-order group, have another");
    return TRUE;
}

gboolean
public_key_verify(const PublicKey *key, const void *message, gsize size, const guint8 signature[ED25519_SIGNATURE_SIZE],
                  GError **error)
{
    gnutls_datum_t x = { (unsigned char *)key->bytes, ED25519_PUBLIC_SIZE };
    gnutls_datum_t data = { (unsigned char *)message, (unsigned int)size };
    gnutls_datum_t given = { (unsigned char *)signature, ED25519_SIGNATURE_SIZE };
    gnutls_pubkey_t verifier;
    int status;

    if (size > G_MAXUINT32)
        return chama_error(error, CHAMA_ERROR_LIMIT, "signature: want a message below 4 GiB, have %zu bytes", size);
    status = gnutls_pubkey_init(&verifier);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "signature: cannot allocate: %s", gnutls_strerror(status));
    status = gnutls_pubkey_import_ecc_raw(verifier, GNUTLS_ECC_CURVE_ED25519, &x, NULL);
    if (status >= 0)
        status = gnutls_pubkey_verify_data2(verifier, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &given);
    gnutls_pubkey_deinit(verifier);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "signature: K4: want one by this key over these bytes, have another");
    return TRUE;
}

static gboolean
read_public_key(const char *encoded, PublicKey *key, GError **error)
{
    g_autoptr(GBytes) bytes = base64_parse(encoded, strnlen(encoded, PUBLIC_KEY_TEXT_SIZE), ED25519_PUBLIC_SIZE, error);
    PublicKey parsed;

    if (!bytes) {
        g_prefix_error(error, "public key: K1: ");
        return FALSE;
    }
    if (g_bytes_get_size(bytes) != ED25519_PUBLIC_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "public key: K1: want 32 bytes, have %zu", g_bytes_get_size(bytes));
    memcpy(parsed.bytes, g_bytes_get_data(bytes, NULL), ED25519_PUBLIC_SIZE);
    if (!public_key_check(&parsed, error))
        return FALSE;
    *key = parsed;
    return TRUE;
}

gboolean
public_key_parse(const char *text, PublicKey *key, GError **error)
{
    const char *colon;

    if (strncmp(text, PREFIX, PREFIX_LENGTH) == 0)
        return read_public_key(text + PREFIX_LENGTH, key, error);
    colon = memchr(text, ':', strnlen(text, PUBLIC_KEY_TEXT_SIZE));
    if (!colon)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "public key: K1: want \"ed25519:\" and base64, have \"%.64s\"", text);
    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "public key: K2: want the algorithm ed25519, have \"%.*s\"",
                       (int)(colon - text), text);
}

char *
public_key_format(const PublicKey *key, char text[PUBLIC_KEY_TEXT_SIZE])
{
    g_autofree char *encoded = base64_format(key->bytes, ED25519_PUBLIC_SIZE);

    g_snprintf(text, PUBLIC_KEY_TEXT_SIZE, PREFIX "%s", encoded);
    return text;
}

char *
public_key_format_openssh(const PublicKey *key)
{
    /* RFC 8709: string "ssh-ed25519", string key. */
    guint8 blob[4 + 11 + 4 + ED25519_PUBLIC_SIZE] = "\0\0\0\013ssh-ed25519\0\0\0\040";
    g_autofree char *encoded = NULL;

    memcpy(blob + 19, key->bytes, ED25519_PUBLIC_SIZE);
    encoded = base64_format(blob, sizeof blob);
    return g_strconcat("ssh-ed25519 ", encoded, NULL);
}
