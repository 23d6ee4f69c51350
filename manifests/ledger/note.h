/*
 * note: C2SP signed notes (manifests/FORMAT.md, part 8, rules T1-T5): a text, an empty line, and signature lines
 * "— NAME BASE64(key id, signature)".  Signed and opened with Ed25519 keys here; lines of other algorithms are read and passed over.
 * Pure and bounded: at most NOTE_SIZE_MAX bytes and NOTE_SIGNATURES_MAX lines.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_NOTE_H
#define CHAMA_MANIFESTS_LEDGER_NOTE_H

#include "keys/digest.h"
#include "keys/keypair.h"

#define NOTE_SIZE_MAX (64 * 1024)
#define NOTE_SIGNATURES_MAX 64
#define NOTE_KEY_ID_SIZE 4

/* The byte in a key id and a verifier key that says how a key signs.  Others are UNSUPPORTED in a verifier key. */
typedef enum {
    NOTE_ED25519 = 0x01,     /* the text itself: logs */
    NOTE_COSIGNATURE = 0x04, /* Ed25519 over time and text: witnesses (cosignature.h) */
    NOTE_ML_DSA = 0x06,      /* ML-DSA-44 cosignatures, which nothing here can check */
} NoteAlgorithm;

typedef struct {
    guint8 bytes[NOTE_KEY_ID_SIZE];
} NoteKeyId;

/* T2: SHA-256(name, LF, algorithm, key), cut to four bytes. */
void note_key_id(const char *name, NoteAlgorithm algorithm, const PublicKey *key, NoteKeyId *id);

/* @text (ending in LF) signed under @name.  The caller's. */
char *note_sign(const char *text, const char *name, const Keypair *key, GError **error);

/* Checks a note: every line well-formed, and a good signature by @key under @name (VERIFY otherwise).  @text_size is how many bytes of
 * @note are its text, the final LF included. */
gboolean note_open(const char *note, gsize size, const char *name, const PublicKey *key, gsize *text_size, GError **error);

/* How many bytes of @note are its text; of the lines behind it nothing is said.  MALFORMED or LIMIT by T1, T3. */
gboolean note_text(const char *note, gsize size, gsize *text_size, GError **error);

/* One signature line, read and not verified. */
typedef struct {
    char *name;
    NoteKeyId id;
    GBytes *signature; /* what follows the key id: at least one byte */
} NoteSignature;
NoteSignature *note_signature_new(const char *name, const NoteKeyId *id, const void *signature, gsize size);
void note_signature_free(NoteSignature *signature);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NoteSignature, note_signature_free)
/* "— NAME BASE64" with a final LF; and one such line back, nothing before or after it (MALFORMED).  The caller's. */
char *note_signature_format(const NoteSignature *signature);
NoteSignature *note_signature_parse(const char *line, gsize size, GError **error);

/* All lines of a note in their order, none verified: the caller's array of NoteSignature, which owns them.  MALFORMED or LIMIT by T1, T3, T4. */
GPtrArray *note_signatures(const char *note, gsize size, gsize *text_size, GError **error);
/* The first of @signatures by @name and @id, borrowed; NULL if there is none. */
const NoteSignature *note_signatures_find(GPtrArray *signatures, const char *name, const NoteKeyId *id);

/* T17: the text and first line of @note (its owner's, if note_bare() or a signer made it), then its other lines and those of @more (NoteSignature, which
 * the caller verified), each name and key id once, the first of them kept; what passes a limit of T1 or T3 is left out.  The caller's. */
char *note_merge(const char *note, gsize size, GPtrArray *more, GError **error);
/* The same note with the line of @name and @key alone, which must hold (as note_open()).  The caller's. */
char *note_bare(const char *note, gsize size, const char *name, const PublicKey *key, GError **error);

/* T2: C2SP verifier keys "NAME+ID+KEY": who is known under a name. */
typedef struct {
    char *name;
    NoteAlgorithm algorithm;
    NoteKeyId id;
    PublicKey key;     /* zeros under NOTE_ML_DSA */
    Digest key_digest; /* SHA-256 of the key's bytes: one key, whatever its name and algorithm */
} NoteVerifier;
NoteVerifier *note_verifier_parse(const char *vkey, GError **error);
void note_verifier_free(NoteVerifier *verifier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NoteVerifier, note_verifier_free)
/* Of an Ed25519 key (not NOTE_ML_DSA).  The caller's. */
char *note_verifier_format(const char *name, NoteAlgorithm algorithm, const PublicKey *key);

#endif
