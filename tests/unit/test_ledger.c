#include "manifests/ledger/git.h"

#include "tests/unit/ledger_node.h"

/* The batches of a ledger, to replicate. */
typedef struct {
    GPtrArray *records, *signatures;
} Batches;

static void
batches_read(Batches *batches, Ledger *ledger, guint64 from)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(LedgerBatches) walk = ledger_batches_new(ledger, from, &error);
    LedgerBatch batch;

    g_assert_no_error(error);
    batches->records = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    batches->signatures = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    while (ledger_batches_next(walk, &batch, &error)) {
        GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);

        for (guint i = 0; i < batch.count; i++)
            g_ptr_array_add(records, ledger_get(ledger, batch.first + i, NULL));
        g_ptr_array_add(batches->records, records);
        g_ptr_array_add(batches->signatures, batch.signature);
    }
    g_assert_no_error(error);
}

static void
batches_clear(Batches *batches)
{
    g_ptr_array_unref(batches->records);
    g_ptr_array_unref(batches->signatures);
}

static gboolean
replicate(Ledger *copy, const Batches *batches, guint i, GError **error)
{
    return ledger_replicate(copy, g_ptr_array_index(batches->records, i), g_ptr_array_index(batches->signatures, i), error);
}

static gboolean
count_record(gpointer data, const Record *record, GError **error)
{
    guint64 *next = data;

    g_assert_cmpuint(record->seq, ==, *next);
    (*next)++;
    return TRUE;
}

static gboolean
stop_at_3(gpointer data, const Record *record, GError **error)
{
    return record->seq < 3 || chama_error(error, CHAMA_ERROR_CANCELLED, "enough");
}

