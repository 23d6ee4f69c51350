/* This node as a witness: T16, T19 of manifests/FORMAT.md; E18, E20 to E22, PU21 of sync/PROTOCOL.md. */
#include "tests/unit/two_nodes.h"

#include "keys/canonical.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/sightings.h"
#include "sync/witness.h"

#define NOTHING "0000000000000000000000000000000000000000000000000000000000000000"
#define HASH "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NOTE "log\n1\n" HASH "\n\n\xe2\x80\x94 log AAAAAAAA\n"

static void
check_body(const char *body, gboolean good)
{
    g_autoptr(GError) error = NULL;
    AddCheckpoint request;

    g_test_message("%s", body);
    g_assert_cmpint(add_checkpoint_parse(body, strlen(body), &request, &error), ==, good);
    if (!good) {
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_nonnull(strstr(error->message, "E20"));
    }
}

/* E20: one spelling. */
static void
test_bodies(void)
{
    static const char *const good[] = { "old 0\n\n" NOTE, "old 7\n" HASH "\n\n" NOTE, "old 9223372036854775807\n" HASH "\n" HASH "\n\n" NOTE, "old 1\n\nx" };
    static const char *const bad[] = { "", "\n", "old\n\n" NOTE, "old \n\n" NOTE, "old 01\n\n" NOTE, "old -1\n\n" NOTE, "old +1\n\n" NOTE, "old 1 \n\n" NOTE, "old  1\n\n" NOTE,
                                       "Old 1\n\n" NOTE, "old 1\r\n\n" NOTE, "old 9223372036854775808\n\n" NOTE, "old 1", "old 1\n", "old 1\n\n", "old 1\n" HASH "\n",
                                       "old 1\n" HASH "\n\n", "old 1\nAQID\n\n" NOTE, "old 1\n" HASH " \n\n" NOTE, "old 1\nno hash\n\n" NOTE,
                                       "old 1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\n" NOTE, "new 1\n\n" NOTE };
    g_autoptr(GString) many = g_string_new("old 1\n");

    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        check_body(good[i], TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        check_body(bad[i], FALSE);
    for (guint i = 0; i < WITNESS_PROOF_MAX; i++)
        g_string_append(many, HASH "\n");
    g_string_append(many, "\n" NOTE);
    check_body(many->str, TRUE);
    g_string_insert(many, strlen("old 1\n"), HASH "\n");
    check_body(many->str, FALSE);
}

static const char *
string_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    g_assert_nonnull(text);
    return text;
}

static PublicKey
key_of_hex(const char *hex)
{
    PublicKey key;
    Digest digest;

    g_assert_true(digest_parse_hex(hex, &digest, NULL));
    memcpy(key.bytes, digest.bytes, sizeof key.bytes);
    return key;
}

/* The conversation of another implementation's test, step by step.  It answers 403 for a log that it does not know, as the text did then. */
static void
test_c2sp_conversation(TwoNodes *nodes, gconstpointer unused)
{
    static const char origin[] = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
    g_autoptr(json_t) root = json_load_file("tests/c2sp/checkpoint.json", 0, NULL);
    const json_t *conversation = json_object_get(root, "add_checkpoint_conversation"), *steps = json_object_get(conversation, "steps");
    PublicKey key = key_of_hex(string_of(conversation, "log_ed25519_pub"));
    size_t i;
    json_t *step;

    json_array_foreach((json_t *)steps, i, step) {
        const char *body = string_of(step, "request");
        int wanted = (int)json_integer_value(json_object_get(step, "status"));
        g_auto(WitnessReply) reply = { 0 };
        g_autoptr(GError) error = NULL;
        AddCheckpoint request;

        g_test_message("step %zu", i);
        g_assert_true(add_checkpoint_parse(body, strlen(body), &request, &error));
        g_assert_true(witness_add(nodes->tourism.home, &request, origin, &key, &reply, &error));
        g_assert_no_error(error);
        g_assert_cmpint(reply.status, ==, i == 2 ? WITNESS_UNKNOWN : wanted);
        g_assert_true((reply.line != NULL) == (wanted == 200));
        if (i == 6 || i == 8)
            g_assert_cmpuint(reply.latest, ==, i == 6 ? 3 : 5);
    }
    g_assert_cmpuint(i, ==, 9);
}

