/*
 * sightings: which checkpoints of which ledgers witnesses have cosigned, and when (state.sqlite: not rebuildable; manifests/FORMAT.md, T18).  A
 * node's dated cosignatures are the network's time-stamp: a record is at least as old as the first cosigned checkpoint that covers it.
 *
 * Only what was verified is kept: the owner's checkpoint by its log key, agreeing with the ledger held here where it is held whole; a cosignature by the log key
 * of a witness whose ledger is known here, or by the key of one that is no node (verifiers.h).  @witness is a node id, or the word for such a key.  Of a witness and ledger the first sight of each size is kept, and what stands under the newest checkpoint; bounded
 * (I6): SIGHTINGS_WITNESS_MAX of a witness and ledger (then every second of the older half goes: what it covered counts as seen a little later), SIGHTINGS_WITNESSES
 * of a ledger, SIGHTINGS_MAX in all.
 */
#ifndef CHAMA_MANIFESTS_SIGHTINGS_H
#define CHAMA_MANIFESTS_SIGHTINGS_H

#include "manifests/home.h"
#include "manifests/ledger/policy.h"

#define SIGHTINGS_WITNESS_MAX 1024
#define SIGHTINGS_WITNESSES 63        /* a note has one line of its owner beside them */
#define SIGHTINGS_MAX 1000000

/* Learns from @note, a checkpoint of @node's ledger that may carry cosignature lines: each by a witness known here (not @node itself) that holds is
 * kept, the others are let go without an error.  @learned (may be NULL) is how many were new.  VERIFY or MALFORMED unless the owner's own line holds; FORK if the
 * ledger is held here whole, at least as long, with another root; NOT_FOUND if @node is not known. */
gboolean sightings_learn(Home *home, const char *node, const char *note, guint *learned, GError **error);
/* One cosignature of a checkpoint that the caller has verified, by @witness at @time: what a witness does itself. */
gboolean sightings_add(Home *home, const char *node, const char *note, const char *witness, const NoteSignature *signature, gint64 time, GError **error);
/* All that is kept of @node: what was seen of its open part turned out to be of another history than the one taken (PU31). */
gboolean sightings_forget(Home *home, const char *node, GError **error);
/* TRUE if @witness's cosignature of exactly this checkpoint is kept. */
gboolean sightings_has(Home *home, const char *note, const char *witness);

/* TRUE if a cosignature of this checkpoint of @node by @witness would be taken, and is not here: its keys are known, and there is room. */
gboolean sightings_lacks(Home *home, const char *node, const char *note, const char *witness);

/* @note, a checkpoint of @node that the caller has verified, with its owner's line and all cosignatures of it that are kept: what is served and handed on.
 * The caller's. */
char *sightings_note(Home *home, const char *node, const char *note, GError **error);
/* Of the checkpoints kept that cover record @seq: the one that most witnesses have cosigned (of @policy, if it is not NULL), the oldest of several; with its
 * lines.  NULL without an error if none is kept.  The caller's. */
char *sightings_best_note(Home *home, const char *node, guint64 seq, const Policy *policy, GError **error);

/*
 * What is known of the time before which a record was there.  Loaded once for a ledger, asked for many records: each question costs a search and, once
 * for each cosignature that decides, its verification (with the ledger's root at that size, if it is held whole); one that fails is passed over, and counted as damaged.
 */
typedef struct Sightings Sightings;
Sightings *sightings_load(Home *home, const char *node, GError **error);
void sightings_free(Sightings *sightings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sightings, sightings_free)

/* One witness's first cosignature of a checkpoint that covers the record. */
typedef struct {
    char witness[NODE_ID_SIZE];   /* or a word of verifiers.h */
    gint64 time;      /* by the witness's clock */
    guint64 size;     /* of the checkpoint */
} Sighting;
/* Of record @seq, one for each witness, the earliest first; empty if nobody is known to have seen it.  The caller's. */
GArray *sightings_of(Sightings *sightings, guint64 seq);
/* When the witness of this name and key (T32) was the first time; 0 if it is not known to have seen it. */
gint64 sightings_by(Sightings *sightings, guint64 seq, const NoteVerifier *verifier);
guint sightings_damaged(const Sightings *sightings);
/* How many cosignatures are kept that lead to no checkpoint, or to one of another ledger or size: of all ledgers. */
gboolean sightings_strays(Home *home, guint *count, GError **error);

/* What that amounts to.  With a policy its witnesses alone count, by name and key (T32), and only if it allows this log (T35). */
typedef struct {
    gboolean by_policy;
    gboolean other_log;      /* the policy names logs, and not this one: nothing counts */
    PolicyVerdict verdict;   /* without a policy: seen, earliest */
    guint others;            /* without a policy: how many of those seen are no nodes */
} Seen;
void sightings_judge(Sightings *sightings, guint64 seq, const Policy *policy, Seen *seen);
/* "seen by 3 of 4 witnesses, earliest 2026-05-01T08:00:00Z"; without a policy "cosigned by 3 known nodes and 1 other witness, earliest ..." or "cosigned by no known node".
 * The caller's. */
char *sightings_format(const Seen *seen);

#endif
