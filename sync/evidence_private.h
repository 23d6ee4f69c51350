/*
 * evidence_private: what evidence.c and evidence_passing.c share.  Not for others.
 */
#ifndef CHAMA_SYNC_EVIDENCE_PRIVATE_H
#define CHAMA_SYNC_EVIDENCE_PRIVATE_H

#include "sync/evidence.h"

#define EVIDENCE_OTHERS_MAX 900                          /* rows about nodes that are neither this one nor accepted here; the rest is for these */
#define EVIDENCE_PROOF_END "\"type\":\"evidence/1\"}"      /* of what anyone can check, and no observation */

/* The oldest row of that kind; the row that shows others a fork or a rollback (an own fork is a fork to others).  Borrowed from @rows, those of one node;
 * NULL if there is none. */
const Evidence *evidence_row(const GPtrArray *rows, const char *kind);
const Evidence *evidence_row_shown(const GPtrArray *rows, gboolean rollback);
/* Keeps what others made, verified as @found. */
gboolean evidence_keep_document(Home *home, const Contradiction *found, GBytes *document, gboolean *fresh, GError **error);

#endif
