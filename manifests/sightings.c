/* Keeping sightings; what they amount to is in sightings_judged.c. */
#include "manifests/sightings.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/sightings_private.h"
#include "manifests/verifiers.h"

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS checkpoint (digest BLOB PRIMARY KEY, node TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,"
    "                                       time INTEGER NOT NULL, note TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS checkpoint_node ON checkpoint (node, size, time);"
    "CREATE TABLE IF NOT EXISTS cosignature (id INTEGER PRIMARY KEY, checkpoint BLOB NOT NULL, node TEXT NOT NULL, size INTEGER NOT NULL,"
    "                                        witness TEXT NOT NULL, time INTEGER NOT NULL, line TEXT NOT NULL, UNIQUE (checkpoint, witness));"
    "CREATE INDEX IF NOT EXISTS cosignature_node ON cosignature (node, witness, size, time);";

Database *
sightings_tables(Home *home, GError **error)
{
    State *state = home_state(home, error);

    return state && state_make_table(state, tables, error) ? state_file(state) : NULL;
}

Identity *
sightings_identity(Home *home, const char *node, GError **error)
{
    gboolean own = strcmp(node, home_id(home)) == 0;
    Catalogue *catalogue = own ? NULL : home_catalogue(home, error);
    const Identity *ours = own ? home_identity(home, error) : NULL;
    g_autoptr(GError) local = NULL;
    Identity *identity = catalogue ? catalogue_identity(catalogue, node, &local) : ours ? identity_ref(ours) : NULL;

    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    else if (!identity && catalogue)
        chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no ledger of this node is known here", node);
    return identity;
}

/* The id of the node whose log key has this name, NULL if it is no node's. */
static const char *
node_of_name(const char *name)
{
    return g_str_has_prefix(name, "chama/") && node_id_valid(name + strlen("chama/")) ? name + strlen("chama/") : NULL;
}

/* One checkpoint while its cosignatures are being kept. */
typedef struct {
    Database *database;
    const char *node;
    char *note;            /* its owner's line alone */
    gsize text_size;
    Digest digest;         /* of the text */
    Checkpoint *checkpoint;
} Kept;

static void
kept_clear(Kept *kept)
{
    g_clear_pointer(&kept->note, g_free);
    g_clear_pointer(&kept->checkpoint, checkpoint_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Kept, kept_clear)

static gboolean
read_checkpoint(Home *home, const char *node, const char *note, Kept *kept, GError **error)
{
    g_autoptr(Identity) identity = sightings_identity(home, node, error);

    kept->node = node;
    kept->database = identity ? sightings_tables(home, error) : NULL;
    if (!kept->database)
        return FALSE;
    kept->checkpoint = checkpoint_verify_by(note, strlen(note), identity, error);
    kept->note = kept->checkpoint ? checkpoint_bare(note, strlen(note), identity, error) : NULL;
    if (!kept->note)
        return FALSE;
    kept->text_size = (gsize)(g_strrstr(kept->note, "\n\n") - kept->note) + 1;
    digest_of(kept->note, kept->text_size, &kept->digest);
    return TRUE;
}

/* I3: what is not a prefix of the ledger held here is not kept beside it. */
static gboolean
check_root(Home *home, const Kept *kept, GError **error)
{
    gboolean own = strcmp(kept->node, home_id(home)) == 0;
    Ledger *ledger = own ? home_ledger(home, NULL) : home_peer_ledger(home, kept->node, NULL);
    Digest root;

    if (!ledger || ledger_head(ledger)->size < kept->checkpoint->size)
        return TRUE;
    if (!ledger_root(ledger, kept->checkpoint->size, &root, error))
        return FALSE;
    return digest_equal(&root, &kept->checkpoint->root) ||
           chama_error(error, CHAMA_ERROR_FORK, "T18: two histories: the first %" G_GUINT64_FORMAT " records held here have another root than the checkpoint",
                       kept->checkpoint->size);
}

static gboolean
is_kept(Database *database, const Digest *checkpoint, const char *witness)
{
    g_autoptr(Query) query = database_query(database, "SELECT 1 FROM cosignature WHERE checkpoint = ?1 AND witness = ?2", NULL);

    if (!query)
        return FALSE;
    query_digest(query, 1, checkpoint);
    query_text(query, 2, witness);
    return database_row(database, query, NULL);
}

/* I6: the bounds.  A witness that is known already always has room, for its older half is thinned. */
static gboolean
has_room(const Kept *kept, const char *witness, GError **error)
{
    g_autoptr(Query) query = database_query(kept->database, "SELECT EXISTS (SELECT 1 FROM cosignature WHERE node = ?1 AND witness = ?2)"
                                            " OR ((SELECT count(DISTINCT witness) FROM cosignature WHERE node = ?1) < ?3"
                                            "     AND (coalesce((SELECT max(id) FROM cosignature), 0) < ?4 OR (SELECT count(*) FROM cosignature) < ?4))", error);

    if (!query)
        return FALSE;
    query_text(query, 1, kept->node);
    query_text(query, 2, witness);
    query_integer(query, 3, SIGHTINGS_WITNESSES);
    query_integer(query, 4, SIGHTINGS_MAX);
    return database_row(kept->database, query, error) && sqlite3_column_int(query, 0);
}

static gboolean
insert_checkpoint(const Kept *kept, GError **error)
{
    g_autoptr(Query) query = database_query(kept->database, "INSERT OR IGNORE INTO checkpoint (digest, node, size, root, time, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", error);

    if (!query)
        return FALSE;
    query_digest(query, 1, &kept->digest);
    query_text(query, 2, kept->node);
    query_integer(query, 3, (gint64)kept->checkpoint->size);
    query_digest(query, 4, &kept->checkpoint->root);
    query_integer(query, 5, kept->checkpoint->time);
    query_text(query, 6, kept->note);
    return database_run(kept->database, query, error);
}

static gboolean
insert_cosignature(const Kept *kept, const char *witness, const NoteSignature *signature, gint64 time, GError **error)
{
    g_autoptr(Query) query = database_query(kept->database, "INSERT OR IGNORE INTO cosignature (checkpoint, node, size, witness, time, line)"
                                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6)", error);
    g_autofree char *line = note_signature_format(signature);

    if (!query)
        return FALSE;
    query_digest(query, 1, &kept->digest);
    query_text(query, 2, kept->node);
    query_integer(query, 3, (gint64)kept->checkpoint->size);
    query_text(query, 4, witness);
    query_integer(query, 5, time);
    query_text(query, 6, line);
    return database_run(kept->database, query, error);
}

static gboolean
run_of_witness(const Kept *kept, const char *witness, const char *sql, GError **error)
{
    g_autoptr(Query) query = database_query(kept->database, sql, error);

    if (!query)
        return FALSE;
    query_text(query, 1, kept->node);
    query_text(query, 2, witness);
    return database_run(kept->database, query, error);
}

/* T18: of several sights of one size the first counts; beside it stands only what is under the newest checkpoint. */
static const char drop_later_sights[] =
    "DELETE FROM cosignature WHERE node = ?1 AND witness = ?2"
    " AND checkpoint <> (SELECT digest FROM checkpoint WHERE node = ?1 ORDER BY size DESC, time DESC LIMIT 1)"
    " AND EXISTS (SELECT 1 FROM cosignature AS first WHERE first.node = ?1 AND first.witness = ?2 AND first.size = cosignature.size"
    "             AND (first.time < cosignature.time OR (first.time = cosignature.time AND first.id < cosignature.id)))";

/* I6: every second of the older half, once there are too many. */
static const char thin[] =
    "DELETE FROM cosignature WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (ORDER BY size, time, id) AS place, count(*) OVER () AS all_of_them"
    "                                                     FROM cosignature WHERE node = ?1 AND witness = ?2)"
    "                                     WHERE all_of_them > " G_STRINGIFY(SIGHTINGS_WITNESS_MAX) " AND place <= all_of_them / 2 AND place % 2 = 0)";

static gboolean
drop_bare_checkpoints(const Kept *kept, GError **error)
{
    g_autoptr(Query) query = database_query(kept->database, "DELETE FROM checkpoint WHERE node = ?1 AND NOT EXISTS"
                                            " (SELECT 1 FROM cosignature WHERE cosignature.checkpoint = checkpoint.digest)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, kept->node);
    return database_run(kept->database, query, error);
}

static gboolean
keep_in_transaction(const Kept *kept, const char *witness, const NoteSignature *signature, gint64 time, gboolean *full, GError **error)
{
    g_autoptr(GError) local = NULL;

    *full = !has_room(kept, witness, &local);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    return *full || (insert_checkpoint(kept, error) && insert_cosignature(kept, witness, signature, time, error) &&
                     run_of_witness(kept, witness, drop_later_sights, error) && run_of_witness(kept, witness, thin, error) && drop_bare_checkpoints(kept, error));
}

static gboolean
keep(const Kept *kept, const char *witness, const NoteSignature *signature, gint64 time, gboolean *full, GError **error)
{
    if (!database_begin(kept->database, error))
        return FALSE;
    if (keep_in_transaction(kept, witness, signature, time, full, error) && database_commit(kept->database, error))
        return TRUE;
    database_rollback(kept->database);
    return FALSE;
}

gboolean
sightings_add(Home *home, const char *node, const char *note, const char *witness, const NoteSignature *signature, gint64 time, GError **error)
{
    g_auto(Kept) kept = { 0 };
    gboolean full;

    return read_checkpoint(home, node, note, &kept, error) && keep(&kept, witness, signature, time, &full, error);
}

/* A line by a witness known here, which is not the ledger's own node: who it is, and when. */
static gboolean
read_line(Home *home, const Kept *kept, const NoteSignature *signature, char witness[NODE_ID_SIZE], gint64 *time)
{
    const char *node = node_of_name(signature->name);
    g_autoptr(NoteVerifier) verifier = node ? NULL : verifiers_by_line(home, signature);
    g_autoptr(Identity) identity = NULL;

    if ((!node && !verifier) || g_strcmp0(node, kept->node) == 0)
        return FALSE;
    if (verifier)
        verifiers_word(verifier, witness);
    else
        g_strlcpy(witness, node, NODE_ID_SIZE);
    if (is_kept(kept->database, &kept->digest, witness))
        return FALSE;
    identity = node ? sightings_identity(home, node, NULL) : NULL;
    return (identity || verifier) &&
           cosignature_check(signature, kept->note, kept->text_size, signature->name, identity ? &identity->log : &verifier->key, time, NULL);
}

gboolean
sightings_learn(Home *home, const char *node, const char *note, guint *learned, GError **error)
{
    g_auto(Kept) kept = { 0 };
    g_autoptr(GPtrArray) signatures = NULL;
    gsize text_size;

    if (learned)
        *learned = 0;
    if (!read_checkpoint(home, node, note, &kept, error) || !check_root(home, &kept, error))
        return FALSE;
    signatures = note_signatures(note, strlen(note), &text_size, error);
    for (guint i = 0; signatures && i < signatures->len; i++) {
        const NoteSignature *signature = signatures->pdata[i];
        char witness[NODE_ID_SIZE];
        gboolean full;
        gint64 time;

        if (!read_line(home, &kept, signature, witness, &time))
            continue;
        if (!keep(&kept, witness, signature, time, &full, error))
            return FALSE;
        if (learned && !full)
            (*learned)++;
    }
    return signatures != NULL;
}

gboolean
sightings_forget(Home *home, const char *node, GError **error)
{
    static const char *const statements[] = { "DELETE FROM cosignature WHERE node = ?1", "DELETE FROM checkpoint WHERE node = ?1" };
    Database *database = sightings_tables(home, error);

    for (guint i = 0; i < G_N_ELEMENTS(statements); i++) {
        g_autoptr(Query) query = database ? database_query(database, statements[i], error) : NULL;

        if (!query)
            return FALSE;
        query_text(query, 1, node);
        if (!database_run(database, query, error))
            return FALSE;
    }
    return TRUE;
}

static void
digest_of_text(const char *note, Digest *digest)
{
    const char *end = g_strrstr(note, "\n\n");

    digest_of(note, end ? (gsize)(end - note) + 1 : strlen(note), digest);
}

gboolean
sightings_has(Home *home, const char *note, const char *witness)
{
    Database *database = sightings_tables(home, NULL);
    Digest digest;

    digest_of_text(note, &digest);
    return database && is_kept(database, &digest, witness);
}

gboolean
sightings_lacks(Home *home, const char *node, const char *note, const char *witness)
{
    Database *database = sightings_tables(home, NULL);
    const Kept kept = { .database = database, .node = node };
    g_autoptr(Identity) identity = NULL;
    Digest digest;

    digest_of_text(note, &digest);
    if (!database || is_kept(database, &digest, witness) || !has_room(&kept, witness, NULL))
        return FALSE;
    if (verifiers_is_word(witness))
        return TRUE;
    identity = sightings_identity(home, witness, NULL);
    return identity != NULL;
}

static GPtrArray *
lines_of(Database *database, const Digest *checkpoint, GError **error)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    g_autoptr(Query) query = database_query(database, "SELECT line FROM cosignature WHERE checkpoint = ?1 ORDER BY time, witness", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    query_digest(query, 1, checkpoint);
    while (database_row(database, query, &local)) {
        g_autofree char *line = query_column_text(query, 0);
        NoteSignature *signature = note_signature_parse(line, strlen(line), NULL);

        if (signature)
            g_ptr_array_add(lines, signature);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&lines);
}

char *
sightings_note(Home *home, const char *node, const char *note, GError **error)
{
    Database *database = sightings_tables(home, error);
    g_autoptr(Identity) identity = database ? sightings_identity(home, node, error) : NULL;
    g_autofree char *bare = identity ? checkpoint_bare(note, strlen(note), identity, error) : NULL;
    g_autoptr(GPtrArray) lines = NULL;
    Digest digest;

    if (!bare)
        return NULL;
    digest_of_text(bare, &digest);
    lines = lines_of(database, &digest, error);
    return lines ? note_merge(bare, strlen(bare), lines, error) : NULL;
}

/* How many of the policy's witnesses (all there are, without one) have cosigned it. */
static guint
count_witnesses(const char *note, const Policy *policy)
{
    gint64 times[POLICY_WITNESSES_MAX];
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, strlen(note), &text_size, NULL);

    if (!policy)
        return signatures ? signatures->len - 1 : 0;
    return policy_read(policy, note, strlen(note), times, NULL) ? policy_judge(policy, times).seen : 0;
}

/* A checkpoint, and how many cosignatures of it are kept: no policy counts more. */
typedef struct {
    char *note;
    guint cosignatures;
} Candidate;

static void
candidate_clear(gpointer data)
{
    g_free(((Candidate *)data)->note);
}

/* Those that cover record @seq, the best first. */
static GArray *
candidates(Database *database, const char *node, guint64 seq, GError **error)
{
    g_autoptr(Query) query = database_query(database,
                                            "SELECT c.note, count(*) AS n FROM checkpoint c JOIN cosignature s ON s.checkpoint = c.digest"
                                            " WHERE c.node = ?1 AND c.size > ?2 GROUP BY c.digest ORDER BY n DESC, c.size, c.time",
                                            error);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Candidate));

    g_array_set_clear_func(found, candidate_clear);
    if (!query)
        return NULL;
    query_text(query, 1, node);
    query_integer(query, 2, (gint64)seq);
    while (database_row(database, query, NULL)) {
        const Candidate candidate = { query_column_text(query, 0), (guint)sqlite3_column_int64(query, 1) };

        g_array_append_val(found, candidate);
    }
    return g_steal_pointer(&found);
}

char *
sightings_best_note(Home *home, const char *node, guint64 seq, const Policy *policy, GError **error)
{
    Database *database = sightings_tables(home, error);
    g_autoptr(GArray) all = database ? candidates(database, node, seq, error) : NULL;
    g_autofree char *best = NULL;
    guint most = 0;

    for (guint i = 0; all && i < all->len; i++) {
        const Candidate *candidate = &g_array_index(all, Candidate, i);
        g_autofree char *note = best && candidate->cosignatures <= most ? NULL : sightings_note(home, node, candidate->note, NULL);
        guint count = note ? count_witnesses(note, policy) : 0;

        if (note && (!best || count > most)) {
            g_free(best);
            best = g_steal_pointer(&note);
            most = count;
        }
    }
    return g_steal_pointer(&best);
}