/* A log of its own that only the witness's row knows of, with as many leaves as a test needs. */
typedef struct {
    Keypair *key;
    MerkleFile *tree;
    char *path;
    char *origin;
} Log;

static void
log_open(Log *log, TwoNodes *nodes, guint count)
{
    g_autoptr(GArray) leaves = g_array_new(FALSE, TRUE, sizeof(Digest));

    log->key = keypair_generate(NULL);
    log->path = g_build_filename(nodes->folder, "hashes", NULL);
    log->origin = g_strdup("log.example");
    log->tree = merkle_file_open(log->path, NULL);
    for (guint i = 0; i < count; i++) {
        Digest leaf;

        merkle_leaf(&i, sizeof i, &leaf);
        g_array_append_val(leaves, leaf);
    }
    g_assert_true(merkle_file_append(log->tree, (const Digest *)(gpointer)leaves->data, count, NULL));
}

static void
log_close(Log *log)
{
    keypair_free(log->key);
    merkle_file_close(log->tree);
    g_free(log->path);
    g_free(log->origin);
}

/* What the witness says to a checkpoint of @size with the proof from @from, sent as one from @old. */
static WitnessStatus
add(Home *home, Log *log, guint64 old, guint64 from, guint64 size, const Digest *other_root)
{
    Digest root;
    g_autoptr(GArray) proof = merkle_file_consistency(log->tree, from, size, NULL);
    g_autofree char *note = NULL, *body = NULL;
    g_auto(WitnessReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    AddCheckpoint request;

    g_assert_true(merkle_file_root(log->tree, size, &root, NULL));
    note = checkpoint_sign(log->origin, size, other_root ? other_root : &root, 1777622400, log->key, NULL);
    body = add_checkpoint_format(old, (const Digest *)(gpointer)proof->data, proof->len, note);
    g_assert_true(add_checkpoint_parse(body, strlen(body), &request, NULL));
    g_assert_true(witness_add(home, &request, log->origin, keypair_public(log->key), &reply, &error));
    g_assert_no_error(error);
    return reply.status;
}

/* E21, T19: what is cosigned continues what was, also for a process that comes later; nothing refused changes what stands. */
static void
test_t19_one_history(TwoNodes *nodes, gconstpointer unused)
{
    Digest other = { { 7 } };
    g_auto(Witnessed) latest = { 0 };
    Home *home = nodes->tourism.home;
    Log log;

    log_open(&log, nodes, 40);
    g_assert_cmpint(add(home, &log, 0, 0, 0, &other), ==, WITNESS_INCONSISTENT);
    g_assert_cmpint(add(home, &log, 5, 5, 9, NULL), ==, WITNESS_CONFLICT);
    g_assert_cmpint(add(home, &log, 0, 3, 9, NULL), ==, WITNESS_INCONSISTENT);
    g_assert_cmpint(add(home, &log, 0, 0, 9, NULL), ==, WITNESS_COSIGNED);
    g_assert_cmpint(add(home, &log, 9, 9, 9, NULL), ==, WITNESS_COSIGNED);
    g_assert_cmpint(add(home, &log, 9, 9, 9, &other), ==, WITNESS_INCONSISTENT);
    g_assert_cmpint(add(home, &log, 9, 8, 20, NULL), ==, WITNESS_INCONSISTENT);
    g_assert_cmpint(add(home, &log, 9, 9, 20, &other), ==, WITNESS_INCONSISTENT);
    g_assert_cmpint(add(home, &log, 0, 0, 20, NULL), ==, WITNESS_CONFLICT);
    node_reopen(&nodes->tourism);
    home = nodes->tourism.home;
    g_assert_cmpint(add(home, &log, 0, 0, 8, NULL), ==, WITNESS_CONFLICT);
    g_assert_cmpint(add(home, &log, 9, 9, 20, NULL), ==, WITNESS_COSIGNED);
    g_assert_cmpint(add(home, &log, 9, 9, 20, NULL), ==, WITNESS_CONFLICT);
    g_assert_cmpint(add(home, &log, 20, 20, 40, NULL), ==, WITNESS_COSIGNED);
    g_assert_true(witness_latest(home, log.origin, &latest, NULL));
    g_assert_cmpuint(latest.size, ==, 40);
    log_close(&log);
}

static char *
submission(Node *owner, guint64 old, guint64 size)
{
    g_autofree char *origin = checkpoint_origin(home_id(owner->home));
    Ledger *ledger = home_ledger(owner->home, NULL);
    g_autoptr(GArray) proof = NULL;
    g_autofree char *note = NULL;
    Digest root;

    g_assert_true(ledger_refresh(ledger, NULL));
    proof = merkle_file_consistency(ledger_merkle(ledger), old, size, NULL);
    g_assert_true(ledger_root(ledger, size, &root, NULL));
    note = checkpoint_sign(origin, size, &root, 1777622400, home_log_key(owner->home, NULL), NULL);
    return add_checkpoint_format(old, (const Digest *)(gpointer)proof->data, proof->len, note);
}

static Reply
submit(Node *witness, const char *body)
{
    g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));

    return node_ask(witness, NULL, "POST", "/witness/add-checkpoint", NULL, NULL, bytes);
}

