/* What sightings amount to: sightings_load() and what is asked of it. */
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/sightings_private.h"
#include "manifests/verifiers.h"

/* One cosignature kept. */
typedef struct {
    guint64 size;
    gint64 time;
    char *note, *line;
    enum { UNCHECKED, GOOD, DAMAGED } state;
} Row;

/* What one witness has cosigned, by size. */
typedef struct {
    char node[NODE_ID_SIZE];
    GArray *rows;
    GArray *first;   /* guint for each row: which of it and those behind it is the earliest; NULL: to be worked out */
} Witness;

struct Sightings {
    Home *home;
    char *node;
    GPtrArray *witnesses;   /* of Witness */
    guint damaged;
};

static void
row_clear(gpointer data)
{
    Row *row = data;

    g_free(row->note);
    g_free(row->line);
}

static void
witness_free(gpointer data)
{
    Witness *witness = data;

    g_array_unref(witness->rows);
    g_clear_pointer(&witness->first, g_array_unref);
    g_free(witness);
}

static Witness *
witness_new(const char *node)
{
    Witness *witness = g_new0(Witness, 1);

    g_strlcpy(witness->node, node, sizeof witness->node);
    witness->rows = g_array_new(FALSE, TRUE, sizeof(Row));
    g_array_set_clear_func(witness->rows, row_clear);
    return witness;
}

static void
add_row(Sightings *sightings, Query *query)
{
    g_autofree char *node = query_column_text(query, 0);
    Row row = { .size = (guint64)sqlite3_column_int64(query, 1), .time = sqlite3_column_int64(query, 2), .note = query_column_text(query, 3),
                .line = query_column_text(query, 4) };
    Witness *last = sightings->witnesses->len > 0 ? sightings->witnesses->pdata[sightings->witnesses->len - 1] : NULL;

    if (!last || strcmp(last->node, node) != 0)
        g_ptr_array_add(sightings->witnesses, last = witness_new(node));
    g_array_append_val(last->rows, row);
}

