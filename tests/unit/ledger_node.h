/*
 * ledger_node: a node for the tests of ledgers: fixed keys, records that continue a head, two ledgers in a temporary folder, and git to look at
 * them.
 */
#ifndef CHAMA_TESTS_UNIT_LEDGER_NODE_H
#define CHAMA_TESTS_UNIT_LEDGER_NODE_H

#include <string.h>

#include <glib/gstdio.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/sshsig.h"
#include "manifests/ledger/ledger.h"

#define TIME G_GINT64_CONSTANT(1777622400)

typedef struct {
    Keypair *signing, *log_key;
    GBytes *inception;
    Identity *identity;
    char *folder, *git, *log, *copy_git, *copy_log;
} Node;

static inline Keypair *
node_key(guint8 seed)
{
    guint8 bytes[32];

    memset(bytes, seed, sizeof bytes);
    return keypair_from_seed(bytes, NULL);
}

static inline void
node_set_up(Node *node, guint8 seed)
{
    g_autoptr(GError) error = NULL;
    Digest next = { { seed } };

    node->signing = node_key(seed);
    node->log_key = node_key(seed + 100);
    node->inception = inception_format(keypair_public(node->signing), keypair_public(node->log_key), (const guint8 *)"an encryption key of thirty-two b", &next,
                                       TIME, &error);
    g_assert_no_error(error);
    node->identity = identity_parse_inception(node->inception, &error);
    g_assert_no_error(error);
    node->folder = g_dir_make_tmp("chama-ledger-XXXXXX", &error);
    g_assert_no_error(error);
    node->git = g_build_filename(node->folder, "ledger.git", NULL);
    node->log = g_build_filename(node->folder, "log", NULL);
    node->copy_git = g_build_filename(node->folder, "copy.git", NULL);
    node->copy_log = g_build_filename(node->folder, "copy-log", NULL);
}

/* What a command prints; it must succeed unless @status is given. */
static inline char *
run(const Node *node, const char *command, int *status)
{
    g_autofree char *line = g_strdup_printf("cd '%s' && { %s; } 2>&1", node->folder, command);
    const char *const argv[] = { "sh", "-c", line, NULL };
    g_autoptr(GError) error = NULL;
    char *output = NULL;
    int wait_status = 0;

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL, &wait_status, &error);
    g_assert_no_error(error);
    if (status)
        *status = wait_status;
    else if (wait_status != 0)
        g_error("%s: %s", command, output);
    return output;
}

static inline void
node_tear_down(Node *node)
{
    g_autofree char *gone = run(node, "chmod -R u+w . && rm -rf ./*", NULL);

    g_rmdir(node->folder);
    keypair_free(node->signing);
    keypair_free(node->log_key);
    g_bytes_unref(node->inception);
    identity_free(node->identity);
    g_free(node->folder);
    g_free(node->git);
    g_free(node->log);
    g_free(node->copy_git);
    g_free(node->copy_log);
}

static inline void
node_free_record(gpointer record)
{
    record_free(record);
}

/* A record of @type after @head, which it moves on.  @members is JSON. */
static inline Record *
node_record(const Node *node, LedgerHead *head, const char *type, const char *members)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = head->size == 0 ? g_bytes_ref(node->inception) : g_bytes_new(members, strlen(members));
    Record *record = record_sign(head, head->size == 0 ? "inception/1" : type, bytes, TIME + (gint64)head->size, node->signing, &error);

    g_assert_no_error(error);
    *head = (LedgerHead){ head->size + 1, record->address, node->identity };
    return record;
}

/* A batch of @count records after @head, which it moves on: manifests of a few data sets, and others. */
static inline GPtrArray *
node_batch(const Node *node, LedgerHead *head, guint count)
{
    GPtrArray *records = g_ptr_array_new_with_free_func(node_free_record);

    for (guint i = 0; i < count; i++) {
        guint64 n = head->size;
        g_autofree char *manifest = g_strdup_printf("{\"message\":\"change %" G_GUINT64_FORMAT "\",\"name\":\"set-%" G_GUINT64_FORMAT "\",\"version\":%"
                                                    G_GUINT64_FORMAT "}", n, n % 5, n / 5 + 1);

        g_ptr_array_add(records, n % 7 == 3 ? node_record(node, head, "note/1", "{\"text\":\"x\"}") : node_record(node, head, "manifest/1", manifest));
    }
    return records;
}

static inline Ledger *
node_create(const Node *node)
{
    g_autoptr(GError) error = NULL;
    Ledger *ledger = ledger_create(node->git, node->log, &error);

    g_assert_no_error(error);
    return ledger;
}

static inline Ledger *
node_open(const Node *node)
{
    g_autoptr(GError) error = NULL;
    Ledger *ledger = ledger_open(node->git, node->log, &error);

    g_assert_no_error(error);
    return ledger;
}

/* Appends one batch of @count records, under the lock. */
static inline void
node_append(const Node *node, Ledger *ledger, guint count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, &error);
    LedgerHead head;
    g_autoptr(GPtrArray) records = NULL;

    g_assert_no_error(error);
    head = *ledger_head(ledger);
    records = node_batch(node, &head, count);
    ledger_append(ledger, records, node->signing, &error);
    g_assert_no_error(error);
}

/* Appends one record of its own type and members. */
static inline void
node_state(const Node *node, Ledger *ledger, const char *type, const char *members)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, &error);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(node_free_record);
    LedgerHead head;

    g_assert_no_error(error);
    head = *ledger_head(ledger);
    g_ptr_array_add(records, node_record(node, &head, type, members));
    ledger_append(ledger, records, node->signing, &error);
    g_assert_no_error(error);
}

static inline void
node_print_finding(gpointer data, const char *message)
{
    g_test_message("%s", message);
    if (data)
        g_string_append_printf(data, "%s\n", message);
}

static inline void
node_assert_clean(Ledger *ledger)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(ledger_verify(ledger, node_print_finding, NULL, &error));
    g_assert_no_error(error);
}

/* ledger_verify() must find something, and say @what. */
static inline void
node_assert_finds(Ledger *ledger, const char *what)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) findings = g_string_new(NULL);

    g_assert_false(ledger_verify(ledger, node_print_finding, findings, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    if (!strstr(findings->str, what))
        g_error("want \"%s\" in: %s", what, findings->str);
}

#endif
