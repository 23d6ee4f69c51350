/*
 * ahead: the records of a ledger in their order, read, parsed and looked at by all cores ahead of who takes them.  So many are ahead as keeps the cores
 * busy: memory is bounded whatever the length of the ledger (AU14 of manifests/FORMAT.md).
 *
 * An Ahead is made, used and freed by the ledger's own thread, which may do other things with the ledger meanwhile.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_AHEAD_H
#define CHAMA_MANIFESTS_LEDGER_AHEAD_H

#include "manifests/ledger/internal.h"
#include "manifests/ledger/view.h"

typedef struct Ahead Ahead;

/* One record, as far as it can be had.  All is owned. */
typedef struct {
    gboolean read;               /* its bytes are there: @leaf is that of its entry */
    Digest leaf;
    RecordReceived *received;    /* NULL: @error says why */
    View *view;                  /* what it shows, if that is wanted */
    gpointer looked;             /* what @look made of it */
    GError *error;
} AheadRecord;

typedef struct {
    gboolean views;
    gpointer (*look)(const Record *record);   /* may be NULL; in any thread, of what nobody has verified yet */
    GDestroyNotify free;                      /* of what that gives */
} AheadOptions;

/* Below so many records the threads cost more than they save. */
#define AHEAD_WORTH 200

/* Records @from..@to-1 as the tree @root has them. */
Ahead *ahead_new(Ledger *ledger, const git_oid *root, guint64 from, guint64 to, const AheadOptions *options);
/* FALSE at the end.  What is not taken out of @record is freed by the next call. */
gboolean ahead_next(Ahead *ahead, AheadRecord **record);
void ahead_free(Ahead *ahead);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ahead, ahead_free)

#endif
