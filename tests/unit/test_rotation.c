#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "keys/sshsig.h"
#include "tests/unit/rotation_node.h"
#include "tests/unit/shell.h"

static Record *
receive(const Record *record, const LedgerHead *head, GError **error)
{
    g_autoptr(GBytes) entry = record_entry(record);
    g_autoptr(RecordReceived) received = record_receive(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), error);

    return received ? record_verify(received, head, error) : NULL;
}

/* Inception, note, rotation to 2, note, recovery to 3, note: all of it verified again from the beginning, and each key counts where it should. */
static void
test_n13_positions(void)
{
    static const guint signers[] = { 1, 1, 2, 2, 3, 3 }, loggers[] = { 101, 101, 102, 102, 103, 103 };
    static const guint64 epochs[] = { 0, 0, 0, 0, 1, 1 };
    GError *error = NULL;
    LedgerHead head = { 0 };
    Identity *identity = NULL;
    Node node;

    init(&node);
    advance(&node, state(&node, 1, &error));
    turn(&node, (Turn){ .revealed = 2, .old = 1, .next = 3, .log = 102 });
    advance(&node, state(&node, 2, &error));
    turn(&node, (Turn){ .revealed = 3, .next = 4, .log = 103, .epoch = 1, .stands = 4, .disavowed = 3 });
    advance(&node, state(&node, 3, &error));
    for (guint i = 0; i < node.records->len; i++) {
        g_autoptr(Record) record = receive(node.records->pdata[i], &head, &error);
        g_autoptr(Keypair) signer = key(signers[i]), logger = key(loggers[i]);
        const Identity *then = identity_at(node.identity, i);
        Identity *after;

        g_assert_no_error(error);
        after = record_identity_after(record, identity, &error);
        g_assert_no_error(error);
        identity_free(identity);
        identity = after;
        head = (LedgerHead){ i + 1, record->address, identity };
        g_assert_cmpmem(&then->signing, 32, keypair_public(signer), 32);
        g_assert_cmpmem(&then->log, 32, keypair_public(logger), 32);
        g_assert_cmpuint(then->epoch, ==, epochs[i]);
    }
    g_assert_cmpuint(identity_rotations(identity), ==, 2);
    g_assert_cmpuint(identity_rotated_from(identity, 0)->since, ==, 2);
    g_assert_cmpuint(identity_rotated_from(identity, 3)->since, ==, 4);
    g_assert_null(identity_rotated_from(identity, 5));
    g_assert_true(identity_rotated_from(identity, 2)->endorsed);
    g_assert_false(identity->endorsed);
    g_assert_null(identity_disavowed(identity, 2));
    g_assert_cmpuint(identity_disavowed(identity, 3)->since, ==, 4);
    g_assert_null(identity_disavowed(identity, 4));
    identity_free(identity);
    clear(&node);
}

