/*
 * claim: who is at work on what, so that sessions with several peers run at the same time, in threads and processes, and do nothing twice (sync/PROTOCOL.md, PU51).
 *
 * A claim is a lock on one byte of the file sync.lock in the home, far beyond its end, at a place that the kind and name hash to.  It belongs to whoever made it, a thread as well as a
 * process, and ends with it, whatever kills it.  Nobody who holds one waits for another one without end, so two can never wait for each other.
 */
#ifndef CHAMA_SYNC_CLAIM_H
#define CHAMA_SYNC_CLAIM_H

#include "manifests/home.h"

typedef enum {
    CLAIM_PEER,      /* a session with that node */
    CLAIM_LEDGER,    /* what is offered of the ledger of that node */
    CLAIM_DATASET,   /* the versions of "NODE/NAME" */
    CLAIM_PUSH,      /* a push to that node */
    CLAIM_TAKING,    /* what that node pushes */
} ClaimKind;

typedef struct Claim Claim;
/* NULL without an error if someone else has it. */
Claim *claim_try(Home *home, ClaimKind kind, const char *name, GError **error);
/* As long as it lasts, whoever has that claim can see that someone else wishes for it; any number of them. */
Claim *claim_wish(Home *home, ClaimKind kind, const char *name, GError **error);
gboolean claim_is_wished(const Claim *claim);
void claim_release(Claim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Claim, claim_release)

#endif