static char *
text_of(Reply *reply)
{
    return g_strndup((const char *)reply->body->data, reply->body->len);
}

/* The whole way: what comes back stands on the checkpoint, and is a sighting. */
static void
test_add_checkpoint(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *body = submission(owner, 0, 1), *longer = submission(owner, 1, 2);
    g_autofree char *name = checkpoint_origin(home_id(witness->home)), *line = NULL, *cosigned = NULL, *conflict = NULL;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC, time;

    {
        g_auto(Reply) reply = submit(witness, body);

        g_assert_cmpint(reply.status, ==, 404);
    }
    node_copy_ledger(owner, owner, witness);
    {
        g_auto(Reply) reply = submit(witness, body);

        g_assert_cmpint(reply.status, ==, 200);
        g_assert_cmpstr(reply.type, ==, "text/plain; charset=utf-8");
        line = text_of(&reply);
    }
    cosigned = g_strconcat(strstr(body, "\n\n") + 2, line, NULL);
    g_assert_true(cosignature_verify(cosigned, strlen(cosigned), name, &home_identity(witness->home, NULL)->log, &time, NULL));
    g_assert_cmpint(time, >=, now);
    g_assert_true(sightings_has(witness->home, cosigned, home_id(witness->home)));
    {
        g_autofree char *late = submission(owner, 0, 2);
        g_auto(Reply) reply = submit(witness, late);

        g_assert_cmpint(reply.status, ==, 409);
        g_assert_cmpstr(reply.type, ==, "text/x.tlog.size");
        conflict = text_of(&reply);
        g_assert_cmpstr(conflict, ==, "1\n");
    }
    {
        g_auto(Reply) reply = submit(witness, longer);

        g_assert_cmpint(reply.status, ==, 200);
    }
}

/* E21: what is refused, and how. */
static void
test_add_checkpoint_refusals(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *body = submission(owner, 0, 2), *own = submission(witness, 0, 2);
    g_autofree char *older = submission(owner, 0, 1);
    g_autofree char *empty = g_strdup("");
    g_autofree char *too_old = g_strconcat("old 3\n", strchr(body, '\n') + 1, NULL);
    g_autofree char *surplus = g_strconcat("old 0\n" HASH "\n", strchr(body, '\n') + 1, NULL);
    g_autofree char *unsigned_note = g_strdup(body);
    g_autofree char *other_log = g_strdup(body);
    char *signature = g_strrstr(unsigned_note, " ");
    const struct { const char *body; int status; } cases[] = {
        { empty, 400 }, { "old 0\n\nno note\n", 400 }, { too_old, 400 }, { unsigned_note, 403 }, { other_log, 404 }, { own, 404 }, { NOTE, 400 },
        { "old 0\n\n" NOTE, 404 }, { surplus, 422 }, { body, 200 }, { body, 409 }, { older, 409 },
    };

    node_copy_ledger(owner, owner, witness);
    signature[20] = signature[20] == 'A' ? 'B' : 'A';
    other_log[strlen("old 0\n\nchama/")] = other_log[strlen("old 0\n\nchama/")] == 'a' ? 'b' : 'a';
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Reply) reply = submit(witness, cases[i].body);

        g_test_message("%u", i);
        g_assert_cmpint(reply.status, ==, cases[i].status);
    }
}

