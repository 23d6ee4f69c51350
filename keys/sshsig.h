/*
 * sshsig: OpenSSH's PROTOCOL.sshsig signatures with Ed25519 keys and SHA-512 hashing.  Namespaces in use: "chama-record" for
 * records, "git" for the ledger's commits, "chama-rotation" for the old key's word on a rotation.  `ssh-keygen -Y verify` accepts what is made here, and the other way round.
 */
#ifndef CHAMA_KEYS_SSHSIG_H
#define CHAMA_KEYS_SSHSIG_H

#include "keys/keypair.h"

#define SSHSIG_NAMESPACE_RECORD "chama-record"
#define SSHSIG_NAMESPACE_GIT "git"
#define SSHSIG_NAMESPACE_ROTATION "chama-rotation"
#define SSHSIG_SIZE_MAX 1024

/* The binary signature blob ("SSHSIG", version 1, ...) over @message.  The caller's. */
GBytes *sshsig_sign(const Keypair *keypair, const char *name_space, const void *message, gsize size, GError **error);

/* VERIFY unless @blob is a signature by @key over @message in @name_space; MALFORMED or UNSUPPORTED for a blob that is none
 * (magic, version 1, key type, hash sha256 or sha512, no trailing bytes). */
gboolean sshsig_verify(GBytes *blob, const PublicKey *key, const char *name_space, const void *message, gsize size, GError **error);

/* The armoured form: "-----BEGIN SSH SIGNATURE-----", base64 in lines of 70, "-----END ...", final line feed. */
char *sshsig_armour(GBytes *blob);
GBytes *sshsig_dearmour(const char *text, gsize size, GError **error);

#endif
