#include "manifests/anchor.h"
#include "manifests/projection.h"

#include <string.h>

#include "keys/error.h"
#include "keys/rotation.h"
#include "manifests/statements.h"

/* How far a node's ledger is projected. */
typedef struct {
    guint64 size;  /* without gaps */
    Digest head;   /* address of record size - 1 */
} Place;

/* Projects the body of one kind of record.  *@known is FALSE for a body that breaks a rule: that is its owner's fault and must not stop the
 * projection; FALSE is returned where the database fails. */
typedef gboolean (*ProjectBody)(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error);

static gboolean
read_place(Catalogue *catalogue, const char *node, Place *place, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT size, head FROM nodes WHERE node = ?1", error);
    g_autoptr(GError) local = NULL;

    memset(place, 0, sizeof *place);
    if (!query)
        return FALSE;
    query_text(query, 1, node);
    if (database_row(database, query, &local)) {
        place->size = (guint64)sqlite3_column_int64(query, 0);
        return database_digest(database, query, 1, &place->head, error);
    }
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static gboolean
write_place(Catalogue *catalogue, const char *node, const Place *place, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database,
                                            "INSERT INTO nodes (node, size, head, seen) VALUES (?1, ?2, ?3, '')"
                                            " ON CONFLICT (node) DO UPDATE SET size = ?2, head = ?3",
                                            error);
    if (!query)
        return FALSE;
    query_text(query, 1, node);
    query_integer(query, 2, (gint64)place->size);
    query_digest(query, 3, &place->head);
    return database_run(database, query, error);
}

/* Runs statements of one parameter, the node. */
static gboolean
run_all(Catalogue *catalogue, const char *const *statements, const char *node, GError **error)
{
    Database *database = catalogue_database(catalogue);

    for (; *statements; statements++) {
        g_autoptr(Query) query = database_query(database, *statements, error);

        if (!query)
            return FALSE;
        query_text(query, 1, node);
        if (!database_run(database, query, error))
            return FALSE;
    }
    return TRUE;
}

/* What is sealed stays: it stands in no ledger, and counts only while its record is there. */
static gboolean
reset(Catalogue *catalogue, const char *node, GError **error)
{
    static const char *const statements[] = {
        "DELETE FROM records WHERE node = ?1",  "DELETE FROM versions WHERE node = ?1",           "DELETE FROM revocations WHERE node = ?1",
        "DELETE FROM nodes WHERE node = ?1",    "DELETE FROM grants WHERE owner = ?1 AND NOT sealed",
        "DELETE FROM statements WHERE node = ?1 AND body IS NULL",
        "DELETE FROM sources WHERE node = ?1",  "DELETE FROM derivations WHERE node = ?1",
        "DELETE FROM anchors WHERE anchorer = ?1", NULL,
    };

    return run_all(catalogue, statements, node, error);
}

gboolean
catalogue_forget(Catalogue *catalogue, const char *node, GError **error)
{
    static const char *const statements[] = { "DELETE FROM grants WHERE owner = ?1", "DELETE FROM statements WHERE node = ?1",
                                              "DELETE FROM audience WHERE node = ?1", NULL };
    Database *database = catalogue_database(catalogue);

    if (!database_begin(database, error))
        return FALSE;
    if (reset(catalogue, node, error) && run_all(catalogue, statements, node, error) && database_commit(database, error))
        return TRUE;
    database_rollback(database);
    return FALSE;
}

static gboolean
project_inception(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    g_autoptr(Identity) identity = identity_parse_inception(record->bytes, NULL);

    *known = identity != NULL;
    return TRUE;
}

/* N6-N12 held when it was verified; here the keys of the records before it need not be known. */
static gboolean
project_rotation(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    *known = TRUE;
    return TRUE;
}

static gboolean
project_profile(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    g_autoptr(Profile) profile = profile_parse(record, NULL);

    *known = profile != NULL;
    return TRUE;
}

/* M19, with the whole ledger before us: what the newest version is, is known. */
static gboolean
continues_dataset(Catalogue *catalogue, const Manifest *m, gboolean *yes, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query =
        database_query(database, "SELECT version, record FROM versions WHERE node = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1", error);
    g_autoptr(GError) local = NULL;
    Digest newest;

    if (!query)
        return FALSE;
    query_text(query, 1, m->node);
    query_text(query, 2, m->name);
    if (database_row(database, query, &local)) {
        if (!database_digest(database, query, 1, &newest, error))
            return FALSE;
        *yes = m->has_previous && m->version == (guint64)sqlite3_column_int64(query, 0) + 1 && digest_equal(&m->previous, &newest);
        return TRUE;
    }
    *yes = m->version == 1;
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

/* M19, of a sparse ledger: versions that are not open are missing from it, so a version counts unless one that is here contradicts it. */
static gboolean
contradicts_dataset(Catalogue *catalogue, const Manifest *m, gboolean *yes, GError **error)
{
    static const char sql[] = "SELECT EXISTS (SELECT 1 FROM versions WHERE node = ?1 AND name = ?2 AND (version = ?3"
                              " OR (version = ?3 - 1 AND record IS NOT ?5) OR (version = ?3 + 1 AND previous IS NOT ?6) OR (version < ?3) != (seq < ?4)))";
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, sql, error);

    if (!query)
        return FALSE;
    query_text(query, 1, m->node);
    query_text(query, 2, m->name);
    query_integer(query, 3, (gint64)m->version);
    query_integer(query, 4, (gint64)m->seq);
    if (m->has_previous)
        query_digest(query, 5, &m->previous);
    query_digest(query, 6, &m->address);
    if (!database_row(database, query, error))
        return FALSE;
    *yes = sqlite3_column_int(query, 0) != 0;
    return TRUE;
}

