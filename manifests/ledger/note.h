/*
 * note: C2SP signed notes with Ed25519 keys (manifests/FORMAT.md, part 8, rules T1-T5): a text, an empty line, and signature lines
 * "— NAME BASE64(key id, signature)".  Pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_NOTE_H
#define CHAMA_MANIFESTS_LEDGER_NOTE_H

#include "keys/keypair.h"

#define NOTE_SIZE_MAX (64 * 1024)
#define NOTE_SIGNATURES_MAX 64

/* @text (ending in LF) signed under @name.  The caller's. */
char *note_sign(const char *text, const char *name, const Keypair *key, GError **error);

/* Checks a note: every line well-formed, and a good signature by @key under @name (VERIFY otherwise).  @text_size is how many bytes of
 * @note are its text, the final LF included. */
gboolean note_open(const char *note, gsize size, const char *name, const PublicKey *key, gsize *text_size, GError **error);

/* C2SP vkey "<name>+<hex8>+<base64>".  The caller's; and back. */
char *note_verifier_format(const char *name, const PublicKey *key);
gboolean note_verifier_parse(const char *vkey, char **name, PublicKey *key, GError **error);

#endif
