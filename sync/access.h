/*
 * access: who may have what (I4; sync/PROTOCOL.md, part 4, rules A1..).  The decision is pure: facts in, verdict out, table-tested; gathering the
 * facts is apart.  Decided per request, never per connection.  A refusal is the same as for what does not exist.
 */
#ifndef CHAMA_SYNC_ACCESS_H
#define CHAMA_SYNC_ACCESS_H

#include "sync/peers.h"

#define ACCESS_CHECKPOINT_AGE_MAX (7 * 24 * 3600)

/* Who asks: proven by the TLS key or by the road, or nobody. */
typedef struct {
    char node[NODE_ID_SIZE];     /* empty: anonymous */
    gboolean accepted;           /* a peer that a person here accepted */
} Caller;

typedef struct {
    Share share;                 /* in force: the strictest of the version's own and the dataset's newest */
    gboolean caller_is_owner;
    gboolean caller_known;       /* proven to be some node */
    gboolean self_is_owner;
    gboolean ended;              /* its owner has withdrawn or erased it */
    gboolean grant;              /* a grant of this dataset to the caller, verified against the owner's ledger */
    gint64 grant_until;
    Digest grant_record;         /* that states it */
    gboolean grant_revoked;
    gint64 owner_checkpoint_time;/* of the owner's ledger as held here */
    gint64 now;
} AccessFacts;
typedef enum { ACCESS_ALLOWED, ACCESS_REFUSED } AccessVerdict;
/* @reason (may be NULL): which rule decided, for this node's own log only. */
AccessVerdict access_decide(const AccessFacts *facts, const char **reason);

/* May @caller have the content of @manifest?  @opening (may be NULL): the grant that it shows.  @grant (may be NULL): set to the record of the grant by which
 * it may, all zero if it needs none. */
gboolean access_to_version(Home *home, const Caller *caller, const Manifest *manifest, GBytes *opening, Digest *grant, const char **reason);
/* May @caller have @node's ledger whole? (else sparse) */
gboolean access_to_ledger(Home *home, const Caller *caller, const char *node);

/* Who shows @pin?  access_accepted(): an accepted peer.  access_prove(): @node, if its newest profile known here names the key; what it is
 * called before someone here accepts it as a peer.  FALSE leaves @caller as it is. */
gboolean access_accepted(Home *home, const Digest *pin, Caller *caller);
gboolean access_prove(Home *home, const Digest *pin, const char *node, Caller *caller);
/* A15: the caller is @node, which the road itself proved. */
void access_named(Home *home, const char *node, Caller *caller);

#endif
