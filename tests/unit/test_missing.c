/* Single records with what proves them: E27, Z9, PU24 of sync/PROTOCOL.md. */
#include <glib/gstdio.h>

#include "tests/unit/peer_server.h"

#include "sync/pull/missing.h"
#include "sync/sparse.h"

#define NOTHING "0000000000000000000000000000000000000000000000000000000000000000"

static char *
record_path(const Digest *address)
{
    char hex[DIGEST_HEX_SIZE];

    return g_strdup_printf("/v1/records/%s", digest_format_hex(address, hex));
}

static Reply
ask(Node *node, const Node *caller, const Digest *address, const char *query)
{
    g_autofree char *path = record_path(address);

    return node_ask(node, caller, "GET", path, query, NULL, NULL);
}

static void
assert_status(Node *node, const Node *caller, const Digest *address, const char *query, int status)
{
    g_auto(Reply) reply = ask(node, caller, address, query);

    g_assert_cmpint(reply.status, ==, status);
}

/* E27, I4: what is for anyone, what for peers, and that a no is always the same. */
static void
test_who(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100), some = node_publish(forestry, "some", SHARE_CONDITIONAL, 2, 100);
    g_autoptr(Record) inception = ledger_get(home_ledger(forestry->home, NULL), 0, NULL), profile = ledger_get(home_ledger(forestry->home, NULL), 1, NULL);
    const Digest nothing = { { 0 } };
    g_auto(Reply) refused = ask(forestry, NULL, &some->address, "from=0"), unknown = ask(forestry, NULL, &nothing, "from=0");

    assert_status(forestry, NULL, &open->address, "from=0", 200);
    assert_status(forestry, NULL, &inception->address, "from=0", 200);
    assert_status(forestry, NULL, &profile->address, "from=0", 404);
    assert_status(forestry, tourism, &some->address, "from=0", 404);
    g_assert_cmpint(refused.status, ==, 404);
    g_assert_cmpmem(refused.body->data, refused.body->len, unknown.body->data, unknown.body->len);
    node_accept(forestry, tourism, "tourism");
    assert_status(forestry, tourism, &some->address, "from=0", 200);
    assert_status(forestry, tourism, &profile->address, "from=4", 200);
    assert_status(forestry, tourism, &some->address, "from=5", 400);
    assert_status(forestry, tourism, &some->address, NULL, 400);
    assert_status(forestry, tourism, &some->address, "from=x", 400);
    assert_status(forestry, tourism, &nothing, "from=5", 404);
}

/* Of a mirror: an open manifest for anyone, the rest by A12. */
static void
test_mirror(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100), some = node_publish(forestry, "some", SHARE_CONDITIONAL, 2, 100);

    node_accept(forestry, tourism, "tourism");
    node_copy_ledger(forestry, tourism, tourism);
    assert_status(tourism, NULL, &open->address, "from=0", 200);
    assert_status(tourism, NULL, &some->address, "from=0", 404);
    assert_status(tourism, forestry, &some->address, "from=0", 200);   /* its owner */
}

