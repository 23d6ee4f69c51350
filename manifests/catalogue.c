#include "manifests/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "keys/rotation.h"
#include "manifests/projection.h"

#define PREFIX_DIGITS_MIN 8

struct Catalogue {
    Database *database;
    char *path;
    struct stat file; /* as it was when opened */
};

/* M19: a manifest that does not continue its dataset stands in records (known = 0), not in versions. */
static const Schema schema = {
    .subject = "catalogue.sqlite",
    .version = 5,
    .synchronous = "NORMAL",
    .cache_kib = 32 * 1024, /* addresses come in no order: with SQLite's 2 MiB, projecting waits for pages */
    .sql = "CREATE TABLE nodes (node TEXT PRIMARY KEY, size INTEGER NOT NULL, head BLOB NOT NULL, seen TEXT NOT NULL) WITHOUT ROWID;"
           "CREATE TABLE records (address BLOB NOT NULL, node TEXT NOT NULL, seq INTEGER NOT NULL, prev BLOB NOT NULL, type TEXT NOT NULL,"
           "                      time INTEGER NOT NULL, bytes BLOB NOT NULL, signature BLOB NOT NULL, known INTEGER NOT NULL);"
           "CREATE UNIQUE INDEX records_address ON records (address);"
           "CREATE UNIQUE INDEX records_seq ON records (node, seq);"
           "CREATE INDEX records_profile ON records (node, seq) WHERE type = 'profile/1' AND known = 1;"
           "CREATE TABLE versions (node TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL,"
           "                       share INTEGER NOT NULL, record BLOB NOT NULL, previous BLOB, PRIMARY KEY (node, name, version)) WITHOUT ROWID;"
           "CREATE UNIQUE INDEX versions_seq ON versions (node, seq);"
           "CREATE TABLE grants (record BLOB PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, grantee TEXT NOT NULL, until INTEGER NOT NULL,"
           "                     sealed INTEGER NOT NULL) WITHOUT ROWID;"
           "CREATE INDEX grants_owner ON grants (owner, name, grantee);"
           "CREATE INDEX grants_grantee ON grants (grantee);"
           "CREATE TABLE revocations (node TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (node, record)) WITHOUT ROWID;"
           "CREATE TABLE statements (record BLOB PRIMARY KEY, node TEXT NOT NULL, type TEXT NOT NULL, subject BLOB, body BLOB) WITHOUT ROWID;"
           "CREATE INDEX statements_subject ON statements (subject, type, node);"
           "CREATE INDEX statements_type ON statements (type, node);"
           "CREATE TABLE audience (audience TEXT NOT NULL, node TEXT NOT NULL, record BLOB NOT NULL,"
           "                       PRIMARY KEY (audience, node, record)) WITHOUT ROWID;"
           "CREATE INDEX audience_node ON audience (node);"
           "CREATE TABLE sources (source BLOB NOT NULL, node TEXT NOT NULL, seq INTEGER NOT NULL, record BLOB NOT NULL,"
           "                      PRIMARY KEY (source, node, seq)) WITHOUT ROWID;"
           "CREATE INDEX sources_node ON sources (node);"
           "CREATE TABLE derivations (digest BLOB NOT NULL, node TEXT NOT NULL, seq INTEGER NOT NULL, record BLOB NOT NULL,"
           "                          PRIMARY KEY (digest, node, seq)) WITHOUT ROWID;"
           "CREATE INDEX derivations_node ON derivations (node);"
           "CREATE TABLE anchors (node TEXT NOT NULL, size INTEGER NOT NULL, anchorer TEXT NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL,"
           "                      PRIMARY KEY (node, anchorer, seq)) WITHOUT ROWID;"
           "CREATE INDEX anchors_by ON anchors (anchorer, node, seq);"
           "CREATE TABLE openings (learned INTEGER NOT NULL);"
           "INSERT INTO openings (learned) VALUES (0);",
};

Database *
catalogue_database(Catalogue *catalogue)
{
    return catalogue->database;
}

/* Opening reads the first page only; damage elsewhere mostly shows at the roots of the tables. */
static Database *
open_and_probe(const char *path, GError **error)
{
    g_autoptr(Database) database = database_open(path, &schema, error);
    g_autoptr(Query) query = NULL;
    g_autoptr(GError) local = NULL;

    if (!database)
        return NULL;
    query = database_query(database,
                           "SELECT (SELECT size FROM nodes LIMIT 1), (SELECT seq FROM records LIMIT 1), (SELECT seq FROM versions LIMIT 1),"
                           " (SELECT until FROM grants LIMIT 1), (SELECT node FROM revocations LIMIT 1), (SELECT node FROM statements LIMIT 1),"
                           " (SELECT node FROM audience LIMIT 1),"
                           " (SELECT seq FROM sources LIMIT 1), (SELECT seq FROM derivations LIMIT 1), (SELECT seq FROM anchors LIMIT 1), (SELECT learned FROM openings)",
                           &local);
    if (query)
        database_row(database, query, &local);
    if (!local)
        return g_steal_pointer(&database);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

static gboolean
is_unusable(const GError *error)
{
    return g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
}

static void
remove_files(const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm" };

    for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *file = g_strconcat(path, endings[i], NULL);

        unlink(file);
    }
}

