/* What witnesses have cosigned, as it is kept and asked for: T17, T18 of manifests/FORMAT.md. */
#include "tests/unit/two_nodes.h"

#include "manifests/ledger/cosignature.h"
#include "manifests/sightings.h"
#include "manifests/verifiers.h"

#define SEEN 1777622400 /* 2026-05-01T08:00:00Z */

static char *
name_of(Node *node)
{
    return checkpoint_origin(home_id(node->home));
}

/* A checkpoint of Forestry's ledger, of whatever size it is said to have. */
static char *
checkpoint_of(Node *node, guint64 size, guint8 root, gint64 time)
{
    g_autofree char *origin = name_of(node);
    Digest digest = { { root } };

    return checkpoint_sign(origin, size, &digest, time, home_log_key(node->home, NULL), NULL);
}

static gsize
text_size(const char *note)
{
    return (gsize)(g_strrstr(note, "\n\n") - note) + 1;
}

static NoteSignature *
cosign(Node *node, const char *note, gint64 time)
{
    g_autofree char *name = name_of(node);

    return cosignature_sign(note, text_size(note), name, home_log_key(node->home, NULL), time, NULL);
}

static char *
with_line(const char *note, NoteSignature *line)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);

    g_ptr_array_add(lines, line);
    return note_merge(note, strlen(note), lines, NULL);
}

static void
saw(Node *keeper, Node *owner, Node *witness, guint64 size, gint64 time)
{
    g_autofree char *note = checkpoint_of(owner, size, (guint8)size, time - 10);
    g_autoptr(NoteSignature) line = cosign(witness, note, time);
    g_autoptr(GError) error = NULL;

    sightings_add(keeper->home, home_id(owner->home), note, home_id(witness->home), line, time, &error);
    g_assert_no_error(error);
}

static guint
learn(Node *keeper, Node *owner, const char *note)
{
    g_autoptr(GError) error = NULL;
    guint learned = 99;

    sightings_learn(keeper->home, home_id(owner->home), note, &learned, &error);
    g_assert_no_error(error);
    return learned;
}

