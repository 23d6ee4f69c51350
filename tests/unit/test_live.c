/* sync/audit/live.c: a node is asked for its log, and lies: AU7 to AU10 of manifests/FORMAT.md. */
#include "tests/unit/home_fixture.h"
#include "tests/unit/peer_server.h"

#include "manifests/ledger/tile.h"
#include "sync/audit/audit.h"
#include "sync/audit/seen.h"
#include "sync/audit/verified.h"

#define TIME G_GINT64_CONSTANT(1777622400)

/* Tourism audits Forestry. */
typedef struct {
    TwoNodes nodes;
    PeerServer server;
} Stage;

/* What is done to answers whose path ends in @suffix. */
typedef struct {
    const char *suffix;
    enum { LIE_FLIP, LIE_SHORT, LIE_LONG, LIE_GONE, LIE_CUT, LIE_OTHER } kind;
    guint at;
    const char *other;      /* instead of the answer */
    gsize other_size;
    guint passes;           /* that are let through before */
    guint done;
} Lie;

static gsize
tell_lie(gpointer data, const char *path, int *status, GByteArray *body)
{
    Lie *lie = data;

    if (!g_str_has_suffix(path, lie->suffix) || lie->done++ < lie->passes)
        return CUT_NEVER;
    if (lie->kind == LIE_CUT)
        return lie->at;
    if (lie->kind == LIE_FLIP)
        body->data[lie->at] ^= 1;
    if (lie->kind == LIE_SHORT)
        g_byte_array_set_size(body, body->len - 1);
    if (lie->kind == LIE_LONG)
        g_byte_array_append(body, (const guint8 *)"x", 1);
    if (lie->kind == LIE_GONE) {
        *status = 404;
        g_byte_array_set_size(body, 0);
    }
    if (lie->kind == LIE_OTHER) {
        g_byte_array_set_size(body, 0);
        g_byte_array_append(body, (const guint8 *)lie->other, (guint)lie->other_size);
    }
    return CUT_NEVER;
}

static void
make_node(Node *node, const char *folder, const char *name)
{
    g_autofree char *certificate = NULL;

    node->path = g_build_filename(folder, name, NULL);
    node->home = home_fixture_create(node->path, name, NULL);
    certificate = home_file(node->home, "keys/tls.crt");
    g_assert_true(tls_pin_of_file(certificate, &node->pin, NULL));
}

static void
accept_peer(Stage *stage, const char *alias)
{
    g_autoptr(Peer) peer = peer_new();

    g_strlcpy(peer->node, home_id(stage->nodes.forestry.home), sizeof peer->node);
    g_array_append_val(peer->pins, stage->nodes.forestry.pin);
    g_ptr_array_add(peer->urls, g_strdup(stage->server.url));
    peer->alias = g_strdup(alias);
    g_assert_true(peers_accept(stage->nodes.tourism.home, peer, NULL));
}

static void
stage_make(Stage *stage, gconstpointer unused)
{
    stage->nodes.folder = g_dir_make_tmp("chama-XXXXXX", NULL);
    make_node(&stage->nodes.forestry, stage->nodes.folder, "Forestry");
    make_node(&stage->nodes.tourism, stage->nodes.folder, "Tourism");
    peer_server_start(&stage->server, &stage->nodes.forestry);
    node_accept(&stage->nodes.forestry, &stage->nodes.tourism, "tourism");
    accept_peer(stage, "forestry");
}

static void
stage_clear(Stage *stage, gconstpointer unused)
{
    peer_server_stop(&stage->server);
    two_nodes_clear(&stage->nodes, unused);
}

/* Forestry's ledger grows to @size. */
static void
grow(Stage *stage, guint64 size)
{
    Node *node = &stage->nodes.forestry;
    Ledger *ledger = home_ledger(node->home, NULL);
    const Keypair *key = home_signing_key(node->home, NULL);
    g_autoptr(GBytes) members = g_bytes_new_static("{\"x\":1}", 7);
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, NULL);
    LedgerHead head = *ledger_head(ledger);
    g_autoptr(GError) error = NULL;

    while (head.size < size) {
        Record *record = record_sign(&head, "note/1", members, TIME, key, &error);

        g_assert_no_error(error);
        head.size++;
        head.head = record->address;
        g_ptr_array_add(batch, record);
    }
    ledger_append(ledger, batch, key, &error);
    g_assert_no_error(error);
}

