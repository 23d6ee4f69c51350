/*
 * commit: the commit of a batch, as bytes (manifests/FORMAT.md, part 7, G8-G11).  A function of the batch's records, its tree and its parent, and
 * then of the signature.  Pure.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_COMMIT_H
#define CHAMA_MANIFESTS_LEDGER_COMMIT_H

#include "manifests/ledger/oid.h"
#include <glib.h>

#include "manifests/record.h"

/* What is signed.  @parent may be all zero: none. */
GBytes *commit_format(const git_oid *tree, const git_oid *parent, GPtrArray *records, GPtrArray *views);
/* The commit object: @unsigned_bytes with the gpgsig header. */
GBytes *commit_with_signature(GBytes *unsigned_bytes, GBytes *signature);

typedef struct {
    git_oid tree, parent; /* parent all zero: none */
    guint64 first, last;  /* records, as the subject says */
    GBytes *signature;    /* SSHSIG blob */
} Commit;

/* DAMAGED if it is not of the form that commit_format() gives.  Nothing is verified. */
gboolean commit_parse(GBytes *bytes, Commit *commit, GError **error);
void commit_clear(Commit *commit);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Commit, commit_clear)

#endif
