#include "manifests/verifiers.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/text.h"

#define WORD "key-"
#define WORD_HEX 40

static const char tables[] = "CREATE TABLE IF NOT EXISTS verifier (word TEXT PRIMARY KEY, name TEXT NOT NULL, id BLOB NOT NULL, vkey TEXT NOT NULL);"
                             "CREATE INDEX IF NOT EXISTS verifier_name ON verifier (name, id)";

static Database *
open_tables(Home *home, GError **error)
{
    State *state = home_state(home, error);

    return state && state_make_table(state, tables, error) ? state_file(state) : NULL;
}

void
verifiers_word(const NoteVerifier *verifier, char word[NODE_ID_SIZE])
{
    g_autofree char *vkey = note_verifier_format(verifier->name, verifier->algorithm, &verifier->key);
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_of(vkey, strlen(vkey), &digest);
    g_snprintf(word, NODE_ID_SIZE, WORD "%.*s", WORD_HEX, digest_format_hex(&digest, hex));
}

gboolean
verifiers_is_word(const char *witness)
{
    return g_str_has_prefix(witness, WORD);
}

/* I6: a policy names 64; over the years they may be others. */
static gboolean
has_room(Database *database, GError **error)
{
    g_autoptr(Query) query = database_query(database, "SELECT count(*) FROM verifier", error);

    if (!query || !database_row(database, query, error))
        return FALSE;
    return sqlite3_column_int(query, 0) < VERIFIERS_MAX ||
           chama_error(error, CHAMA_ERROR_LIMIT, "witnesses: T18: want at most %d that are no nodes", VERIFIERS_MAX);
}

static gboolean
is_kept(Database *database, const char *word)
{
    g_autoptr(Query) query = database_query(database, "SELECT 1 FROM verifier WHERE word = ?1", NULL);

    if (!query)
        return FALSE;
    query_text(query, 1, word);
    return database_row(database, query, NULL);
}

static gboolean
insert(Database *database, const NoteVerifier *verifier, const char *word, GError **error)
{
    g_autoptr(Query) query = database_query(database, "INSERT OR IGNORE INTO verifier (word, name, id, vkey) VALUES (?1, ?2, ?3, ?4)", error);
    g_autofree char *vkey = note_verifier_format(verifier->name, verifier->algorithm, &verifier->key);
    g_autoptr(GBytes) id = g_bytes_new(verifier->id.bytes, sizeof verifier->id.bytes);

    if (!query)
        return FALSE;
    query_text(query, 1, word);
    query_text(query, 2, verifier->name);
    query_bytes(query, 3, id);
    query_text(query, 4, vkey);
    return database_run(database, query, error);
}

gboolean
verifiers_keep(Home *home, const NoteVerifier *verifier, GError **error)
{
    Database *database = open_tables(home, error);
    char word[NODE_ID_SIZE];

    if (!database)
        return FALSE;
    if (verifier->algorithm != NOTE_COSIGNATURE)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: T15: cosigns by an algorithm that cannot be checked here", verifier->name);
    if (g_str_has_prefix(verifier->name, "chama/"))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: T18: a node is known by its ledger", verifier->name);
    if (!text_shows(verifier->name, FALSE))
        return chama_error(error, CHAMA_ERROR_USAGE, "witnesses: T18: want a name that can be shown");
    verifiers_word(verifier, word);
    return is_kept(database, word) || (has_room(database, error) && insert(database, verifier, word, error));
}

NoteVerifier *
verifiers_by_word(Home *home, const char *word)
{
    Database *database = open_tables(home, NULL);
    g_autoptr(Query) query = database ? database_query(database, "SELECT vkey FROM verifier WHERE word = ?1", NULL) : NULL;
    g_autofree char *vkey = NULL;

    if (!query)
        return NULL;
    query_text(query, 1, word);
    if (!database_row(database, query, NULL))
        return NULL;
    vkey = query_column_text(query, 0);
    return note_verifier_parse(vkey, NULL);
}

NoteVerifier *
verifiers_by_line(Home *home, const NoteSignature *line)
{
    Database *database = open_tables(home, NULL);
    g_autoptr(Query) query = database ? database_query(database, "SELECT vkey FROM verifier WHERE name = ?1 AND id = ?2", NULL) : NULL;
    g_autoptr(GBytes) id = g_bytes_new(line->id.bytes, sizeof line->id.bytes);
    g_autofree char *vkey = NULL;

    if (!query)
        return NULL;
    query_text(query, 1, line->name);
    query_bytes(query, 2, id);
    if (!database_row(database, query, NULL))
        return NULL;
    vkey = query_column_text(query, 0);
    return note_verifier_parse(vkey, NULL);
}
