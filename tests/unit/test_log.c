/* The Merkle log as peers are given it: E23 to E25 of sync/PROTOCOL.md. */
#include "tests/unit/two_nodes.h"

#include "manifests/ledger/tile.h"

#define NOBODY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static Reply
ask_log(Node *node, const Node *caller, const Node *of, const char *what)
{
    g_autofree char *path = g_strdup_printf("/log/%s/%s", home_id(of->home), what);

    return node_ask(node, caller, "GET", path, NULL, NULL, NULL);
}

static int
status_of(Node *node, const Node *caller, const Node *of, const char *what)
{
    g_auto(Reply) reply = ask_log(node, caller, of, what);

    return reply.status;
}

static Checkpoint *
checkpoint_of(Node *node, const Node *caller, const Node *of)
{
    g_auto(Reply) reply = ask_log(node, caller, of, "checkpoint");
    const Identity *identity = home_identity(of->home, NULL);
    g_autofree char *origin = checkpoint_origin(identity->id);
    g_autoptr(GError) error = NULL;
    Checkpoint *checkpoint;

    g_assert_cmpint(reply.status, ==, 200);
    g_assert_cmpstr(reply.type, ==, "text/plain; charset=utf-8");
    checkpoint = checkpoint_verify((const char *)reply.body->data, reply.body->len, origin, &identity->log, &error);
    g_assert_no_error(error);
    return checkpoint;
}

/* Some records of no known type, in one batch. */
static void
append(Node *node, guint count, gsize padding)
{
    Ledger *ledger = home_ledger(node->home, NULL);
    g_autofree char *text = g_strnfill(padding, 'x');
    g_autofree char *members = g_strdup_printf("{\"x\":\"%s\"}", text);
    g_autoptr(GBytes) bytes = g_bytes_new(members, strlen(members));
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, NULL);
    LedgerHead head = *ledger_head(ledger);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < count; i++) {
        Record *record = record_sign(&head, "note/1", bytes, 1777622400, home_signing_key(node->home, NULL), &error);

        g_assert_no_error(error);
        head.size++;
        head.head = record->address;
        g_ptr_array_add(batch, record);
    }
    ledger_append(ledger, batch, home_signing_key(node->home, NULL), &error);
    g_assert_no_error(error);
}

/* What the level 0 tiles say, folded, is the checkpoint's root; so are the entries. */
static void
test_tree_from_tiles(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Checkpoint) checkpoint = NULL;
    g_autofree char *path = g_build_filename(nodes->folder, "hashes", NULL);
    g_autoptr(MerkleFile) file = merkle_file_open(path, NULL);
    Digest root;

    append(forestry, 598, 10);
    node_accept(forestry, tourism, NULL);
    checkpoint = checkpoint_of(forestry, NULL, forestry);
    g_assert_cmpuint(checkpoint->size, ==, 600);
    for (guint n = 0; n < 3; n++) {
        const Tile tile = { FALSE, 0, n, tile_width(0, n, 600) }, bundle = { TRUE, 0, n, tile.width };
        char tile_path[TILE_PATH_SIZE], bundle_path[TILE_PATH_SIZE];
        g_auto(Reply) hashes = ask_log(forestry, NULL, forestry, tile_format(&tile, tile_path));
        g_auto(Reply) reply = ask_log(forestry, tourism, forestry, tile_format(&bundle, bundle_path));
        g_autoptr(GBytes) bytes = reply_bytes(&reply);
        g_autoptr(GPtrArray) entries = tile_parse_bundle(bytes, tile.width, NULL);

        g_assert_cmpint(hashes.status, ==, 200);
        g_assert_cmpstr(hashes.type, ==, "application/octet-stream");
        g_assert_cmpuint(hashes.body->len, ==, tile.width * 32);
        g_assert_nonnull(entries);
        for (guint i = 0; i < tile.width; i++) {
            GBytes *entry = entries->pdata[i];
            Digest leaf;

            merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaf);
            g_assert_cmpmem(hashes.body->data + 32 * i, 32, leaf.bytes, 32);
            g_assert_true(merkle_file_append(file, &leaf, 1, NULL));
        }
    }
    g_assert_true(merkle_file_root(file, 600, &root, NULL));
    g_assert_true(digest_equal(&root, &checkpoint->root));
    {
        g_auto(Reply) above = ask_log(forestry, NULL, forestry, "tile/1/000.p/2");
        Digest node;

        g_assert_cmpuint(above.body->len, ==, 64);
        g_assert_true(merkle_file_node(file, 8, 1, &node, NULL));
        g_assert_cmpmem(above.body->data + 32, 32, node.bytes, 32);
    }
}