/* Two who find the file damaged must not each remove what the other has just made: it is looked at again under this lock.  Closing the
 * descriptor gives it back. */
static int
lock_removal(const char *path, GError **error)
{
    g_autofree char *lock = g_strconcat(path, ".lock", NULL);
    int fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    chama_error_errno(error, errno, "%s", lock);
    if (fd >= 0)
        close(fd);
    return -1;
}

static Database *
make_anew(const char *path, GError **error)
{
    g_autoptr(GError) local = NULL;
    Database *database;
    int lock = lock_removal(path, error);

    if (lock < 0)
        return NULL;
    database = open_and_probe(path, &local);
    if (!database && is_unusable(local)) {
        remove_files(path);
        database = open_and_probe(path, error);
    } else if (!database) {
        g_propagate_error(error, g_steal_pointer(&local));
    }
    close(lock);
    return database;
}

Catalogue *
catalogue_open(const char *path, GError **error)
{
    g_autoptr(GError) local = NULL;
    Database *database = open_and_probe(path, &local);
    Catalogue *catalogue;

    if (!database && is_unusable(local))
        database = make_anew(path, error);
    else if (!database)
        g_propagate_error(error, g_steal_pointer(&local));
    if (!database)
        return NULL;
    catalogue = g_new0(Catalogue, 1);
    catalogue->database = database;
    catalogue->path = g_strdup(path);
    if (stat(path, &catalogue->file) != 0)
        catalogue->file.st_ino = 0;
    return catalogue;
}

/* Only the file that was opened: another process may have put a good one in its place. */
static void
remove_damaged(Catalogue *catalogue)
{
    int lock = lock_removal(catalogue->path, NULL);
    struct stat now;

    if (lock < 0)
        return;
    if (stat(catalogue->path, &now) == 0 && now.st_ino == catalogue->file.st_ino && now.st_dev == catalogue->file.st_dev)
        remove_files(catalogue->path);
    close(lock);
}

void
catalogue_close(Catalogue *catalogue)
{
    gboolean damaged;

    if (!catalogue)
        return;
    damaged = database_damaged(catalogue->database);
    database_close(catalogue->database);
    if (damaged)
        remove_damaged(catalogue);
    g_free(catalogue->path);
    g_free(catalogue);
}

/* None of these columns is NULL, but a damaged file may hold anything. */
static void
read_column(Query *query, int column, char *text, gsize size)
{
    const char *value = (const char *)sqlite3_column_text(query, column);

    g_strlcpy(text, value ? value : "", size);
}

Record *
catalogue_read_record(Catalogue *catalogue, Query *query, GError **error)
{
    g_autoptr(Record) record = g_new0(Record, 1);
    char text[DIGEST_TEXT_SIZE];
    Digest actual;

    record->bytes = query_column_bytes(query, 6);
    record->signature = query_column_bytes(query, 7);
    read_column(query, 1, record->node, sizeof record->node);
    read_column(query, 4, record->type, sizeof record->type);
    record->seq = (guint64)sqlite3_column_int64(query, 2);
    record->time = sqlite3_column_int64(query, 5);
    if (!database_digest(catalogue->database, query, 0, &record->address, error) ||
        !database_digest(catalogue->database, query, 3, &record->prev, error))
        return NULL;
    /* I5: a projection decides nothing that a signed record does not say. */
    digest_of_bytes(record->bytes, &actual);
    if (!digest_equal(&actual, &record->address)) {
        database_set_damaged(catalogue->database);
        return chama_error_null(error, CHAMA_ERROR_DAMAGED, "catalogue.sqlite: want the record %s, have another; it will be made anew, try again",
                                digest_format(&record->address, text));
    }
    return g_steal_pointer(&record);
}

/* The record of the first row; NULL without an error if there is none. */
static Record *
first_record(Catalogue *catalogue, Query *query, GError **error)
{
    return database_row(catalogue->database, query, error) ? catalogue_read_record(catalogue, query, error) : NULL;
}

Record *
catalogue_profile_record(Catalogue *catalogue, const char *node, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue->database,
                                            "SELECT " RECORD_COLUMNS " FROM records r"
                                            " WHERE r.node = ?1 AND r.type = 'profile/1' AND r.known = 1 ORDER BY r.seq DESC LIMIT 1",
                                            error);

    if (!query)
        return NULL;
    query_text(query, 1, node);
    return first_record(catalogue, query, error);
}