static Audit *
audit_once(Stage *stage, GError **error)
{
    g_autoptr(GPtrArray) targets = g_ptr_array_new();
    const AuditOptions options = { .live = targets, .now = g_get_real_time() / G_USEC_PER_SEC };

    g_ptr_array_add(targets, (char *)"forestry");
    return audit_run(stage->nodes.tourism.home, &options, error);
}

static const AuditFinding *
found(const Audit *audit, AuditKind kind)
{
    for (guint i = 0; i < audit->findings->len; i++) {
        const AuditFinding *finding = &g_array_index(audit->findings, AuditFinding, i);

        if (finding->kind == kind)
            return finding;
    }
    return NULL;
}

static guint64
verified(Stage *stage)
{
    g_auto(Seen) seen = { 0 };

    g_assert_true(seen_get(stage->nodes.tourism.home, home_id(stage->nodes.forestry.home), &seen, NULL));
    return seen.verified;
}

static void
assert_holds(Stage *stage, const char *new)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Audit) audit = audit_once(stage, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(audit->counts[AUDIT_FAILED], ==, 0);
    g_assert_nonnull(found(audit, AUDIT_LIVE_ENTRIES));
    g_assert_cmpstr(found(audit, AUDIT_LIVE_ENTRIES)->values[0], ==, new);
}

/* As if it had never been asked. */
static void
forget(Stage *stage)
{
    sqlite3_exec(state_database(home_state(stage->nodes.tourism.home, NULL)), "DELETE FROM seen", NULL, NULL, NULL);
}

/* A lie is found and named; nothing of it stays, so that the truth is believed afterwards. */
static void
assert_caught(Stage *stage, Lie *lie, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Audit) audit = NULL;

    stage->server.lie = tell_lie;
    stage->server.lie_data = lie;
    audit = audit_once(stage, &error);
    stage->server.lie = NULL;
    g_assert_no_error(error);
    g_assert_cmpuint(lie->done, >, 0);
    g_assert_nonnull(found(audit, AUDIT_LIVE_BROKEN));
    if (!strstr(found(audit, AUDIT_LIVE_BROKEN)->values[0], message))
        g_error("%s: want \"%s\"", found(audit, AUDIT_LIVE_BROKEN)->values[0], message);
}

static void
test_goes_on(Stage *stage, gconstpointer unused)
{
    static const guint64 sizes[] = { 255, 256, 257, 300, 512, 1100 };
    static const char *const news[] = { "255", "1", "1", "43", "212", "588" };

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        grow(stage, sizes[i]);
        assert_holds(stage, news[i]);
        g_assert_cmpuint(verified(stage), ==, sizes[i]);
        assert_holds(stage, "0");
    }
}

static void
test_lies(Stage *stage, gconstpointer unused)
{
    static const struct {
        Lie lie;
        const char *message;
    } cases[] = {
        { { "tile/1/000.p/2", LIE_FLIP }, "tiles: AU8: those at the edge of the tree of 600 do not lead to the checkpoint's root" },
        { { "tile/0/002.p/88", LIE_FLIP, 32 * 88 - 1 }, "tiles: AU8: those at the edge" },
        { { "tile/0/002.p/88", LIE_SHORT }, "tile/0/002.p/88: AU8: want 2816 bytes, have 2815" },
        { { "tile/0/002.p/88", LIE_LONG }, "tile/0/002.p/88: want at most 2816 bytes" },
        { { "tile/0/000", LIE_FLIP, 32 * 7 }, "tile/0/000: AU8: its hashes do not lead to the checkpoint's root" },
        { { "tile/0/001", LIE_SHORT }, "tile/0/001: AU8: want 8192 bytes, have 8191" },
        { { "tile/0/001", LIE_OTHER, 0, "", 0 }, "tile/0/001: AU8: want 8192 bytes, have 0" },
        { { "tile/entries/000", LIE_SHORT }, "tile/entries/000: entry bundle: T22: entry 255 is cut off" },
        { { "tile/entries/001", LIE_LONG }, "tile/entries/001: entry bundle: T22: entry 256 is cut off" },
        { { "tile/entries/002.p/88", LIE_FLIP, 40 }, "tile/entries/002.p/88: AU10: entry 0 is not the one of its leaf" },
        { { "tile/entries/001", LIE_FLIP, 1 }, "tile/entries/001: " },
        { { "/checkpoint", LIE_FLIP, 0 }, "note: T5: the signature of chama/" },
        { { "/checkpoint", LIE_FLIP, 70 }, "note: T5: the signature of chama/" },
        { { "/checkpoint", LIE_SHORT }, "note" },
        { { "/checkpoint", LIE_OTHER, 0, "", 0 }, "note" },
        { { "/v1/node", LIE_OTHER, 0, "{}", 2 }, "node" },
    };

    grow(stage, 600);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Lie lie = cases[i].lie;

        g_test_message("%s, %d", lie.suffix, (int)lie.kind);
        forget(stage);
        assert_caught(stage, &lie, cases[i].message);
    }
    g_assert_cmpuint(verified(stage), <, 600);
    {
        g_autoptr(Audit) audit = audit_once(stage, NULL);

        g_assert_cmpuint(audit->counts[AUDIT_FAILED], ==, 0);
        g_assert_cmpuint(verified(stage), ==, 600);
    }
}

