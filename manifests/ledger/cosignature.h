/*
 * cosignature: what a witness adds to a note: "I saw this text, at this time" (C2SP cosignature/v1 by Ed25519; manifests/FORMAT.md, part 8,
 * rules T11-T17).  A node cosigns with its log key, under the name that its own checkpoints have ("chama/<node id>"), with algorithm 4 in the
 * key id, so that no cosignature can pass for a checkpoint.
 *
 * Pure and bounded.  Cosignatures of other algorithms (ML-DSA-44) are lines like any other: well-formed, and nobody's here.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_COSIGNATURE_H
#define CHAMA_MANIFESTS_LEDGER_COSIGNATURE_H

#include "manifests/ledger/note.h"

/* Cosigns @text_size bytes of @text, all of a note's text with its final LF, at @time (seconds since 1970, above 0: USAGE).  The caller's. */
NoteSignature *cosignature_sign(const char *text, gsize text_size, const char *name, const Keypair *key, gint64 time, GError **error);

/* Whether @signature, a line read from a note or sent by itself, is a good cosignature of the text by @key under @name: @time is when.  VERIFY if it is not,
 * or of another name or key; MALFORMED by its length. */
gboolean cosignature_check(const NoteSignature *signature, const char *text, gsize text_size, const char *name, const PublicKey *key, gint64 *time, GError **error);

/* The same of the first line in a note that has this name and key id (T14).  @time is 0, without an error, if the note has none; VERIFY or
 * MALFORMED if it has one that does not hold: then the whole note is refused.  Says nothing of the note's owner: note_open(). */
gboolean cosignature_verify(const char *note, gsize size, const char *name, const PublicKey *key, gint64 *time, GError **error);

#endif
