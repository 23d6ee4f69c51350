/*
 * session: one sync with one peer while it lasts: the home, the connection, what the peer said, and where the results go.  Every step of a
 * sync (the headers beside this one) is a function of a Session.  A step returns FALSE only with an error that ends the sync (session_over()); an error with
 * one ledger or version becomes a problem in the result, and the step goes on with the next.
 */
#ifndef CHAMA_SYNC_PULL_SESSION_H
#define CHAMA_SYNC_PULL_SESSION_H

#include "manifests/listing/known.h"
#include "sync/claim.h"
#include "sync/evidence.h"
#include "sync/pull.h"
#include "sync/pull/intake.h"
#include "sync/pull/landing.h"
#include "sync/pull/page_cache.h"
#include "sync/pull/tenure.h"
#include "sync/wire.h"

#define CONNECT_TIMEOUT 15   /* seconds */
#define STALL_TIMEOUT 60
#define PATIENCE 120

typedef struct {
    Home *home;
    Peer *peer;
    const PullOptions *options;
    PullResult *result;
    Transport *transport;        /* once an address has answered, or given from the beginning */
    const char *url;             /* that address; NULL for a transport that was given */
    ExchangeReply *reply;        /* what the peer said */
    char *cosigned;              /* the peer's own checkpoint with our cosignature, which it has not; NULL: none */
    gboolean answering;          /* within an answer to the peer: nobody is waited for */
    gboolean behind;             /* the peer's own ledger could not be brought up to what it offered */
    GHashTable *counted;         /* dry run: chunks counted for an earlier version; NULL: none */
    /* For content, once some is wanted: */
    Landing *landing;
    Intake *intake;
    PageCache *pages;
    KnownPages *known;           /* of versions of dataset @known_of that are held, or wait to be; NULL: none looked at yet */
    char *known_of;
    Tenure *tenure;              /* of ledgers and datasets; NULL while answering */
    GHashTable *given_way;       /* set of "NODE/NAME": left to others in this session */
    GPtrArray *sources;          /* of Source*: who else may have what is fetched; NULL: nobody was looked for yet */
    GHashTable *datasets;        /* "NODE/NAME" -> Claim: those of which something came and is not durable yet; NULL: none */
} Session;

void session_clear(Session *session);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Session, session_clear)

/* A line for people. */
void session_talk(Session *session, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Takes @error: "SUBJECT: MESSAGE" goes to the result's problems; without a subject (NULL: all of the session) the message alone. */
void session_problem(Session *session, const char *subject, GError *error);
/* PU7: keeps what contradicts; what was not known before (@fresh) is an alarm in the result. */
gboolean session_alarm(Session *session, const char *node, const Conflict *conflict, gboolean *fresh, GError **error);
/* An alarm: "NODE: WHAT", for the log and for people. */
void session_tell_alarm(Session *session, const char *node, const char *what);
/* TRUE for an error after which there is no use in going on: the peer is gone, or the person stopped it. */
gboolean session_over(const GError *error);
/* Takes @failed.  TRUE unless the sync must end; otherwise the error is one more problem, under the name by which people know @node. */
gboolean session_survive(Session *session, const char *node, GError *failed, GError **error);
/* CANCELLED if the person stopped it. */
gboolean session_check(Session *session, GError **error);
/* PU51: what another session is at work on is waited for so many seconds; CLAIM_WAIT: until a person stops it, who is told.  NULL without an error if it still is. */
#define CLAIM_WAIT G_MAXUINT
/* PU55: seconds for which a thing of @node's is this session's though others wish for it: more if the peer is the owner. */
guint session_tenure(Session *session, const char *node);
Claim *session_claim(Session *session, ClaimKind kind, const char *name, guint seconds, GError **error);
gint *session_cancelled(const PullOptions *options);

/* A connection to one of the peer's addresses, with this node's key and the peer's pins. */
Transport *session_connect(Session *session, const char *url, GError **error);
/* One whose answers may take as long as they like, with silences of @seconds, and are not limited; they end when *@cancelled is set. */
Transport *session_connect_quiet(Session *session, const char *url, guint seconds, gint *cancelled, GError **error);

/* One to an address of @peer, whose requests end when *@cancelled is set. */
Transport *session_connect_peer(Session *session, const Peer *peer, const char *url, gint *cancelled, GError **error);
/* A connection beside the session's own, to the same place; where that was dialled its requests end when *@cancelled is set, too.  NULL without an error: there is but the session's own, to be shared. */
Transport *session_connect_again(Session *session, gint *cancelled, GError **error);
/* Adds up what a connection carried, and closes it. */
void session_close(Session *session, Transport *transport);
void session_hang_up(Session *session);

/* TRUE if @node is a peer that a person here accepted. */
gboolean session_accepted(Session *session, const char *node);
/* What follows from new records of the offered ledger. */
gboolean session_spread_news(Session *session, const LedgerOffer *offer, GError **error);

#endif