/* R8: the key that was given up signs nothing more, and the new one nothing before it. */
static void
test_n13_wrong_position(void)
{
    g_autoptr(GError) late = NULL, early = NULL;
    g_autoptr(Keypair) next = key(2);
    Node node;

    init(&node);
    g_assert_null(state(&node, 2, &early));
    g_assert_error(early, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    turn(&node, (Turn){ .revealed = 2, .old = 1, .next = 3, .log = 102 });
    g_assert_null(state(&node, 1, &late));
    g_assert_error(late, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_assert_nonnull(strstr(late->message, "R8: the signing key is not the one of node"));
    clear(&node);
}

/* A ledger in which 1, 2 and 3 signed in turn, and 4 is committed to. */
static void
make_turned(Node *node)
{
    init(node);
    turn(node, (Turn){ .revealed = 2, .old = 1, .next = 3, .log = 102 });
    turn(node, (Turn){ .revealed = 3, .old = 2, .next = 4, .log = 103 });
}

static void
test_refused(void)
{
    static const struct {
        Turn turn;
        int code;
        const char *says;
    } cases[] = {
        { { .revealed = 9, .old = 3, .next = 5, .log = 104 }, CHAMA_ERROR_VERIFY, "rotation: N7: want the key that was committed to, of hash " },
        { { .revealed = 3, .old = 3, .next = 5, .log = 104 }, CHAMA_ERROR_VERIFY, ", have the one in use" },
        { { .revealed = 2, .old = 3, .next = 5, .log = 104 }, CHAMA_ERROR_VERIFY, ", have the one of record 1 on, which an earlier rotation ended" },
        { { .revealed = 1, .old = 3, .next = 5, .log = 104 }, CHAMA_ERROR_VERIFY, ", have the one of record 0 on, which an earlier rotation ended" },
        { { .revealed = 4, .old = 3, .next = 4, .log = 104 }, CHAMA_ERROR_MALFORMED,
          "rotation: N3: want the hash of another key as next, have that of the signing key" },
        { { .revealed = 4, .old = 3, .next = 3, .log = 104 }, CHAMA_ERROR_VERIFY,
          "rotation: N8: want the hash of a key that has signed nothing as next, have that of the key of record 2 on" },
        { { .revealed = 4, .old = 3, .next = 1, .log = 104 }, CHAMA_ERROR_VERIFY,
          "rotation: N8: want the hash of a key that has signed nothing as next, have that of the key of record 0 on" },
        { { .revealed = 4, .old = 3, .next = 5, .log = 101 }, CHAMA_ERROR_VERIFY,
          "rotation: N8: want the log key in use or a new one, have the one of record 0 on, which an earlier rotation ended" },
        { { .revealed = 4, .next = 5, .log = 104 }, CHAMA_ERROR_VERIFY, "rotation: N10: want the signature of the key before, or a recovery, have neither" },
        { { .revealed = 4, .old = 2, .next = 5, .log = 104 }, CHAMA_ERROR_VERIFY, "rotation: N10: member \"endorsed\": " },
        { { .revealed = 4, .old = 4, .next = 5, .log = 104 }, CHAMA_ERROR_VERIFY, "rotation: N10: member \"endorsed\": " },
        { { .revealed = 4, .next = 5, .log = 104, .epoch = 2, .stands = 1 }, CHAMA_ERROR_VERIFY, "rotation: N11: want epoch 1 of the log to begin, have 2" },
        { { .revealed = 4, .next = 5, .log = 104, .epoch = 1, .stands = 4 }, CHAMA_ERROR_MALFORMED, "recovery: N11: member \"size\": want 1 to 3, have 4" },
        { { .revealed = 4, .old = 3, .next = 5, .log = 104, .disavowed = 3 }, CHAMA_ERROR_MALFORMED, "rotation: N12: member \"disavowed\": want 1 to 2, have 3" },
    };
    Node node;

    make_turned(&node);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("case %zu", i);
        g_assert_null(rotate(&node, &cases[i].turn, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_true(g_str_has_prefix(error->message, "record 3: "));
        if (!strstr(error->message, cases[i].says))
            g_error("want %s in %s", cases[i].says, error->message);
    }
    clear(&node);
}

/* What is kept: the log key may stay, an endorsed rotation may begin an epoch, too (the old key was stolen, not lost). */
static void
test_accepted(void)
{
    Node node;

    make_turned(&node);
    turn(&node, (Turn){ .revealed = 4, .old = 3, .next = 5, .log = 103 });
    g_assert_cmpuint(node.identity->epoch, ==, 0);
    turn(&node, (Turn){ .revealed = 5, .old = 4, .next = 6, .log = 104, .epoch = 1, .stands = 2 });
    g_assert_true(node.identity->endorsed);
    turn(&node, (Turn){ .revealed = 6, .next = 7, .log = 105, .epoch = 2, .stands = 5, .disavowed = 1 });
    g_assert_cmpuint(node.identity->epoch, ==, 2);
    clear(&node);
}

/* The good rotation with its text changed, and signed by @seed. */
static Record *
forge(const Node *node, const Record *good, const char *from, const char *to, guint seed, GError **error)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(good->bytes, NULL), g_bytes_get_size(good->bytes));
    g_auto(GStrv) parts = g_strsplit(text, from, 2);
    g_autofree char *changed = g_strjoinv(to, parts);
    g_autoptr(Keypair) signer = key(seed);
    g_autoptr(Record) record = record_copy(good);

    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_clear_pointer(&record->bytes, g_bytes_unref);
    g_clear_pointer(&record->signature, g_bytes_unref);
    record->bytes = g_bytes_new(changed, strlen(changed));
    record->signature = sshsig_sign(signer, SSHSIG_NAMESPACE_RECORD, changed, strlen(changed), NULL);
    return receive(record, &node->head, error);
}

static void
test_n6_forged(void)
{
    static const struct {
        const char *from, *to;
        guint signer;
        int code;
        const char *says;
    } cases[] = {
        { "\"disavowed\":1,", "\"disavowed\":2,", 2, CHAMA_ERROR_VERIFY, "N10: member \"endorsed\"" },
        { "\"disavowed\":1,", "", 2, CHAMA_ERROR_VERIFY, "N10: member \"endorsed\"" },
        { "\"disavowed\":1,", "\"disavowed\":1,", 1, CHAMA_ERROR_VERIFY, "record 3: R8: signature: K13: want one by the key that was valid here, have one by another" },  /* the key in use */
        { "\"disavowed\":1,", "\"disavowed\":1,", 3, CHAMA_ERROR_VERIFY, "record 3: R8: signature: K13: want one by the key that was valid here, have one by another" },
        { "\"disavowed\":1,", "\"a\":1,\"disavowed\":1,", 2, CHAMA_ERROR_MALFORMED, "rotation: want only members that this type has, have \"a\"" },
        { "\"log\":\"ed25519:", "\"log\":\"sm2:", 2, CHAMA_ERROR_UNSUPPORTED, "rotation: N6: member \"log\": " },
        { "\"encryption\":\"x25519:", "\"encryption\":\"x448:", 2, CHAMA_ERROR_UNSUPPORTED, "rotation: N6: member \"encryption\": " },
        { "\"endorsed\":\"U1NI", "\"endorsed\":\"U1NJ", 2, CHAMA_ERROR_MALFORMED, "N10: member \"endorsed\": " },
        { "\"recovery\":{", "\"recovery\":{\"a\":1,", 2, CHAMA_ERROR_MALFORMED, "recovery: N11: want only members" },
        { "rotation/1", "rotation/2", 2, CHAMA_ERROR_UNSUPPORTED, "record: R3: rotation/2 changes keys in a way that this version does not know" },
    };
    const Turn good_turn = { .revealed = 2, .old = 1, .next = 3, .log = 102, .disavowed = 1, .epoch = 1, .stands = 1 };
    g_autoptr(GError) fine = NULL;
    g_autoptr(Record) good = NULL, again = NULL;
    Node node;

    init(&node);
    advance(&node, state(&node, 1, &fine));
    advance(&node, state(&node, 1, &fine));
    good = rotate(&node, &good_turn, &fine);
    g_assert_no_error(fine);
    again = forge(&node, good, "\"disavowed\":1,", "\"disavowed\":1,", 2, &fine);
    g_assert_no_error(fine);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("case %zu", i);
        g_assert_null(forge(&node, good, cases[i].from, cases[i].to, cases[i].signer, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
        if (!strstr(error->message, cases[i].says))
            g_error("want %s in %s", cases[i].says, error->message);
    }
    clear(&node);
}

/* N9: each rotation is kept in memory as long as its ledger is open. */
static void
test_n9_too_many(void)
{
    g_autoptr(GError) error = NULL;
    Node node;

    init(&node);
    for (guint i = 2; i < 2 + ROTATIONS_MAX; i++)
        turn(&node, (Turn){ .revealed = i, .old = i - 1, .next = i + 1, .log = 101 });
    g_assert_null(rotate(&node, &(Turn){ .revealed = 2 + ROTATIONS_MAX, .old = 1 + ROTATIONS_MAX, .next = 3 + ROTATIONS_MAX, .log = 101 }, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_assert_cmpstr(error->message, ==, "record 129: rotation: N9: want at most 128 rotations in a ledger, have more");
    clear(&node);
}

/* N5: a line for each key, the first one first; ssh-keygen accepts all of them. */
static void
test_n5_all_keys(void)
{
    g_autofree char *folder = g_dir_make_tmp("chama-rotation-XXXXXX", NULL);
    g_autofree char *lines = NULL, *allowed = NULL, *message = NULL;
    Node node;

    make_turned(&node);
    lines = identity_allowed_signers(node.identity);
    allowed = g_build_filename(folder, "allowed", NULL);
    message = g_build_filename(folder, "message", NULL);
    g_file_set_contents(allowed, lines, -1, NULL);
    g_file_set_contents(message, "abc", 3, NULL);
    for (guint seed = 1; seed <= 4; seed++) {
        g_autoptr(Keypair) signer = key(seed);
        g_autoptr(GBytes) blob = sshsig_sign(signer, SSHSIG_NAMESPACE_RECORD, "abc", 3, NULL);
        g_autofree char *armour = sshsig_armour(blob), *path = g_build_filename(folder, "sig", NULL);

        g_file_set_contents(path, armour, -1, NULL);
        g_assert_true((shell_run("cd %s && ssh-keygen -Y verify -f allowed -I %s -n chama-record -s sig <message", folder, node.identity->id) == 0) == (seed < 4));
    }
    g_assert_cmpint(shell_run("rm -r %s", folder), ==, 0);
    clear(&node);
}

static void
test_n14_n15_judged(void)
{
    static const Turn endorsed = { .revealed = 2, .old = 1, .next = 3, .log = 102 }, endorsed_too = { .revealed = 2, .old = 1, .next = 3, .log = 103 };
    static const Turn recovery = { .revealed = 2, .next = 3, .log = 102, .epoch = 1, .stands = 1 }, recovery_too = { .revealed = 2, .next = 5, .log = 102, .epoch = 1, .stands = 1 };
    static const struct {
        const Turn *held, *offered;
        gboolean held_more, offered_more;
        BranchVerdict verdict;
    } cases[] = {
        { NULL, NULL, FALSE, FALSE, BRANCH_NEITHER },
        { &endorsed, NULL, FALSE, FALSE, BRANCH_HELD },
        { NULL, &endorsed, FALSE, FALSE, BRANCH_OFFERED },
        { NULL, &recovery, FALSE, FALSE, BRANCH_OFFERED },
        { &endorsed, &endorsed, FALSE, FALSE, BRANCH_NEITHER },      /* forked after the rotation */
        { &endorsed, &endorsed, TRUE, FALSE, BRANCH_HELD },          /* and rotated again */
        { &endorsed, &endorsed, FALSE, TRUE, BRANCH_OFFERED },
        { &endorsed, &recovery, FALSE, FALSE, BRANCH_HELD },
        { &recovery, &endorsed, FALSE, FALSE, BRANCH_OFFERED },
        { &recovery, &endorsed, TRUE, FALSE, BRANCH_HELD },          /* never reopened */
        { &endorsed, &endorsed_too, TRUE, TRUE, BRANCH_HELD },
        { &endorsed, &endorsed_too, FALSE, FALSE, BRANCH_FROZEN },
        { &recovery, &recovery_too, FALSE, FALSE, BRANCH_FROZEN },
        { &endorsed, &endorsed_too, FALSE, TRUE, BRANCH_FROZEN },    /* what a thief of both keys adds does not tell */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Identity) held = history_of(cases[i].held, cases[i].held_more);
        g_autoptr(Identity) offered = history_of(cases[i].offered, cases[i].offered_more);

        g_test_message("case %zu", i);
        g_assert_cmpint(identity_judge(held, offered), ==, cases[i].verdict);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rotation/n13/positions", test_n13_positions);
    g_test_add_func("/rotation/n13/wrong-position", test_n13_wrong_position);
    g_test_add_func("/rotation/refused", test_refused);
    g_test_add_func("/rotation/accepted", test_accepted);
    g_test_add_func("/rotation/n6/forged", test_n6_forged);
    g_test_add_func("/rotation/n9/too-many", test_n9_too_many);
    g_test_add_func("/rotation/n5/all-keys", test_n5_all_keys);
    g_test_add_func("/rotation/n14-n15/judged", test_n14_n15_judged);
    return g_test_run();
}
