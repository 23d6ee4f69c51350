/*
 * home_private: the inside of a Home, for home.c, creation.c, stating.c, rotating.c and check_catalogue.c.
 */
#ifndef CHAMA_MANIFESTS_HOME_PRIVATE_H
#define CHAMA_MANIFESTS_HOME_PRIVATE_H

#include "manifests/home.h"

/* Not log/<own id>: the ledger must be opened before its id is known. */
#define OWN_LOG "log/own"

struct Home {
    char *path;
    char *catalogue_path;       /* NULL: where it belongs */
    HomeAskPassphrase ask;
    gpointer ask_data;
    char *passphrase;           /* as given once; NULL until asked */
    Ledger *ledger;
    Store *store;
    State *state;
    Catalogue *catalogue;
    Keypair *signing, *log;
    GHashTable *peer_ledgers;   /* node id -> Ledger* */
};

/* The folders that parts expect, where they are missing: a restored backup may lack those that can be rebuilt. */
gboolean home_make_folders(Home *home, GError **error);

/* Without parts. */
Home *home_new(const char *path);

/* The key in the file at @path, with the passphrase that was given, or asked for. */
Keypair *home_load_key_file(Home *home, const char *path, GError **error);
/* home->passphrase, asked for (as that of @path) if it is not known yet. */
gboolean home_need_passphrase(Home *home, const char *path, GError **error);
/* TRUE if the file @name of the home is a key under a passphrase. */
gboolean home_key_is_encrypted(Home *home, const char *name);

/* Makes its state.sqlite. */
gboolean home_make_state(Home *home, GError **error);

#endif