/* E24: a record is in no tile before it is under a checkpoint that was given out. */
static void
test_e24_only_published(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;

    g_assert_cmpint(status_of(forestry, NULL, forestry, "tile/0/000.p/2"), ==, 404);
    g_free(home_checkpoint(forestry->home, NULL));
    g_assert_cmpint(status_of(forestry, NULL, forestry, "tile/0/000.p/2"), ==, 200);
    append(forestry, 1, 10);
    g_assert_cmpint(status_of(forestry, NULL, forestry, "tile/0/000.p/3"), ==, 404);
    g_assert_cmpint(status_of(forestry, NULL, forestry, "checkpoint"), ==, 200);
    g_assert_cmpint(status_of(forestry, NULL, forestry, "tile/0/000.p/3"), ==, 200);
    /* and those of the checkpoint before stay */
    g_assert_cmpint(status_of(forestry, NULL, forestry, "tile/0/000.p/2"), ==, 200);
}

/* E25: all that is refused is one answer. */
static void
test_refusals(TwoNodes *nodes, gconstpointer unused)
{
    static const char *const paths[] = {
        "tile/0/000", "tile/0/000.p/3", "tile/0/000.p/0", "tile/0/000.p/02", "tile/0/001.p/1", "tile/1/000.p/1", "tile/64/000", "tile/0/0", "tile/00/000", "tile/0/x000/000.p/2",
        "tile/", "tile", "tile/0/", "tile/0/000.p/2/", "tile/entries/000.p/2", "tile/entries/000", "tile/entries/000.p/3", "tile/../checkpoint", "checkpoint/", "", "Checkpoint",
    };
    Node *forestry = &nodes->forestry;
    g_autoptr(Checkpoint) checkpoint = checkpoint_of(forestry, NULL, forestry);
    g_auto(Reply) nothing = node_ask(forestry, NULL, "GET", "/nothing", NULL, NULL, NULL);
    g_auto(Reply) post = node_ask(forestry, NULL, "POST", "/log/" NOBODY "/checkpoint", NULL, NULL, NULL);

    g_assert_cmpint(post.status, ==, 405);
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_auto(Reply) reply = ask_log(forestry, NULL, forestry, paths[i]);

        g_test_message("%s", paths[i]);
        g_assert_cmpint(reply.status, ==, 404);
        g_assert_cmpmem(reply.body->data, reply.body->len, nothing.body->data, nothing.body->len);
    }
    {
        g_auto(Reply) nobody = node_ask(forestry, NULL, "GET", "/log/" NOBODY "/checkpoint", NULL, NULL, NULL);
        g_auto(Reply) strange = node_ask(forestry, NULL, "GET", "/log/../checkpoint", NULL, NULL, NULL);

        g_assert_cmpmem(nobody.body->data, nobody.body->len, nothing.body->data, nothing.body->len);
        g_assert_cmpmem(strange.body->data, strange.body->len, nothing.body->data, nothing.body->len);
    }
}

