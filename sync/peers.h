/*
 * peers: the nodes that a person of this node has accepted, those that dialled in and wait (pending), and what each contact brought.
 * Kept in state.sqlite.  Peers are pinned by node id and TLS key; addresses may change.
 */
#ifndef CHAMA_SYNC_PEERS_H
#define CHAMA_SYNC_PEERS_H

#include "manifests/home.h"

#define PENDING_MAX 100          /* rows; the oldest gives way */
#define PEER_URLS_MAX 8
#define PEER_PINS_MAX 8

typedef enum { PEER_ACCEPTED, PEER_PENDING } PeerStatus;

typedef struct {
    char node[NODE_ID_SIZE];
    char *alias;                 /* unique here; [a-z0-9._-], from the English name; NULL while pending */
    PeerStatus status;
    GPtrArray *urls;             /* of char*, best first; may be empty (it dials us) */
    GArray *pins;                /* of Digest */
    char *name;                  /* what it calls itself, for people; may be NULL */
    gint64 added, last_contact;  /* seconds since 1970; 0: never */
    char *last_error;            /* of the last contact, or NULL */
    guint64 openings;            /* openings of its ledger asked for up to here */
    guint64 size_seen;           /* largest size of its own ledger that it signed, for lag and rollback */
} Peer;
void peer_free(Peer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Peer, peer_free)
Peer *peer_new(void);

/* All of @status, by alias (or node id); array of Peer*. */
GPtrArray *peers_all(Home *home, PeerStatus status, GError **error);
Peer *peers_get(Home *home, const char *node, GError **error);              /* NOT_FOUND */
Peer *peers_by_pin(Home *home, const Digest *pin, PeerStatus status);       /* NULL if none */
/* Adds or completes an accepted peer (idempotent): urls and pins are joined to those known.  Chooses an alias (from @peer->alias or name; a number is added if taken) and
 * sets it in @peer.  A pending row of the same node becomes accepted. */
gboolean peers_accept(Home *home, Peer *peer, GError **error);
gboolean peers_rename(Home *home, const char *node, const char *alias, GError **error);
/* Someone dialled in: bounded, idempotent. */
gboolean peers_note_pending(Home *home, const Peer *peer, GError **error);
gboolean peers_remove(Home *home, const char *node, GError **error);        /* NOT_FOUND */
/* After a contact: what to remember. @error_text NULL: it went well. */
gboolean peers_note_contact(Home *home, const char *node, const char *error_text, GError **error);
gboolean peers_note_openings(Home *home, const char *node, guint64 next, GError **error);
gboolean peers_note_size(Home *home, const char *node, guint64 size, GError **error);
/* Takes over addresses and pins from a peer's newest verified profile. */
gboolean peers_follow_profile(Home *home, const char *node, GError **error);
/* The address at which a person added @node is tried before those of its profiles, as long as it is known. */
gboolean peers_keep_first(Home *home, const char *node, const char *url, GError **error);

/* Names (rule N in sync/PROTOCOL.md): a word that a person typed for a node -> its id.  An alias, a node id, an unambiguous prefix (8 or more) of
 * a known one, or "self"/the own id.  A node that is known but not accepted goes by "<slug of its name>~<first 6 of its id>", or by that slug alone if
 * nobody else has it.  NOT_FOUND, or USAGE if ambiguous. */
char *peers_resolve(Home *home, const char *word, GError **error);
/* How to show a node: its alias, or slug~id6 as above; "" for this node itself.  The caller's. */
char *peers_display(Home *home, const char *node);
/* "NAME[@V]" or "PEER/NAME[@V]" -> node id, dataset name and version text ("" if none). USAGE, NOT_FOUND. */
typedef struct { char node[NODE_ID_SIZE]; char name[DATASET_NAME_MAX + 1]; char version[DIGEST_TEXT_SIZE]; } DatasetName;
gboolean peers_parse_dataset(Home *home, const char *word, DatasetName *name, GError **error);
/* The manifest that a "NAME[@V]" word means; V is a number, "sha256:<hex>" or 8 and more hex digits; none: the newest. */
Manifest *peers_find_version(Home *home, const char *word, GError **error);

#endif