Profile *
catalogue_profile(Catalogue *catalogue, const char *node, GError **error)
{
    g_autoptr(Record) record = catalogue_profile_record(catalogue, node, error);

    return record ? profile_parse(record, error) : NULL;
}

GPtrArray *
catalogue_key_records(Catalogue *catalogue, const char *node, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue->database,
                                            "SELECT " RECORD_COLUMNS " FROM records r WHERE r.node = ?1 AND r.known = 1"
                                            " AND r.type IN ('inception/1', '" ROTATION_TYPE "') ORDER BY r.seq",
                                            error);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    query_text(query, 1, node);
    while (!local && database_row(catalogue->database, query, &local)) {
        Record *record = catalogue_read_record(catalogue, query, &local);

        if (record)
            g_ptr_array_add(records, record);
    }
    if (!local)
        return g_steal_pointer(&records);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

Identity *
catalogue_identity(Catalogue *catalogue, const char *node, GError **error)
{
    g_autoptr(GPtrArray) records = catalogue_key_records(catalogue, node, error);
    g_autoptr(Identity) identity = NULL;

    for (guint i = 0; records && i < records->len; i++) {
        const Record *record = records->pdata[i];
        Identity *after = identity || record->seq == 0 ? record_identity_after(record, identity, error) : NULL;

        identity_free(identity);
        identity = after;
        if (!identity)
            return NULL;
    }
    return g_steal_pointer(&identity);
}

GPtrArray *
catalogue_nodes(Catalogue *catalogue, GError **error)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Query) query = database_query(catalogue->database, "SELECT node FROM nodes ORDER BY node", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    while (database_row(catalogue->database, query, &local))
        g_ptr_array_add(nodes, query_column_text(query, 0));
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&nodes);
}

Record *
catalogue_record(Catalogue *catalogue, const Digest *address, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue->database, "SELECT " RECORD_COLUMNS " FROM records r WHERE r.address = ?1", error);
    g_autoptr(GError) local = NULL;
    char text[DIGEST_TEXT_SIZE];
    Record *record;

    if (!query)
        return NULL;
    query_digest(query, 1, address);
    record = first_record(catalogue, query, &local);
    if (!record && !local)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "record %s: not known here", digest_format(address, text));
    if (!record)
        g_propagate_error(error, g_steal_pointer(&local));
    return record;
}

void
catalogue_set_damaged(Catalogue *catalogue)
{
    database_set_damaged(catalogue->database);
}

/* All manifests that @query gives, at most @max. */
static GPtrArray *
read_manifests(Catalogue *catalogue, Query *query, guint max, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_free);
    g_autoptr(GError) local = NULL;

    while (!local && all->len < max && database_row(catalogue->database, query, &local)) {
        g_autoptr(Record) record = catalogue_read_record(catalogue, query, &local);
        Manifest *manifest = record ? manifest_parse(record, &local) : NULL;

        if (manifest)
            g_ptr_array_add(all, manifest);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&all);
}

/* The first of them; NOT_FOUND, saying @node/@name, if there is none. */
static Manifest *
read_manifest(Catalogue *catalogue, Query *query, const char *node, const char *name, GError **error)
{
    g_autoptr(GPtrArray) one = read_manifests(catalogue, query, 1, error);

    if (!one)
        return NULL;
    if (one->len == 0)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s/%s: no such version known here", node, name);
    return g_ptr_array_steal_index(one, 0);
}

/* I5: the record says which version it is; the row only leads to it.  Takes @manifest, which may be NULL. */
static Manifest *
check_is(Catalogue *catalogue, Manifest *manifest, const char *node, const char *name, guint64 version, GError **error)
{
    if (!manifest || (strcmp(manifest->node, node) == 0 && strcmp(manifest->name, name) == 0 && (version == 0 || manifest->version == version)))
        return manifest;
    manifest_free(manifest);
    database_set_damaged(catalogue->database);
    return chama_error_null(error, CHAMA_ERROR_DAMAGED, "catalogue.sqlite: %s/%s: a row leads to another version; it will be made anew, try again", node, name);
}

#define SELECT_VERSIONS "SELECT " RECORD_COLUMNS " FROM versions v JOIN records r ON r.address = v.record WHERE "

Manifest *
catalogue_version(Catalogue *catalogue, const char *node, const char *name, guint64 version, GError **error)
{
    g_autoptr(Query) query =
        database_query(catalogue->database,
                       version ? SELECT_VERSIONS "v.node = ?1 AND v.name = ?2 AND v.version = ?3"
                               : SELECT_VERSIONS "v.node = ?1 AND v.name = ?2 AND v.version > ?3 ORDER BY v.version DESC LIMIT 1",
                       error);
    if (!query)
        return NULL;
    if (version > G_MAXINT64)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s/%s: no such version known here", node, name);
    query_text(query, 1, node);
    query_text(query, 2, name);
    query_integer(query, 3, (gint64)version);
    return check_is(catalogue, read_manifest(catalogue, query, node, name, error), node, name, version, error);
}