/* A11, A12: of the own ledger hashes for anyone, entries for peers; of others' nothing without A12. */
static void
test_access(TwoNodes *nodes, gconstpointer audience)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    gboolean relayed = !audience || g_str_equal(audience, "relayed"), anyone = audience && g_str_equal(audience, "public");
    Node third = { .pin = { { 7 } } };
    g_autoptr(Peer) peer = peer_new();
    const int to_third = relayed || anyone ? 200 : 404, to_anyone = anyone ? 200 : 404;
    static const char *const whats[] = { "checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2" };

    g_assert_cmpint(status_of(forestry, tourism, forestry, "checkpoint"), ==, 200);
    g_assert_cmpint(status_of(forestry, tourism, forestry, "tile/0/000.p/2"), ==, 200);
    g_assert_cmpint(status_of(forestry, tourism, forestry, "tile/entries/000.p/2"), ==, to_anyone);
    node_accept(forestry, tourism, NULL);
    g_assert_cmpint(status_of(forestry, tourism, forestry, "tile/entries/000.p/2"), ==, 200);
    node_copy_ledger(forestry, tourism, tourism);
    g_strlcpy(peer->node, NOBODY, sizeof peer->node);
    g_array_append_val(peer->pins, third.pin);
    g_assert_true(peers_accept(tourism->home, peer, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(whats); i++) {
        g_test_message("%s", whats[i]);
        g_assert_cmpint(status_of(tourism, NULL, forestry, whats[i]), ==, to_anyone);
        g_assert_cmpint(status_of(tourism, &third, forestry, whats[i]), ==, to_third);
        g_assert_cmpint(status_of(tourism, forestry, forestry, whats[i]), ==, 200);
    }
}

/* A bundle of more than one piece. */
static void
test_e25_in_pieces(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_auto(Reply) reply = { 0 };

    append(forestry, 40, 20000);
    node_accept(forestry, tourism, NULL);
    g_assert_cmpint(status_of(forestry, NULL, forestry, "checkpoint"), ==, 200);
    reply = ask_log(forestry, tourism, forestry, "tile/entries/000.p/42");
    bytes = reply_bytes(&reply);
    g_assert_cmpuint(reply.body->len, >, 800000);
    entries = tile_parse_bundle(bytes, 42, NULL);
    g_assert_nonnull(entries);
}

static char *
cache_of(Node *node, const Node *caller, const Node *of, const char *what)
{
    g_autofree char *path = g_strdup_printf("/log/%s/%s", home_id(of->home), what);
    const AnswerRequest request = { .method = "GET", .path = path, .has_pin = caller != NULL, .pin = caller ? caller->pin : node->pin };
    g_autoptr(Answer) answer = answer_new(node->home, &request);

    return g_strdup(answer_cache(answer));
}

static void
test_caches(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autofree char *checkpoint = cache_of(forestry, NULL, forestry, "checkpoint"), *tile = cache_of(forestry, NULL, forestry, "tile/0/000.p/2");
    g_autofree char *refused = cache_of(forestry, NULL, forestry, "tile/entries/000.p/2");
    g_autofree char *entries = NULL, *mirrored = NULL;

    node_accept(forestry, tourism, NULL);
    node_copy_ledger(forestry, tourism, tourism);
    entries = cache_of(forestry, tourism, forestry, "tile/entries/000.p/2");
    mirrored = cache_of(tourism, forestry, forestry, "tile/0/000.p/2");
    g_assert_cmpstr(checkpoint, ==, "public, max-age=10");
    g_assert_cmpstr(tile, ==, "public, max-age=31536000, immutable");
    g_assert_cmpstr(refused, ==, "no-store");
    g_assert_cmpstr(entries, ==, "private, max-age=31536000, immutable");
    g_assert_cmpstr(mirrored, ==, "private, max-age=31536000, immutable");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, function, data) g_test_add("/log/" name, TwoNodes, data, two_nodes_make, function, two_nodes_clear)
    TEST("t21/tree-from-tiles", test_tree_from_tiles, NULL);
    TEST("e24/only-published", test_e24_only_published, NULL);
    TEST("e25/refusals", test_refusals, NULL);
    TEST("access/relayed", test_access, "relayed");
    TEST("access/peers", test_access, "peers");
    TEST("access/public", test_access, "public");
    TEST("e25/in-pieces", test_e25_in_pieces, NULL);
    TEST("e23/caches", test_caches, NULL);
    return g_test_run();
}
