/* ledger_verify_again(): what was verified before is not verified again as long as it is the same (AU11 of manifests/FORMAT.md). */
#include "tests/unit/ledger_node.h"

#include "manifests/ledger/internal.h"

static gboolean
again(Ledger *ledger, LedgerVerified *verified)
{
    const LedgerWatch watch = { .report = node_print_finding };
    g_autoptr(GError) error = NULL;
    gboolean good = ledger_verify_again(ledger, TRUE, verified, &watch, &error);

    g_assert_true(good || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED));
    return good;
}

static gboolean
same(const LedgerVerified *a, const LedgerVerified *b)
{
    return a->size == b->size && digest_equal(&a->root, &b->root) && digest_equal(&a->commits, &b->commits);
}

/* What a verification of the ledger would remember, whatever its signatures are; written anew from the words of AU11. */
static LedgerVerified
as_if_verified(Ledger *ledger)
{
    g_autoptr(GArray) commits = ledger_commits(ledger, 0, NULL);
    LedgerVerified verified = { ledger_head(ledger)->size };

    for (guint i = 0; i < commits->len; i++) {
        g_autoptr(GBytes) bytes = repository_read(ledger->repository, &g_array_index(commits, LedgerCommit, i).id, GIT_OBJECT_COMMIT, NULL);
        guint8 both[64];
        Digest commit;

        digest_of(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &commit);
        memcpy(both, verified.commits.bytes, 32);
        memcpy(both + 32, commit.bytes, 32);
        digest_of(both, sizeof both, &verified.commits);
    }
    g_assert_true(ledger_root(ledger, verified.size, &verified.root, NULL));
    return verified;
}

/* A record that is in its place, under a signature that is not good. */
static void
append_unsigned(const Node *node, Ledger *ledger)
{
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, NULL);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(node_free_record);
    LedgerHead head = *ledger_head(ledger);
    Record *record = node_record(node, &head, "note/1", "{\"text\":\"x\"}");
    gsize size = g_bytes_get_size(record->signature);
    guint8 *signature = g_memdup2(g_bytes_get_data(record->signature, NULL), size);
    g_autoptr(GError) error = NULL;

    signature[size - 1] ^= 1;
    g_bytes_unref(record->signature);
    record->signature = g_bytes_new_take(signature, size);
    g_ptr_array_add(records, record);
    ledger_append(ledger, records, node->signing, &error);
    g_assert_no_error(error);
}

static void
test_grows(void)
{
    LedgerVerified verified = { 0 }, want;
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);

        for (guint i = 1; i < 5; i++) {
            node_append(&node, ledger, i * 3);
            g_assert_true(again(ledger, &verified));
            want = as_if_verified(ledger);
            g_assert_true(same(&verified, &want));
            g_assert_true(again(ledger, &verified));
            g_assert_true(same(&verified, &want));
        }
    }
    node_tear_down(&node);
}

/* A signature that is said to have been good is not looked at; this is what makes the second time fast, and why nothing else may say so. */
static void
test_signatures_are_not_checked(void)
{
    LedgerVerified verified = { 0 };
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);

        node_append(&node, ledger, 3);
        append_unsigned(&node, ledger);
        g_assert_false(again(ledger, &verified));
        g_assert_cmpuint(verified.size, ==, 0);
        verified = as_if_verified(ledger);
        g_assert_true(again(ledger, &verified));
        node_append(&node, ledger, 3);
        g_assert_true(again(ledger, &verified));
        g_assert_cmpuint(verified.size, ==, 7);
        append_unsigned(&node, ledger);
        g_assert_false(again(ledger, &verified));
    }
    node_tear_down(&node);
}

/* What is remembered does not fit: all signatures are checked. */
static void
test_does_not_fit(void)
{
    LedgerVerified good, verified;
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);

        node_append(&node, ledger, 3);
        append_unsigned(&node, ledger);
        node_append(&node, ledger, 4);
        good = as_if_verified(ledger);
        verified = good;
        g_assert_true(again(ledger, &verified));
        for (guint i = 0; i < 5; i++) {
            verified = good;
            if (i == 0)
                verified.root.bytes[9] ^= 1;
            if (i == 1)
                verified.commits.bytes[31] ^= 1;
            if (i == 2)
                verified.size = 9;
            if (i >= 3) {
                verified.size = i == 3 ? 2 : 6;   /* within a batch */
                g_assert_true(ledger_root(ledger, verified.size, &verified.root, NULL));
            }
            g_assert_false(again(ledger, &verified));
        }
    }
    node_tear_down(&node);
}

static void
flip(const char *path, gsize at)
{
    FILE *file = fopen(path, "r+b");
    int byte;

    g_assert_nonnull(file);
    fseek(file, (long)at, SEEK_SET);
    byte = fgetc(file);
    fseek(file, (long)at, SEEK_SET);
    fputc(byte ^ 1 << (at % 8), file);
    fclose(file);
}

/* A ledger that is remembered as good is found bad wherever a bit is flipped. */
static void
test_flips(void)
{
    LedgerVerified verified = { 0 };
    g_autofree char *list = NULL;
    g_auto(GStrv) files = NULL;
    Node node;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);

        node_append(&node, ledger, 2);
        node_append(&node, ledger, 14);
        g_assert_true(again(ledger, &verified));
    }
    list = run(&node, "find \"$PWD/ledger.git/objects\" \"$PWD/log/hashes\" -type f", NULL);
    files = g_strsplit(g_strstrip(list), "\n", -1);
    for (guint i = 0; files[i]; i++) {
        g_autofree char *data = NULL;
        gsize size;

        g_assert_true(g_file_get_contents(files[i], &data, &size, NULL));
        g_chmod(files[i], 0644);
        for (gsize at = 3; at < size; at += MAX(size / 3, 1)) {
            LedgerVerified known = verified;
            g_autoptr(Ledger) ledger = NULL;
            gboolean repaired;

            flip(files[i], at);
            ledger = ledger_open(node.git, node.log, NULL);
            /* a hash file that does not fit is made anew when the ledger is opened */
            repaired = g_str_has_suffix(files[i], "hashes") && at >= size - 32;
            if (ledger && again(ledger, &known) && !repaired)
                g_error("%s: a flip at byte %zu was not found", files[i], at);
            g_file_set_contents(files[i], data, (gssize)size, NULL);
        }
    }
    {
        g_autoptr(Ledger) ledger = node_open(&node);

        g_assert_true(again(ledger, &verified));
    }
    node_tear_down(&node);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/verified/grows", test_grows);
    g_test_add_func("/verified/signatures-are-not-checked", test_signatures_are_not_checked);
    g_test_add_func("/verified/does-not-fit", test_does_not_fit);
    g_test_add_func("/verified/flips", test_flips);
    return g_test_run();
}
