#include "sync/witness.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/sightings.h"
#include "sync/evidence.h"

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS witnessed (hash BLOB PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL)";

void
witnessed_clear(Witnessed *witnessed)
{
    g_clear_pointer(&witnessed->note, g_free);
}

void
witness_reply_clear(WitnessReply *reply)
{
    g_clear_pointer(&reply->line, note_signature_free);
    g_clear_pointer(&reply->detail, g_free);
}

/* E20: a line up to @end, without its LF; NULL if there is none. */
static const char *
next_line(const char **cursor, const char *end, gsize *size)
{
    const char *line = *cursor, *stop = line < end ? memchr(line, '\n', (gsize)(end - line)) : NULL;

    if (!stop)
        return NULL;
    *size = (gsize)(stop - line);
    *cursor = stop + 1;
    return line;
}

static gboolean
malformed(GError **error, const char *what)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "add-checkpoint: E20: %s", what);
}

static gboolean
parse_old(const char *line, gsize size, guint64 *old_size, GError **error)
{
    g_autofree char *text = line ? g_strndup(line, size) : NULL;
    const char *digits = text && g_str_has_prefix(text, "old ") ? text + strlen("old ") : "";

    if (size > 32 || !g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64, old_size, NULL) || (digits[0] == '0' && digits[1]))
        return malformed(error, "want the line old SIZE first, SIZE in decimal without leading zeros");
    return TRUE;
}

static gboolean
parse_hash(const char *line, gsize size, Digest *hash, GError **error)
{
    g_autoptr(GBytes) bytes = base64_parse(line, size, DIGEST_SIZE, NULL);

    if (!bytes || g_bytes_get_size(bytes) != DIGEST_SIZE)
        return malformed(error, "want hashes of 32 bytes in base64, a line each, then an empty line");
    memcpy(hash->bytes, g_bytes_get_data(bytes, NULL), DIGEST_SIZE);
    return TRUE;
}

gboolean
add_checkpoint_parse(const char *body, gsize size, AddCheckpoint *request, GError **error)
{
    const char *cursor = body, *end = body + size, *line;
    gsize line_size = 0;

    *request = (AddCheckpoint){ 0 };
    line = next_line(&cursor, end, &line_size);
    if (!parse_old(line, line_size, &request->old_size, error))
        return FALSE;
    while ((line = next_line(&cursor, end, &line_size)) && line_size > 0) {
        if (request->count == WITNESS_PROOF_MAX)
            return malformed(error, "want at most 63 hashes");
        if (!parse_hash(line, line_size, &request->proof[request->count++], error))
            return FALSE;
    }
    if (!line || cursor == end)
        return malformed(error, "want an empty line and a signed checkpoint behind the hashes");
    request->note = cursor;
    request->note_size = (gsize)(end - cursor);
    return TRUE;
}

char *
add_checkpoint_format(guint64 old_size, const Digest *proof, guint count, const char *note)
{
    g_autoptr(GString) body = g_string_new(NULL);

    g_string_printf(body, "old %" G_GUINT64_FORMAT "\n", old_size);
    for (guint i = 0; i < count; i++) {
        g_autofree char *hash = base64_format(proof[i].bytes, DIGEST_SIZE);

        g_string_append_printf(body, "%s\n", hash);
    }
    g_string_append_printf(body, "\n%s", note);
    return g_string_free(g_steal_pointer(&body), FALSE);
}

static Database *
open_tables(Home *home, GError **error)
{
    State *state = home_state(home, error);

    return state && state_make_table(state, tables, error) ? state_file(state) : NULL;
}