Manifest *
catalogue_manifest(Catalogue *catalogue, const Digest *address, GError **error)
{
    g_autoptr(Query) query = database_query(
        catalogue->database, "SELECT " RECORD_COLUMNS " FROM records r JOIN versions v ON v.node = r.node AND v.seq = r.seq WHERE r.address = ?1", error);
    char text[DIGEST_TEXT_SIZE];

    if (!query)
        return NULL;
    query_digest(query, 1, address);
    return read_manifest(catalogue, query, "manifest", digest_format(address, text), error);
}

Manifest *
catalogue_manifest_by_prefix(Catalogue *catalogue, const char *node, const char *name, const char *hex, GError **error)
{
    gsize digits = strspn(hex, "0123456789abcdef");
    g_autoptr(GPtrArray) found = NULL;
    g_autoptr(Query) query = NULL;

    if (digits < PREFIX_DIGITS_MIN || digits > 2 * DIGEST_SIZE || hex[digits] != '\0')
        return chama_error_null(error, CHAMA_ERROR_USAGE, "version: want %d to %d lower-case hex digits of a manifest's address, have another text",
                                PREFIX_DIGITS_MIN, 2 * DIGEST_SIZE);
    query = database_query(catalogue->database, SELECT_VERSIONS "v.node = ?1 AND v.name = ?2 AND substr(lower(hex(v.record)), 1, ?4) = ?3 LIMIT 2", error);
    if (!query)
        return NULL;
    query_text(query, 1, node);
    query_text(query, 2, name);
    query_text(query, 3, hex);
    query_integer(query, 4, (gint64)digits);
    found = read_manifests(catalogue, query, 2, error);
    if (!found)
        return NULL;
    if (found->len == 0)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s/%s@sha256:%s: no such version known here", node, name, hex);
    if (found->len > 1)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "%s/%s@sha256:%s: several versions begin so; give more digits", node, name, hex);
    return g_ptr_array_steal_index(found, 0);
}

GPtrArray *
catalogue_history(Catalogue *catalogue, const char *node, const char *name, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue->database, SELECT_VERSIONS "v.node = ?1 AND v.name = ?2 ORDER BY v.version DESC", error);

    if (!query)
        return NULL;
    query_text(query, 1, node);
    query_text(query, 2, name);
    return read_manifests(catalogue, query, G_MAXUINT, error);
}

/* SQLite takes the other columns from the row that has the maximum. */
GPtrArray *
catalogue_datasets(Catalogue *catalogue, const char *node, GError **error)
{
    g_autofree char *sql = g_strconcat("SELECT " RECORD_COLUMNS " FROM (SELECT node, name, max(version) AS newest, record FROM versions ",
                                       node ? "WHERE node = ?1 " : "", "GROUP BY node, name) v JOIN records r ON r.address = v.record WHERE v.newest > 0 ORDER BY v.node, v.name", NULL);
    g_autoptr(Query) query = database_query(catalogue->database, sql, error);

    if (!query)
        return NULL;
    query_text(query, 1, node);
    return read_manifests(catalogue, query, G_MAXUINT, error);
}

GPtrArray *
catalogue_manifests_from(Catalogue *catalogue, const char *node, guint64 from, guint max, GError **error)
{
    g_autoptr(Query) query = database_query(catalogue->database, SELECT_VERSIONS "v.node = ?1 AND v.seq >= ?2 ORDER BY v.seq", error);

    if (!query)
        return NULL;
    query_text(query, 1, node);
    query_integer(query, 2, (gint64)from);
    return read_manifests(catalogue, query, max, error);
}

GPtrArray *
catalogue_manifests(Catalogue *catalogue, const char *node, GError **error)
{
    return catalogue_manifests_from(catalogue, node, 0, G_MAXUINT, error);
}

/* M20 */
gboolean
catalogue_share_in_force(Catalogue *catalogue, const Manifest *manifest, Share *share, GError **error)
{
    g_autoptr(Query) query =
        database_query(catalogue->database, "SELECT share FROM versions WHERE node = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    query_text(query, 1, manifest->node);
    query_text(query, 2, manifest->name);
    if (database_row(catalogue->database, query, &local)) {
        *share = MAX(manifest->share, (Share)CLAMP(sqlite3_column_int(query, 0), SHARE_OPEN, SHARE_NONE));
        return TRUE;
    }
    if (!local)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s/%s: no such dataset known here", manifest->node, manifest->name);
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}
