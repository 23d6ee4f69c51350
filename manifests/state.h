/*
 * state: what a node knows that stands in no ledger and cannot be rebuilt (state.sqlite): versions held, checkouts, peers, follows, pending,
 * evidence.  One SQLite file in WAL mode with synchronous=FULL; each noun below has its own table.  sync/peers.h and others keep their tables
 * here too, through state_database().
 */
#ifndef CHAMA_MANIFESTS_STATE_H
#define CHAMA_MANIFESTS_STATE_H

#include <sqlite3.h>

#include "keys/digest.h"
#include "manifests/database.h"

typedef struct State State;
State *state_open(const char *path, GError **error);
void state_close(State *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(State, state_close)
sqlite3 *state_database(State *state);
/* The same for tables of this room. */
Database *state_file(State *state);
/* Sets @error from the database's last error: "state.sqlite: ...". */
gboolean state_error(State *state, GError **error);
/* Makes a table of another room (@create: a literal, CREATE TABLE IF NOT EXISTS ...), once for each State, and watches its rows. */
gboolean state_make_table(State *state, const char *create, GError **error);
/* Each table whose rows are no longer those that were written goes to @report (manifests/tally.h). */
gboolean state_check(State *state, void (*report)(gpointer data, const char *table), gpointer data, GError **error);

/* A transaction over several of the functions below and of other rooms' tables: rolled back unless committed. */
gboolean state_begin(State *state, GError **error);
gboolean state_commit(State *state, GError **error);
void state_rollback(State *state);

/* Versions whose content is held whole, by the address of the manifest: what gc keeps and `verify` checks.  @listing and @details are the
 * digests, @content all zero if the version is open. */
typedef struct {
    Digest manifest, listing, details, content;
    gboolean complete;      /* FALSE: a transfer under way or interrupted; what arrived is kept for its next attempt */
    gboolean published;     /* by this node: written before the record, so a row of which there is no record is a publish that died in between */
} Held;
gboolean state_hold(State *state, const Held *held, GError **error);   /* insert or update */
gboolean state_drop(State *state, const Digest *manifest, GError **error);
/* FALSE without an error if it is not held. */
gboolean state_held(State *state, const Digest *manifest, Held *held, GError **error);
GArray *state_all_held(State *state, GError **error);                  /* of Held */

/* Which version a folder was written from: by its real path. */
gboolean state_checkout_set(State *state, const char *folder, const Digest *manifest, GError **error);
gboolean state_checkout_get(State *state, const char *folder, Digest *manifest, GError **error);

/* Evidence of two statements that cannot both be true (I3): kept once.  @text is canonical JSON that anyone can check, at most 512 KiB
 * (LIMIT).  At most 100 of a node, 1000 and 64 MiB in all are kept; further ones are let go without an error. */
#define EVIDENCE_FORK "fork"             /* two histories of a peer's ledger */
#define EVIDENCE_ROLLBACK "rollback"     /* its owner shows less than it signed before */
#define EVIDENCE_SEEN "seen"             /* either, but what was met cannot be shown to others: an observation, no proof */
#define EVIDENCE_OWN_FORK "own-fork"     /* a peer holds another history of this node's own ledger: nothing is signed */
#define EVIDENCE_REPUDIATED "repudiated" /* a history that a rotation of its owner superseded (keys/IDENTITY.md, part 8): no alarm any more */
gboolean state_add_evidence(State *state, const char *node, const char *kind, const char *text, gint64 time, GError **error);
typedef struct { char *node, *kind, *text; gint64 time; } Evidence;
void evidence_free(Evidence *evidence);
GPtrArray *state_evidence(State *state, GError **error);
/* Of one node.  In both the oldest first. */
GPtrArray *state_evidence_of(State *state, const char *node, GError **error);
/* That row becomes one of the kind @settled, of which the 10 oldest of a node are kept: whoever has its old keys can make as many as he likes. */
gboolean state_settle_evidence(State *state, const Evidence *evidence, const char *settled, GError **error);

#endif
