#include "manifests/statements.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/anchor.h"
#include "manifests/attestation.h"
#include "manifests/endorsement.h"
#include "manifests/erasure.h"
#include "manifests/projection.h"
#include "manifests/withdrawal.h"
#include "manifests/receipt.h"

/* Types that may be stated openly, sealed, or as the one who states likes (FORMAT.md, part 9). */
typedef enum { FORM_OPEN = 1, FORM_SEALED = 2, FORM_EITHER = FORM_OPEN | FORM_SEALED } Form;

typedef struct {
    const char *type;
    Form form;
    StatementSubject subject;
    StatementAudience audience;   /* of what may be sealed; else NULL */
} Kind;

static const Kind kinds[] = {
    { ANCHOR, FORM_OPEN, anchor_subject, NULL },
    { ATTESTATION, FORM_OPEN, attestation_subject, NULL },
    { WITHDRAWAL, FORM_OPEN, withdrawal_subject, NULL },
    { ERASURE, FORM_OPEN, erasure_subject, NULL },
    { ENDORSEMENT, FORM_OPEN, endorsement_subject, NULL },
    { DELIVERY, FORM_EITHER, delivery_subject, delivery_audience },
    { RECEIPT, FORM_EITHER, receipt_subject, receipt_audience },
};

static const Kind *
find_kind(const char *type, Form form)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if ((kinds[i].form & form) && strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

gboolean
statement_type_known(const char *type)
{
    return find_kind(type, FORM_OPEN) != NULL;
}

gboolean
statement_keeps_rules(const Record *record)
{
    const Kind *kind = find_kind(record->type, FORM_OPEN);
    Digest subject = { 0 };

    return kind && kind->subject(record->node, record->bytes, FALSE, &subject, NULL);
}

/* @sealed: the body that the record sealed; NULL: its own bytes. */
static gboolean
insert(Catalogue *catalogue, const Record *record, const char *type, const Digest *subject, GBytes *sealed, GError **error)
{
    static const Digest none;
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query =
        database_query(database, "INSERT OR REPLACE INTO statements (record, node, type, subject, body) VALUES (?1, ?2, ?3, ?4, ?5)", error);

    if (!query)
        return FALSE;
    query_digest(query, 1, &record->address);
    query_text(query, 2, record->node);
    query_text(query, 3, type);
    if (!digest_equal(subject, &none))
        query_digest(query, 4, subject);
    if (sealed)
        query_bytes(query, 5, sealed);
    return database_run(database, query, error);
}

gboolean
catalogue_project_statement(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    const Kind *kind = find_kind(record->type, FORM_OPEN);
    Digest subject = { 0 };

    *known = kind && kind->subject(record->node, record->bytes, FALSE, &subject, NULL);
    return !*known || insert(catalogue, record, kind->type, &subject, NULL, error);
}

/* S9, S10: the salt and body are what the record sealed, and the one who sealed them says so. */
static gboolean
check_opening(const Opening *opening, const Record *record, char type[RECORD_TYPE_MAX], char node[NODE_ID_SIZE], GError **error)
{
    char text[DIGEST_TEXT_SIZE];
    Digest sealed, digest;

    if (!sealed_parse(record, &sealed, error))
        return FALSE;
    seal_digest(opening->salt, opening->body, &digest);
    if (!digest_equal(&sealed, &digest))
        return chama_error(error, CHAMA_ERROR_VERIFY, "opening of %s: S10: want the salt and body that were sealed, have others",
                           digest_format(&opening->record, text));
    if (!body_read_head(opening->body, type, node, error))
        return FALSE;
    if (*node && strcmp(node, record->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "opening of %s: S11: want the record's node in the body, have another",
                           digest_format(&opening->record, text));
    return TRUE;
}

static gboolean
learn_grant(Catalogue *catalogue, const Opening *opening, GError **error)
{
    Grant grant;

    return grant_parse_body(opening->body, &grant, error) && catalogue_insert_grant(catalogue, &opening->record, &grant, TRUE, error) &&
           catalogue_insert_audience(catalogue, grant.owner, &opening->record, grant.grantee, error);
}

/* S27 */
static gboolean
insert_audience(Catalogue *catalogue, const Kind *kind, const Opening *opening, const char *node, GError **error)
{
    g_autoptr(GPtrArray) audience = g_ptr_array_new_with_free_func(g_free);

    if (kind->audience)
        kind->audience(node, opening->body, audience);
    for (guint i = 0; i < audience->len; i++)
        if (!catalogue_insert_audience(catalogue, node, &opening->record, g_ptr_array_index(audience, i), error))
            return FALSE;
    return TRUE;
}

static gboolean
learn_statement(Catalogue *catalogue, const Opening *opening, const Record *record, const char *type, const char *node, GError **error)
{
    const Kind *kind = find_kind(type, FORM_SEALED);
    Digest subject = { 0 };
    char text[DIGEST_TEXT_SIZE];

    if (!kind)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "opening of %s: S1: want a body of a type that is known and may be sealed, have another",
                           digest_format(&opening->record, text));
    if (!*node)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "opening of %s: S1: want the node that sealed it in the body, have none",
                           digest_format(&opening->record, text));
    return kind->subject(record->node, opening->body, TRUE, &subject, error) &&
           insert(catalogue, record, kind->type, &subject, opening->body, error) && insert_audience(catalogue, kind, opening, record->node, error);
}