Sightings *
sightings_load(Home *home, const char *node, GError **error)
{
    Database *database = sightings_tables(home, error);
    g_autoptr(Query) query = database ? database_query(database, "SELECT s.witness, s.size, s.time, c.note, s.line FROM cosignature s JOIN checkpoint c ON c.digest = s.checkpoint"
                                                       " WHERE s.node = ?1 ORDER BY s.witness, s.size, s.time DESC", error) : NULL;
    g_autoptr(Sightings) sightings = g_new0(Sightings, 1);
    g_autoptr(GError) local = NULL;

    sightings->home = home;
    sightings->node = g_strdup(node);
    sightings->witnesses = g_ptr_array_new_with_free_func(witness_free);
    if (!query)
        return NULL;
    query_text(query, 1, node);
    while (database_row(database, query, &local))
        add_row(sightings, query);
    if (!local)
        return g_steal_pointer(&sightings);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

void
sightings_free(Sightings *sightings)
{
    if (!sightings)
        return;
    g_ptr_array_unref(sightings->witnesses);
    g_free(sightings->node);
    g_free(sightings);
}

/* By a node, with the key that it cosigned with then: it may have had several since. */
static gboolean
cosigned_by_node(Home *home, const char *node, const NoteSignature *signature, const Row *row, gsize text_size)
{
    g_autofree char *name = checkpoint_origin(node);
    g_autoptr(Identity) newest = sightings_identity(home, node, NULL);
    gint64 time;

    for (const Identity *identity = newest; identity; identity = identity->before)
        if (cosignature_check(signature, row->note, text_size, name, &identity->log, &time, NULL))
            return time == row->time;
    return FALSE;
}

static gboolean
cosigned_by_key(Home *home, const char *word, const NoteSignature *signature, const Row *row, gsize text_size)
{
    g_autoptr(NoteVerifier) verifier = verifiers_by_word(home, word);
    gint64 time;

    return verifier && cosignature_check(signature, row->note, text_size, verifier->name, &verifier->key, &time, NULL) && time == row->time;
}

static gboolean
cosigned(Home *home, const Witness *witness, const Row *row)
{
    g_autoptr(NoteSignature) signature = note_signature_parse(row->line, strlen(row->line), NULL);
    gsize text_size;

    if (!signature || !note_text(row->note, strlen(row->note), &text_size, NULL))
        return FALSE;
    return (verifiers_is_word(witness->node) ? cosigned_by_key : cosigned_by_node)(home, witness->node, signature, row, text_size);
}

/* The owner's line, the root as the ledger held here has it, and the cosignature: again, for rows may have been changed since. */
static gboolean
row_holds(const Sightings *sightings, const Witness *witness, const Row *row)
{
    gboolean own = strcmp(sightings->node, home_id(sightings->home)) == 0;
    Ledger *ledger = own ? home_ledger(sightings->home, NULL) : home_peer_ledger(sightings->home, sightings->node, NULL);
    g_autoptr(Identity) identity = sightings_identity(sightings->home, sightings->node, NULL);
    g_autoptr(Checkpoint) checkpoint = identity ? checkpoint_verify_by(row->note, strlen(row->note), identity, NULL) : NULL;
    Digest root;

    if (!checkpoint || checkpoint->size != row->size || !cosigned(sightings->home, witness, row))
        return FALSE;
    return !ledger || ledger_head(ledger)->size < row->size || (ledger_root(ledger, row->size, &root, NULL) && digest_equal(&root, &checkpoint->root));
}

/* From the last row back: the earliest of all that are at least as long, of those that are not known to be damaged. */
static void
work_out_first(Witness *witness)
{
    guint best = G_MAXUINT;

    g_clear_pointer(&witness->first, g_array_unref);
    witness->first = g_array_sized_new(FALSE, FALSE, sizeof(guint), witness->rows->len);
    g_array_set_size(witness->first, witness->rows->len);
    for (guint i = witness->rows->len; i-- > 0;) {
        const Row *row = &g_array_index(witness->rows, Row, i);

        if (row->state != DAMAGED && (best == G_MAXUINT || row->time <= g_array_index(witness->rows, Row, best).time))
            best = i;
        g_array_index(witness->first, guint, i) = best;
    }
}

/* The first row of more than @seq records, as many as there are rows if there is none. */
static guint
find_size(const Witness *witness, guint64 seq)
{
    guint low = 0, high = witness->rows->len;

    while (low < high) {
        guint middle = (low + high) / 2;

        if (g_array_index(witness->rows, Row, middle).size > seq)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static const Row *
first_sight(Sightings *sightings, Witness *witness, guint64 seq)
{
    guint from = find_size(witness, seq);

    while (from < witness->rows->len) {
        guint best;
        Row *row;

        if (!witness->first)
            work_out_first(witness);
        best = g_array_index(witness->first, guint, from);
        if (best == G_MAXUINT)
            return NULL;
        row = &g_array_index(witness->rows, Row, best);
        if (row->state == UNCHECKED)
            row->state = row_holds(sightings, witness, row) ? GOOD : DAMAGED;
        if (row->state == GOOD)
            return row;
        sightings->damaged++;
        g_clear_pointer(&witness->first, g_array_unref);
    }
    return NULL;
}

static gint
by_time(gconstpointer a, gconstpointer b)
{
    const Sighting *x = a, *y = b;

    return x->time < y->time ? -1 : x->time > y->time ? 1 : strcmp(x->witness, y->witness);
}

GArray *
sightings_of(Sightings *sightings, guint64 seq)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Sighting));

    for (guint i = 0; i < sightings->witnesses->len; i++) {
        Witness *witness = sightings->witnesses->pdata[i];
        const Row *row = first_sight(sightings, witness, seq);
        Sighting sighting = { .time = row ? row->time : 0, .size = row ? row->size : 0 };

        if (!row)
            continue;
        g_strlcpy(sighting.witness, witness->node, sizeof sighting.witness);
        g_array_append_val(all, sighting);
    }
    g_array_sort(all, by_time);
    return all;
}

guint
sightings_damaged(const Sightings *sightings)
{
    return sightings->damaged;
}

/* T32: a node is the policy's witness if both its name and a log key that it has or had are. */
static gboolean
had_log_key(Home *home, const char *node, const PublicKey *key)
{
    g_autoptr(Identity) identity = sightings_identity(home, node, NULL);

    return identity && identity_that_logged(identity, key);
}