static void
test_empty(void)
{
    Node node;
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL;
    char commit[41] = "x";
    Digest root, empty;

    node_set_up(&node, 1);
    g_assert_null(ledger_open(node.git, node.log, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(ledger_peek(node.git, commit));
    ledger = node_create(&node);
    g_assert_null(ledger_create(node.git, node.log, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_false(ledger_peek(node.git, commit));
    g_assert_cmpstr(commit, ==, "");
    g_assert_cmpuint(ledger_head(ledger)->size, ==, 0);
    g_assert_null(ledger_node(ledger));
    g_assert_null(ledger_get(ledger, 0, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_true(ledger_root(ledger, 0, &root, NULL));
    digest_of("", 0, &empty);
    g_assert_true(digest_equal(&root, &empty));
    node_assert_clean(ledger);
    node_tear_down(&node);
}

static void
test_not_a_repository(void)
{
    Node node;
    g_autoptr(GError) error = NULL;

    node_set_up(&node, 1);
    g_assert_cmpint(g_mkdir(node.git, 0755), ==, 0);
    g_assert_null(ledger_open(node.git, node.log, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    node_tear_down(&node);
}

static void
test_append_and_read(void)
{
    static const guint sizes[] = { 1, 1, 3, 10, 1, 25 };
    Node node;
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(Record) record = NULL;
    LedgerHead head;
    Digest root, again;
    guint64 next = 0, middle = 17, four = 0;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        node_append(&node, ledger, sizes[i]);
    head = *ledger_head(ledger);
    g_assert_cmpuint(head.size, ==, 41);
    g_assert_true(ledger_root(ledger, 41, &root, NULL));
    ledger_close(ledger);
    ledger = node_open(&node);
    g_assert_cmpuint(ledger_head(ledger)->size, ==, 41);
    g_assert_true(digest_equal(&ledger_head(ledger)->head, &head.head));
    g_assert_cmpstr(ledger_node(ledger), ==, node.identity->id);
    g_assert_cmpmem(&ledger_identity(ledger)->log, 32, &node.identity->log, 32);
    g_assert_true(ledger_root(ledger, 41, &again, NULL));
    g_assert_true(digest_equal(&root, &again));
    g_assert_false(ledger_root(ledger, 42, &again, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    record = ledger_get(ledger, 40, NULL);
    g_assert_true(digest_equal(&record->address, &head.head));
    g_assert_null(ledger_get(ledger, 41, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(ledger_foreach(ledger, 0, count_record, &next, NULL));
    g_assert_cmpuint(next, ==, 41);
    g_assert_true(ledger_foreach(ledger, 17, count_record, &middle, NULL));
    g_assert_cmpuint(middle, ==, 41);
    g_assert_false(ledger_foreach(ledger, 0, stop_at_3, &four, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    node_assert_clean(ledger);
    node_tear_down(&node);
}

static void
check_append_refused(Ledger *ledger, GPtrArray *records, const Keypair *signing, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    guint64 size = ledger_head(ledger)->size;

    g_assert_false(ledger_append(ledger, records, signing, &error));
    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
    g_assert_cmpuint(ledger_head(ledger)->size, ==, size);
}

static void
test_g8_g10_append_refusals(void)
{
    Node node, other;
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(LedgerLock) lock = NULL;
    g_autoptr(GPtrArray) good = NULL, next = NULL, foreign = NULL, many = NULL;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    LedgerHead head, empty = { 0 };

    node_set_up(&node, 1);
    node_set_up(&other, 2);
    ledger = node_create(&node);
    node_append(&node, ledger, 3);
    head = *ledger_head(ledger);
    good = node_batch(&node, &head, 2);
    next = node_batch(&node, &head, 2);
    many = node_batch(&node, &head, LEDGER_BATCH_MAX + 1);
    foreign = node_batch(&other, &empty, 4);
    check_append_refused(ledger, good, node.signing, CHAMA_ERROR_FAILED, "lock");
    lock = ledger_lock(ledger, &error);
    g_assert_no_error(error);
    g_assert_null(ledger_lock(ledger, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    check_append_refused(ledger, none, node.signing, CHAMA_ERROR_LIMIT, "G8");
    check_append_refused(ledger, many, node.signing, CHAMA_ERROR_LIMIT, "G8");
    check_append_refused(ledger, next, node.signing, CHAMA_ERROR_FORK, "G8");
    check_append_refused(ledger, foreign, node.signing, CHAMA_ERROR_FORK, "G8");
    check_append_refused(ledger, good, other.signing, CHAMA_ERROR_VERIFY, "G10");
    g_assert_true(ledger_append(ledger, good, node.signing, NULL));
    check_append_refused(ledger, good, node.signing, CHAMA_ERROR_FORK, "G8");
    g_assert_true(ledger_append(ledger, next, node.signing, NULL));
    node_assert_clean(ledger);
    node_tear_down(&node);
    node_tear_down(&other);
}

static void
test_replicate(void)
{
    static const guint sizes[] = { 1, 1, 2, 30, 1, 1, 1, 200 };
    Node node;
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL, copy = NULL;
    g_autoptr(LedgerLock) lock = NULL;
    Batches batches;
    char own[41], copied[41];
    Digest want, have;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        node_append(&node, ledger, sizes[i]);
    batches_read(&batches, ledger, 0);
    g_assert_cmpuint(batches.records->len, ==, G_N_ELEMENTS(sizes));
    copy = ledger_create(node.copy_git, node.copy_log, &error);
    g_assert_no_error(error);
    lock = ledger_lock(copy, &error);
    for (guint i = 0; i < batches.records->len; i++) {
        g_assert_true(replicate(copy, &batches, i, &error));
        g_assert_no_error(error);
    }
    g_assert_true(ledger_root(ledger, 237, &want, NULL));
    g_assert_true(ledger_replicate_root(copy, ledger_replicate_head(copy)->size, &have, NULL));
    g_assert_true(digest_equal(&want, &have));
    g_assert_cmpuint(ledger_replicate_head(copy)->size, ==, 237);
    g_assert_cmpuint(ledger_head(copy)->size, ==, 0);
    g_assert_false(ledger_peek(node.copy_git, copied));
    g_assert_true(ledger_replicate_finish(copy, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(ledger_head(copy)->size, ==, 237);
    g_assert_cmpstr(ledger_node(copy), ==, node.identity->id);
    g_assert_true(ledger_peek(node.git, own) && ledger_peek(node.copy_git, copied));
    g_assert_cmpstr(own, ==, copied);
    ledger_unlock(g_steal_pointer(&lock));
    node_assert_clean(copy);
    batches_clear(&batches);
    node_tear_down(&node);
}

static void
check_replicate_refused(Ledger *copy, GPtrArray *records, GBytes *signature, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    guint64 size = ledger_replicate_head(copy)->size;

    g_assert_false(ledger_replicate(copy, records, signature, &error));
    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
    g_assert_cmpuint(ledger_replicate_head(copy)->size, ==, size);
}

/* What is refused leaves no trace: the right batch is still taken, and the commit ids come out the same. */
static void
test_g10_replicate_refusals(void)
{
    Node node, other;
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL, copy = NULL;
    g_autoptr(LedgerLock) lock = NULL;
    g_autoptr(GBytes) by_other = NULL, junk = g_bytes_new_static("junk", 4);
    Batches batches;
    char own[41], copied[41];

    node_set_up(&node, 1);
    node_set_up(&other, 2);
    ledger = node_create(&node);
    for (guint i = 0; i < 4; i++)
        node_append(&node, ledger, 12);
    batches_read(&batches, ledger, 0);
    by_other = sshsig_sign(other.signing, SSHSIG_NAMESPACE_GIT, "x", 1, NULL);
    copy = ledger_create(node.copy_git, node.copy_log, NULL);
    lock = ledger_lock(copy, NULL);
    for (guint i = 0; i < 4; i++) {
        GPtrArray *records = g_ptr_array_index(batches.records, i);

        check_replicate_refused(copy, records, g_ptr_array_index(batches.signatures, (i + 1) % 4), CHAMA_ERROR_VERIFY, "G10");
        check_replicate_refused(copy, records, by_other, CHAMA_ERROR_VERIFY, "G10");
        check_replicate_refused(copy, records, junk, CHAMA_ERROR_MALFORMED, "G10");
        check_replicate_refused(copy, g_ptr_array_index(batches.records, (i + 1) % 4), g_ptr_array_index(batches.signatures, (i + 1) % 4), CHAMA_ERROR_FORK,
                                "G8");
        g_assert_true(replicate(copy, &batches, i, &error));
        g_assert_no_error(error);
    }
    g_assert_true(ledger_replicate_finish(copy, NULL));
    g_assert_true(ledger_peek(node.git, own) && ledger_peek(node.copy_git, copied));
    g_assert_cmpstr(own, ==, copied);
    ledger_unlock(g_steal_pointer(&lock));
    check_replicate_refused(copy, g_ptr_array_index(batches.records, 0), junk, CHAMA_ERROR_FAILED, "lock");
    batches_clear(&batches);
    node_tear_down(&node);
    node_tear_down(&other);
}

static void
test_replicate_abort(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL, copy = NULL;
    g_autoptr(LedgerLock) lock = NULL;
    g_autoptr(GError) error = NULL;
    Batches batches;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint i = 0; i < 3; i++)
        node_append(&node, ledger, 5);
    batches_read(&batches, ledger, 0);
    copy = ledger_create(node.copy_git, node.copy_log, NULL);
    lock = ledger_lock(copy, NULL);
    g_assert_true(replicate(copy, &batches, 0, NULL) && ledger_replicate_finish(copy, NULL));
    g_assert_true(replicate(copy, &batches, 1, NULL));
    g_assert_false(ledger_refresh(copy, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    ledger_replicate_abort(copy);
    g_assert_cmpuint(ledger_replicate_head(copy)->size, ==, 5);
    g_assert_cmpuint(merkle_file_size(ledger_merkle(copy)), ==, 5);
    g_assert_true(replicate(copy, &batches, 1, NULL));
    /* Unlocking without finishing aborts too. */
    ledger_unlock(g_steal_pointer(&lock));
    g_assert_cmpuint(ledger_head(copy)->size, ==, 5);
    node_assert_clean(copy);
    lock = ledger_lock(copy, NULL);
    g_assert_true(ledger_replicate_finish(copy, NULL));
    g_assert_true(replicate(copy, &batches, 1, NULL) && replicate(copy, &batches, 2, NULL) && ledger_replicate_finish(copy, NULL));
    g_assert_cmpuint(ledger_head(copy)->size, ==, 15);
    batches_clear(&batches);
    node_tear_down(&node);
}

static void
test_g8_batches(void)
{
    Node node;
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL;
    Batches batches;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint i = 0; i < 3; i++)
        node_append(&node, ledger, 4);
    batches_read(&batches, ledger, 8);
    g_assert_cmpuint(batches.records->len, ==, 1);
    g_assert_null(ledger_batches_new(ledger, 6, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    batches_clear(&batches);
    batches_read(&batches, ledger, 12);
    g_assert_cmpuint(batches.records->len, ==, 0);
    batches_clear(&batches);
    node_tear_down(&node);
}

static void
assert_prints(const Node *node, const char *command, const char *want)
{
    g_autofree char *have = run(node, command, NULL);

    g_assert_cmpstr(have, ==, want);
}

/* G6: which names show, in which order; what a record lacks never stops it. */
static void
test_g6_datasets(void)
{
    static const char *const members[] = {
        "{\"name\":\"a\",\"version\":1}", "{\"name\":\"a-b\",\"version\":1}", "{\"name\":\"a.b\",\"version\":1}", "{\"name\":\"a0\",\"version\":1}",
        "{\"name\":\"a\",\"version\":2}", "{\"name\":\"../x\"}", "{\"name\":\".git\"}", "{\"name\":\"A\"}", "{\"name\":\"\"}", "{\"name\":7}", "{}",
        "{\"name\":\"9\"}", "{\"name\":\"a/b\"}",
        "{\"name\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
        "{\"name\":\"yxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
    };
    Node node;
    g_autoptr(Ledger) ledger = NULL;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 1);
    for (guint i = 0; i < G_N_ELEMENTS(members); i++)
        node_state(&node, ledger, "manifest/1", members[i]);
    node_state(&node, ledger, "manifest/2", "{\"name\":\"later\"}");
    node_state(&node, ledger, "profile/1", "{\"name_en\":\"Forestry\"}");
    assert_prints(&node, "git -C ledger.git ls-tree --name-only main", "allowed_signers\ndatasets\nprofile.json\nrecords\n");
    assert_prints(&node, "git -C ledger.git ls-tree --name-only main:datasets",
                  "9\na-b\na.b\na\na0\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
    assert_prints(&node, "git -C ledger.git show main:datasets/a/manifest.json | grep version", "  \"version\": 2\n");
    assert_prints(&node, "git -C ledger.git show main:profile.json | grep name", "  \"name_en\": \"Forestry\",\n");
    assert_prints(&node, "git -C ledger.git fsck --strict", "");
    node_assert_clean(ledger);
    node_tear_down(&node);
}

/* G6: after 4 096 names, others are only records.  Names that are there go on. */
static void
test_g6_too_many_datasets(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint done = 0; done < 4200; done += 840) {
        g_autoptr(GError) error = NULL;
        g_autoptr(LedgerLock) lock = ledger_lock(ledger, &error);
        g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(node_free_record);
        LedgerHead head = *ledger_head(ledger);

        for (guint i = 0; i < 840; i++) {
            g_autofree char *members = g_strdup_printf("{\"name\":\"n%u\",\"version\":1}", done + i);

            g_ptr_array_add(records, node_record(&node, &head, "manifest/1", members));
        }
        ledger_append(ledger, records, node.signing, &error);
        g_assert_no_error(error);
    }
    node_state(&node, ledger, "manifest/1", "{\"name\":\"n100\",\"version\":2}");
    assert_prints(&node, "git -C ledger.git ls-tree --name-only main:datasets | wc -l | tr -d ' '", "4096\n");
    assert_prints(&node, "git -C ledger.git show main:datasets/n100/manifest.json | grep version", "  \"version\": 2\n");
    assert_prints(&node, "git -C ledger.git ls-tree --name-only main:records/0000/04/20", "000004200.json\n000004200.json.sig\n");
    node_tear_down(&node);
}

/* G9, and what the whole of ledger/1 comes to: fixed keys and times give fixed commits. */
static void
test_g9_messages(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;
    g_autofree char *want = NULL;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 1);
    node_state(&node, ledger, "manifest/1", "{\"message\":\"one\\n\\nthree\",\"name\":\"forest-cover\",\"version\":3}");
    node_state(&node, ledger, "manifest/1", "{\"message\":\"bell \\u0007\",\"name\":\"forest-cover\"}");
    node_state(&node, ledger, "other/12", "{\"message\":\"not shown\",\"name\":\"x\"}");
    node_append(&node, ledger, 2);
    assert_prints(&node, "git -C ledger.git log --reverse --format='%B==' main | sed 's/sha256:[0-9a-f]\\{64\\}/ADDRESS/'",
                  "0 inception/1\n\n0 inception/1 ADDRESS\n==\n"
                  "1 forest-cover@3\n\n1 forest-cover@3 ADDRESS\n    one\n\n    three\n==\n"
                  "2 manifest/1\n\n2 manifest/1 ADDRESS\n==\n"
                  "3 other/12\n\n3 other/12 ADDRESS\n==\n"
                  "4-5 (2 records)\n\n4 set-4@1 ADDRESS\n    change 4\n5 set-0@2 ADDRESS\n    change 5\n==\n");
    want = g_strdup_printf("%s %s@chama.invalid 1777622405 %s 1777622405\n", node.identity->id, node.identity->id, node.identity->id);
    assert_prints(&node, "git -C ledger.git log --reverse --format='%an %ae %at %cn %ct' -1 main",
                  want);
    node_tear_down(&node);
}

static void
test_golden_commit(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;
    char commit[41], hex[DIGEST_HEX_SIZE];
    Digest root;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 1);
    node_append(&node, ledger, 20);
    node_state(&node, ledger, "profile/1", "{\"name_en\":\"Forestry\"}");
    g_assert_true(ledger_peek(node.git, commit));
    g_assert_true(ledger_root(ledger, 22, &root, NULL));
    g_assert_cmpstr(commit, ==, "6c3a626ff94de58ef9886f0b9ad4a8a7ec7a1a12");
    g_assert_cmpstr(digest_format_hex(&root, hex), ==, "806ecd08eeb376a9d728245df8065fde38a0bf295d496fb3777deb7c79f1d0ef");
    node_tear_down(&node);
}

/* G5: over the edges of ten, a thousand; and that a replica begun in the middle goes on alike. */
static void
test_g5_shards(void)
{
    static const guint sizes[] = { 9, 1, 1, 988, 1, 1, 1023, 5 };
    Node node;
    g_autoptr(Ledger) ledger = NULL, copy = NULL;
    Batches batches;
    char own[41], copied[41];

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        node_append(&node, ledger, sizes[i]);
    batches_read(&batches, ledger, 0);
    copy = ledger_create(node.copy_git, node.copy_log, NULL);
    for (guint i = 0; i < batches.records->len; i++) {
        g_autoptr(LedgerLock) lock = ledger_lock(copy, NULL);

        g_assert_true(replicate(copy, &batches, i, NULL) && ledger_replicate_finish(copy, NULL));
    }
    g_assert_true(ledger_peek(node.git, own) && ledger_peek(node.copy_git, copied));
    g_assert_cmpstr(own, ==, copied);
    assert_prints(&node, "git -C ledger.git ls-tree -r --name-only main:records | sed -n '1p;2p;1999p;2001p;$p'",
                  "0000/00/00/000000000.json\n0000/00/00/000000000.json.sig\n0000/00/99/000000999.json\n0000/01/00/000001000.json\n"
                  "0000/02/02/000002028.json.sig\n");
    node_assert_clean(copy);
    batches_clear(&batches);
    node_tear_down(&node);
}

/* G14: whatever happened to the hash file, opening makes it right. */
static void
test_g14_hash_file(void)
{
    static const char *const harms[] = {
        "rm log/hashes", "rm -r log", ": > log/hashes", "truncate -s 100 log/hashes", "truncate -s -32 log/hashes", "truncate -s -1 log/hashes",
        "truncate -s +64 log/hashes", "truncate -s +10000 log/hashes", "head -c 1600 /dev/zero > log/hashes",
        "size=$(stat -c %s log/hashes); truncate -s -320 log/hashes; truncate -s $size log/hashes",
    };
    Node node;
    g_autoptr(Ledger) ledger = NULL;
    Digest want, have;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint i = 0; i < 4; i++)
        node_append(&node, ledger, 20);
    g_assert_true(ledger_root(ledger, 80, &want, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(harms); i++) {
        g_autofree char *output = NULL;

        g_test_message("%s", harms[i]);
        g_clear_pointer(&ledger, ledger_close);
        output = run(&node, harms[i], NULL);
        ledger = node_open(&node);
        g_assert_true(ledger_root(ledger, 80, &have, NULL));
        g_assert_true(digest_equal(&want, &have));
        node_assert_clean(ledger);
    }
    node_append(&node, ledger, 3);
    g_assert_cmpuint(merkle_file_size(ledger_merkle(ledger)), ==, 83);
    node_assert_clean(ledger);
    node_tear_down(&node);
}

static void
test_checkpoint(void)
{
    Node node;
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autofree char *origin = NULL, *note = NULL, *longer = NULL, *kept = NULL, *other = NULL;
    Digest root, wrong = { { 1 } };

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 9);
    origin = checkpoint_origin(node.identity->id);
    g_assert_null(ledger_checkpoint(ledger, &error));
    g_assert_no_error(error);
    g_assert_true(ledger_root(ledger, 7, &root, NULL));
    note = checkpoint_sign(origin, 7, &root, TIME, node.log_key, NULL);
    g_assert_true(ledger_keep_checkpoint(ledger, note, NULL));
    kept = ledger_checkpoint(ledger, NULL);
    g_assert_cmpstr(kept, ==, note);
    node_assert_clean(ledger);
    longer = checkpoint_sign(origin, 10, &root, TIME, node.log_key, NULL);
    g_assert_true(ledger_keep_checkpoint(ledger, longer, NULL));
    node_assert_finds(ledger, "T10");
    other = checkpoint_sign(origin, 7, &wrong, TIME, node.log_key, NULL);
    g_assert_true(ledger_keep_checkpoint(ledger, other, NULL));
    node_assert_finds(ledger, "T10");
    g_free(other);
    other = checkpoint_sign(origin, 7, &root, TIME, node.signing, NULL);
    g_assert_true(ledger_keep_checkpoint(ledger, other, NULL));
    node_assert_finds(ledger, "T5");
    node_tear_down(&node);
}

/* A reader sees what was there when it looked, through merges of packs by another, until it looks again. */
static void
test_reader_and_packing(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL, reader = NULL;
    g_autofree char *packs = NULL;
    guint64 next = 0;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    for (guint i = 0; i < 10; i++)
        node_append(&node, ledger, 1);
    reader = node_open(&node);
    for (guint i = 0; i < 30; i++)
        node_append(&node, ledger, 1);
    g_assert_cmpuint(ledger_head(reader)->size, ==, 10);
    g_assert_true(ledger_foreach(reader, 0, count_record, &next, NULL));
    g_assert_cmpuint(next, ==, 10);
    g_assert_true(ledger_refresh(reader, NULL));
    next = 0;
    g_assert_true(ledger_foreach(reader, 0, count_record, &next, NULL));
    g_assert_cmpuint(next, ==, 40);
    packs = run(&node, "ls ledger.git/objects/pack/*.pack | wc -l", NULL);
    g_assert_cmpint(g_ascii_strtoll(packs, NULL, 10), <, 25);
    node_assert_clean(ledger);
    assert_prints(&node, "git -C ledger.git fsck --strict", "");
    node_tear_down(&node);
}

/* Loose objects, of which stock git may have made many, are packed, and stock git's own tidying is borne. */
static void
test_pack_loose(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL, reader = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *output = NULL, *more = NULL;
    guint64 next = 0;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 1000);
    reader = node_open(&node);
    output = run(&node, "mkdir aside; mv ledger.git/objects/pack/* aside; cat aside/*.pack | git -C ledger.git unpack-objects -q; rm -rf aside", NULL);
    g_assert_true(ledger_pack(ledger, &error));
    g_assert_no_error(error);
    assert_prints(&node, "git -C ledger.git count-objects", "0 objects, 0 kilobytes\n");
    g_assert_true(ledger_foreach(reader, 0, count_record, &next, &error));
    g_assert_no_error(error);
    more = run(&node, "git -C ledger.git gc -q --prune=now", NULL);
    node_append(&node, ledger, 2);
    g_assert_true(ledger_refresh(reader, &error));
    g_assert_cmpuint(ledger_head(reader)->size, ==, 1002);
    node_assert_clean(ledger);
    node_tear_down(&node);
}

/* What programs that are not ours say of the repository. */
static void
test_interop_git(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;
    g_autofree char *output = NULL, *cloned = NULL;
    char own[41];

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 1);
    node_append(&node, ledger, 15);
    node_state(&node, ledger, "profile/1", "{\"name_zh\":\"\xe6\x9e\x97\xe4\xb8\x9a\"}");
    assert_prints(&node, "git -C ledger.git fsck --strict", "");
    assert_prints(&node, "git -C ledger.git log --format=%G? main", "G\nG\nG\n");
    output = run(&node, "git -C ledger.git verify-commit main && git -C ledger.git log --show-signature main", NULL);
    g_assert_nonnull(strstr(output, "Good \"git\" signature for"));
    g_assert_true(ledger_peek(node.git, own));
    cloned = run(&node, "git clone -q ledger.git clone && cd clone && git -c gpg.ssh.allowedSignersFile=allowed_signers verify-commit HEAD && git rev-parse HEAD", NULL);
    g_assert_nonnull(strstr(cloned, own));
    /* The address in the log is the SHA-256 of the file. */
    assert_prints(&node, "cd clone; a=$(sha256sum < records/0000/00/00/000000003.json | cut -c1-64); git log --format=%b main | grep -c \"^3 .*sha256:$a\"", "1\n");
    node_tear_down(&node);
}

/* A record verifies with nothing but ssh-keygen and the two files. */
static void
test_interop_ssh_keygen(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;
    g_autofree char *good = NULL, *bad = NULL, *command = NULL, *altered = NULL;
    int status;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 12);
    command = g_strdup_printf("git clone -q ledger.git clone; cd clone; ssh-keygen -Y verify -f allowed_signers -I %s -n chama-record"
                              " -s records/0000/00/01/000000011.json.sig < records/0000/00/01/000000011.json", node.identity->id);
    good = run(&node, command, NULL);
    g_assert_nonnull(strstr(good, "Good \"chama-record\" signature"));
    altered = g_strdup_printf("cd clone; printf x | cat records/0000/00/01/000000011.json - | ssh-keygen -Y verify -f allowed_signers -I %s -n chama-record"
                              " -s records/0000/00/01/000000011.json.sig", node.identity->id);
    bad = run(&node, altered, &status);
    g_assert_cmpint(status, !=, 0);
    node_tear_down(&node);
}

/* libgit2 reads no certificates when it starts: it finds the program's function, which would not mind this one either. */
static void
test_no_certificates(void)
{
    g_assert_true(git_load(NULL));
    g_assert_cmpint(libgit2.git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, "/nonexistent", NULL), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger/no-certificates", test_no_certificates);
    g_test_add_func("/ledger/empty", test_empty);
    g_test_add_func("/ledger/not-a-repository", test_not_a_repository);
    g_test_add_func("/ledger/append-and-read", test_append_and_read);
    g_test_add_func("/ledger/g8-g10/append-refusals", test_g8_g10_append_refusals);
    g_test_add_func("/ledger/replicate", test_replicate);
    g_test_add_func("/ledger/replicate/abort", test_replicate_abort);
    g_test_add_func("/ledger/g10/replicate-refusals", test_g10_replicate_refusals);
    g_test_add_func("/ledger/g8/batches", test_g8_batches);
    g_test_add_func("/ledger/g5/shards", test_g5_shards);
    g_test_add_func("/ledger/g6/datasets", test_g6_datasets);
    g_test_add_func("/ledger/g6/too-many-datasets", test_g6_too_many_datasets);
    g_test_add_func("/ledger/g9/messages", test_g9_messages);
    g_test_add_func("/ledger/golden-commit", test_golden_commit);
    g_test_add_func("/ledger/g14/hash-file", test_g14_hash_file);
    g_test_add_func("/ledger/checkpoint", test_checkpoint);
    g_test_add_func("/ledger/reader-and-packing", test_reader_and_packing);
    g_test_add_func("/ledger/pack-loose", test_pack_loose);
    g_test_add_func("/ledger/interop/git", test_interop_git);
    g_test_add_func("/ledger/interop/ssh-keygen", test_interop_ssh_keygen);
    return g_test_run();
}
