/*
 * keypair: Ed25519 key pairs, and their files.  A key file is PKCS#8 PEM (RFC 5208, RFC 8410), mode 0600, encrypted (PBES2,
 * AES-256) when it has a passphrase; `openssl pkey` reads it.  Public keys are written "ed25519:" and base64 of 32 bytes; unknown
 * algorithm names are refused by name.  Public keys with a non-canonical encoding, or not of prime order, are refused (MALFORMED), so
 * that no two verifiers disagree.  keys/IDENTITY.md, part 3.
 */
#ifndef CHAMA_KEYS_KEYPAIR_H
#define CHAMA_KEYS_KEYPAIR_H

#include <glib.h>

#define ED25519_PUBLIC_SIZE 32
#define ED25519_SIGNATURE_SIZE 64
#define PUBLIC_KEY_TEXT_SIZE 64

typedef struct {
    guint8 bytes[ED25519_PUBLIC_SIZE];
} PublicKey;

typedef struct Keypair Keypair;

Keypair *keypair_generate(GError **error);

/* The key that the PKCS#11 URI @uri names: errors as of token_open() (keys/token.h).  It stays there: what keypair_save() writes of it is a reference. */
Keypair *keypair_open_token(const char *uri, GError **error);
/* The URI of a key that lives in a token; NULL of others.  Borrowed. */
const char *keypair_token(const Keypair *keypair);

/* @passphrase may be NULL.  A file that is there is not written over: EXISTS.  Loading an encrypted key without one, or with a wrong one, is CHAMA_ERROR_DENIED and says so.
 * Of a file that refers to a token, the key there is opened. */
gboolean keypair_save(const Keypair *keypair, const char *path, const char *passphrase, GError **error);
Keypair *keypair_load(const char *path, const char *passphrase, GError **error);
/* TRUE if the file at @path is an encrypted key. */
gboolean keypair_file_is_encrypted(const char *path);

/* From a 32-byte seed (RFC 8032), for test vectors. */
Keypair *keypair_from_seed(const guint8 seed[32], GError **error);
void keypair_free(Keypair *keypair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Keypair, keypair_free)

const PublicKey *keypair_public(const Keypair *keypair);

/* Pure Ed25519 (RFC 8032).  keypair_sign() is safe from several threads. */
gboolean keypair_sign(const Keypair *keypair, const void *message, gsize size, guint8 signature[ED25519_SIGNATURE_SIZE], GError **error);
gboolean public_key_verify(const PublicKey *key, const void *message, gsize size, const guint8 signature[ED25519_SIGNATURE_SIZE], GError **error);

/* K3: refuses (MALFORMED) what is not a canonical point of the prime-order group.  public_key_parse() does it; who takes a key from
 * raw bytes calls it before the first public_key_verify(). */
gboolean public_key_check(const PublicKey *key, GError **error);
gboolean public_key_parse(const char *text, PublicKey *key, GError **error);
char *public_key_format(const PublicKey *key, char text[PUBLIC_KEY_TEXT_SIZE]);
/* "ssh-ed25519 AAAA...", as OpenSSH writes it, without a comment.  The caller's. */
char *public_key_format_openssh(const PublicKey *key);

#endif
