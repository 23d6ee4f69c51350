/*
 * config: config.ini, for people to edit (chama(1), FILES).  A missing key has its default; a key that is not known or has a bad value is an
 * error naming it, so that a typing error is not silently a default.
 */
#ifndef CHAMA_NODE_CONFIG_H
#define CHAMA_NODE_CONFIG_H

#include "manifests/ledger/policy.h"
#include "sync/transport/limit.h"

#define CONFIG_AS_ALL G_MAXUINT   /* of a peer: what [sync] says */

/* [peer ALIAS] */
typedef struct {
    char *alias;
    Rate rate;                 /* limit-rate: of what is fetched from it, and of what is served to it */
    guint interval;            /* seconds between syncs of the daemon with it; 0: never; or CONFIG_AS_ALL */
    gboolean push;             /* push = yes | no: the daemon pushes to it, PS9 */
} ConfigPeer;

/* One of [dropbox] outbox */
typedef struct {
    char *peer, *address;
} ConfigOutbox;

typedef struct {
    char *listen;              /* [node] listen = HOST:PORT */
    char *url;                 /* [node] url = https://HOST:PORT: what invites name */
    guint sync_interval;       /* [sync] interval = seconds between syncs of the daemon; 0: never */
    guint parallel;            /* [sync] parallel: peers that the daemon syncs with at the same time */
    guint turn;                /* [sync] turn = seconds after which a session gives way if other peers wait, PU54 */
    Rate rate;                 /* [sync] limit-rate: of all that is fetched, PU50 */
    guint64 slowest;           /* [sync] slowest = bytes a second, PU53 */
    guint64 reserve;           /* [sync] reserve = MiB of disk to leave free */
    guint ledgers_max;         /* [quota] ledgers: relayed ledgers taken from one peer */
    guint64 records_max;       /* [quota] records: in one ledger */
    guint64 ledger_bytes_max;  /* [quota] ledger-mib: records of one ledger */
    guint64 peer_bytes_max;    /* [quota] peer-mib: records relayed by one peer */
    guint connections_max;     /* [serve] connections */
    Rate serve_rate;           /* [serve] limit-rate: of all that is served */
    char *ssh_key;             /* [ssh] key = FILE, absolute: the only key for ssh:// and sftp:// addresses; NULL: the agent's, then those of ~/.ssh */
    char *policy;              /* [witness] policy = FILE: whose cosignatures count; NULL: those of all known nodes are counted */
    gboolean log_json;         /* [serve] log = text | json */
    char *inbox;               /* [dropbox] inbox = DIR; NULL: none */
    guint box_interval;        /* [dropbox] interval = seconds between two looks */
    guint settle;              /* [dropbox] settle = seconds for which a file must not have changed */
    guint64 keep_bytes;        /* [dropbox] keep-mib: of what was done, and of what was refused; */
    guint keep_count;          /* keep-count */
    guint keep_days;           /* keep-days */
    GPtrArray *outboxes;       /* of ConfigOutbox*: [dropbox] outbox = PEER:DIR; ... */
    guint outbox_interval;     /* [dropbox] outbox-interval = seconds between two bundles for the same peer, at least */
    guint outbox_files;        /* [dropbox] outbox-files: that lie in its folder, taken by nobody, at most; */
    guint64 outbox_bytes;      /* outbox-mib: of them */
    GPtrArray *peers;          /* of ConfigPeer* */
} Config;

#define CONFIG_LISTEN_DEFAULT "127.0.0.1:8470"

Config *config_load(const char *home, GError **error);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* What the configuration says of that peer; NULL: nothing. */
const ConfigPeer *config_peer(const Config *config, const char *alias);
/* Seconds between two syncs with that peer; 0: never. */
guint config_interval(const Config *config, const char *alias);
/* PS9: the daemon pushes to that peer. */
gboolean config_pushes(const Config *config, const char *alias);
/* The limits of what is fetched (@serving: served), those of single peers with them.  The caller's. */
Limits *config_limits(const Config *config, gboolean serving);

/* The policy to judge cosignatures by: of the file @option, or else of [witness] policy (below @home, if its path is relative); *@policy is NULL if neither is
 * given.  The caller's. */
gboolean config_policy(const char *home, const char *option, Policy **policy, GError **error);

/* The text of a new config.ini, with every key explained.  The caller's. */
char *config_template(const char *listen, const char *url);

/* "HOST:PORT" or "[IPv6]:PORT": USAGE.  @host and @port may be NULL. */
gboolean config_parse_address(const char *text, char **host, guint16 *port, GError **error);

#endif
