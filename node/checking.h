/*
 * checking: what `chama check` says of a file: a proof or evidence; each kind of file is known by its first bytes.  Facts to stdout, for people or as JSON.
 */
#ifndef CHAMA_NODE_CHECKING_H
#define CHAMA_NODE_CHECKING_H

#include <glib.h>

#include "manifests/ledger/policy.h"

typedef struct {
    const Policy *policy;  /* which logs and witnesses count, or NULL */
    const char *content;   /* a folder or file to compare with what is proven, or NULL */
    gboolean json;
} CheckOptions;

/* A proof (manifests/proof/).  Prints what it proves and what it does not; else VERIFY, MALFORMED, LIMIT or UNSUPPORTED. */
gboolean checking_proof(GBytes *file, const CheckOptions *options, GError **error);

/* Evidence (manifests/evidence.h): prints what two statements of one node cannot both be true, and what that does not say; the same errors.  USAGE if a policy or content
 * is to be compared: it speaks of neither. */
gboolean checking_evidence(GBytes *file, const CheckOptions *options, GError **error);

#endif
