/*
 * pull: one sync with one peer (sync/PROTOCOL.md, part 7): ledgers, then the content of versions followed and allowed.  Everything is verified
 * before it is stored; an error with one ledger or version is reported and does not stop the others.
 */
#ifndef CHAMA_SYNC_PULL_H
#define CHAMA_SYNC_PULL_H

#include "manifests/ledger/policy.h"
#include "manifests/progress.h"
#include "sync/peers.h"
#include "sync/transport/transport.h"

typedef struct {
    gboolean dry_run;
    guint64 ledgers_max;         /* relayed ledgers taken from one peer (quota) */
    guint64 records_max;         /* of one ledger */
    guint64 ledger_bytes_max;    /* of records of one ledger */
    guint64 peer_bytes_max;      /* of records relayed by one peer, all ledgers of third parties */
    guint64 reserve;             /* bytes of disk to leave free */
    const Policy *policy;        /* whose cosignatures tell between two rotations (keys/IDENTITY.md, N17); NULL: nobody's */
    gboolean patient;            /* a dataset that another session fetches is waited for, so that it is here in the end */
    guint retry_after;           /* seconds before a version that this peer did not give is asked for again though nothing changed; 0: at once */
    Limits *limits;              /* of what is fetched (PU50); NULL: none */
    guint interval;              /* seconds until the daemon's next session with this peer (PU52); 0: none is planned */
    guint turn;                  /* seconds after which a dataset is left to others who wish for it (PU55) */
    guint64 slowest;             /* bytes a second (PU53); 0: PATIENCE_RATE */
    const GHashTable *carried;   /* the transport leads to no live peer but to what one wrote (a bundle): these versions, a set of Digest*, are wanted whether followed or not, no others;
                                  * who wrote it need not be a peer.  NULL: a live peer */
    guint wait;                  /* seconds for another session with the same peer (EXISTS); 0: as long as it takes */
    Progress *progress;          /* may be NULL */
    void (*talk)(gpointer data, const char *line);   /* for people: what happened, one line each; may be NULL */
    gpointer talk_data;
} PullOptions;
void pull_options_defaults(PullOptions *options);

typedef struct {
    guint64 records;             /* new records appended */
    guint64 versions;            /* versions made complete */
    guint64 chunks, bytes;       /* fetched: chunks, bytes of them as stored */
    guint64 wire_bytes, requests;          /* of the address that answered */
    guint64 wanted_chunks, wanted_bytes;   /* dry run: what would be fetched (plain bytes, each chunk once) */
    guint64 refused;             /* versions that the peer may not or did not give */
    GPtrArray *givers;           /* of Giver* (pull/givers.h): who gave these chunks, and who was dropped (PU44); NULL: nobody was asked */
    GPtrArray *alarms;           /* of char*: evidence that was not known here before (PU7, PU22), "NODE: WHAT" */
    GPtrArray *problems;         /* of char*: errors with single ledgers or versions */
    gint worst_exit;             /* the exit status that the worst of them stands for */
} PullResult;
void pull_result_clear(PullResult *result);

/* UNREACHABLE if none of its addresses answered; other errors only if nothing could be done.  Notes the contact in the peers table.  Sessions with
 * several peers run at the same time, each with a Home of its own; one waits for another one with the same peer, in whatever process (PU51). */
gboolean pull_peer(Home *home, Peer *peer, const PullOptions *options, PullResult *result, GError **error);

/* The same along @transport, which is taken over and is the only road: a connection that the peer opened, a bundle that it wrote.  None of the peer's addresses is dialled. */
gboolean pull_over(Home *home, Peer *peer, Transport *transport, const PullOptions *options, PullResult *result, GError **error);

/* What @node, an accepted peer that this one cannot reach, brought by itself (W24): a reply of its, LF, and records of its ledger (W23).  Taken by the same rules as
 * what is asked for; of the reply nothing counts but the offer of its own ledger and its openings.  EXISTS if a sync with it is under way, which is not waited for. */
gboolean pull_brought(Home *home, const char *node, GBytes *body, PullResult *result, GError **error);

/* First contact by a bare URL: fetches the node's inception and profile, verifies them, and that the TLS key it showed is a pin of that
 * profile.  Returns the peer as it would be accepted (nothing is stored); its inception's digest for the fingerprint is node_id_parse(peer->node). */
Peer *pull_introduce(Home *home, const char *url, GError **error);

#endif