static char *
hash_of(Node *node)
{
    g_autofree char *origin = checkpoint_origin(home_id(node->home));
    char hex[DIGEST_HEX_SIZE];
    Digest hash;

    digest_of(origin, strlen(origin), &hash);
    return g_strdup(digest_format_hex(&hash, hex));
}

/* E22: for whom the ledger would be. */
static void
test_witnessed(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *hash = hash_of(owner), *path = g_strdup_printf("/witness/%s/checkpoint", hash), *upper = g_ascii_strup(path, -1);
    g_autofree char *unknown = g_strdup("/witness/" NOTHING "/checkpoint"), *short_path = g_strdup("/witness/abc/checkpoint"), *note = NULL, *body = submission(owner, 0, 2);
    const struct { const char *path; const Node *caller; int status; } cases[] = {
        { path, NULL, 404 }, { unknown, owner, 404 }, { short_path, owner, 404 }, { upper, owner, 404 }, { path, owner, 200 },
    };

    node_copy_ledger(owner, owner, witness);
    {
        g_auto(Reply) before = node_ask(witness, owner, "GET", path, NULL, NULL, NULL);
        g_auto(Reply) reply = submit(witness, body);

        g_assert_cmpint(before.status, ==, 404);
        g_assert_cmpint(reply.status, ==, 200);
    }
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Reply) reply = node_ask(witness, cases[i].caller, "GET", cases[i].path, NULL, NULL, NULL);

        g_test_message("%s", cases[i].path);
        g_assert_cmpint(reply.status, ==, cases[i].status);
        if (reply.status == 200)
            note = text_of(&reply);
    }
    g_assert_true(g_str_has_prefix(note, strstr(body, "\n\n") + 2));
    g_assert_nonnull(strstr(note, home_id(witness->home)));
}

/* PU21: what is held whole is cosigned once; the same again gives the same line, and the owner's newer checkpoint a newer one. */
static void
test_replica(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *note = home_checkpoint(owner->home, NULL), *origin = checkpoint_origin(home_id(owner->home)), *later = NULL, *again_text = NULL, *line_text = NULL;
    g_autoptr(NoteSignature) line = NULL;
    g_autoptr(NoteSignature) again = NULL;
    g_autoptr(NoteSignature) newer = NULL;
    g_autoptr(GError) error = NULL;
    Ledger *ledger;
    Digest root;

    node_copy_ledger(owner, owner, witness);
    ledger = home_peer_ledger(witness->home, home_id(owner->home), NULL);
    g_assert_true(witness_replica(witness->home, ledger, note, &line, &error));
    g_assert_true(witness_replica(witness->home, ledger, note, &again, &error));
    line_text = note_signature_format(line);
    again_text = note_signature_format(again);
    g_assert_cmpstr(line_text, ==, again_text);
    g_assert_true(ledger_root(ledger, 2, &root, NULL));
    later = checkpoint_sign(origin, 2, &root, 4000000000, home_log_key(owner->home, NULL), NULL);
    g_assert_true(witness_replica(witness->home, ledger, later, &newer, &error));
    g_assert_no_error(error);
    g_assert_nonnull(newer);
}

static guint
count_evidence(Node *node)
{
    g_autoptr(GPtrArray) all = state_evidence(home_state(node->home, NULL), NULL);

    return all->len;
}

