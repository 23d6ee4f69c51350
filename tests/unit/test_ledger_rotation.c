#include "tests/unit/ledger_node.h"

#include "keys/history.h"
#include "manifests/rotating.h"

/* node_set_up() with a commitment to the key of seed + 1. */
static void
set_up(Node *node, guint8 seed)
{
    g_autoptr(Keypair) next_key = node_key(seed + 1);
    g_autoptr(GError) error = NULL;
    Digest next;

    node_set_up(node, seed);
    commitment_of(keypair_public(next_key), &next);
    g_bytes_unref(node->inception);
    identity_free(node->identity);
    node->inception = inception_format(keypair_public(node->signing), keypair_public(node->log_key), (const guint8 *)"an encryption key of thirty-two b", &next,
                                       TIME, &error);
    g_assert_no_error(error);
    node->identity = identity_parse_inception(node->inception, &error);
    g_assert_no_error(error);
}

/* A rotation to the key of @seed, endorsed by the one before unless that is lost. */
static gboolean
rotate(Node *node, Ledger *ledger, guint8 seed, gboolean lost, GError **error)
{
    g_autoptr(Keypair) next = node_key(seed + 1);
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, error);
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func(node_free_record);
    Keypair *revealed = node_key(seed), *log_key = node_key(seed + 100);
    const LedgerHead *head = ledger_head(ledger);
    RotationPlan plan = { .signing = *keypair_public(revealed), .log = *keypair_public(log_key), .epoch = lost ? ledger_identity(ledger)->epoch + 1 : 0,
                          .stands = head->size };
    Record *record;

    commitment_of(keypair_public(next), &plan.next);
    record = rotating_sign(head, &plan, revealed, lost ? NULL : node->signing, TIME + (gint64)head->size, error);
    keypair_free(node->signing);
    keypair_free(node->log_key);
    node->signing = revealed;
    node->log_key = log_key;
    if (!record)
        return FALSE;
    g_ptr_array_add(batch, record);
    if (!ledger_append(ledger, batch, node->signing, error))
        return FALSE;
    identity_free(node->identity);
    node->identity = identity_ref(ledger_identity(ledger));
    return TRUE;
}

/* Records 0-4 by key 1, 5 the rotation to 2, 6-9 by 2, 10 the recovery to 3, 11-15 by 3. */
static Ledger *
make_rotated(Node *node)
{
    g_autoptr(GError) error = NULL;
    Ledger *ledger;

    set_up(node, 1);
    ledger = node_create(node);
    node_append(node, ledger, 5);
    rotate(node, ledger, 2, FALSE, &error);
    g_assert_no_error(error);
    node_append(node, ledger, 4);
    rotate(node, ledger, 3, TRUE, &error);
    g_assert_no_error(error);
    node_append(node, ledger, 5);
    return ledger;
}

static void
assert_keys(Ledger *ledger)
{
    const Identity *identity = ledger_identity(ledger);

    g_assert_cmpuint(ledger_head(ledger)->size, ==, 16);
    g_assert_true(ledger_head(ledger)->identity == identity);
    g_assert_cmpuint(identity_rotations(identity), ==, 2);
    g_assert_cmpuint(identity->since, ==, 10);
    g_assert_cmpuint(identity->epoch, ==, 1);
    g_assert_cmpuint(identity_at(identity, 9)->since, ==, 5);
}

static void
replicate(Ledger *from, Ledger *to, guint64 first)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(LedgerBatches) batches = ledger_batches_new(from, first, &error);
    g_autoptr(LedgerLock) lock = ledger_lock(to, &error);
    LedgerBatch batch;

    while (ledger_batches_next(batches, &batch, &error)) {
        g_autoptr(GBytes) signature = batch.signature;
        g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(node_free_record);

        for (guint i = 0; i < batch.count; i++)
            g_ptr_array_add(records, ledger_get(from, batch.first + i, &error));
        ledger_replicate(to, records, signature, &error);
        g_assert_no_error(error);
    }
    g_assert_no_error(error);
    g_assert_true(ledger_replicate_finish(to, &error));
}

/* Opened anew, refreshed beside a writer, replicated, verified, and by git. */
static void
test_keys_over_time(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL, again = NULL, copy = NULL;
    g_autofree char *verified = NULL, *files = NULL, *signers = NULL, *ours = NULL, *theirs = NULL;
    Node node;

    ledger = make_rotated(&node);
    assert_keys(ledger);
    node_assert_clean(ledger);
    again = node_open(&node);
    assert_keys(again);
    copy = ledger_create(node.copy_git, node.copy_log, &error);
    g_assert_no_error(error);
    replicate(ledger, copy, 0);
    assert_keys(copy);
    node_assert_clean(copy);
    ours = run(&node, "git -C ledger.git rev-parse main", NULL);
    theirs = run(&node, "git -C copy.git rev-parse main", NULL);
    g_assert_cmpstr(ours, ==, theirs);
    verified = run(&node, "for c in $(git -C copy.git rev-list main); do git -C copy.git verify-commit $c 2>&1 | grep -c Good; done | sort | uniq -c | tr -d ' '", NULL);
    g_assert_cmpstr(verified, ==, "51\n");
    files = run(&node, "git -C copy.git ls-tree --name-only main:rotations", NULL);
    g_assert_cmpstr(files, ==, "000000005.json\n000000010.json\n");
    signers = run(&node, "git -C copy.git show main:allowed_signers | wc -l; git -C copy.git show main~1:allowed_signers | cmp - copy.git/allowed_signers && wc -l <copy.git/allowed_signers", NULL);
    g_assert_cmpstr(signers, ==, "3\n3\n");
    node_tear_down(&node);
}

