/* manifests/ledger/headfile.h (G16): a ledger is opened again without git, and never believes what is damaged or of another commit. */
#include <glib/gstdio.h>

#include "manifests/ledger/git.h"
#include "manifests/ledger/headfile.h"
#include "tests/unit/ledger_node.h"

static Record *
make_record(const Node *node, const LedgerHead *head)
{
    g_autoptr(GBytes) members = g_bytes_new_static("{\"note\":\"x\"}", 12);
    g_autoptr(GError) error = NULL;
    Record *record = head->size == 0 ? record_sign(head, "inception/1", node->inception, TIME, node->signing, &error)
                                     : record_sign(head, "note/1", members, TIME + (gint64)head->size, node->signing, &error);

    g_assert_no_error(error);
    return record;
}

static void
append(const Node *node, Ledger *ledger, guint count)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < count; i++) {
        g_autoptr(LedgerLock) lock = ledger_lock(ledger, &error);
        g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);

        g_assert_no_error(error);
        g_ptr_array_add(records, make_record(node, ledger_head(ledger)));
        g_assert_true(ledger_append(ledger, records, node->signing, &error));
    }
}

static Ledger *
open_ledger(const Node *node)
{
    g_autoptr(GError) error = NULL;
    Ledger *ledger = ledger_open(node->git, node->log, &error);

    g_assert_no_error(error);
    return ledger;
}

static Node
make_node(guint records)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = NULL;
    Node node;

    node_set_up(&node, 1);
    ledger = ledger_create(node.git, node.log, &error);
    g_assert_no_error(error);
    append(&node, ledger, records);
    return node;
}

static void
report(gpointer data, const char *message)
{
    g_test_message("%s", message);
    ++*(guint *)data;
}

static void
assert_good(Ledger *ledger, guint64 size)
{
    guint faults = 0;

    g_assert_cmpuint(ledger_head(ledger)->size, ==, size);
    g_assert_true(ledger_verify(ledger, report, &faults, NULL));
    g_assert_cmpuint(faults, ==, 0);
}

/* What the first to open it wrote is what the second takes: with the objects out of the way it still knows where the ledger stands. */
static void
test_opened_without_git(void)
{
    Node node = make_node(3);
    g_autofree char *objects = g_build_filename(node.git, "objects", NULL), *away = g_build_filename(node.folder, "away", NULL);
    g_autoptr(Ledger) first = open_ledger(&node);
    g_autoptr(Ledger) second = NULL;
    g_autoptr(Record) record = NULL;
    g_autoptr(GError) error = NULL;
    Digest root, again;

    g_assert_true(ledger_root(first, 3, &root, NULL));
    g_assert_cmpint(g_rename(objects, away), ==, 0);
    second = open_ledger(&node);
    g_assert_cmpuint(ledger_head(second)->size, ==, 3);
    g_assert_true(digest_equal(&ledger_head(second)->head, &ledger_head(first)->head));
    g_assert_cmpstr(ledger_node(second), ==, node.identity->id);
    g_assert_cmpmem(ledger_identity(second)->log.bytes, ED25519_PUBLIC_SIZE, node.identity->log.bytes, ED25519_PUBLIC_SIZE);
    g_assert_true(ledger_root(second, 3, &again, NULL));
    g_assert_true(digest_equal(&root, &again));
    g_assert_null(ledger_get(second, 1, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    g_assert_cmpint(g_rename(away, objects), ==, 0);
    record = ledger_get(second, 1, NULL);
    g_assert_nonnull(record);
    assert_good(second, 3);
    node_tear_down(&node);
}

/* Records that came since count; and the ledger goes on from them. */
static void
test_grown(void)
{
    Node node = make_node(2);
    g_autoptr(Ledger) first = open_ledger(&node), second = NULL, third = NULL;

    append(&node, first, 5);
    second = open_ledger(&node);
    assert_good(second, 7);
    append(&node, second, 1);
    g_assert_true(ledger_refresh(first, NULL));
    assert_good(first, 8);
    third = open_ledger(&node);
    assert_good(third, 8);
    node_tear_down(&node);
}

static void
assert_ignored(const Node *node, const char *path, const char *text, gsize size)
{
    g_autoptr(Ledger) ledger = NULL;
    HeadFile head;

    g_assert_false(headfile_parse(text, size, &head));
    g_assert_null(head.keys);
    g_assert_true(g_file_set_contents(path, text, (gssize)size, NULL));
    ledger = open_ledger(node);
    assert_good(ledger, 2);
}

static void
test_damaged(void)
{
    Node node = make_node(2);
    g_autofree char *path = g_build_filename(node.log, "head", NULL), *text = NULL;
    g_autoptr(Ledger) ledger = open_ledger(&node);
    HeadFile head;
    gsize size;

    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    for (gsize i = 0; i < size; i++) {
        text[i] ^= 1 << i % 8;
        g_assert_false(headfile_parse(text, size, &head));
        text[i] ^= 1 << i % 8;
        g_assert_false(headfile_parse(text, i, &head));
    }
    assert_ignored(&node, path, text, size - 1);
    assert_ignored(&node, path, text, 0);
    assert_ignored(&node, path, "chama-head/2\n", 13);
    text[20] ^= 1;
    assert_ignored(&node, path, text, size);
    node_tear_down(&node);
}

/* One of another ledger is of another commit. */
static void
test_of_another(void)
{
    Node node = make_node(2), other = make_node(4);
    g_autofree char *path = g_build_filename(node.log, "head", NULL), *theirs = g_build_filename(other.log, "head", NULL), *text = NULL;
    g_autoptr(Ledger) ledger = NULL, their_ledger = open_ledger(&other);
    gsize size;

    g_assert_true(g_file_get_contents(theirs, &text, &size, NULL));
    g_assert_true(g_file_set_contents(path, text, (gssize)size, NULL));
    ledger = open_ledger(&node);
    assert_good(ledger, 2);
    node_tear_down(&node);
    node_tear_down(&other);
}

static void
test_written_as_read(void)
{
    Node node = make_node(2);
    g_autofree char *path = g_build_filename(node.log, "head", NULL), *text = NULL, *again = NULL;
    g_autoptr(Ledger) ledger = open_ledger(&node);
    g_auto(HeadFile) head = { 0 };
    gsize size;

    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    g_assert_true(headfile_parse(text, size, &head));
    g_assert_cmpuint(head.size, ==, 2);
    g_assert_cmpuint(head.keys->len, ==, 1);
    again = headfile_format(&head);
    g_assert_cmpstr(again, ==, text);
    node_tear_down(&node);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/headfile/g16/opened-without-git", test_opened_without_git);
    g_test_add_func("/headfile/g16/grown", test_grown);
    g_test_add_func("/headfile/g16/damaged", test_damaged);
    g_test_add_func("/headfile/g16/of-another", test_of_another);
    g_test_add_func("/headfile/g16/written-as-read", test_written_as_read);
    return g_test_run();
}
