/*
 * anchor: anchor/1, by which a node puts the state of the ledgers that it holds into its own (manifests/FORMAT.md, part 3, S28-S30).  What stands behind it in
 * its ledger came after what it names; what it names was there before.  Parsing is pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_ANCHOR_H
#define CHAMA_MANIFESTS_ANCHOR_H

#include "manifests/statements.h"

#define ANCHOR "anchor/1"
#define ANCHOR_LEDGERS_MAX 128

/* A ledger as it was held whole. */
typedef struct {
    char node[NODE_ID_SIZE];
    guint64 size;      /* at least 1 */
    Digest root;
} Anchored;

/* Of a record's bytes: array of Anchored, by node id. */
GArray *anchor_parse(GBytes *record, GError **error);
/* Members of a record; refuses what anchor_parse() would. */
GBytes *anchor_format(const GArray *ledgers, GError **error);
/* As a kind of statement (manifests/statements.h): about no record. */
gboolean anchor_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);

/* Of the catalogue: an anchor in the ledger of @by that names @node. */
typedef struct {
    char by[NODE_ID_SIZE], node[NODE_ID_SIZE];
    guint64 seq;       /* of the anchor */
    gint64 time;       /* of the anchor, as @by claims */
    guint64 size;      /* of @node's ledger */
} Anchor;
/* Those in @by's ledger before record @seq: of each ledger the newest.  Array of Anchor. */
GArray *catalogue_anchors_before(Catalogue *catalogue, const char *by, guint64 seq, GError **error);
/* Those in others' ledgers that name @node with more than @seq records: of each ledger the first.  Array of Anchor. */
GArray *catalogue_anchors_of(Catalogue *catalogue, const char *node, guint64 seq, GError **error);

#endif