static gboolean
insert_version(Catalogue *catalogue, const Manifest *m, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(
        database, "INSERT INTO versions (node, name, version, seq, share, record, previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, m->node);
    query_text(query, 2, m->name);
    query_integer(query, 3, (gint64)m->version);
    query_integer(query, 4, (gint64)m->seq);
    query_integer(query, 5, m->share);
    query_digest(query, 6, &m->address);
    if (m->has_previous)
        query_digest(query, 7, &m->previous);
    return database_run(database, query, error);
}

static gboolean
project_manifest(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    g_autoptr(Manifest) m = manifest_parse(record, NULL);
    gboolean contradicts = FALSE;

    *known = m != NULL;
    if (!m)
        return TRUE;
    if (whole ? !continues_dataset(catalogue, m, known, error) : !contradicts_dataset(catalogue, m, &contradicts, error))
        return FALSE;
    *known = *known && !contradicts;
    return !*known || (insert_version(catalogue, m, error) && catalogue_insert_derivations(catalogue, m, error));
}

static gboolean
project_sealed(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    Digest digest;

    *known = sealed_parse(record, &digest, NULL);
    return !*known || catalogue_openings_to_learn(catalogue, error);
}

static gboolean
project_grant(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    Grant grant;

    *known = grant_parse(record, &grant, NULL);
    return !*known || catalogue_insert_grant(catalogue, &record->address, &grant, FALSE, error);
}

static gboolean
project_revocation(Catalogue *catalogue, const Record *record, gboolean whole, gboolean *known, GError **error)
{
    Digest of;

    *known = revocation_parse(record, &of, NULL);
    return !*known || catalogue_insert_revocation(catalogue, record->node, &of, error);
}

static const struct {
    const char *type;
    ProjectBody project;
} kinds[] = {
    { "inception/1", project_inception }, { ROTATION_TYPE, project_rotation }, { "profile/1", project_profile }, { "manifest/1", project_manifest },
    { "sealed/1", project_sealed },       { "grant/1", project_grant },     { "revocation/1", project_revocation }, { ANCHOR, catalogue_project_anchor },
};

static ProjectBody
kind_of(const Record *record)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(record->type, kinds[i].type) == 0)
            return kinds[i].project;
    return statement_type_known(record->type) ? catalogue_project_statement : NULL;
}

static gboolean
insert_record(Catalogue *catalogue, const Record *record, gboolean known, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database,
                                            "INSERT INTO records (address, node, seq, prev, type, time, bytes, signature, known)"
                                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                                            error);
    if (!query)
        return FALSE;
    query_digest(query, 1, &record->address);
    query_text(query, 2, record->node);
    query_integer(query, 3, (gint64)record->seq);
    query_digest(query, 4, &record->prev);
    query_text(query, 5, record->type);
    query_integer(query, 6, record->time);
    query_bytes(query, 7, record->bytes);
    query_bytes(query, 8, record->signature);
    query_integer(query, 9, known ? 1 : 0);
    return database_run(database, query, error);
}

/* Types that this version does not know stay in the ledger alone. */
static gboolean
project_body(Catalogue *catalogue, const Record *record, gboolean whole, GError **error)
{
    ProjectBody project = kind_of(record);
    gboolean known = FALSE;

    return !project || (project(catalogue, record, whole, &known, error) && insert_record(catalogue, record, known, error));
}

static gboolean
visit_record(gpointer catalogue, const Record *record, GError **error)
{
    return project_body(catalogue, record, TRUE, error);
}

/* Records beyond the place: this ledger was known sparsely. */
static gboolean
has_beyond(Catalogue *catalogue, const char *node, guint64 size, gboolean *yes, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT EXISTS (SELECT 1 FROM records WHERE node = ?1 AND seq >= ?2)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, node);
    query_integer(query, 2, (gint64)size);
    if (!database_row(database, query, error))
        return FALSE;
    *yes = sqlite3_column_int(query, 0) != 0;
    return TRUE;
}

