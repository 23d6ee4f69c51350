/*
 * ledger: the records of one node, in a bare git repository beside a Merkle log (manifests/FORMAT.md, part 7, "ledger/1").
 *
 * refs/heads/main is the ledger: one signed commit a batch of records.  A commit is a function of its records, its parent and its
 * signature, so a replica rebuilds it bit for bit.  The tree holds
 *     records/<seq/100000, 4 digits>/<seq/1000%100>/<seq/10%100>/<seq, 9 digits>.json and .json.sig (armoured)
 *     datasets/NAME/manifest.json, profile.json     current views, pretty-printed
 *     allowed_signers
 * The ledger only grows (I3).  One writer at a time, by a lock that ledger_append() takes; any number of readers in any process, each
 * of which sees what was whole when it opened or last called ledger_refresh().  A Ledger belongs to one thread.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_LEDGER_H
#define CHAMA_MANIFESTS_LEDGER_LEDGER_H

#include "manifests/ledger/checkpoint.h"
#include "manifests/ledger/merkle.h"
#include "manifests/record.h"

#define LEDGER_BATCH_MAX 1024 /* records in a commit (G8) */

typedef struct Ledger Ledger;

/* @git is the repository's folder, @log the folder of its hash file and checkpoint.  ledger_create() makes both (EXISTS); opening
 * brings the hash file in line with the repository. */
Ledger *ledger_create(const char *git, const char *log, GError **error);
Ledger *ledger_open(const char *git, const char *log, GError **error);
void ledger_close(Ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ledger, ledger_close)
gboolean ledger_refresh(Ledger *ledger, GError **error);

/* Where it stands; borrowed until the next append or refresh.  ledger_node() is NULL while empty. */
const LedgerHead *ledger_head(Ledger *ledger);
const char *ledger_node(Ledger *ledger);
const Identity *ledger_identity(Ledger *ledger);
gboolean ledger_root(Ledger *ledger, guint64 size, Digest *root, GError **error);
/* Its file may be longer than the ledger, while another process writes: sizes are ledger_head()'s. */
MerkleFile *ledger_merkle(Ledger *ledger);
/* The commit id of refs/heads/main as 40 hex digits, read without opening a repository; empty if there is none.  For cheap change detection. */
gboolean ledger_peek(const char *git, char commit[41]);

/* Reading.  ledger_get(): NOT_FOUND past the end, DAMAGED if what is stored is not a record of this place. */
Record *ledger_get(Ledger *ledger, guint64 seq, GError **error);
/* Records from..size-1 in order; stops with the callback's error.  10 000 records in well under a second. */
typedef gboolean (*LedgerVisit)(gpointer data, const Record *record, GError **error);
gboolean ledger_foreach(Ledger *ledger, guint64 from, LedgerVisit visit, gpointer data, GError **error);
/* Commits from the one that begins with record @from on: each one's first record, count and signature blob (as sync sends them), in order, of the
 * ledger as it stands now.  The walk from the newest commit back to @from is made once, here.  MALFORMED if no batch begins with @from. */
typedef struct LedgerBatches LedgerBatches;
typedef struct {
    guint64 first;
    guint count;
    GBytes *signature;   /* the caller's: g_bytes_unref() */
} LedgerBatch;
LedgerBatches *ledger_batches_new(Ledger *ledger, guint64 from, GError **error);
/* FALSE without an error at the end. */
gboolean ledger_batches_next(LedgerBatches *batches, LedgerBatch *batch, GError **error);
void ledger_batches_free(LedgerBatches *batches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LedgerBatches, ledger_batches_free)

/* Holding the writer's lock over several steps (build a record on the head, write what it needs, append).  Refreshes the ledger. */
typedef struct LedgerLock LedgerLock;
LedgerLock *ledger_lock(Ledger *ledger, GError **error);
void ledger_unlock(LedgerLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LedgerLock, ledger_unlock)

/* Appends one batch (lock held) signed by this node's own key.  On return it is durable: objects, then the ref, then the folder fsynced. */
gboolean ledger_append(Ledger *ledger, GPtrArray *records, const Keypair *signing, GError **error);

/* Replicating: many batches in one transaction (lock held), each with the commit signature that its owner made; VERIFY if the
 * rebuilt commit does not carry it.  Nothing is visible before ledger_replicate_finish(). */
gboolean ledger_replicate(Ledger *ledger, GPtrArray *records, GBytes *commit_signature, GError **error);
gboolean ledger_replicate_finish(Ledger *ledger, GError **error);
void ledger_replicate_abort(Ledger *ledger);
/* The head as replicated so far: what the next record must continue. */
const LedgerHead *ledger_replicate_head(Ledger *ledger);
/* The Merkle root that the ledger would have at @size, at most that of the head replicated so far: to compare with checkpoints before finishing. */
gboolean ledger_replicate_root(Ledger *ledger, guint64 size, Digest *root, GError **error);

/* The newest checkpoint kept for this ledger (its text), or NULL without an error if there is none yet; keeping one writes log/checkpoint durably.  Who calls has
 * verified it against ledger_root(), and what lines it has beside its owner's: those of witnesses are kept elsewhere, and put on it by sightings_note(). */
char *ledger_checkpoint(Ledger *ledger, GError **error);
gboolean ledger_keep_checkpoint(Ledger *ledger, const char *note, GError **error);

/* Checks all: every record parsed, chained, signed by the key valid there, commits and their trees as the records say, every object and
 * file of the repository, the hash file, the checkpoint.  Each thing wrong goes to @report, in this thread; then FALSE, DAMAGED.  All cores. */
gboolean ledger_verify(Ledger *ledger, void (*report)(gpointer data, const char *message), gpointer data, GError **error);
/* Who looks on while a ledger is verified. */
typedef struct {
    /* Each thing wrong, in the ledger's thread. */
    void (*report)(gpointer data, const char *message);
    /* May be NULL.  What is to be known of a record and costs time: in any thread, of what nobody has verified yet. */
    gpointer (*look)(const Record *record);
    GDestroyNotify free;           /* of what that gives; may be NULL */
    /* May be NULL.  Each record that could be read, in order, in the ledger's thread, before its signature is checked: if one is wrong the whole is.  FALSE:
     * the verification ends, CANCELLED.  In a second pass all come again. */
    gboolean (*visit)(gpointer data, const Record *record, gconstpointer looked);
    gpointer data;
} LedgerWatch;

/* What a verification that found nothing wrong was of. */
typedef struct {
    guint64 size;      /* 0: there was none */
    Digest root;       /* of so many records */
    Digest commits;    /* of the commits that hold them: each SHA-256 of the one before (of nothing: zeros) and of the commit's SHA-256 */
} LedgerVerified;
/* ledger_verify(), without the signatures of what @verified was of, if root and commits of what is stored are still the
 * same; all of them if anything is otherwise.  Sets @verified anew when it returns TRUE.  Without @files of records, commits, trees and objects alone: for a
 * clone that git has made, whose other files are git's own affair. */
gboolean ledger_verify_again(Ledger *ledger, gboolean files, LedgerVerified *verified, const LedgerWatch *watch, GError **error);

/* Packs loose objects when there are many (called by append and finish). */
gboolean ledger_pack(Ledger *ledger, GError **error);

#endif
