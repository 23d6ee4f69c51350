/*
 * bracket: when a record was stated.  Its own `time` is a claim; between what its ledger is known to follow and what is known to follow it there are the claims of
 * others (manifests/FORMAT.md, S30).  bracket_of() is pure; nothing here asks the verifier's own clock.
 */
#ifndef CHAMA_MANIFESTS_BRACKET_H
#define CHAMA_MANIFESTS_BRACKET_H

#include "manifests/anchor.h"

typedef enum {
    BOUND_NONE,
    BOUND_ANCHOR,        /* after: a record of @node that this ledger anchored before; before: an anchor in @node's ledger */
    BOUND_COSIGNATURE,   /* before: @node cosigned a checkpoint that covers the record */
} BoundBasis;

/* A moment that @node vouches for. */
typedef struct {
    BoundBasis basis;
    char node[NODE_ID_SIZE];
    gint64 time;
} Bound;

typedef enum {
    BRACKET_OPEN,        /* nobody else says anything */
    BRACKET_WITHIN,      /* the claim is not contradicted */
    BRACKET_TOO_EARLY,   /* it claims a time before what it came after */
    BRACKET_TOO_LATE,    /* it claims a time after it was seen */
    BRACKET_CROSSED,     /* the others contradict each other: not before a time that is later than not after */
} BracketVerdict;

typedef struct {
    gint64 claimed;
    Bound after, before; /* not before, not after; BOUND_NONE if nobody says so */
    BracketVerdict verdict;
} Bracket;

/* @after: of these the latest counts; @before: of these the earliest.  Arrays of Bound; where times are equal the first. */
void bracket_of(gint64 claimed, const GArray *after, const GArray *before, Bracket *bracket);
/* "claimed T; between T (who) and T (who)" with the caller's names for nodes (NULL: their ids); the caller's. */
typedef char *(*BracketName)(gpointer data, const char *node);
char *bracket_format(const Bracket *bracket, BracketName name, gpointer data);
const char *bracket_verdict(BracketVerdict verdict);

/* Of record @seq of @node, claimed at @time, as the ledgers known here say.  @more (may be NULL): bounds known from elsewhere, not after. */
gboolean bracket_of_record(Catalogue *catalogue, const char *node, guint64 seq, gint64 time, const GArray *more, Bracket *bracket, GError **error);

#endif
