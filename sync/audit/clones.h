/*
 * clones: ledgers as `git clone` leaves them, without a node: with a working tree or bare, packed in whatever way.  They are only read; what an audit needs
 * beside them (hash files, a catalogue) is made in a temporary folder and goes with it.
 */
#ifndef CHAMA_SYNC_AUDIT_CLONES_H
#define CHAMA_SYNC_AUDIT_CLONES_H

#include "manifests/catalogue.h"

typedef struct Clones Clones;

/* @paths ends in NULL.  NOT_FOUND where there is no repository; MALFORMED where there is no record in it, or two of one node. */
Clones *clones_open(const char *const *paths, GError **error);
void clones_close(Clones *clones);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clones, clones_close)

/* Takes the file of a checkpoint of one of them, with what cosignatures it has: it is only read.  NOT_FOUND if there is no clone of the ledger that it names;
 * MALFORMED; whether it holds is for the audit to say. */
gboolean clones_add_checkpoint(Clones *clones, const char *path, GError **error);
/* The signed notes of @node that were added: array of char*, borrowed. */
const GPtrArray *clones_checkpoints(Clones *clones, const char *node);

/* Borrowed.  A ledger that could not be projected has no rows there: ledger_verify_records() says why. */
Catalogue *clones_catalogue(Clones *clones);
/* Ids of their nodes: of char*, the caller's. */
GPtrArray *clones_nodes(const Clones *clones);
/* NULL if there is none of this node. */
Ledger *clones_ledger(const Clones *clones, const char *node);

#endif
