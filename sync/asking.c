#include "sync/asking.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/sightings.h"
#include "manifests/text.h"
#include "manifests/verifiers.h"
#include "sync/backoff.h"
#include "sync/decimal.h"
#include "sync/transport/transport.h"
#include "sync/witness.h"

static const char tables[] = "CREATE TABLE IF NOT EXISTS asked (witness TEXT NOT NULL, origin TEXT NOT NULL, size INTEGER NOT NULL, tried INTEGER NOT NULL,"
                             " failures INTEGER NOT NULL, PRIMARY KEY (witness, origin))";

/* One witness, and what is known of it. */
typedef struct {
    PolicyWitness witness;
    char word[NODE_ID_SIZE];   /* as sightings call it */
    guint64 size;              /* that it has cosigned of this log */
    gint64 tried;              /* last; 0: never */
    guint failures;            /* since it last cosigned */
} Asking;

/* What is being cosigned. */
typedef struct {
    Home *home;
    Database *database;
    Ledger *ledger;
    char *note;
    Checkpoint *checkpoint;
    gint *cancelled;
} Sought;

static void
sought_clear(Sought *s)
{
    g_clear_pointer(&s->note, g_free);
    g_clear_pointer(&s->checkpoint, checkpoint_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sought, sought_clear)

void
asked_free(Asked *asked)
{
    g_free(asked->name);
    g_clear_error(&asked->error);
    g_free(asked);
}

static gboolean
read_row(const Sought *s, Asking *asking, GError **error)
{
    g_autoptr(Query) query = database_query(s->database, "SELECT size, tried, failures FROM asked WHERE witness = ?1 AND origin = ?2", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    query_text(query, 1, asking->word);
    query_text(query, 2, s->checkpoint->origin);
    if (database_row(s->database, query, &local)) {
        asking->size = (guint64)sqlite3_column_int64(query, 0);
        asking->tried = sqlite3_column_int64(query, 1);
        asking->failures = (guint)sqlite3_column_int64(query, 2);
    }
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static gboolean
write_row(const Sought *s, const Asking *asking, GError **error)
{
    g_autoptr(Query) query = database_query(s->database, "INSERT OR REPLACE INTO asked (witness, origin, size, tried, failures) VALUES (?1, ?2, ?3, ?4, ?5)", error);

    if (!query)
        return FALSE;
    query_text(query, 1, asking->word);
    query_text(query, 2, s->checkpoint->origin);
    query_integer(query, 3, (gint64)asking->size);
    query_integer(query, 4, asking->tried);
    query_integer(query, 5, asking->failures);
    return database_run(s->database, query, error);
}

/* W20: later after each failure. */
static gboolean
is_due(const Asking *asking, gint64 now)
{
    guint pause = backoff_pause(asking->failures, BACKOFF_FIRST, BACKOFF_MOST);

    return now >= asking->tried + pause || now < asking->tried;
}

/* A node goes by its id, and its ledger must be known: else what it says could not be kept. */
static gboolean
name_witness(const Sought *s, Asking *asking, GError **error)
{
    const NoteVerifier *verifier = asking->witness.verifier;
    const char *node = g_str_has_prefix(verifier->name, "chama/") ? verifier->name + strlen("chama/") : NULL;

    if (!node) {
        verifiers_word(verifier, asking->word);
        return verifiers_keep(s->home, verifier, error);
    }
    g_strlcpy(asking->word, node, sizeof asking->word);
    return TRUE;
}

static gint
by_last_try(gconstpointer a, gconstpointer b)
{
    const Asking *x = a, *y = b;

    return x->tried < y->tried ? -1 : x->tried > y->tried;
}

/* W20: of whom something is wanted now, who waits longest first. */
static GArray *
find_due(const Sought *s, const Policy *policy, gboolean at_once, GError **error)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GArray) due = g_array_new(FALSE, FALSE, sizeof(Asking));

    for (guint i = 0; i < policy_witnesses(policy); i++) {
        Asking asking = { .witness = policy_witness(policy, i) };

        /* T15: one by another algorithm is never seen to sign here */
        if (asking.witness.verifier->algorithm != NOTE_COSIGNATURE)
            continue;
        if (!name_witness(s, &asking, error))
            return NULL;
        if (!asking.witness.url || strcmp(asking.word, home_id(s->home)) == 0 || !sightings_lacks(s->home, home_id(s->home), s->note, asking.word))
            continue;
        if (!read_row(s, &asking, error))
            return NULL;
        if (at_once || is_due(&asking, now))
            g_array_append_val(due, asking);
    }
    g_array_sort(due, by_last_try);
    return g_steal_pointer(&due);
}

static Transport *
connect_to(const Sought *s, const Asking *asking, GError **error)
{
    /* W20: no key is pinned, for what counts is the signature: whoever sits on the way can withhold it, as it could anyhow. */
    const TransportOptions options = { .connect_timeout = ASKING_PATIENCE, .stall_timeout = ASKING_PATIENCE, .patience = ASKING_PATIENCE, .slowest = ASKING_SLOWEST, .cancelled = s->cancelled };

    return transport_open(asking->witness.url, &options, error);
}

static GBytes *
request_of(const Sought *s, const Asking *asking, GError **error)
{
    g_autoptr(GArray) proof = NULL;
    char *body;

    if (asking->size > 0 && asking->size < s->checkpoint->size && !(proof = merkle_file_consistency(ledger_merkle(s->ledger), asking->size, s->checkpoint->size, error)))
        return NULL;
    body = add_checkpoint_format(asking->size, proof ? (const Digest *)(gpointer)proof->data : NULL, proof ? proof->len : 0, s->note);
    return g_bytes_new_take(body, strlen(body));
}

/* W21: 200. */
static gboolean
take_lines(const Sought *s, const Asking *asking, GBytes *answer, GError **error)
{
    const NoteVerifier *verifier = asking->witness.verifier;
    g_autoptr(GString) note = g_string_new(s->note);
    g_autoptr(GPtrArray) signatures = NULL;
    const NoteSignature *line;
    gsize text_size, whole_size;
    gint64 time;

    g_string_append_len(note, g_bytes_get_data(answer, NULL), (gssize)g_bytes_get_size(answer));
    if (!note_text(s->note, strlen(s->note), &text_size, error))
        return FALSE;
    signatures = note_signatures(note->str, note->len, &whole_size, error);
    /* an empty line in the answer would make the note another one */
    if (!signatures || whole_size != text_size || g_bytes_get_size(answer) == 0) {
        g_clear_error(error);
        return chama_error(error, CHAMA_ERROR_MALFORMED, "W21: want signature lines, have something else");
    }
    line = note_signatures_find(signatures, verifier->name, &verifier->id);
    if (!line)
        return chama_error(error, CHAMA_ERROR_VERIFY, "W21: want a line of its own, have none");
    if (!cosignature_check(line, s->note, text_size, verifier->name, &verifier->key, &time, error)) {
        g_prefix_error(error, "W21: ");
        return FALSE;
    }
    return sightings_add(s->home, home_id(s->home), s->note, asking->word, line, time, error);
}

/* W21: 409.  TRUE with another size to ask from. */
static gboolean
take_size(const Sought *s, Asking *asking, GBytes *answer, GError **error)
{
    gsize size = g_bytes_get_size(answer);
    const char *data = g_bytes_get_data(answer, NULL);
    g_autofree char *text = size > 0 && size <= 20 && data[size - 1] == '\n' ? g_strndup(data, size - 1) : NULL;
    guint64 latest;

    if (!text || strlen(text) != size - 1 || !decimal_parse(text, DECIMAL_MAX, &latest))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "W21: want with status 409 a size in decimal and a line feed, have something else");
    if (latest == asking->size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "W21: says with status 409 that it cosigned the very size that it was asked from");
    if (latest > s->checkpoint->size)
        return chama_error(error, CHAMA_ERROR_FORK, "W21: has cosigned %" G_GUINT64_FORMAT " records of this node, which has %" G_GUINT64_FORMAT
                           ": was it restored from a backup?  `chama sync` with a peer brings them back", latest, s->checkpoint->size);
    asking->size = latest;
    return TRUE;
}

