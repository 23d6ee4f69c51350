/*
 * checkpoint: C2SP signed notes and tlog-checkpoints of a ledger (manifests/FORMAT.md, part 8).  The origin is
 * "chama/<node id>" (in a later epoch of the log with "/<epoch>" behind it); the note's key name is the origin, its key the node's log key.  One extension line, "time <RFC 3339>", says when
 * the owner signed, which bounds how old a mirror's knowledge of revocations may be.
 *
 * Pure and bounded: a note is at most 64 KiB with at most 64 signatures.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_CHECKPOINT_H
#define CHAMA_MANIFESTS_LEDGER_CHECKPOINT_H

#include "keys/digest.h"
#include "keys/identity.h"
#include "keys/keypair.h"

#include "manifests/ledger/note.h"

typedef struct {
    char *origin;
    guint64 size;
    Digest root;
    gint64 time;      /* of the extension line, 0 if there is none */
} Checkpoint;
void checkpoint_free(Checkpoint *checkpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Checkpoint, checkpoint_free)

/* The signed note, as text.  The caller's. */
char *checkpoint_sign(const char *origin, guint64 size, const Digest *root, gint64 time, const Keypair *log_key, GError **error);
/* VERIFY unless @note carries a good signature by @log_key under the name @origin; unknown signatures are ignored but must be well-formed. */
Checkpoint *checkpoint_verify(const char *note, gsize size, const char *origin, const PublicKey *log_key, GError **error);
/* The same with the log key and the origin that @identity, the newest key state known of a node, says for a ledger of that many records (N13): what
 * everybody uses who knows the node. */
Checkpoint *checkpoint_verify_by(const char *note, gsize size, const Identity *identity, GError **error);
/* The note with its owner's line alone, verified as by checkpoint_verify_by().  The caller's. */
char *checkpoint_bare(const char *note, gsize size, const Identity *identity, GError **error);
/* What the text of @note says, which nobody may have signed: to know whose key to ask for.  MALFORMED as checkpoint_verify(), but nothing is said of signature lines
 * (T4), nor of the root of size 0 (T6). */
Checkpoint *checkpoint_claims(const char *note, gsize size, GError **error);
/* "chama/<node id>", that of the log's first epoch: the caller's. */
char *checkpoint_origin(const char *node_id);
/* That of the epoch of the key state @identity: "chama/<node id>", after a recovery "chama/<node id>/<epoch>" (T8).  The caller's. */
char *checkpoint_origin_of(const Identity *identity);

#endif