/* A checkpoint that somebody else signed, under any name. */
static void
test_checkpoint_of_another(Stage *stage, gconstpointer unused)
{
    g_autofree char *other = home_checkpoint(stage->nodes.tourism.home, NULL);
    Lie lie = { "/checkpoint", LIE_OTHER, 0, other, strlen(other) };

    assert_caught(stage, &lie, "T");
    g_assert_cmpuint(verified(stage), ==, 0);
}

/* The same record with another signature. */
static Record *
with_bad_signature(Record *record)
{
    gsize size;
    g_autofree guint8 *signature = g_memdup2(g_bytes_get_data(record->signature, NULL), g_bytes_get_size(record->signature));

    size = g_bytes_get_size(record->signature);
    signature[size - 1] ^= 1;
    g_bytes_unref(record->signature);
    record->signature = g_bytes_new(signature, size);
    return record;
}

/* In its place, but signed by nobody; the log has it, so leaf and root agree. */
static void
test_unsigned_record(Stage *stage, gconstpointer unused)
{
    Home *home = stage->nodes.forestry.home;
    Ledger *ledger = home_ledger(home, NULL);
    g_autoptr(GBytes) members = g_bytes_new_static("{\"x\":1}", 7);
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(LedgerLock) lock = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Audit) audit = NULL;

    grow(stage, 20);
    lock = ledger_lock(ledger, NULL);
    g_ptr_array_add(batch, with_bad_signature(record_sign(ledger_head(ledger), "note/1", members, TIME, home_signing_key(home, NULL), NULL)));
    ledger_append(ledger, batch, home_signing_key(home, NULL), &error);
    g_assert_no_error(error);
    ledger_unlock(g_steal_pointer(&lock));
    grow(stage, 30);
    audit = audit_once(stage, &error);
    g_assert_no_error(error);
    g_assert_nonnull(found(audit, AUDIT_LIVE_BROKEN));
    g_assert_true(g_str_has_prefix(found(audit, AUDIT_LIVE_BROKEN)->values[0], "record 20: R8: "));
    g_assert_cmpuint(verified(stage), ==, 0);
}

/* What was done counts when the connection comes back; a connection that breaks is nobody's lie. */
static void
test_resumed(Stage *stage, gconstpointer unused)
{
    Lie lie = { "tile/entries/002", LIE_CUT, 100 };
    g_autoptr(GError) error = NULL;
    g_autoptr(Audit) audit = NULL;

    grow(stage, 1000);
    stage->server.lie = tell_lie;
    stage->server.lie_data = &lie;
    audit = audit_once(stage, &error);
    stage->server.lie = NULL;
    g_assert_no_error(error);
    g_assert_cmpuint(audit->counts[AUDIT_FAILED], ==, 0);
    g_assert_nonnull(found(audit, AUDIT_LIVE_UNREACHED));
    g_assert_cmpuint(verified(stage), ==, 512);
    assert_holds(stage, "488");
}

/* Who withholds records is named, and may give them later. */
static void
test_withheld(Stage *stage, gconstpointer unused)
{
    Lie lie = { "tile/entries/001", LIE_GONE };
    g_autoptr(Audit) audit = NULL;

    grow(stage, 600);
    stage->server.lie = tell_lie;
    stage->server.lie_data = &lie;
    audit = audit_once(stage, NULL);
    stage->server.lie = NULL;
    g_assert_cmpuint(audit->counts[AUDIT_FAILED], ==, 0);
    g_assert_cmpstr(found(audit, AUDIT_LIVE_WITHHELD)->values[0], ==, "344");
    g_assert_cmpuint(verified(stage), ==, 256);
    assert_holds(stage, "344");
}