static gboolean
is_witness(Home *home, const char *witness, const NoteVerifier *verifier)
{
    g_autofree char *name = checkpoint_origin(witness);
    char word[NODE_ID_SIZE];

    if (verifier->algorithm != NOTE_COSIGNATURE)
        return FALSE;
    verifiers_word(verifier, word);
    return strcmp(witness, word) == 0 || (strcmp(name, verifier->name) == 0 && had_log_key(home, witness, &verifier->key));
}

static gint64
time_of(const Sightings *sightings, const GArray *seen, const NoteVerifier *verifier)
{
    for (guint i = 0; i < seen->len; i++) {
        const Sighting *sighting = &g_array_index(seen, Sighting, i);

        if (is_witness(sightings->home, sighting->witness, verifier))
            return sighting->time;
    }
    return 0;
}

gint64
sightings_by(Sightings *sightings, guint64 seq, const NoteVerifier *verifier)
{
    g_autoptr(GArray) seen = sightings_of(sightings, seq);

    return time_of(sightings, seen, verifier);
}

/* T35: in any of its epochs. */
static gboolean
is_allowed(const Policy *policy, const Identity *newest)
{
    for (const Identity *identity = newest; identity; identity = identity->before) {
        g_autofree char *origin = checkpoint_origin_of(identity);

        if (policy_allows_log(policy, origin, &identity->log))
            return TRUE;
    }
    return FALSE;
}

static void
judge_by_policy(Sightings *sightings, const GArray *seen, const Policy *policy, Seen *result)
{
    gint64 times[POLICY_WITNESSES_MAX] = { 0 };
    g_autoptr(Identity) identity = sightings_identity(sightings->home, sightings->node, NULL);

    result->by_policy = TRUE;
    result->other_log = !is_allowed(policy, identity);
    for (guint i = 0; !result->other_log && i < policy_witnesses(policy); i++)
        times[i] = time_of(sightings, seen, policy_witness(policy, i).verifier);
    result->verdict = policy_judge(policy, times);
    result->verdict.quorum = result->verdict.quorum && !result->other_log;
}

void
sightings_judge(Sightings *sightings, guint64 seq, const Policy *policy, Seen *seen)
{
    g_autoptr(GArray) all = sightings_of(sightings, seq);

    *seen = (Seen){ 0 };
    if (policy) {
        judge_by_policy(sightings, all, policy, seen);
        return;
    }
    seen->verdict.seen = seen->verdict.witnesses = all->len;
    seen->verdict.earliest = all->len > 0 ? g_array_index(all, Sighting, 0).time : 0;
    for (guint i = 0; i < all->len; i++)
        seen->others += verifiers_is_word(g_array_index(all, Sighting, i).witness);
}

/* "2 known nodes"; "" for none. */
static char *
format_count(guint count, const char *what)
{
    return count == 0 ? g_strdup("") : g_strdup_printf("%u %s%s", count, what, count == 1 ? "" : g_str_has_suffix(what, "s") ? "es" : "s");
}

char *
sightings_format(const Seen *seen)
{
    g_autofree char *nodes = NULL, *others = NULL;
    char time[TIME_TEXT_SIZE];

    if (seen->other_log)
        return g_strdup("not a log that the policy names");
    if (seen->by_policy)
        return policy_verdict_format(&seen->verdict);
    if (seen->verdict.seen == 0)
        return g_strdup("cosigned by no known node");
    nodes = format_count(seen->verdict.seen - seen->others, "known node");
    others = format_count(seen->others, "other witness");
    return g_strdup_printf("cosigned by %s%s%s, earliest %s", nodes, *nodes && *others ? " and " : "", others, time_format(seen->verdict.earliest, time));
}

gboolean
sightings_strays(Home *home, guint *count, GError **error)
{
    Database *database = sightings_tables(home, error);
    g_autoptr(Query) query = database ? database_query(database, "SELECT count(*) FROM cosignature s LEFT JOIN checkpoint c ON c.digest = s.checkpoint"
                                                       " WHERE c.digest IS NULL OR c.node <> s.node OR c.size <> s.size", error) : NULL;

    if (!query || !database_row(database, query, error))
        return FALSE;
    *count = (guint)sqlite3_column_int64(query, 0);
    return TRUE;
}