/* Z9 */
static void
test_read(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    const char *id = home_id(forestry->home);
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100), more = node_publish(forestry, "more", SHARE_OPEN, 2, 100);
    g_auto(Reply) reply = ask(forestry, NULL, &open->address, "from=0");
    g_autoptr(GBytes) stream = reply_bytes(&reply);
    g_autoptr(GError) error = NULL;
    g_autoptr(SparseRecord) record = sparse_record_read(id, stream, &open->address, &error);
    Digest root;

    g_assert_no_error(error);
    g_assert_true(digest_equal(&sparse_record_record(record)->address, &open->address));
    g_assert_cmpuint(sparse_record_checkpoint(record)->size, ==, 4);
    g_assert_true(ledger_root(home_ledger(forestry->home, NULL), 4, &root, NULL));
    g_assert_true(sparse_record_continues(record, 4, &root, &error));
    root.bytes[0] ^= 1;
    g_assert_false(sparse_record_continues(record, 4, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FORK);
    g_clear_error(&error);
    g_assert_false(sparse_record_continues(record, 2, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_null(sparse_record_read(id, stream, &more->address, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_null(sparse_record_read(home_id(nodes->tourism.home), stream, &open->address, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_null(sparse_record_read("../../x", stream, &open->address, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
}

/* Any byte of it changed, or the end cut off: nothing that verifies is left. */
static void
test_flips(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    const char *id = home_id(forestry->home);
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100);
    g_auto(Reply) reply = ask(forestry, NULL, &open->address, "from=0");

    for (guint i = 0; i < reply.body->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) changed = NULL, cut = g_bytes_new(reply.body->data, i);
        g_autoptr(SparseRecord) read = NULL;

        reply.body->data[i] ^= 1;
        changed = reply_bytes(&reply);
        reply.body->data[i] ^= 1;
        read = sparse_record_read(id, changed, &open->address, &error);
        if (read)
            g_error("byte %u of %u: changed and taken", i, reply.body->len);
        g_clear_error(&error);
        g_assert_null(sparse_record_read(id, cut, &open->address, &error));
    }
}

/* Tourism asks Forestry, whose answers may be altered. */
typedef struct {
    TwoNodes nodes;
    PeerServer server;
    Manifest *open, *some;
    GString *said;
} Stage;

static void
stage_make(Stage *stage, gconstpointer audience)
{
    g_autoptr(Peer) peer = peer_new();

    two_nodes_make(&stage->nodes, audience);
    stage->open = node_publish(&stage->nodes.forestry, "open", SHARE_OPEN, 1, 100);
    stage->some = node_publish(&stage->nodes.forestry, "some", SHARE_CONDITIONAL, 2, 100);
    peer_server_start(&stage->server, &stage->nodes.forestry);
    g_strlcpy(peer->node, home_id(stage->nodes.forestry.home), sizeof peer->node);
    g_array_append_val(peer->pins, stage->nodes.forestry.pin);
    g_ptr_array_add(peer->urls, g_strdup(stage->server.url));
    peer->alias = g_strdup("forestry");
    g_assert_true(peers_accept(stage->nodes.tourism.home, peer, NULL));
    stage->said = g_string_new(NULL);
}

static void
stage_clear(Stage *stage, gconstpointer unused)
{
    peer_server_stop(&stage->server);
    manifest_free(stage->open);
    manifest_free(stage->some);
    g_string_free(stage->said, TRUE);
    two_nodes_clear(&stage->nodes, NULL);
}

static void
note(gpointer data, const char *line)
{
    g_string_append_printf(data, "%s\n", line);
    g_test_message("%s", line);
}

/* The record as Tourism finds it; NULL if it does not. */
static Record *
find(Stage *stage, const Manifest *manifest, const char *namer, gboolean offline, guint *fetched)
{
    const MissingOptions options = { .offline = offline, .talk = note, .talk_data = stage->said };
    g_autoptr(Missing) missing = missing_new(stage->nodes.tourism.home, &options);
    const LineageBeyond beyond = missing_beyond(missing);
    g_autofree char *place = NULL;
    g_autoptr(GError) error = NULL;
    Input named;
    Record *record;

    lineage_name_of(manifest, &named);
    record = beyond.find(beyond.data, &named, namer, &place, &error);
    g_assert_no_error(error);
    g_assert_true((record != NULL) == (place != NULL));
    *fetched = missing_fetched(missing);
    return record;
}

static void
assert_finds(Stage *stage, const Manifest *manifest, gboolean offline, gboolean found, guint fetched)
{
    guint came;
    g_autoptr(Record) record = find(stage, manifest, NULL, offline, &came);

    g_assert_true((record != NULL) == found);
    g_assert_cmpuint(came, ==, fetched);
    if (record)
        g_assert_true(digest_equal(&record->address, &manifest->address));
}

static void
test_find(Stage *stage, gconstpointer unused)
{
    assert_finds(stage, stage->open, TRUE, FALSE, 0);
    g_assert_cmpint(stage->server.requests, ==, 0);
    assert_finds(stage, stage->open, FALSE, TRUE, 1);
    assert_finds(stage, stage->open, TRUE, TRUE, 0);
    assert_finds(stage, stage->open, FALSE, TRUE, 0);
    g_assert_cmpint(stage->server.requests, ==, 1);
    assert_finds(stage, stage->some, FALSE, FALSE, 0);
    g_assert_cmpstr(stage->said->str, ==, "");
}

/* PU24: what stands in closed details is told to no third party. */
static void
test_privacy(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) elsewhere = node_publish(&stage->nodes.tourism, "x", SHARE_OPEN, 5, 10);
    guint fetched;

    g_strlcpy(elsewhere->node, "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa", sizeof elsewhere->node);
    g_assert_null(find(stage, elsewhere, elsewhere->node, FALSE, &fetched));
    g_assert_cmpint(stage->server.requests, ==, 0);
    g_assert_null(find(stage, elsewhere, home_id(stage->nodes.forestry.home), FALSE, &fetched));
    g_assert_cmpint(stage->server.requests, ==, 1);
    g_assert_null(find(stage, elsewhere, NULL, FALSE, &fetched));
    g_assert_cmpint(stage->server.requests, ==, 2);
    record_free(find(stage, stage->open, elsewhere->node, FALSE, &fetched));
    g_assert_cmpuint(fetched, ==, 1);
}

static gsize
change_last_signature(gpointer data, const char *path, int *status, GByteArray *body)
{
    body->data[body->len - 40] ^= 1;
    return CUT_NEVER;
}

static gsize
cut_short(gpointer data, const char *path, int *status, GByteArray *body)
{
    return body->len / 2;
}

static gsize
go_on(gpointer data, const char *path, int *status, GByteArray *body)
{
    g_byte_array_set_size(body, 300 * 1024);
    return CUT_NEVER;
}

/* What does not hold is not taken, and nothing of it is kept. */
static void
test_liars(Stage *stage, gconstpointer unused)
{
    static const struct { PeerLie lie; const char *says; } cases[] = {
        { change_last_signature, "that was not taken" }, { cut_short, "was not asked" }, { go_on, "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        stage->server.lie = cases[i].lie;
        g_string_truncate(stage->said, 0);
        assert_finds(stage, stage->open, FALSE, FALSE, 0);
        g_assert_nonnull(strstr(stage->said->str, cases[i].says));
        assert_finds(stage, stage->open, TRUE, FALSE, 0);
    }
    stage->server.lie = NULL;
    assert_finds(stage, stage->open, FALSE, TRUE, 1);
}

static guint
count_evidence(Stage *stage)
{
    g_autoptr(GPtrArray) all = state_evidence(home_state(stage->nodes.tourism.home, NULL), NULL);

    return all->len;
}

/* Two homes with one key: what the other one signed is no part of the ledger that is known, and evidence. */
static void
test_fork(Stage *stage, gconstpointer unused)
{
    Node *forestry = &stage->nodes.forestry, *tourism = &stage->nodes.tourism;
    g_autofree char *twin_path = g_strdup_printf("%s-twin", forestry->path);
    Node twin = { .path = twin_path };
    g_autoptr(Manifest) here = NULL, there = NULL;
    g_autofree char *copy = g_strdup_printf("cp -a '%s' '%s'", forestry->path, twin_path);

    g_assert_cmpint(system(copy), ==, 0);
    twin.home = home_open(twin_path, NULL);
    here = node_publish(forestry, "here", SHARE_OPEN, 3, 100);
    there = node_publish(&twin, "there", SHARE_OPEN, 4, 100);
    node_accept(forestry, tourism, "tourism");
    node_copy_ledger(forestry, tourism, tourism);
    stage->server.home = twin_path;
    g_assert_cmpuint(count_evidence(stage), ==, 0);
    assert_finds(stage, there, FALSE, FALSE, 0);
    g_assert_nonnull(strstr(stage->said->str, "different roots"));
    g_assert_cmpuint(count_evidence(stage), ==, 1);
    home_close(twin.home);
}

/* The same, where the lie came first, and the ledger after it. */
static void
test_fork_later(Stage *stage, gconstpointer unused)
{
    Node *forestry = &stage->nodes.forestry, *tourism = &stage->nodes.tourism;
    g_autofree char *twin_path = g_strdup_printf("%s-twin", forestry->path);
    Node twin = { .path = twin_path };
    g_autoptr(Manifest) here = NULL, there = NULL;
    g_autofree char *copy = g_strdup_printf("cp -a '%s' '%s'", forestry->path, twin_path);

    g_assert_cmpint(system(copy), ==, 0);
    twin.home = home_open(twin_path, NULL);
    here = node_publish(forestry, "here", SHARE_OPEN, 3, 100);
    there = node_publish(&twin, "there", SHARE_OPEN, 4, 100);
    stage->server.home = twin_path;
    assert_finds(stage, there, FALSE, TRUE, 1);
    node_accept(forestry, tourism, "tourism");
    node_copy_ledger(forestry, tourism, tourism);
    stage->server.home = forestry->path;
    assert_finds(stage, there, TRUE, FALSE, 0);
    g_assert_cmpuint(count_evidence(stage), ==, 1);
    home_close(twin.home);
}

static void
count_report(gpointer data, const char *message)
{
    g_test_message("%s", message);
    ++*(guint *)data;
}

/* fsck */
static void
test_verify(Stage *stage, gconstpointer unused)
{
    Home *tourism = stage->nodes.tourism.home;
    const char *id = home_id(stage->nodes.forestry.home);
    g_autoptr(GPtrArray) none = missing_nodes(tourism, NULL), some = NULL;
    char hex[DIGEST_HEX_SIZE];
    g_autofree char *path = g_strdup_printf("%s/records/%s/%s", home_path(tourism), id, digest_format_hex(&stage->open->address, hex));
    guint bad = 0;

    g_assert_cmpuint(none->len, ==, 0);
    assert_finds(stage, stage->open, FALSE, TRUE, 1);
    some = missing_nodes(tourism, NULL);
    g_assert_cmpuint(some->len, ==, 1);
    g_assert_true(missing_verify(tourism, id, count_report, &bad, NULL));
    g_assert_cmpuint(bad, ==, 0);
    g_assert_true(g_file_set_contents(path, "end\n", 4, NULL));
    g_assert_true(missing_verify(tourism, id, count_report, &bad, NULL));
    g_assert_cmpuint(bad, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/missing/E27/who", TwoNodes, NULL, two_nodes_make, test_who, two_nodes_clear);
    g_test_add("/missing/E27/mirror", TwoNodes, "peers", two_nodes_make, test_mirror, two_nodes_clear);
    g_test_add("/missing/Z9/read", TwoNodes, NULL, two_nodes_make, test_read, two_nodes_clear);
    g_test_add("/missing/Z9/flips", TwoNodes, NULL, two_nodes_make, test_flips, two_nodes_clear);
    g_test_add("/missing/PU24/find", Stage, NULL, stage_make, test_find, stage_clear);
    g_test_add("/missing/PU24/privacy", Stage, NULL, stage_make, test_privacy, stage_clear);
    g_test_add("/missing/PU24/liars", Stage, NULL, stage_make, test_liars, stage_clear);
    g_test_add("/missing/PU24/fork", Stage, NULL, stage_make, test_fork, stage_clear);
    g_test_add("/missing/PU24/fork-later", Stage, NULL, stage_make, test_fork_later, stage_clear);
    g_test_add("/missing/Z9/verify", Stage, NULL, stage_make, test_verify, stage_clear);
    return g_test_run();
}