/* FALSE with or without an error: there is no row. */
static gboolean
read_latest(Database *database, const Digest *hash, char **origin, Witnessed *witnessed, GError **error)
{
    g_autoptr(Query) query = database_query(database, "SELECT origin, size, root, note FROM witnessed WHERE hash = ?1", error);

    if (!query)
        return FALSE;
    query_digest(query, 1, hash);
    if (!database_row(database, query, error) || !database_digest(database, query, 2, &witnessed->root, error))
        return FALSE;
    if (origin)
        *origin = query_column_text(query, 0);
    witnessed->size = (guint64)sqlite3_column_int64(query, 1);
    witnessed->note = query_column_text(query, 3);
    return TRUE;
}

static gboolean
latest_of(Database *database, const char *origin, Witnessed *witnessed, GError **error)
{
    g_autoptr(GError) local = NULL;
    Digest hash;

    *witnessed = (Witnessed){ 0 };
    digest_of(origin, strlen(origin), &hash);
    if (read_latest(database, &hash, NULL, witnessed, &local))
        return TRUE;
    digest_of("", 0, &witnessed->root);
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

gboolean
witness_latest(Home *home, const char *origin, Witnessed *witnessed, GError **error)
{
    Database *database = open_tables(home, error);

    return database && latest_of(database, origin, witnessed, error);
}

gboolean
witness_latest_by_hash(Home *home, const Digest *hash, char **origin, Witnessed *witnessed, GError **error)
{
    Database *database = open_tables(home, error);
    g_autoptr(GError) local = NULL;

    *witnessed = (Witnessed){ 0 };
    if (!database)
        return FALSE;
    if (read_latest(database, hash, origin, witnessed, &local))
        return TRUE;
    if (!local)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "E22: no checkpoint of this log has been cosigned here");
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static gboolean
write_latest(Database *database, const char *origin, const Checkpoint *checkpoint, const char *note, GError **error)
{
    g_autoptr(Query) query = database_query(database, "INSERT INTO witnessed (hash, origin, size, root, note) VALUES (?1, ?2, ?3, ?4, ?5)"
                                            " ON CONFLICT (hash) DO UPDATE SET size = ?3, root = ?4, note = ?5", error);
    Digest hash;

    if (!query)
        return FALSE;
    digest_of(origin, strlen(origin), &hash);
    query_digest(query, 1, &hash);
    query_text(query, 2, origin);
    query_integer(query, 3, (gint64)checkpoint->size);
    query_digest(query, 4, &checkpoint->root);
    query_text(query, 5, note);
    return database_run(database, query, error);
}

/* What is being cosigned; @judge says, with what was cosigned last, whether it may be.  All between begin and commit. */
typedef struct Cosigning Cosigning;
struct Cosigning {
    Home *home;
    Database *database;
    const char *origin;
    const Checkpoint *checkpoint;
    const char *bare;            /* the note with its owner's line */
    gboolean (*judge)(Cosigning *cosigning, const Witnessed *latest, GError **error);
    gpointer data;
    gboolean allowed;            /* by @judge */
    NoteSignature *line;
    gint64 time;
};

/* T16: by the log key, under this node's name, at the time by its clock. */
static char *
cosign(Cosigning *cosigning, GError **error)
{
    g_autofree char *name = checkpoint_origin(home_id(cosigning->home));
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    Keypair *key = home_log_key(cosigning->home, error);
    gsize text_size = (gsize)(g_strrstr(cosigning->bare, "\n\n") - cosigning->bare) + 1;

    if (!key || !home_check_may_sign(cosigning->home, error))
        return NULL;
    cosigning->time = g_get_real_time() / G_USEC_PER_SEC;
    cosigning->line = cosignature_sign(cosigning->bare, text_size, name, key, cosigning->time, error);
    if (!cosigning->line)
        return NULL;
    g_ptr_array_add(lines, cosigning->line);
    return note_merge(cosigning->bare, strlen(cosigning->bare), lines, error);
}

static gboolean
cosign_in_transaction(Cosigning *cosigning, GError **error)
{
    g_auto(Witnessed) latest = { 0 };
    g_autofree char *note = NULL;

    if (!latest_of(cosigning->database, cosigning->origin, &latest, error) || !cosigning->judge(cosigning, &latest, error))
        return FALSE;
    if (!cosigning->allowed)
        return TRUE;
    note = cosign(cosigning, error);
    return note && write_latest(cosigning->database, cosigning->origin, cosigning->checkpoint, note, error);
}

/* T19: nothing leaves before the commit, which is durable. */
static gboolean
cosign_durably(Cosigning *cosigning, GError **error)
{
    if (!database_begin(cosigning->database, error))
        return FALSE;
    if (cosign_in_transaction(cosigning, error) && database_commit(cosigning->database, error))
        return TRUE;
    database_rollback(cosigning->database);
    g_clear_pointer(&cosigning->line, note_signature_free);
    return FALSE;
}

static gboolean
refuse(WitnessReply *reply, WitnessStatus status, const char *detail)
{
    reply->status = status;
    g_free(reply->detail);
    reply->detail = g_strdup(detail);
    return TRUE;
}

typedef struct {
    const AddCheckpoint *request;
    WitnessReply *reply;
    char *contradicts;    /* the note cosigned last, if it and the new one cannot both be true */
} Adding;

/* T8: the node whose log it is, of whichever epoch; FALSE if it is no node's. */
static gboolean
node_of_origin(const char *origin, char node[NODE_ID_SIZE])
{
    const char *id = g_str_has_prefix(origin, "chama/") ? origin + strlen("chama/") : "";

    g_strlcpy(node, id, NODE_ID_SIZE);
    return node_id_valid(node) && (id[NODE_ID_LENGTH] == '\0' || id[NODE_ID_LENGTH] == '/');
}

/* E21: 409, then 422. */
static gboolean
judge_addition(Cosigning *cosigning, const Witnessed *latest, GError **error)
{
    Adding *adding = cosigning->data;
    const AddCheckpoint *request = adding->request;
    const Checkpoint *checkpoint = cosigning->checkpoint;
    g_autoptr(GError) fails = NULL;

    adding->reply->latest = latest->size;
    if (request->old_size != latest->size)
        return refuse(adding->reply, WITNESS_CONFLICT, "another size was cosigned last");
    cosigning->allowed = merkle_check_consistency(latest->size, &latest->root, checkpoint->size, &checkpoint->root, request->proof, request->count, &fails);
    if (cosigning->allowed)
        return TRUE;
    if (checkpoint->size == latest->size && latest->note && !digest_equal(&checkpoint->root, &latest->root))
        adding->contradicts = g_strdup(latest->note);
    return refuse(adding->reply, WITNESS_INCONSISTENT, fails->message);
}

/* Two checkpoints of one size (E21). */
static gboolean
keep_contradiction(Home *home, const char *origin, char *held, const char *offered, GError **error)
{
    g_auto(Conflict) conflict = { .checkpoints = { held, g_strdup(offered) } };
    char node[NODE_ID_SIZE];

    return !node_of_origin(origin, node) || evidence_keep(home, node, &conflict, NULL, error);
}

static gboolean
add_signed(Home *home, const Checkpoint *checkpoint, const char *bare, Adding *adding, GError **error)
{
    Cosigning cosigning = { .home = home, .database = open_tables(home, error), .origin = checkpoint->origin, .checkpoint = checkpoint, .bare = bare,
                            .judge = judge_addition, .data = adding };

    if (!cosigning.database || !cosign_durably(&cosigning, error))
        return FALSE;
    if (adding->contradicts)
        return keep_contradiction(home, checkpoint->origin, g_steal_pointer(&adding->contradicts), bare, error);
    if (cosigning.line)
        adding->reply->status = WITNESS_COSIGNED;
    adding->reply->line = cosigning.line;
    adding->reply->time = cosigning.time;
    return TRUE;
}

gboolean
witness_add(Home *home, const AddCheckpoint *request, const char *origin, const PublicKey *log_key, WitnessReply *reply, GError **error)
{
    g_autoptr(GError) refused = NULL;
    g_autoptr(Checkpoint) checkpoint = checkpoint_claims(request->note, request->note_size, &refused);
    g_autofree char *bare = NULL;
    Adding adding = { request, reply, NULL };
    gboolean done;

    *reply = (WitnessReply){ 0 };
    if (!checkpoint)
        return refuse(reply, WITNESS_MALFORMED, refused->message);
    if (request->old_size > checkpoint->size)
        return refuse(reply, WITNESS_MALFORMED, "E20: want an old size of at most that of the checkpoint");
    if (strcmp(checkpoint->origin, origin) != 0)
        return refuse(reply, WITNESS_UNKNOWN, "unknown log");
    bare = note_bare(request->note, request->note_size, origin, log_key, &refused);
    if (!bare)
        return refuse(reply, WITNESS_FORBIDDEN, refused->message);
    done = add_signed(home, checkpoint, bare, &adding, error);
    g_free(adding.contradicts);
    return done;
}

static gboolean
keep_sighting(Home *home, const char *node, const AddCheckpoint *request, const WitnessReply *reply, GError **error)
{
    g_autofree char *note = g_strndup(request->note, request->note_size);

    return sightings_add(home, node, note, home_id(home), reply->line, reply->time, error);
}

/* The key state of the node whose log this is, where it had so many records; NULL if it is none that is known here, or this node's. */
static Identity *
identity_of_log(Home *home, const Checkpoint *claims, const char *node, const Identity **then)
{
    Catalogue *catalogue = strcmp(node, home_id(home)) == 0 ? NULL : home_catalogue(home, NULL);
    g_autoptr(Identity) newest = catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
    g_autofree char *origin = NULL;

    if (!newest)
        return NULL;
    *then = identity_at(newest, claims->size > 0 ? claims->size - 1 : 0);
    origin = checkpoint_origin_of(*then);
    return strcmp(origin, claims->origin) == 0 ? g_steal_pointer(&newest) : NULL;
}

gboolean
witness_answer(Home *home, const AddCheckpoint *request, WitnessReply *reply, GError **error)
{
    g_autoptr(GError) refused = NULL;
    g_autoptr(Checkpoint) claims = checkpoint_claims(request->note, request->note_size, &refused);
    g_autoptr(Identity) newest = NULL;
    const Identity *then = NULL;
    char node[NODE_ID_SIZE];

    *reply = (WitnessReply){ 0 };
    if (!claims)
        return refuse(reply, WITNESS_MALFORMED, refused->message);
    if (request->old_size > claims->size)
        return refuse(reply, WITNESS_MALFORMED, "E20: want an old size of at most that of the checkpoint");
    if (node_of_origin(claims->origin, node))
        newest = identity_of_log(home, claims, node, &then);
    if (!newest)
        return refuse(reply, WITNESS_UNKNOWN, "unknown log");
    return witness_add(home, request, claims->origin, &then->log, reply, error) &&
           (reply->status != WITNESS_COSIGNED || keep_sighting(home, node, request, reply, error));
}

/* Of a ledger that is held whole: the checkpoint is its, and what was cosigned last is a prefix of it; else @conflict says what is wrong. */
typedef struct {
    Ledger *ledger;
    gboolean forked;
    Conflict conflict;
} Replicated;

/* What was cosigned last is no prefix of the ledger, of which the new checkpoint is. */
static gboolean
note_other_past(Cosigning *cosigning, Replicated *replicated, const Witnessed *latest, GError **error)
{
    replicated->forked = TRUE;
    replicated->conflict.checkpoints[0] = g_strdup(latest->note);
    replicated->conflict.checkpoints[1] = g_strdup(cosigning->bare);
    return conflict_of_checkpoints(&replicated->conflict, ledger_merkle(replicated->ledger), latest->size, cosigning->checkpoint->size, error);
}

/* The new checkpoint is not of the records held here. */
static gboolean
note_other_root(Cosigning *cosigning, Replicated *replicated, GError **error)
{
    replicated->forked = TRUE;
    return conflict_of_copy(&replicated->conflict, replicated->ledger, cosigning->bare, cosigning->checkpoint, error);
}

static gboolean
judge_replica(Cosigning *cosigning, const Witnessed *latest, GError **error)
{
    Replicated *replicated = cosigning->data;
    Digest root, older;

    if (latest->size > cosigning->checkpoint->size)
        return TRUE;
    if (!ledger_root(replicated->ledger, cosigning->checkpoint->size, &root, error) || !ledger_root(replicated->ledger, latest->size, &older, error))
        return FALSE;
    if (!digest_equal(&older, &latest->root))
        return note_other_past(cosigning, replicated, latest, error);
    if (!digest_equal(&root, &cosigning->checkpoint->root))
        return note_other_root(cosigning, replicated, error);
    cosigning->allowed = TRUE;
    return TRUE;
}

static gboolean
cosign_replica(Cosigning *cosigning, Replicated *replicated, GError **error)
{
    if (!cosign_durably(cosigning, error))
        return FALSE;
    if (!replicated->forked)
        return TRUE;
    return evidence_keep(cosigning->home, ledger_node(replicated->ledger), &replicated->conflict, NULL, error) &&
           chama_error(error, CHAMA_ERROR_FORK, "T19: two histories: the checkpoint, the ledger held here and what was cosigned of it before do not agree");
}

/* The line of this node in what it cosigned last, if that is this very checkpoint. */
static NoteSignature *
line_made_before(Home *home, const char *node, const char *bare)
{
    g_autofree char *name = checkpoint_origin(home_id(home));
    const Identity *identity = home_identity(home, NULL);
    g_autofree char *note = identity ? sightings_note(home, node, bare, NULL) : NULL;
    g_autoptr(GPtrArray) signatures = NULL;
    const NoteSignature *line;
    NoteKeyId id;
    gsize text_size;

    signatures = note ? note_signatures(note, strlen(note), &text_size, NULL) : NULL;
    if (!signatures)
        return NULL;
    note_key_id(name, NOTE_COSIGNATURE, &identity->log, &id);
    line = note_signatures_find(signatures, name, &id);
    return line ? note_signature_new(line->name, &line->id, g_bytes_get_data(line->signature, NULL), g_bytes_get_size(line->signature)) : NULL;
}

static gboolean
cosign_anew(Home *home, Ledger *ledger, const Checkpoint *checkpoint, const char *bare, NoteSignature **line, GError **error)
{
    Replicated replicated = { .ledger = ledger };
    Cosigning cosigning = { .home = home, .database = open_tables(home, error), .origin = checkpoint->origin, .checkpoint = checkpoint, .bare = bare,
                            .judge = judge_replica, .data = &replicated };
    gboolean done = cosigning.database && cosign_replica(&cosigning, &replicated, error);

    conflict_clear(&replicated.conflict);
    *line = cosigning.line;
    return done && (!cosigning.line || sightings_add(home, ledger_node(ledger), bare, home_id(home), cosigning.line, cosigning.time, error));
}

gboolean
witness_replica(Home *home, Ledger *ledger, const char *note, NoteSignature **signature, GError **error)
{
    const Identity *identity = ledger_identity(ledger);
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify_by(note, strlen(note), identity, error);
    g_autofree char *bare = checkpoint ? checkpoint_bare(note, strlen(note), identity, error) : NULL;
    g_autoptr(NoteSignature) line = bare ? line_made_before(home, ledger_node(ledger), bare) : NULL;

    if (!bare || (!line && !cosign_anew(home, ledger, checkpoint, bare, &line, error)))
        return FALSE;
    if (signature)
        *signature = g_steal_pointer(&line);
    return TRUE;
}