/* Whether the ledger goes on from @place.  A ledger that looks shorter may only be read by a handle that is old: starting anew for that would
 * for a moment forget revocations. */
static gboolean
goes_on(Catalogue *catalogue, Ledger *ledger, const Place *place, gboolean *yes, GError **error)
{
    g_autoptr(Record) last = NULL;
    gboolean beyond;

    *yes = FALSE;
    if (ledger_head(ledger)->size < place->size && !ledger_refresh(ledger, error))
        return FALSE;
    if (ledger_head(ledger)->size < place->size)
        return TRUE;
    if (!has_beyond(catalogue, ledger_node(ledger), place->size, &beyond, error))
        return FALSE;
    *yes = !beyond;
    if (beyond || place->size == 0)
        return TRUE;
    last = ledger_get(ledger, place->size - 1, error);
    *yes = last && digest_equal(&last->address, &place->head);
    return last != NULL;
}

static gboolean
project_new(Catalogue *catalogue, Ledger *ledger, GError **error)
{
    g_autofree char *node = g_strdup(ledger_node(ledger)); /* refreshing would take it away */
    gboolean same;
    Place place;

    if (!read_place(catalogue, node, &place, error) || !goes_on(catalogue, ledger, &place, &same, error))
        return FALSE;
    if (!same) {
        place.size = 0;
        if (!reset(catalogue, node, error))
            return FALSE;
    }
    if (!ledger_foreach(ledger, place.size, visit_record, catalogue, error))
        return FALSE;
    place.size = ledger_head(ledger)->size;
    place.head = ledger_head(ledger)->head;
    return write_place(catalogue, node, &place, error);
}

gboolean
catalogue_project(Catalogue *catalogue, Ledger *ledger, GError **error)
{
    Database *database = catalogue_database(catalogue);
    const LedgerHead *head = ledger_head(ledger);
    Place place;

    if (head->size == 0)
        return TRUE;
    if (!read_place(catalogue, ledger_node(ledger), &place, error))
        return FALSE;
    if (place.size == head->size && digest_equal(&place.head, &head->head))
        return TRUE;
    if (!database_begin(database, error))
        return FALSE;
    if (project_new(catalogue, ledger, error) && database_commit(database, error))
        return TRUE;
    database_rollback(database);
    return FALSE;
}

/* TRUE in *@known if this record is here or was passed over (its type is not kept); FORK if another one is in its place. */
static gboolean
check_known(Catalogue *catalogue, const Record *record, const Place *place, gboolean *known, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT address FROM records WHERE node = ?1 AND seq = ?2", error);
    g_autoptr(GError) local = NULL;
    Digest there;

    if (!query)
        return FALSE;
    query_text(query, 1, record->node);
    query_integer(query, 2, (gint64)record->seq);
    *known = record->seq < place->size;
    if (database_row(database, query, &local)) {
        *known = TRUE;
        if (!database_digest(database, query, 0, &there, error))
            return FALSE;
        return digest_equal(&there, &record->address) ||
               chama_error(error, CHAMA_ERROR_FORK, "%s: record %" G_GUINT64_FORMAT ": another one is known in its place", record->node, record->seq);
    }
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static gboolean
project_single(Catalogue *catalogue, const Record *record, GError **error)
{
    gboolean known;
    Place place;

    if (!read_place(catalogue, record->node, &place, error) || !check_known(catalogue, record, &place, &known, error))
        return FALSE;
    if (known)
        return TRUE;
    if (!project_body(catalogue, record, FALSE, error))
        return FALSE;
    if (record->seq == place.size && (place.size == 0 || digest_equal(&record->prev, &place.head))) {
        place.size++;
        place.head = record->address;
    }
    return write_place(catalogue, record->node, &place, error);
}

gboolean
catalogue_project_record(Catalogue *catalogue, const Record *record, GError **error)
{
    Database *database = catalogue_database(catalogue);

    if (!database_begin(database, error))
        return FALSE;
    if (project_single(catalogue, record, error) && database_commit(database, error))
        return TRUE;
    database_rollback(database);
    return FALSE;
}

guint64
catalogue_size(Catalogue *catalogue, const char *node)
{
    Place place;

    return read_place(catalogue, node, &place, NULL) ? place.size : 0;
}

gboolean
catalogue_is_current(Catalogue *catalogue, const char *node, const char *commit)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT 1 FROM nodes WHERE node = ?1 AND seen = ?2 AND seen != ''", NULL);

    if (!query)
        return FALSE;
    query_text(query, 1, node);
    query_text(query, 2, commit);
    return database_row(database, query, NULL);
}

gboolean
catalogue_set_current(Catalogue *catalogue, const char *node, const char *commit, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "UPDATE nodes SET seen = ?2 WHERE node = ?1 AND seen != ?2", error);

    if (!query)
        return FALSE;
    query_text(query, 1, node);
    query_text(query, 2, commit);
    return database_run(database, query, error);
}