/* Another process rotated: who refreshes has the new keys, and the old key state that was handed out is still there. */
static void
test_refresh(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL, reader = NULL;
    const Identity *before;
    Node node;

    set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 3);
    reader = node_open(&node);
    before = ledger_identity(reader);
    rotate(&node, ledger, 2, FALSE, &error);
    g_assert_no_error(error);
    node_append(&node, ledger, 2);
    g_assert_true(ledger_refresh(reader, &error));
    g_assert_cmpuint(ledger_identity(reader)->since, ==, 3);
    g_assert_cmpuint(before->since, ==, 0);
    g_assert_cmpmem(&ledger_identity(reader)->before->signing, 32, &before->signing, 32);
    node_append(&node, reader, 2);
    g_assert_true(ledger_refresh(ledger, &error));
    node_assert_clean(ledger);
    node_tear_down(&node);
}

/* G10, N13: neither records nor commits by the key that was given up, or before its time. */
static void
test_refusals(void)
{
    g_autoptr(GError) late = NULL, early = NULL, uncommitted = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(Keypair) old = node_key(1), next = node_key(3);
    g_autoptr(GPtrArray) batch = NULL;
    Node node;

    set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 3);
    g_assert_false(rotate(&node, ledger, 3, FALSE, &uncommitted));
    g_assert_error(uncommitted, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_assert_nonnull(strstr(uncommitted->message, "N7: want the key that was committed to"));
    keypair_free(node.signing);
    node.signing = node_key(1);
    g_assert_true(rotate(&node, ledger, 2, FALSE, NULL));
    {
        g_autoptr(LedgerLock) lock = ledger_lock(ledger, NULL);
        LedgerHead head = *ledger_head(ledger);

        batch = node_batch(&node, &head, 2);
        g_assert_false(ledger_append(ledger, batch, old, &late));
        g_assert_error(late, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
        g_assert_nonnull(strstr(late->message, "G10: the signing key is not the one of the node"));
        g_assert_false(ledger_append(ledger, batch, next, &early));
        g_assert_error(early, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    }
    g_assert_cmpuint(ledger_head(ledger)->size, ==, 4);
    node_tear_down(&node);
}

/* T8, T10: a checkpoint counts by the log key and under the origin of its size. */
static void
test_checkpoints(void)
{
    static const struct {
        guint64 size;
        guint8 log_seed;
        guint64 epoch;
        gboolean holds;
    } cases[] = {
        { 5, 101, 0, TRUE }, { 6, 102, 0, TRUE },  { 10, 102, 0, TRUE },  { 11, 103, 1, TRUE },  { 16, 103, 1, TRUE },  { 6, 101, 0, FALSE },
        { 5, 102, 0, FALSE }, { 11, 103, 0, FALSE }, { 11, 102, 0, FALSE }, { 10, 103, 1, FALSE }, { 11, 103, 2, FALSE }, { 16, 101, 0, FALSE },
    };
    g_autoptr(Ledger) ledger = NULL;
    Node node;

    ledger = make_rotated(&node);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Keypair) log_key = node_key(cases[i].log_seed);
        g_autofree char *origin = cases[i].epoch ? g_strdup_printf("chama/%s/%" G_GUINT64_FORMAT, node.identity->id, cases[i].epoch)
                                                 : checkpoint_origin(node.identity->id);
        g_autofree char *note = NULL;
        g_autoptr(Checkpoint) checkpoint = NULL;
        Digest root;

        g_assert_true(ledger_root(ledger, cases[i].size, &root, &error));
        note = checkpoint_sign(origin, cases[i].size, &root, TIME, log_key, &error);
        checkpoint = checkpoint_verify_by(note, strlen(note), ledger_identity(ledger), &error);
        g_test_message("case %zu", i);
        g_assert_true((checkpoint != NULL) == cases[i].holds);
        if (!cases[i].holds)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    }
    node_tear_down(&node);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger-rotation/over-time", test_keys_over_time);
    g_test_add_func("/ledger-rotation/refresh", test_refresh);
    g_test_add_func("/ledger-rotation/n13-refusals", test_refusals);
    g_test_add_func("/ledger-rotation/t8-checkpoints", test_checkpoints);
    return g_test_run();
}
