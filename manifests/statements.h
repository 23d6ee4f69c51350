/*
 * statements: what nodes state about versions and nodes, as the catalogue has it (manifests/FORMAT.md, part 3, S13 and on): by node, by type, by what
 * they are about.  Which types there are, and what each is about, stands in one table in statements.c.  Grants are not among them (catalogue.h).
 */
#ifndef CHAMA_MANIFESTS_STATEMENTS_H
#define CHAMA_MANIFESTS_STATEMENTS_H

#include "manifests/catalogue.h"

typedef struct {
    Record *record;              /* of a sealed statement the sealed/1 */
    char type[RECORD_TYPE_MAX];  /* of what is stated: "attestation/1" */
    GBytes *body;                /* canonical JSON: the record's bytes, or what was sealed */
    gboolean sealed;
} Statement;
void statement_free(Statement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Statement, statement_free)

/* Array of Statement* by @node, of @type, about @subject (the address of a manifest or of another record, as the type has it); each may be NULL: any.
 * In order of node and number; only those whose body keeps the rules of its type, and of sealed ones those whose opening is here. */
GPtrArray *catalogue_statements(Catalogue *catalogue, const char *node, const char *type, const Digest *subject, GError **error);
/* How many sealed records of @node have a body known here that is such a statement. */
gboolean catalogue_count_opened(Catalogue *catalogue, const char *node, guint64 *count, GError **error);

/* TRUE if records of this type may state something openly; and if this one, which is of such a type, keeps its rules. */
gboolean statement_type_known(const char *type);
gboolean statement_keeps_rules(const Record *record);

/* What it is about; *@subject stays as it is if that is no record. */
void statement_subject(const Statement *statement, Digest *subject);

/* Sealed statements and grants in @node's ledger whose opening is here and is for @audience, from record @from on, at most @max of them; array of
 * OpeningPlace, in order. */
typedef struct {
    Digest record;
    guint64 seq;
} OpeningPlace;
GArray *catalogue_openings_for(Catalogue *catalogue, const char *node, const char *audience, guint64 from, guint max, GError **error);
/* TRUE if what the record @record sealed was learned. */
gboolean catalogue_opening_known(Catalogue *catalogue, const Digest *record);

/* What a statement is about: reads a body that @node stated, as a record's bytes or as what it sealed.  *@subject is all zero before, and stays so if it is
 * about no record.  FALSE if the body breaks a rule of its type. */
typedef gboolean (*StatementSubject)(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);
/* Adds to @audience (of char*) the nodes that the opening of a sealed body is for, beside @node, who sealed it.  FALSE if the body breaks a rule. */
typedef gboolean (*StatementAudience)(const char *node, GBytes *body, GPtrArray *audience);

#endif
