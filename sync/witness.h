/*
 * witness: this node as a witness of others' ledgers: what it has cosigned last of each, and cosigning the next (manifests/FORMAT.md, T16, T19; requests of
 * C2SP tlog-witness: sync/PROTOCOL.md, E20-E22).
 *
 * There is one row a log in state.sqlite (`witnessed`): the checkpoint cosigned last.  What is cosigned next must continue it, and stands there, durably, before the
 * cosignature leaves this file: in one transaction, so that several processes cannot cosign two histories between them.
 */
#ifndef CHAMA_SYNC_WITNESS_H
#define CHAMA_SYNC_WITNESS_H

#include "manifests/home.h"

#define WITNESS_PROOF_MAX 63

/* The body of add-checkpoint, read and not verified: "old SIZE", hashes, an empty line, a signed note.  Pure. */
typedef struct {
    guint64 old_size;
    guint count;
    Digest proof[WITNESS_PROOF_MAX];
    const char *note;   /* borrowed from the body */
    gsize note_size;
} AddCheckpoint;
gboolean add_checkpoint_parse(const char *body, gsize size, AddCheckpoint *request, GError **error);
/* The same as a body.  The caller's. */
char *add_checkpoint_format(guint64 old_size, const Digest *proof, guint count, const char *note);

/* The checkpoint of a log that was cosigned last; size 0 and the root of nothing if there is none. */
typedef struct {
    guint64 size;
    Digest root;
    char *note;    /* with the log's line and ours; NULL if there is none */
} Witnessed;
void witnessed_clear(Witnessed *witnessed);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Witnessed, witnessed_clear)
/* By its origin, or by the SHA-256 of its origin (then NOT_FOUND if there is none; *@origin is the caller's). */
gboolean witness_latest(Home *home, const char *origin, Witnessed *witnessed, GError **error);
gboolean witness_latest_by_hash(Home *home, const Digest *hash, char **origin, Witnessed *witnessed, GError **error);

/* E21, in this order. */
typedef enum {
    WITNESS_COSIGNED = 200,
    WITNESS_MALFORMED = 400,
    WITNESS_FORBIDDEN = 403,     /* not signed by the log's key */
    WITNESS_UNKNOWN = 404,       /* no log that is known here */
    WITNESS_CONFLICT = 409,      /* not from the size cosigned last */
    WITNESS_INCONSISTENT = 422,  /* does not continue what was cosigned last */
} WitnessStatus;
typedef struct {
    WitnessStatus status;
    guint64 latest;        /* CONFLICT: the size cosigned last */
    NoteSignature *line;   /* COSIGNED: ours */
    gint64 time;           /* of it */
    char *detail;          /* for others: what was wrong; NULL if COSIGNED */
} WitnessReply;
void witness_reply_clear(WitnessReply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WitnessReply, witness_reply_clear)

/* Decides on a checkpoint of the log whose key is @log_key, and cosigns it.  FALSE with an error only if something here failed; a refusal is a reply. */
gboolean witness_add(Home *home, const AddCheckpoint *request, const char *origin, const PublicKey *log_key, WitnessReply *reply, GError **error);
/* The same for what a caller sent, whose log must be that of a node that is known here and is not this one.  A cosignature is a sighting (sightings.h), too;
 * two checkpoints of one size are evidence (PU7). */
gboolean witness_answer(Home *home, const AddCheckpoint *request, WitnessReply *reply, GError **error);

/* T19, PU21: cosigns @note, a checkpoint under which @ledger is held here whole and verified, unless that was done before or more of the log has been cosigned
 * already.  *@signature (may be NULL) is the cosignature, the caller's, of whenever it was made; NULL if there is none.  FORK, and evidence kept, if what was cosigned
 * last is not a prefix of the ledger. */
gboolean witness_replica(Home *home, Ledger *ledger, const char *note, NoteSignature **signature, GError **error);

#endif
