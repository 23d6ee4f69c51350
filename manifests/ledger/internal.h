/*
 * internal: what the files of this folder share about a Ledger.  Not for others.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_INTERNAL_H
#define CHAMA_MANIFESTS_LEDGER_INTERNAL_H

#include "manifests/ledger/ledger.h"
#include "manifests/ledger/repository.h"
#include "manifests/ledger/tree.h"

/* Batches that are being added: the state after them.  Their leaves already stand in the hash file, past the ledger's size. */
typedef struct {
    Projection *projection; /* NULL: to be loaded from root */
    Identity *identity;     /* of an inception or rotation among them, or NULL */
    LedgerHead head;
    git_oid commit, root;
} Transaction;

struct Ledger {
    char *git, *log;
    Repository *repository;
    MerkleFile *merkle;
    Identity *identity;       /* NULL while empty */
    GPtrArray *former;        /* of Identity*: what was handed out before, and may still be in use */
    git_oid rotations;        /* the tree from which identity was read; zero: there is none */
    GPtrArray *keys;          /* of GBytes*: the log entries from which identity was read */
    Digest leaf;              /* of the last record */
    LedgerHead head;
    git_oid commit, root;     /* of head; zero while empty */
    LedgerLock *lock;         /* NULL unless held */
    Transaction *transaction; /* NULL unless something is being added */
};

struct LedgerLock {
    Ledger *ledger; /* NULL once the ledger is closed */
    int fd;
};

void transaction_free(Transaction *transaction);

/* G2: beside the repository's config, so that stock git finds the keys. */
gboolean ledger_write_signers(Ledger *ledger, const Identity *identity, GError **error);

/* Takes @identity over as the newest key state; the one before stays as long as the ledger is open. */
void ledger_set_identity(Ledger *ledger, Identity *identity);

/* Where the ledger stands by what lies in the repository, and not by what was remembered of it (G16). */
gboolean ledger_read_anew(Ledger *ledger, GError **error);

/* Where objects are read from. */
typedef struct {
    GBytes *(*read)(gpointer data, const git_oid *id, git_object_t type, GError **error);
    gpointer data;
} ObjectSource;
/* The leaf folder of record @seq as the tree @root has it; and the log entry of a record out of its leaf folder. */
GBytes *ledger_read_leaf(const ObjectSource *source, const git_oid *root, guint64 seq, GError **error);
GBytes *ledger_entry_in_leaf(const ObjectSource *source, GBytes *leaf, guint64 seq, GError **error);

/* The log entry of record @seq as the tree @root has it. */
GBytes *ledger_read_entry(Ledger *ledger, const git_oid *root, guint64 seq, GError **error);

/* Makes an error of reading what this node stored DAMAGED, and says where. */
gboolean ledger_damaged(Ledger *ledger, guint64 seq, GError **error);

/* Brings the leaves of the hash file in line with the records. */
gboolean ledger_align_hashes(Ledger *ledger, GError **error);

/* The commits of the ledger from the one that holds record @from on, oldest first: an array of LedgerCommit. */
typedef struct {
    git_oid id;
    guint64 first;
} LedgerCommit;
GArray *ledger_commits(Ledger *ledger, guint64 from, GError **error);

/* A check under way: workers add findings, the ledger's own thread hands them on. */
typedef struct Findings Findings;
void findings_add(Findings *findings, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Checks the files of the repository, of whatever is reachable or not. */
void integrity_check(Ledger *ledger, Findings *findings);
/* Packs and loose objects alone. */
void integrity_check_objects(Ledger *ledger, Findings *findings);

#endif