/* T19: another history than the one cosigned before is refused and kept as evidence, whichever way each came. */
static void
test_replica_forks(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *note = home_checkpoint(owner->home, NULL), *origin = checkpoint_origin(home_id(owner->home)), *other = NULL, *longer = NULL;
    g_autoptr(NoteSignature) none = NULL;
    g_autoptr(GError) error = NULL;
    Digest wrong = { { 3 } };
    Ledger *ledger;

    node_copy_ledger(owner, owner, witness);
    ledger = home_peer_ledger(witness->home, home_id(owner->home), NULL);
    other = checkpoint_sign(origin, 2, &wrong, 1777622400, home_log_key(owner->home, NULL), NULL);
    longer = add_checkpoint_format(0, NULL, 0, other);
    {
        g_auto(Reply) reply = submit(witness, longer);

        g_assert_cmpint(reply.status, ==, 200);
    }
    g_assert_false(witness_replica(witness->home, ledger, note, &none, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FORK);
    g_assert_null(none);
    g_assert_cmpuint(count_evidence(witness), ==, 1);
}

/* PU7: a node whose own ledger has two histories signs nothing, for others neither. */
static void
test_own_fork_signs_nothing(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *note = home_checkpoint(owner->home, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(Witnessed) latest = { 0 };
    g_autofree char *origin = checkpoint_origin(home_id(owner->home));

    node_copy_ledger(owner, owner, witness);
    g_assert_true(state_add_evidence(home_state(witness->home, NULL), home_id(witness->home), EVIDENCE_OWN_FORK, "{}", 1, NULL));
    g_assert_false(witness_replica(witness->home, home_peer_ledger(witness->home, home_id(owner->home), NULL), note, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FORK);
    g_assert_true(witness_latest(witness->home, origin, &latest, NULL));
    g_assert_cmpuint(latest.size, ==, 0);
}

static Reply
hand_over(Node *owner, const Node *caller, const char *note)
{
    g_autoptr(GBytes) body = g_bytes_new(note, strlen(note));

    return node_ask(owner, caller, "POST", "/v1/cosignatures", NULL, NULL, body);
}

/* E18: taken from accepted peers alone, of this node's own checkpoints alone; what does not hold is let go. */
static void
test_cosignatures(TwoNodes *nodes, gconstpointer unused)
{
    Node *owner = &nodes->forestry, *witness = &nodes->tourism;
    g_autofree char *note = home_checkpoint(owner->home, NULL), *theirs = home_checkpoint(witness->home, NULL), *cosigned = NULL, *served = NULL;
    g_autofree char *big = g_strnfill(NOTE_SIZE_MAX + 1, 'x');
    g_autofree char *path = g_strdup_printf("/log/%s/checkpoint", home_id(owner->home));
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    NoteSignature *line = NULL;

    node_copy_ledger(owner, owner, witness);
    node_copy_ledger(witness, witness, owner);
    g_assert_true(witness_replica(witness->home, home_peer_ledger(witness->home, home_id(owner->home), NULL), note, &line, NULL));
    g_ptr_array_add(lines, line);
    cosigned = note_merge(note, strlen(note), lines, NULL);
    {
        const struct { const Node *caller; const char *note; int status; } cases[] = { { NULL, cosigned, 404 }, { witness, cosigned, 404 } };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_auto(Reply) reply = hand_over(owner, cases[i].caller, cases[i].note);

            g_assert_cmpint(reply.status, ==, cases[i].status);
        }
    }
    node_accept(owner, witness, "tourism");
    {
        const struct { const char *note, *says; int status; } cases[] = {
            { "", NULL, 400 }, { "no note", NULL, 400 }, { theirs, NULL, 400 }, { big, NULL, 413 }, { note, "0\n", 200 }, { cosigned, "1\n", 200 }, { cosigned, "0\n", 200 },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_auto(Reply) reply = hand_over(owner, witness, cases[i].note);
            g_autofree char *text = text_of(&reply);

            g_test_message("%u", i);
            g_assert_cmpint(reply.status, ==, cases[i].status);
            if (cases[i].says)
                g_assert_cmpstr(text, ==, cases[i].says);
        }
    }
    {
        g_auto(Reply) reply = node_ask(owner, NULL, "GET", path, NULL, NULL, NULL);

        served = text_of(&reply);
        g_assert_cmpstr(served, ==, cosigned);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/witness/" name, TwoNodes, NULL, two_nodes_make, test, two_nodes_clear)
    g_test_add_func("/witness/e20/bodies", test_bodies);
    ADD("e21/c2sp-conversation", test_c2sp_conversation);
    ADD("t19/one-history", test_t19_one_history);
    ADD("e21/add-checkpoint", test_add_checkpoint);
    ADD("e21/refusals", test_add_checkpoint_refusals);
    ADD("e22/witnessed", test_witnessed);
    ADD("pu21/replica", test_replica);
    ADD("t19/replica-forks", test_replica_forks);
    ADD("pu7/own-fork", test_own_fork_signs_nothing);
    ADD("e18/cosignatures", test_cosignatures);
    return g_test_run();
}