static void
test_tiles_that_are_gone(Stage *stage, gconstpointer unused)
{
    Lie lie = { "tile/0/000.p/200", LIE_GONE };

    grow(stage, 200);
    assert_caught(stage, &lie, "AU8: tile/0/000.p/200: the peer answers with status 404");
    assert_holds(stage, "200");
}

/* Another node behind the address of the peer. */
static void
test_another_node(Stage *stage, gconstpointer unused)
{
    g_auto(Reply) reply = node_ask(&stage->nodes.tourism, NULL, "GET", "/v1/node", NULL, NULL, NULL);
    Lie lie = { "/v1/node", LIE_OTHER, 0, (const char *)reply.body->data, reply.body->len };

    assert_caught(stage, &lie, "AU7: want node");
}

static void
test_remembered(Stage *stage, gconstpointer unused)
{
    Home *home = stage->nodes.tourism.home;
    const char *node = home_id(stage->nodes.forestry.home);
    g_auto(Seen) nothing = { 0 }, seen = { 0 }, again = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_true(seen_get(home, node, &nothing, &error));
    g_assert_null(nothing.note);
    seen = (Seen){ g_strdup("a note"), 9, { { 1 } }, TIME, 7, { { 2 } } };
    g_assert_true(seen_set(home, node, &seen, &error));
    seen.verified = 8;
    g_assert_true(seen_set(home, node, &seen, &error));
    node_reopen(&stage->nodes.tourism);
    home = stage->nodes.tourism.home;
    g_assert_true(seen_get(home, node, &again, &error));
    g_assert_cmpstr(again.note, ==, "a note");
    g_assert_cmpuint(again.size, ==, 9);
    g_assert_cmpuint(again.verified, ==, 8);
    g_assert_cmpint(again.time, ==, TIME);
    g_assert_true(digest_equal(&again.head, &seen.head));
    seen.verified = 10; /* more than there are */
    g_assert_true(seen_set(home, node, &seen, &error));
    g_assert_false(seen_get(home, node, &nothing, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
}

/* AU11: only what these rules found. */
static void
test_verified_remembered(Stage *stage, gconstpointer unused)
{
    Home *home = stage->nodes.tourism.home;
    const char *node = home_id(stage->nodes.forestry.home);
    const LedgerVerified good = { 9, { { 1 } }, { { 2 } } };
    LedgerVerified read = { 1 };
    g_autoptr(GError) error = NULL;

    g_assert_true(verified_get(home, node, &read, &error));
    g_assert_cmpuint(read.size, ==, 0);
    g_assert_true(verified_set(home, node, &good, &error));
    g_assert_true(verified_get(home, node, &read, &error));
    g_assert_cmpmem(&read, sizeof read, &good, sizeof good);
    sqlite3_exec(state_database(home_state(home, NULL)), "UPDATE verified SET rules = 0", NULL, NULL, NULL);
    g_assert_true(verified_get(home, node, &read, &error));
    g_assert_cmpuint(read.size, ==, 0);
    g_assert_true(verified_set(home, node, &good, &error));
    sqlite3_exec(state_database(home_state(home, NULL)), "UPDATE verified SET root = 'x'", NULL, NULL, NULL);
    g_assert_false(verified_get(home, node, &read, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    g_assert_cmpuint(read.size, ==, 0);
}

static void
add(const char *name, void (*test)(Stage *, gconstpointer))
{
    g_test_add(name, Stage, NULL, stage_make, test, stage_clear);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/live/goes-on", test_goes_on);
    add("/live/lies", test_lies);
    add("/live/checkpoint-of-another", test_checkpoint_of_another);
    add("/live/unsigned-record", test_unsigned_record);
    add("/live/resumed", test_resumed);
    add("/live/withheld", test_withheld);
    add("/live/tiles-that-are-gone", test_tiles_that_are_gone);
    add("/live/another-node", test_another_node);
    add("/live/remembered", test_remembered);
    add("/live/verified-remembered", test_verified_remembered);
    return g_test_run();
}