static gint64
rows(Node *node, const char *table)
{
    g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s", table);
    sqlite3_stmt *statement;
    gint64 count;

    /* makes the tables */
    g_assert_false(sightings_has(node->home, "", ""));
    g_assert_cmpint(sqlite3_prepare_v2(state_database(home_state(node->home, NULL)), sql, -1, &statement, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
    count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

/* A cosignature that holds, by a node that is known: kept once, and given out with the checkpoint. */
static void
test_learn(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *note = home_checkpoint(owner->home, NULL);
    g_autofree char *cosigned = with_line(note, cosign(witness, note, SEEN));
    g_autofree char *given = NULL;

    g_assert_cmpuint(learn(owner, owner, cosigned), ==, 0);
    node_copy_ledger(witness, witness, owner);
    g_assert_cmpuint(learn(owner, owner, cosigned), ==, 1);
    g_assert_cmpuint(learn(owner, owner, cosigned), ==, 0);
    g_assert_true(sightings_has(owner->home, note, home_id(witness->home)));
    given = sightings_note(owner->home, home_id(owner->home), note, NULL);
    g_assert_cmpstr(given, ==, cosigned);
}

/* Lines that are let go, one by one; and the same note is taken. */
static void
test_lines_let_go(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *note = home_checkpoint(owner->home, NULL), *other = checkpoint_of(owner, 9, 9, SEEN), *name = name_of(witness);
    NoteSignature *own = cosign(owner, note, SEEN);
    NoteSignature *of_other_text = cosign(witness, other, SEEN);
    NoteSignature *renamed = cosignature_sign(note, text_size(note), "chama/somebody", home_log_key(witness->home, NULL), SEEN, NULL);
    NoteSignature *other_key = cosignature_sign(note, text_size(note), name, home_log_key(owner->home, NULL), SEEN, NULL);
    NoteSignature *lines[] = { own, of_other_text, renamed, other_key };

    node_copy_ledger(witness, witness, owner);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *cosigned = with_line(note, lines[i]);

        g_test_message("%u", i);
        g_assert_cmpuint(learn(owner, owner, cosigned), ==, 0);
    }
    g_assert_cmpint(rows(owner, "cosignature"), ==, 0);
}

static void
check_refused(Node *keeper, const char *node, const char *note, int code)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(sightings_learn(keeper->home, node, note, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_cmpint(rows(keeper, "checkpoint"), ==, 0);
}

/* Notes that are refused whole: another's key, bytes that are none, a node that nobody knows, two histories. */
static void
test_refusals(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *note = home_checkpoint(owner->home, NULL);
    g_autofree char *origin = name_of(owner);
    Digest root = { { 5 } };
    g_autofree char *forged = checkpoint_sign(origin, 2, &root, SEEN, home_log_key(witness->home, NULL), NULL);
    g_autofree char *forked = checkpoint_of(owner, 2, 5, SEEN);
    g_autofree char *forged_line = with_line(forged, cosign(witness, forged, SEEN));
    g_autofree char *forked_line = with_line(forked, cosign(witness, forked, SEEN));

    check_refused(witness, home_id(owner->home), note, CHAMA_ERROR_NOT_FOUND);
    node_copy_ledger(witness, witness, owner);
    node_copy_ledger(owner, owner, witness);
    check_refused(owner, home_id(owner->home), forged_line, CHAMA_ERROR_VERIFY);
    check_refused(witness, home_id(owner->home), forged_line, CHAMA_ERROR_VERIFY);
    check_refused(owner, home_id(owner->home), "no note\n", CHAMA_ERROR_MALFORMED);
    check_refused(owner, home_id(witness->home), note, CHAMA_ERROR_VERIFY);
    check_refused(owner, home_id(owner->home), forked_line, CHAMA_ERROR_FORK);
    check_refused(witness, home_id(owner->home), forked_line, CHAMA_ERROR_FORK);
}

static gint64
first_sight(Sightings *sightings, guint64 seq)
{
    g_autoptr(GArray) all = sightings_of(sightings, seq);

    return all->len > 0 ? g_array_index(all, Sighting, 0).time : 0;
}

/* T18: the first sight of a size that covers the record, whatever was signed anew later. */
static void
test_first_sight(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autoptr(Sightings) none = NULL;
    g_autoptr(Sightings) sightings = NULL;

    node_copy_ledger(witness, witness, owner);
    none = sightings_load(owner->home, home_id(owner->home), NULL);
    g_assert_cmpint(first_sight(none, 0), ==, 0);
    saw(owner, owner, witness, 5, SEEN);
    saw(owner, owner, witness, 5, SEEN + 3600);
    saw(owner, owner, witness, 5, SEEN + 7200);
    g_assert_cmpint(rows(owner, "cosignature"), ==, 2);
    saw(owner, owner, witness, 8, SEEN + 9000);
    g_assert_cmpint(rows(owner, "cosignature"), ==, 2);
    g_assert_cmpint(rows(owner, "checkpoint"), ==, 2);
    saw(owner, owner, witness, 20, SEEN + 100000);
    sightings = sightings_load(owner->home, home_id(owner->home), NULL);
    g_assert_cmpint(first_sight(sightings, 0), ==, SEEN);
    g_assert_cmpint(first_sight(sightings, 4), ==, SEEN);
    g_assert_cmpint(first_sight(sightings, 5), ==, SEEN + 9000);
    g_assert_cmpint(first_sight(sightings, 7), ==, SEEN + 9000);
    g_assert_cmpint(first_sight(sightings, 8), ==, SEEN + 100000);
    g_assert_cmpint(first_sight(sightings, 20), ==, 0);
    g_assert_cmpint(first_sight(sightings, G_MAXINT64), ==, 0);
    g_assert_cmpuint(sightings_damaged(sightings), ==, 0);
}

/* A clock that was set back: a longer ledger was seen before a shorter one, so the shorter one was there by then, too. */
static void
test_clock_set_back(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autoptr(Sightings) sightings = NULL;

    node_copy_ledger(witness, witness, owner);
    saw(owner, owner, witness, 5, SEEN + 1000);
    saw(owner, owner, witness, 8, SEEN);
    sightings = sightings_load(owner->home, home_id(owner->home), NULL);
    g_assert_cmpint(first_sight(sightings, 3), ==, SEEN);
    g_assert_cmpint(first_sight(sightings, 7), ==, SEEN);
}

/* A row that was changed behind our back is passed over and counted; what else is known stands. */
static void
test_damaged_rows(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autoptr(Sightings) sightings = NULL;

    node_copy_ledger(witness, witness, owner);
    saw(owner, owner, witness, 5, SEEN);
    saw(owner, owner, witness, 8, SEEN + 1000);
    g_assert_cmpint(sqlite3_exec(state_database(home_state(owner->home, NULL)), "UPDATE cosignature SET time = time - 500 WHERE size = 5", NULL, NULL, NULL), ==, SQLITE_OK);
    sightings = sightings_load(owner->home, home_id(owner->home), NULL);
    g_assert_cmpint(first_sight(sightings, 3), ==, SEEN + 1000);
    g_assert_cmpuint(sightings_damaged(sightings), ==, 1);
    g_assert_cmpint(first_sight(sightings, 3), ==, SEEN + 1000);
    g_assert_cmpuint(sightings_damaged(sightings), ==, 1);
}

/* I6: the older half is thinned; what went counts as seen with the next that stayed, never earlier than it was. */
static void
test_bound(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autoptr(Sightings) sightings = NULL;

    node_copy_ledger(witness, witness, owner);
    g_assert_cmpint(sqlite3_exec(state_database(home_state(owner->home, NULL)), "PRAGMA synchronous = OFF", NULL, NULL, NULL), ==, SQLITE_OK);
    /* longer than the ledger itself is, which would contradict them */
    for (guint64 i = 3; i <= SIGHTINGS_WITNESS_MAX + 100; i++)
        saw(owner, owner, witness, i, SEEN + (gint64)i);
    g_assert_cmpint(rows(owner, "cosignature"), <=, SIGHTINGS_WITNESS_MAX);
    g_assert_cmpint(rows(owner, "cosignature"), >, SIGHTINGS_WITNESS_MAX / 2);
    g_assert_cmpint(rows(owner, "checkpoint"), ==, rows(owner, "cosignature"));
    sightings = sightings_load(owner->home, home_id(owner->home), NULL);
    for (guint64 seq = 2; seq < SIGHTINGS_WITNESS_MAX + 100; seq += 7) {
        gint64 time = first_sight(sightings, seq);

        g_assert_cmpint(time, >=, SEEN + (gint64)seq + 1);
        g_assert_cmpint(time, <=, SEEN + (gint64)seq + 2);
    }
}

static char *
policy_of(Node *witness, const char *more)
{
    g_autofree char *name = name_of(witness);
    g_autofree char *vkey = note_verifier_format(name, NOTE_COSIGNATURE, &home_identity(witness->home, NULL)->log);

    return g_strdup_printf("witness a %s\n%squorum a\n", vkey, more);
}

static void
test_judge(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *text = policy_of(witness, ""), *strict = policy_of(witness, "log log.example/a+870806f8+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n");
    g_autofree char *words = NULL, *unseen = NULL, *by_policy = NULL, *other = NULL;
    g_autoptr(Policy) policy = policy_parse(text, strlen(text), NULL);
    g_autoptr(Policy) other_log = NULL;
    g_autoptr(Sightings) sightings = NULL;
    g_autoptr(GError) error = NULL;
    Seen seen;

    node_copy_ledger(witness, witness, owner);
    saw(owner, owner, witness, 5, SEEN);
    sightings = sightings_load(owner->home, home_id(owner->home), NULL);
    sightings_judge(sightings, 4, NULL, &seen);
    words = sightings_format(&seen);
    g_assert_cmpstr(words, ==, "cosigned by 1 known node, earliest 2026-05-01T08:00:00Z");
    sightings_judge(sightings, 5, NULL, &seen);
    unseen = sightings_format(&seen);
    g_assert_cmpstr(unseen, ==, "cosigned by no known node");
    sightings_judge(sightings, 4, policy, &seen);
    by_policy = sightings_format(&seen);
    g_assert_cmpstr(by_policy, ==, "seen by 1 of 1 witness, earliest 2026-05-01T08:00:00Z");
    g_assert_true(seen.verdict.quorum);
    sightings_judge(sightings, 5, policy, &seen);
    g_assert_false(seen.verdict.quorum);
    other_log = policy_parse(strict, strlen(strict), &error);
    g_assert_no_error(error);
    sightings_judge(sightings, 4, other_log, &seen);
    other = sightings_format(&seen);
    g_assert_cmpstr(other, ==, "not a log that the policy names");
    g_assert_false(seen.verdict.quorum);
}

/* Of several checkpoints that cover a record the one that most have cosigned, and of these the first. */
static void
test_best_note(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *none = NULL, *best = NULL, *later = NULL;
    g_autoptr(GError) error = NULL;

    node_copy_ledger(witness, witness, owner);
    none = sightings_best_note(owner->home, home_id(owner->home), 0, NULL, &error);
    g_assert_no_error(error);
    g_assert_null(none);
    saw(owner, owner, witness, 5, SEEN);
    saw(owner, owner, witness, 8, SEEN + 10);
    best = sightings_best_note(owner->home, home_id(owner->home), 2, NULL, NULL);
    g_assert_nonnull(strstr(best, "\n5\n"));
    later = sightings_best_note(owner->home, home_id(owner->home), 6, NULL, NULL);
    g_assert_nonnull(strstr(later, "\n8\n"));
    g_assert_null(sightings_best_note(owner->home, home_id(owner->home), 8, NULL, NULL));
}

static NoteVerifier *
verifier_of(const char *name, NoteAlgorithm algorithm, const PublicKey *key)
{
    g_autofree char *vkey = note_verifier_format(name, algorithm, key);
    g_autoptr(GError) error = NULL;
    NoteVerifier *verifier = note_verifier_parse(vkey, &error);

    g_assert_no_error(error);
    return verifier;
}

/* T18: a witness that is no node is known from when a policy names it, and counted by its name and key. */
static void
test_no_node(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry;
    guint8 seed[32] = { 3 };
    g_autoptr(Keypair) key = keypair_from_seed(seed, NULL);
    g_autoptr(NoteVerifier) verifier = verifier_of("witness.example", NOTE_COSIGNATURE, keypair_public(key)), again = NULL;
    g_autofree char *note = home_checkpoint(owner->home, NULL), *cosigned = NULL, *text = NULL;
    gsize size = (gsize)(strstr(note, "\n\n") - note) + 1;
    g_autoptr(Sightings) sightings = NULL;
    char word[NODE_ID_SIZE];
    Seen seen;

    cosigned = with_line(note, cosignature_sign(note, size, "witness.example", key, SEEN, NULL));
    verifiers_word(verifier, word);
    g_assert_true(verifiers_is_word(word) && !node_id_valid(word));
    g_assert_cmpuint(learn(owner, owner, cosigned), ==, 0);
    g_assert_null(verifiers_by_word(owner->home, word));
    g_assert_true(verifiers_keep(owner->home, verifier, NULL) && verifiers_keep(owner->home, verifier, NULL));
    g_assert_cmpint(rows(owner, "verifier"), ==, 1);
    again = verifiers_by_word(owner->home, word);
    g_assert_cmpstr(again->name, ==, "witness.example");
    g_assert_true(sightings_lacks(owner->home, home_id(owner->home), note, word));
    g_assert_cmpuint(learn(owner, owner, cosigned), ==, 1);
    g_assert_false(sightings_lacks(owner->home, home_id(owner->home), note, word));
    sightings = sightings_load(owner->home, home_id(owner->home), NULL);
    sightings_judge(sightings, 0, NULL, &seen);
    text = sightings_format(&seen);
    g_assert_true(g_str_has_prefix(text, "cosigned by 1 other witness, earliest "));
}

/* What is refused by name; under another name the key is another witness. */
static void
test_no_such_verifier(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry;
    const PublicKey *key = &home_identity(owner->home, NULL)->log;
    g_autofree char *name = name_of(owner);
    const struct { const char *name; NoteAlgorithm algorithm; int code; const char *text; } cases[] = {
        { name, NOTE_COSIGNATURE, CHAMA_ERROR_USAGE, "T18: a node is known by its ledger" },
        { "log.example", NOTE_ED25519, CHAMA_ERROR_UNSUPPORTED, "log.example: T15: cosigns by an algorithm that cannot be checked here" },
        { "w\x1b[2J", NOTE_COSIGNATURE, CHAMA_ERROR_USAGE, "witnesses: T18: want a name that can be shown" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        NoteVerifier verifier = { .name = (char *)cases[i].name, .algorithm = cases[i].algorithm, .key = *key };
        g_autoptr(GError) error = NULL;

        g_assert_false(verifiers_keep(owner->home, &verifier, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].text));
    }
    for (guint i = 0; i < VERIFIERS_MAX; i++) {
        g_autofree char *other = g_strdup_printf("w%u.example", i);
        g_autoptr(NoteVerifier) verifier = verifier_of(other, NOTE_COSIGNATURE, key);

        g_assert_true(verifiers_keep(owner->home, verifier, NULL));
    }
    {
        g_autoptr(NoteVerifier) verifier = verifier_of("one.too.many", NOTE_COSIGNATURE, key);
        g_autoptr(GError) error = NULL;

        g_assert_false(verifiers_keep(owner->home, verifier, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
        g_assert_cmpstr(error->message, ==, "witnesses: T18: want at most 1024 that are no nodes");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/sightings/" name, TwoNodes, NULL, two_nodes_make, test, two_nodes_clear)
    ADD("learn", test_learn);
    ADD("lines-let-go", test_lines_let_go);
    ADD("refusals", test_refusals);
    ADD("t18/first-sight", test_first_sight);
    ADD("t18/clock-set-back", test_clock_set_back);
    ADD("damaged-rows", test_damaged_rows);
    ADD("i6/bound", test_bound);
    ADD("judge", test_judge);
    ADD("best-note", test_best_note);
    ADD("t18/no-node", test_no_node);
    ADD("t18/no-such-verifier", test_no_such_verifier);
    return g_test_run();
}
