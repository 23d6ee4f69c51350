/*
 * projection: what the files of the catalogue share: its database, and how a row becomes a record.  Not for others.
 */
#ifndef CHAMA_MANIFESTS_PROJECTION_H
#define CHAMA_MANIFESTS_PROJECTION_H

#include "manifests/catalogue.h"
#include "manifests/database.h"

Database *catalogue_database(Catalogue *catalogue);

/* The columns that catalogue_read_record() expects of a row, in this order, of table records under the name r. */
#define RECORD_COLUMNS "r.address, r.node, r.seq, r.prev, r.type, r.time, r.bytes, r.signature"
Record *catalogue_read_record(Catalogue *catalogue, Query *query, GError **error);

/* Of grants.c, for the records that state them. */
gboolean catalogue_insert_grant(Catalogue *catalogue, const Digest *record, const Grant *grant, gboolean sealed, GError **error);
/* Of audience.c: the opening of @record, in @node's ledger, is for @audience. */
gboolean catalogue_insert_audience(Catalogue *catalogue, const char *node, const Digest *record, const char *audience, GError **error);
/* A sealed record came: its opening may lie in sealed/ already. */
gboolean catalogue_openings_to_learn(Catalogue *catalogue, GError **error);
/* Of derivations.c: what an open version says of its sources. */
gboolean catalogue_insert_derivations(Catalogue *catalogue, const Manifest *manifest, GError **error);
gboolean catalogue_insert_revocation(Catalogue *catalogue, const char *node, const Digest *record, GError **error);

/* Of statements.c: whether records of @type are statements of its table, and the projection of one. */
gboolean catalogue_project_statement(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error);

/* Of anchors.c: the same of an anchor, with what it names. */
gboolean catalogue_project_anchor(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error);

/* It is not what the ledgers say: catalogue_close() removes the file, so that the next one to open makes it anew. */
void catalogue_set_damaged(Catalogue *catalogue);

#endif
