/*
 * ties: two rotations of one commitment, one in each of two histories of a ledger: somebody else has the node's next key, too (keys/IDENTITY.md, N15-N17).  What a person
 * of this node decided goes before all, then what the witnesses of its policy had cosigned first; else nothing is adopted, and the alarm stays up.
 *
 * In state.sqlite: `tie`, the rotations met so; `tie_seen`, when a witness of the policy first cosigned a history with one; `tie_decided`.
 */
#ifndef CHAMA_SYNC_TIES_H
#define CHAMA_SYNC_TIES_H

#include "keys/history.h"
#include "manifests/home.h"
#include "manifests/ledger/policy.h"

#define TIES_NODE_MAX 16   /* rotations kept of a node, */
#define TIES_MAX 1000      /* and in all */

/* What tells two histories apart, each of which has a rotation of a commitment of both. */
typedef struct {
    BranchVerdict verdict;          /* by the histories alone (N14, N15) */
    gboolean same_kind;             /* both rotations are endorsed, or neither is */
    gboolean held_is_less;          /* the address of its rotation is the lesser one */
    gboolean decided_held, decided_offered;
    gint64 held_seen, offered_seen; /* when the policy's quorum had cosigned each first; 0: it has not, or there is no policy */
} TieFacts;
/* Pure, and the same whichever is held, save where verdict is. */
BranchVerdict ties_weigh(const TieFacts *facts);

/* Judges a history that is offered under the checkpoint @note (verified, with its cosignatures) beside the one held; @policy may be NULL.  A tie is kept, and is open
 * where nobody has told; *@fresh (may be NULL) says whether it was not before. */
BranchVerdict ties_judge(Home *home, const Policy *policy, const Identity *held, const Identity *offered, const char *note, gboolean *fresh, GError **error);

/* What the policy's witnesses say under @note, a verified checkpoint of a history with @rotation: kept, the first time of each. */
gboolean ties_learn(Home *home, const Policy *policy, const Identity *rotation, const char *note, GError **error);

/* A rotation of a tie, for people. */
typedef struct {
    char node[NODE_ID_SIZE];
    Digest rotation;
    guint64 seq;
    gint64 time;          /* as it says */
    gint64 met;           /* when it was met here */
    gboolean endorsed, open, decided;
    guint witnesses;      /* of the policy, that are known to have cosigned a history with it */
    gint64 seen;          /* the first of them */
} Tie;
/* Of @node (NULL: of all nodes), those of one node together, by what was met first; array of Tie. */
GArray *ties_of(Home *home, const char *node, GError **error);

/* A person's word: of the rotations with its commitment this one counts.  NOT_FOUND unless it is one of a tie of @node. */
gboolean ties_decide(Home *home, const char *node, const Digest *rotation, GError **error);

#endif
