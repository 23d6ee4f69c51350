/*
 * check: everything in a home, read again (fsck): keys, ledgers, store, what versions held need, sealed bodies, databases.
 */
#ifndef CHAMA_MANIFESTS_CHECK_H
#define CHAMA_MANIFESTS_CHECK_H

#include "manifests/home.h"
#include "manifests/progress.h"

/* Each thing wrong goes to @report, one line for a person.  FALSE with an error only if checking itself failed. */
typedef void (*CheckReport)(gpointer data, const char *message);

/* The TLS key and certificate belong together and to the profile; the log key is the one that the ledger names; files that hold secrets are readable by
 * their owner only. Keys under a passphrase are not opened. */
gboolean check_keys(Home *home, CheckReport report, gpointer data, GError **error);
/* Every byte of every pack, and the index. */
gboolean check_store(Home *home, CheckReport report, gpointer data, Progress *progress, GError **error);
/* Each version held whole: its pages read, its chunks there for its scope.  (Their bytes are check_store()'s work.) */
gboolean check_held(Home *home, CheckReport report, gpointer data, GError **error);
/* The same; and of other nodes' versions those that lack something no longer count as held whole, so that the next sync fetches it. */
gboolean check_held_and_release(Home *home, CheckReport report, gpointer data, GError **error);
/* Openings in sealed/ match their records. */
gboolean check_sealed(Home *home, CheckReport report, gpointer data, GError **error);
/* SQLite's own integrity check of state.sqlite and catalogue.sqlite, and the catalogue against a projection made anew. */
gboolean check_databases(Home *home, CheckReport report, gpointer data, GError **error);

#endif
