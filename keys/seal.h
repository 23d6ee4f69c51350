/*
 * seal: salts, salted hashes of sealed statements and restricted content, and encryption to a node's X25519 key (libsodium sealed boxes).
 * keys/IDENTITY.md, part 6.
 */
#ifndef CHAMA_KEYS_SEAL_H
#define CHAMA_KEYS_SEAL_H

#include "keys/digest.h"
#include "keys/identity.h"

#define SALT_SIZE 32

/* SALT_SIZE bytes from the system's random source. */
void salt_generate(guint8 salt[SALT_SIZE]);

/* SHA-256(salt, body). */
void seal_digest(const guint8 salt[SALT_SIZE], GBytes *body, Digest *digest);

/* An X25519 key pair; the secret key goes to a file ("x25519-secret:" and base64, mode 0600), encrypted under @passphrase
 * if not NULL (libsodium secretbox under an Argon2id key; the file says so). */
gboolean encryption_key_generate(const char *path, const char *passphrase, guint8 public_key[ENCRYPTION_KEY_SIZE], GError **error);

/* TRUE if the file at @path is such a key under a passphrase. */
gboolean encryption_key_is_encrypted(const char *path);
/* DENIED unless @passphrase opens it. */
gboolean encryption_key_try(const char *path, const char *passphrase, GError **error);

/* Encrypts to a public key; opens with the key file.  VERIFY if it is not for this key or was altered. */
GBytes *seal_encrypt(const guint8 public_key[ENCRYPTION_KEY_SIZE], GBytes *plain, GError **error);
GBytes *seal_decrypt(const char *key_path, const char *passphrase, GBytes *sealed, GError **error);

#endif