/* W21: the others. */
static gboolean
refused(int status, GError **error)
{
    static const struct { int status; ChamaError code; const char *what; } known[] = {
        { 400, CHAMA_ERROR_MALFORMED, "calls the request malformed" },
        { 403, CHAMA_ERROR_DENIED, "knows no key of this log that signed the checkpoint" },
        { 404, CHAMA_ERROR_NOT_FOUND, "does not know this log: give its owner the key of `chama id`" },
        { 422, CHAMA_ERROR_VERIFY, "says that this history does not continue the one that it cosigned" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (known[i].status == status)
            return chama_error(error, known[i].code, "W21: %s (%d)", known[i].what, status);
    return chama_error(error, CHAMA_ERROR_UNREACHABLE, "W21: want status 200, have %d", status);
}

static gboolean
ask_once(const Sought *s, Asking *asking, Transport *transport, gboolean *again, GError **error)
{
    g_autoptr(GBytes) request = request_of(s, asking, error), answer = NULL;
    int status = 0;

    *again = FALSE;
    answer = request ? transport_ask(transport, "POST", "/add-checkpoint", request, ASKING_ANSWER_MAX, &status, error) : NULL;
    if (!answer)
        return FALSE;
    if (status == 200)
        return take_lines(s, asking, answer, error);
    if (status != 409)
        return refused(status, error);
    *again = TRUE;
    return take_size(s, asking, answer, error);
}

static gboolean
ask(const Sought *s, Asking *asking, GError **error)
{
    g_autoptr(Transport) transport = connect_to(s, asking, error);
    gboolean again = TRUE;

    if (!transport)
        return FALSE;
    /* what was remembered of another history of this log, or of a home that was restored, is no size to prove from */
    if (asking->size > s->checkpoint->size)
        asking->size = 0;
    for (guint i = 0; again && i < ASKING_REQUESTS_MAX; i++)
        if (!ask_once(s, asking, transport, &again, error))
            return FALSE;
    return !again || chama_error(error, CHAMA_ERROR_UNREACHABLE, "W21: want a cosignature, have another size %d times", ASKING_REQUESTS_MAX);
}

static Asked *
ask_and_note(const Sought *s, Asking *asking)
{
    Asked *asked = g_new0(Asked, 1);

    asked->name = g_strdup(asking->witness.verifier->name);
    asked->size = s->checkpoint->size;
    if (ask(s, asking, &asked->error)) {
        asking->size = s->checkpoint->size;
        asking->failures = 0;
    } else
        asking->failures++;
    asking->tried = g_get_real_time() / G_USEC_PER_SEC;
    /* not known the next time, it is asked once more: no harm */
    write_row(s, asking, asked->error ? NULL : &asked->error);
    return asked;
}

static gboolean
seek(Sought *s, GError **error)
{
    State *state = home_state(s->home, error);

    s->database = state && state_make_table(state, tables, error) ? state_file(state) : NULL;
    s->ledger = s->database ? home_ledger(s->home, error) : NULL;
    s->note = s->ledger ? home_checkpoint(s->home, error) : NULL;
    s->checkpoint = s->note ? checkpoint_verify_by(s->note, strlen(s->note), ledger_identity(s->ledger), error) : NULL;
    return s->checkpoint != NULL;
}

GPtrArray *
asking_all(Home *home, const Policy *policy, gboolean at_once, gint *cancelled, GError **error)
{
    g_auto(Sought) s = { .home = home, .cancelled = cancelled };
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)asked_free);
    gint64 until = g_get_monotonic_time() + ASKING_BUDGET * G_USEC_PER_SEC;
    g_autoptr(GArray) due = NULL;

    if (!seek(&s, error) || !(due = find_due(&s, policy, at_once, error)))
        return NULL;
    for (guint i = 0; i < due->len && g_get_monotonic_time() < until && !(cancelled && g_atomic_int_get(cancelled)); i++)
        g_ptr_array_add(all, ask_and_note(&s, &g_array_index(due, Asking, i)));
    return g_steal_pointer(&all);
}
