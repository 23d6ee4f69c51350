/*
 * home: the folder of a node ($CHAMA_HOME), what lies where in it (manifests/FORMAT.md, part 10), and its parts, opened when first asked for.
 *
 * A Home belongs to one thread; open another for another thread (cheap).  Its parts are closed with it.
 */
#ifndef CHAMA_MANIFESTS_HOME_H
#define CHAMA_MANIFESTS_HOME_H

#include "keys/identity.h"
#include "keys/keypair.h"
#include "manifests/catalogue.h"
#include "manifests/ledger/ledger.h"
#include "manifests/state.h"
#include "manifests/store/store.h"

typedef struct Home Home;

/* A file of this name in a home says that it is a copy from a backup (manifests/FORMAT.md, H8). */
#define HOME_RECOVERING "recovering"

/* NOT_FOUND, saying `chama init`, if there is no node at @path. */
Home *home_open(const char *path, GError **error);
void home_close(Home *home);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Home, home_close)

/* Asked when a key file turns out to be encrypted: gives the passphrase (caller's, freed with g_free), or NULL with an error. */
typedef char *(*HomeAskPassphrase)(gpointer data, const char *key_path, GError **error);
void home_set_passphrase(Home *home, HomeAskPassphrase ask, gpointer data);

/* What home_create() needs to know. */
typedef struct {
    GBytes *profile;          /* members of the profile record, without pins: home_create() adds the TLS pin */
    const char *key;          /* the PKCS#11 URI of the signing key; NULL: one is made, in keys/signing.key */
    const char *next_key;     /* where to write the next key, or the PKCS#11 URI of one; NULL: keys/next.key */
    const char *passphrase;   /* NULL: none */
    const char *const *hosts; /* for the certificate, NULL-terminated; may be NULL */
    const char *config;       /* text of config.ini */
} HomeSetup;
/* Makes the node: EXISTS if there is one, or anything else.  All or nothing: built under a temporary name, beside @path or within the empty folder
 * there (whose own parent need not be writable), and renamed. */
Home *home_create(const char *path, const HomeSetup *setup, GError **error);

const char *home_path(const Home *home);
/* g_build_filename(home, ...); the caller's. */
char *home_file(const Home *home, const char *name);

/* Parts: borrowed. */
const char *home_id(Home *home);                       /* the node id */
const Identity *home_identity(Home *home, GError **error);
Store *home_store(Home *home, GError **error);
State *home_state(Home *home, GError **error);
/* Brought up to date with the own ledger when first asked for. */
Catalogue *home_catalogue(Home *home, GError **error);
Ledger *home_ledger(Home *home, GError **error);
/* A peer's ledger; home_peer_ledger_create() if it is not there yet.  NOT_FOUND. */
Ledger *home_peer_ledger(Home *home, const char *node, GError **error);
Ledger *home_peer_ledger_create(Home *home, const char *node, GError **error);
/* Brings ledgers and catalogue up to date with what other processes did since they were opened; cheap when nothing changed. */
gboolean home_refresh(Home *home, GError **error);
/* What rooms above keep and the catalogue is a projection of, too: called for a catalogue made anew, after the ledgers.  Set once, before there are
 * threads. */
typedef void (*HomeProjector)(Home *home);
void home_set_projector(HomeProjector projector);
/* Ids of all ledgers held whole, own first; of char*, the caller's. */
GPtrArray *home_ledgers(Home *home, GError **error);
Keypair *home_signing_key(Home *home, GError **error); /* borrowed; asks for the passphrase once */
Keypair *home_log_key(Home *home, GError **error);

/* States something: takes the ledger's lock, builds and signs a record of @type with @members on the head, calls @before (may be
 * NULL; with the record, while nothing is committed: to write what must be durable first), appends, projects.  The record is the caller's. */
typedef gboolean (*HomeBefore)(gpointer data, const Record *record, GError **error);
Record *home_state_record(Home *home, const char *type, GBytes *members, HomeBefore before, gpointer data, GError **error);
/* The same where the members depend on what the ledger holds: @build is called with the lock held and catalogue up to date; it may return NULL
 * without an error to say that there is nothing to state (then NULL without an error is returned). */
typedef GBytes *(*HomeBuild)(gpointer data, Home *home, GError **error);
Record *home_state_built(Home *home, const char *type, HomeBuild build, HomeBefore before, gpointer data, GError **error);

/* H8: it is a copy from a backup, and has not heard from its peers what it lacks. */
gboolean home_is_recovering(Home *home);
/* FORK if evidence is kept that this node's own ledger has two histories: then it signs nothing, cosignatures neither, until people have decided. */
gboolean home_check_may_sign(Home *home, GError **error);

/* Many records of one type in one commit: @build adds the members of each (GBytes*) to @members, at most LEDGER_BATCH_MAX; none: nothing is stated.
 * @before gets all of them (Record*), in that order.  What @build looks at, it reads with the lock held. */
typedef gboolean (*HomeBuildMany)(gpointer data, Home *home, GPtrArray *members, GError **error);
typedef gboolean (*HomeBeforeMany)(gpointer data, const GPtrArray *records, GError **error);
gboolean home_state_many(Home *home, const char *type, HomeBuildMany build, HomeBeforeMany before, gpointer data, GError **error);

/* A checkpoint of the own ledger at its present size, signed now unless the one kept is for this size and younger than an hour.  The caller's. */
char *home_checkpoint(Home *home, GError **error);

/* sealed/: openings of statements by the address of their record.  Durable.  NOT_FOUND. */
gboolean home_keep_opening(Home *home, const Digest *record, GBytes *opening, GError **error);
GBytes *home_opening(Home *home, const Digest *record, GError **error);

#endif