gboolean
catalogue_learn_opening(Catalogue *catalogue, const Opening *opening, GError **error)
{
    g_autoptr(Record) record = catalogue_record(catalogue, &opening->record, error);
    char type[RECORD_TYPE_MAX], node[NODE_ID_SIZE];

    if (!record || !check_opening(opening, record, type, node, error))
        return FALSE;
    return strcmp(type, "grant/1") == 0 ? learn_grant(catalogue, opening, error) : learn_statement(catalogue, opening, record, type, node, error);
}

void
statement_free(Statement *statement)
{
    if (!statement)
        return;
    record_free(statement->record);
    g_clear_pointer(&statement->body, g_bytes_unref);
    g_free(statement);
}

void
statement_subject(const Statement *statement, Digest *subject)
{
    const Kind *kind = find_kind(statement->type, statement->sealed ? FORM_SEALED : FORM_OPEN);

    if (kind)
        kind->subject(statement->record->node, statement->body, statement->sealed, subject, NULL);
}

/* I5: the body says what it is about; the row only leads to it. */
static gboolean
check_row(Catalogue *catalogue, Query *query, const Statement *s, GError **error)
{
    const Kind *kind = find_kind(s->type, s->sealed ? FORM_SEALED : FORM_OPEN);
    Digest subject = { 0 }, row = { 0 };

    if (kind && (sqlite3_column_type(query, 9) == SQLITE_NULL || database_digest(catalogue_database(catalogue), query, 9, &row, NULL)) &&
        strcmp(s->record->type, s->sealed ? "sealed/1" : s->type) == 0 && kind->subject(s->record->node, s->body, s->sealed, &subject, NULL) && digest_equal(&subject, &row))
        return TRUE;
    catalogue_set_damaged(catalogue);
    return chama_error(error, CHAMA_ERROR_DAMAGED, "catalogue.sqlite: %s: record %" G_GUINT64_FORMAT ": a row says something else; it will be made anew, try again",
                       s->record->node, s->record->seq);
}

static Statement *
read_row(Catalogue *catalogue, Query *query, GError **error)
{
    g_autoptr(Statement) s = g_new0(Statement, 1);
    g_autofree char *type = query_column_text(query, 8);

    s->record = catalogue_read_record(catalogue, query, error);
    if (!s->record)
        return NULL;
    g_strlcpy(s->type, type, sizeof s->type);
    s->sealed = sqlite3_column_type(query, 10) != SQLITE_NULL;
    s->body = s->sealed ? query_column_bytes(query, 10) : g_bytes_ref(s->record->bytes);
    return check_row(catalogue, query, s, error) ? g_steal_pointer(&s) : NULL;
}

/* A condition for each of the three that is asked for, so that an index serves it; CROSS: SQLite would go through all records of the node. */
static char *
select_statements(const char *node, const char *type, const Digest *subject)
{
    return g_strconcat("SELECT " RECORD_COLUMNS ", s.type, s.subject, s.body FROM statements s CROSS JOIN records r ON r.address = s.record AND r.node = s.node WHERE 1",
                       node ? " AND s.node = ?1" : "", type ? " AND s.type = ?2" : "", subject ? " AND s.subject = ?3" : "", " ORDER BY r.node, r.seq", NULL);
}

GPtrArray *
catalogue_statements(Catalogue *catalogue, const char *node, const char *type, const Digest *subject, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)statement_free);
    g_autofree char *sql = select_statements(node, type, subject);
    g_autoptr(Query) query = database_query(catalogue_database(catalogue), sql, error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    if (node)
        query_text(query, 1, node);
    if (type)
        query_text(query, 2, type);
    if (subject)
        query_digest(query, 3, subject);
    while (!local && database_row(catalogue_database(catalogue), query, &local)) {
        Statement *statement = read_row(catalogue, query, &local);

        if (statement)
            g_ptr_array_add(all, statement);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&all);
}

gboolean
catalogue_count_opened(Catalogue *catalogue, const char *node, guint64 *count, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue_database(catalogue), "SELECT count(*) FROM statements WHERE node = ?1 AND body IS NOT NULL", error);

    if (!query)
        return FALSE;
    query_text(query, 1, node);
    if (!database_row(catalogue_database(catalogue), query, error))
        return FALSE;
    *count = (guint64)sqlite3_column_int64(query, 0);
    return TRUE;
}
