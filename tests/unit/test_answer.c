/* Answers of the peer API: E1 to E16 of sync/PROTOCOL.md. */
#include "tests/unit/two_nodes.h"

#include <glib/gstdio.h>

#include "keys/canonical.h"

#define NOBODY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NOTHING "0000000000000000000000000000000000000000000000000000000000000000"

static gint64
in_days(gint64 days)
{
    return g_get_real_time() / G_USEC_PER_SEC + days * 24 * 3600;
}

static char *
version_path(const Manifest *manifest, const char *what)
{
    char hex[DIGEST_HEX_SIZE];

    return g_strdup_printf("/v1/versions/%s/%s", digest_format_hex(&manifest->address, hex), what);
}

static Exchange *
introduce(const Node *node)
{
    Exchange *exchange = exchange_new();
    g_autoptr(Record) inception = ledger_get(home_ledger(node->home, NULL), 0, NULL);
    g_autoptr(Record) profile = ledger_get(home_ledger(node->home, NULL), 1, NULL);
    g_autoptr(GBytes) first = record_entry(inception), second = record_entry(profile);

    g_strlcpy(exchange->node, home_id(node->home), sizeof exchange->node);
    exchange->introduction = g_new0(Credentials, 1);
    exchange->introduction->rotations = g_ptr_array_new_with_free_func(g_free);
    exchange->introduction->inception = g_strndup(g_bytes_get_data(first, NULL), g_bytes_get_size(first));
    exchange->introduction->profile = g_strndup(g_bytes_get_data(second, NULL), g_bytes_get_size(second));
    return exchange;
}

static ExchangeReply *
exchange_with(Node *node, const Node *caller, const Exchange *exchange)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) body = exchange_format(exchange, &error);
    g_auto(Reply) reply = node_ask(node, caller, "POST", "/v1/exchange", NULL, NULL, body);
    g_autoptr(GBytes) bytes = reply_bytes(&reply);
    ExchangeReply *read;

    g_assert_cmpint(reply.status, ==, 200);
    read = exchange_reply_parse(bytes, &error);
    g_assert_no_error(error);
    return read;
}

static const LedgerOffer *
find_offer(const ExchangeReply *reply, const Node *node)
{
    for (guint i = 0; i < reply->ledgers->len; i++)
        if (strcmp(((LedgerOffer *)reply->ledgers->pdata[i])->node, home_id(node->home)) == 0)
            return reply->ledgers->pdata[i];
    return NULL;
}

static void
hold(GArray *positions, Node *node, gint64 age)
{
    Ledger *ledger = home_ledger(node->home, NULL);
    LedgerPosition position = { .size = ledger_head(ledger)->size, .time = in_days(0) - age };

    g_strlcpy(position.node, home_id(node->home), sizeof position.node);
    g_assert_true(ledger_root(ledger, position.size, &position.root, NULL));
    g_array_append_val(positions, position);
}

static void
test_routes(TwoNodes *nodes, gconstpointer unused)
{
    static const struct {
        const char *method, *path, *query;
        int status;
    } cases[] = {
        { "GET", "/v1/node", NULL, 200 },
        { "GET", "/", NULL, 404 },
        { "GET", "", NULL, 404 },
        { "GET", "/v1/node/", NULL, 404 },
        { "GET", "/v1/nodes", NULL, 404 },
        { "DELETE", "/v1/node", NULL, 405 },
        { "POST", "/v1/node", NULL, 405 },
        { "GET", "/v1/exchange", NULL, 405 },
        { "GET", "/v1/versions/" NOTHING "/chunks", NULL, 405 },
        { "POST", "/v1/exchange", NULL, 400 },
        { "GET", "/v1/ledgers/" NOBODY "/records", "from=0", 404 },
        { "GET", "/v1/ledgers/" NOBODY "/sparse", "from=0", 404 },
        { "GET", "/v1/ledgers/../records", "from=0", 404 },
        { "GET", "/v1/ledgers//records", "from=0", 404 },
        { "GET", "/v1/ledgers/a/b/records", "from=0", 404 },
        { "GET", "/v1/versions/x/content", NULL, 404 },
        { "GET", "/v1/versions/" NOTHING "/content", NULL, 404 },
        { "GET", "/v1/versions/" NOTHING "/details", NULL, 404 },
        { "POST", "/v1/versions/" NOTHING "/pages", NULL, 404 },
        { "POST", "/v1/versions/" NOTHING "/chunks", NULL, 404 },
        { "GET", "/v1/versions/" NOTHING NOTHING "/content", NULL, 404 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Reply) reply = node_ask(&nodes->forestry, NULL, cases[i].method, cases[i].path, cases[i].query, NULL, NULL);

        g_test_message("%s %s", cases[i].method, cases[i].path);
        g_assert_cmpint(reply.status, ==, cases[i].status);
        if (reply.status != 200)
            g_assert_cmpstr(reply.type, ==, "application/problem+json");
    }
}

static void
test_node(TwoNodes *nodes, gconstpointer unused)
{
    g_auto(Reply) reply = node_ask(&nodes->forestry, NULL, "GET", "/v1/node", NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) root = canonical_parse(reply.body->data, reply.body->len, 256 * 1024, "node", &error);
    const char *inception = json_string_value(json_object_get(root, "inception"));
    g_autoptr(RecordReceived) received = record_receive(inception, strlen(inception), &error);

    g_assert_no_error(error);
    g_assert_cmpstr(json_string_value(json_object_get(root, "type")), ==, "node/1");
    g_assert_cmpstr(json_string_value(json_object_get(root, "node")), ==, home_id(nodes->forestry.home));
    g_assert_cmpstr(record_received_claims(received)->node, ==, home_id(nodes->forestry.home));
    g_assert_nonnull(strstr(json_string_value(json_object_get(root, "profile")), "profile/1"));
}

static void
test_exchange_with_peer(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Exchange) exchange = introduce(tourism);
    g_autoptr(ExchangeReply) first = NULL, again = NULL, fresh = NULL, old = NULL;

    node_accept(forestry, tourism, NULL);
    first = exchange_with(forestry, tourism, exchange);
    g_assert_true(first->peer);
    g_assert_cmpstr(first->node, ==, home_id(forestry->home));
    g_assert_cmpuint(first->ledgers->len, ==, 1);
    g_assert_true(find_offer(first, forestry)->whole);
    g_assert_cmpuint(find_offer(first, forestry)->size, ==, 2);
    g_assert_null(first->yours);
    /* E7: nothing new */
    hold(exchange->ledgers, forestry, 0);
    again = exchange_with(forestry, tourism, exchange);
    g_assert_cmpuint(again->ledgers->len, ==, 0);
    /* E7: a checkpoint that is more than an hour newer is news */
    g_array_set_size(exchange->ledgers, 0);
    hold(exchange->ledgers, forestry, 3700);
    fresh = exchange_with(forestry, tourism, exchange);
    g_assert_cmpuint(fresh->ledgers->len, ==, 1);
    /* E7: so is another root of the same size */
    g_array_set_size(exchange->ledgers, 0);
    hold(exchange->ledgers, forestry, 0);
    g_array_index(exchange->ledgers, LedgerPosition, 0).root.bytes[0] ^= 1;
    old = exchange_with(forestry, tourism, exchange);
    g_assert_cmpuint(old->ledgers->len, ==, 1);
}

/* E6: a stranger is told of the sparse ledger, and waits for a person. */
static void
test_exchange_with_stranger(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Exchange) exchange = introduce(tourism);
    g_autoptr(Exchange) silent = exchange_new();
    g_autoptr(ExchangeReply) anonymous = exchange_with(forestry, NULL, silent);
    g_autoptr(ExchangeReply) stranger = exchange_with(forestry, tourism, exchange);
    g_autoptr(ExchangeReply) again = exchange_with(forestry, tourism, exchange);
    g_autoptr(ExchangeReply) holding = NULL;
    g_autoptr(GPtrArray) pending = peers_all(forestry->home, PEER_PENDING, NULL);
    const Peer *peer;

    g_assert_false(anonymous->peer);
    g_assert_cmpuint(anonymous->ledgers->len, ==, 1);
    g_assert_false(find_offer(anonymous, forestry)->whole);
    g_assert_false(stranger->peer);
    g_assert_cmpuint(stranger->openings->len, ==, 0);
    g_assert_false(find_offer(stranger, forestry)->whole);
    g_assert_cmpuint(pending->len, ==, 1);
    peer = pending->pdata[0];
    g_assert_cmpstr(peer->node, ==, home_id(tourism->home));
    g_assert_cmpstr(peer->name, ==, "Tourism");
    g_assert_cmpstr(peer->urls->pdata[0], ==, "https://Tourism.example:8443");
    hold(silent->sparse, forestry, 0);
    holding = exchange_with(forestry, NULL, silent);
    g_assert_cmpuint(holding->ledgers->len, ==, 0);
}

static void
test_exchange_refusals(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(GPtrArray) pending = NULL;

    for (guint i = 0; i < 5; i++) {
        g_autoptr(Exchange) exchange = introduce(tourism);
        g_autoptr(GBytes) body = NULL;
        g_auto(Reply) reply = { 0 };
        Node other = *tourism;

        if (i == 0)
            other.pin.bytes[0] ^= 1;                                    /* E6: not the profile's key */
        if (i == 1)
            exchange->introduction->profile[40] ^= 1;
        if (i == 2)
            g_strlcpy(exchange->node, NOBODY, sizeof exchange->node);   /* E6: another's inception */
        if (i == 3) {
            g_free(exchange->introduction->profile);
            exchange->introduction->profile = g_strdup(exchange->introduction->inception);
        }
        if (i == 4) {
            node_accept(forestry, tourism, NULL);                       /* E5: an accepted key, another node's name */
            g_strlcpy(exchange->node, NOBODY, sizeof exchange->node);
        }
        body = exchange_format(exchange, NULL);
        reply = node_ask(forestry, &other, "POST", "/v1/exchange", NULL, NULL, body);
        g_test_message("case %u", i);
        g_assert_cmpint(reply.status, ==, 400);
    }
    pending = peers_all(forestry->home, PEER_PENDING, NULL);
    g_assert_cmpuint(pending->len, ==, 0);
}

/* E7, E8: what tourism holds of forestry's ledger goes to those who may have it, and back to its owner. */
static void
test_exchange_relayed(TwoNodes *nodes, gconstpointer data)
{
    gboolean relayed = !data || !g_str_equal(data, "peers");
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    Node third = { .pin = { { 7 } } };
    g_autoptr(Exchange) silent = exchange_new();
    g_autoptr(Exchange) owner = introduce(forestry);
    g_autoptr(Peer) peer = peer_new();
    g_autoptr(ExchangeReply) to_third = NULL, to_nobody = NULL, to_owner = NULL, again = NULL;

    node_accept(forestry, tourism, NULL);
    node_copy_ledger(forestry, tourism, tourism);
    g_strlcpy(peer->node, NOBODY, sizeof peer->node);
    g_array_append_val(peer->pins, third.pin);
    g_assert_true(peers_accept(tourism->home, peer, NULL));
    to_third = exchange_with(tourism, &third, silent);
    g_assert_cmpuint(to_third->ledgers->len, ==, relayed ? 2 : 1);
    g_assert_true((find_offer(to_third, forestry) != NULL) == relayed);
    to_nobody = exchange_with(tourism, NULL, silent);
    g_assert_cmpuint(to_nobody->ledgers->len, ==, 1);
    g_assert_null(find_offer(to_nobody, forestry));
    to_owner = exchange_with(tourism, forestry, owner);
    g_assert_null(find_offer(to_owner, forestry));
    g_assert_cmpstr(to_owner->yours->node, ==, home_id(forestry->home));
    g_assert_cmpuint(to_owner->yours->size, ==, 2);
    hold(owner->ledgers, forestry, 0);
    again = exchange_with(tourism, forestry, owner);
    g_assert_null(again->yours);
}

/* E9 */
static void
test_openings(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Exchange) exchange = introduce(tourism);
    g_autoptr(GBytes) mine = node_grant(forestry, "cover", home_id(tourism->home), in_days(1));
    g_autoptr(GBytes) others = node_grant(forestry, "cover", NOBODY, in_days(1));
    g_autoptr(ExchangeReply) stranger = exchange_with(forestry, tourism, exchange);
    g_autoptr(ExchangeReply) peer = NULL, later = NULL;

    g_assert_cmpuint(stranger->openings->len, ==, 0);
    node_accept(forestry, tourism, NULL);
    peer = exchange_with(forestry, tourism, exchange);
    g_assert_cmpuint(peer->openings->len, ==, 1);
    g_assert_true(g_bytes_equal(peer->openings->pdata[0], mine));
    g_assert_cmpuint(peer->openings_next, ==, 0);
    exchange->openings = 3;
    later = exchange_with(forestry, tourism, exchange);
    g_assert_cmpuint(later->openings->len, ==, 0);
}

/* E10: a copy made of the stream has the same root; a part begins where a batch does. */
static void
test_records(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(forestry->home);
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/records", id);
    g_autoptr(Manifest) one = node_publish(forestry, "cover", SHARE_OPEN, 1, 100);
    static const struct {
        const char *query;
        int status;
    } cases[] = { { "from=0", 200 }, { "from=2", 200 }, { "from=3", 200 }, { "from=1", 400 }, { "from=4", 400 }, { "from=-1", 400 },
                  { "from=", 400 }, { "from=0&x=1", 400 }, { "to=0", 400 }, { NULL, 400 } };
    Digest ours, theirs;
    Ledger *copy;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Reply) stranger = node_ask(forestry, tourism, "GET", path, cases[i].query, NULL, NULL);

        g_assert_cmpint(stranger.status, ==, 404);
    }
    node_accept(forestry, tourism, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Reply) reply = node_ask(forestry, tourism, "GET", path, cases[i].query, NULL, NULL);

        g_test_message("%s", cases[i].query);
        g_assert_cmpint(reply.status, ==, cases[i].status);
        if (reply.status == 200)
            g_assert_cmpmem(reply.body->data + reply.body->len - 4, 4, "end\n", 4);
    }
    node_copy_ledger(forestry, tourism, tourism);
    copy = home_peer_ledger(tourism->home, id, NULL);
    g_assert_true(ledger_root(copy, 3, &theirs, NULL) && ledger_root(home_ledger(forestry->home, NULL), 3, &ours, NULL));
    g_assert_true(digest_equal(&ours, &theirs));
}

/* E10: a stream of several pieces, and a batch that is larger than one. */
static void
test_records_in_pieces(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    Ledger *ledger = home_ledger(forestry->home, NULL);
    g_autofree char *padding = g_strnfill(20000, 'x');
    g_autofree char *members = g_strdup_printf("{\"x\":\"%s\"}", padding);
    g_autoptr(GBytes) bytes = g_bytes_new(members, strlen(members));
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, NULL);
    g_autoptr(GError) error = NULL;
    Keypair *key = home_signing_key(forestry->home, NULL);
    LedgerHead head = *ledger_head(ledger);
    Digest ours, theirs;
    Ledger *copy;

    /* one batch of 50 records, about a megabyte, and thirty of one */
    for (guint i = 0; i < 80; i++) {
        Record *record = record_sign(&head, "other/1", bytes, in_days(0), key, &error);

        g_assert_no_error(error);
        g_ptr_array_add(batch, record);
        head.size++;
        head.head = record->address;
        if (i < 49)
            continue;
        g_assert_true(ledger_append(ledger, batch, key, &error));
        g_ptr_array_set_size(batch, 0);
        head = *ledger_head(ledger);
    }
    g_clear_pointer(&lock, ledger_unlock);
    node_accept(forestry, tourism, NULL);
    node_copy_ledger(forestry, tourism, tourism);
    copy = home_peer_ledger(tourism->home, home_id(forestry->home), NULL);
    g_assert_cmpuint(ledger_head(copy)->size, ==, ledger_head(ledger)->size);
    g_assert_true(ledger_root(copy, head.size, &theirs, NULL) && ledger_root(ledger, head.size, &ours, NULL));
    g_assert_true(digest_equal(&ours, &theirs));
}

/* Takes frames apart: for each a plain object or NULL. */
static GPtrArray *
read_frames(const Reply *reply)
{
    GPtrArray *objects = g_ptr_array_new();
    const guint8 *p = reply->body->data, *end = p + reply->body->len;

    while (p < end) {
        g_autoptr(GError) error = NULL;
        FrameHeader header;

        g_assert_cmpint(end - p, >=, WIRE_FRAME_HEADER_SIZE);
        g_assert_true(frame_header_parse(p, &header, &error));
        p += WIRE_FRAME_HEADER_SIZE;
        g_assert_cmpint(end - p, >=, header.stored_size);
        g_ptr_array_add(objects, header.kind ? g_bytes_new(p, header.stored_size) : NULL);
        p += header.stored_size;
    }
    return objects;
}

static void
free_frames(GPtrArray *objects)
{
    for (guint i = 0; i < objects->len; i++)
        if (objects->pdata[i])
            g_bytes_unref(objects->pdata[i]);
    g_ptr_array_unref(objects);
}

static Reply
ask_for(Node *node, const Node *caller, const Manifest *manifest, const char *what, GBytes *opening, const char *text)
{
    g_autofree char *path = version_path(manifest, what);
    g_autoptr(GBytes) body = text ? g_bytes_new(text, strlen(text)) : NULL;

    return node_ask(node, caller, text ? "POST" : "GET", path, NULL, opening, body);
}

/* E15, E16: random bytes do not compress, so what is stored is what was published. */
static void
test_chunks(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    gsize size = 3 * 1024 * 1024;
    g_autoptr(Manifest) manifest = node_publish(forestry, "cover", SHARE_OPEN, 1, size);
    g_autoptr(Details) details = version_details(forestry->home, manifest, NULL);
    g_autofree char *all = g_strdup_printf("0-%" G_GUINT64_FORMAT "\n", details->chunks - 1);
    g_autofree char *past = g_strdup_printf("0\n%" G_GUINT64_FORMAT "\n", details->chunks);
    g_autofree char *file = g_strdup_printf("%s-cover.bin", forestry->path);
    g_auto(Reply) whole = ask_for(forestry, NULL, manifest, "chunks", NULL, all);
    g_auto(Reply) some = ask_for(forestry, NULL, manifest, "chunks", NULL, "1\n3-4\n6\n");
    g_auto(Reply) beyond = ask_for(forestry, NULL, manifest, "chunks", NULL, past);
    g_auto(Reply) nonsense = ask_for(forestry, NULL, manifest, "chunks", NULL, "x\n");
    g_auto(Reply) pages = ask_for(forestry, NULL, manifest, "pages", NULL, "16 0\n9 9\n0 1\n0 0\n");
    GPtrArray *chunks = read_frames(&whole), *few = read_frames(&some), *tree = read_frames(&pages);
    g_autoptr(GByteArray) joined = g_byte_array_new();
    g_autofree char *data = NULL;
    static const guint wanted[] = { 1, 3, 4, 6 };
    gsize length;

    g_assert_cmpint(whole.status, ==, 200);
    g_assert_cmpuint(chunks->len, ==, details->chunks);
    g_assert_cmpuint(chunks->len, >, 8);
    for (guint i = 0; i < chunks->len; i++)
        g_byte_array_append(joined, g_bytes_get_data(chunks->pdata[i], NULL), (guint)g_bytes_get_size(chunks->pdata[i]));
    g_assert_true(g_file_get_contents(file, &data, &length, NULL));
    g_assert_cmpmem(joined->data, joined->len, data, length);
    g_assert_cmpuint(few->len, ==, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < few->len; i++)
        g_assert_true(g_bytes_equal(few->pdata[i], chunks->pdata[wanted[i]]));
    g_assert_cmpint(beyond.status, ==, 400);
    g_assert_cmpint(nonsense.status, ==, 400);
    g_assert_cmpuint(tree->len, ==, 4);
    g_assert_true(g_bytes_equal(tree->pdata[0], tree->pdata[3]));   /* the root is a leaf */
    g_assert_nonnull(tree->pdata[0]);
    g_assert_null(tree->pdata[1]);
    g_assert_null(tree->pdata[2]);
    free_frames(chunks);
    free_frames(few);
    free_frames(tree);
}

/* E16: what was damaged is a frame of kind 0, and what lies beside it comes. */
static void
test_damaged_chunk_E16(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    g_autoptr(Manifest) manifest = node_publish(forestry, "cover", SHARE_OPEN, 1, 3 * 1024 * 1024);
    g_autoptr(Details) details = version_details(forestry->home, manifest, NULL);
    g_autofree char *all = g_strdup_printf("0-%" G_GUINT64_FORMAT "\n", details->chunks - 1);
    g_autofree char *packs = home_file(forestry->home, "store/packs"), *pack = NULL, *bytes = NULL;
    g_auto(Reply) before = ask_for(forestry, NULL, manifest, "chunks", NULL, all);
    GPtrArray *want = read_frames(&before), *have;
    g_autoptr(GDir) folder = g_dir_open(packs, 0, NULL);
    gsize size;
    char *place;
    guint lost = 0;

    pack = g_build_filename(packs, g_dir_read_name(folder), NULL);
    g_assert_true(g_file_get_contents(pack, &bytes, &size, NULL));
    place = memmem(bytes, size, g_bytes_get_data(want->pdata[3], NULL), 100);
    g_assert_nonnull(place);
    place[50] ^= 1;
    g_assert_true(g_file_set_contents(pack, bytes, (gssize)size, NULL));
    node_reopen(forestry);
    g_auto(Reply) after = ask_for(forestry, NULL, manifest, "chunks", NULL, all);
    have = read_frames(&after);
    g_assert_cmpuint(have->len, ==, want->len);
    for (guint i = 0; i < have->len; i++) {
        lost += have->pdata[i] == NULL;
        g_assert_true(i == 3 ? !have->pdata[i] : g_bytes_equal(have->pdata[i], want->pdata[i]));
    }
    g_assert_cmpuint(lost, ==, 1);
    free_frames(want);
    free_frames(have);
}

/* I4: for a caller without a right, a restricted version is one that there is not. */
static void
test_refusals_are_alike(TwoNodes *nodes, gconstpointer unused)
{
    static const struct {
        const char *what, *body;
    } asks[] = { { "content", NULL }, { "details", NULL }, { "pages", "0 0\n" }, { "chunks", "0\n" }, { "chunks", "nonsense" }, { "pages", NULL } };
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) some = node_publish(forestry, "some", SHARE_CONDITIONAL, 1, 1000);
    g_autoptr(Manifest) absent = manifest_new();

    for (gsize i = 0; i < 2 * G_N_ELEMENTS(asks); i++) {
        const Node *caller = i % 2 ? tourism : NULL;
        g_auto(Reply) refused = ask_for(forestry, caller, some, asks[i / 2].what, NULL, asks[i / 2].body);
        g_auto(Reply) missing = ask_for(forestry, caller, absent, asks[i / 2].what, NULL, asks[i / 2].body);

        g_assert_cmpint(refused.status, ==, missing.status);
        g_assert_cmpstr(refused.type, ==, missing.type);
        g_assert_cmpmem(refused.body->data, refused.body->len, missing.body->data, missing.body->len);
    }
}

static void
test_conditional(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) some = node_publish(forestry, "some", SHARE_CONDITIONAL, 1, 1000);
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 2, 1000);
    g_autoptr(GBytes) grant = node_grant(forestry, "some", home_id(tourism->home), in_days(1));
    g_auto(Reply) unaccepted = ask_for(forestry, tourism, some, "content", grant, NULL);
    g_auto(Reply) details_of_open = ask_for(forestry, NULL, open, "details", NULL, NULL);
    g_auto(Reply) content_of_open = ask_for(forestry, NULL, open, "content", NULL, NULL);

    g_assert_cmpint(unaccepted.status, ==, 404);
    g_assert_cmpint(details_of_open.status, ==, 200);
    g_assert_cmpint(content_of_open.status, ==, 404);
    node_accept(forestry, tourism, NULL);

    g_auto(Reply) content = ask_for(forestry, tourism, some, "content", NULL, NULL);
    g_auto(Reply) details = ask_for(forestry, tourism, some, "details", NULL, NULL);
    g_auto(Reply) page = ask_for(forestry, tourism, some, "pages", NULL, "0 0\n");
    g_auto(Reply) chunk = ask_for(forestry, tourism, some, "chunks", NULL, "0\n");
    g_autoptr(GBytes) bytes = reply_bytes(&content);
    Content read;

    g_assert_true(content_parse(bytes, &read, NULL));
    g_assert_cmpint(details.status, ==, 200);
    g_assert_cmpint(page.status, ==, 200);
    g_assert_cmpint(chunk.status, ==, 200);
    g_assert_cmpuint(chunk.body->len, ==, WIRE_FRAME_HEADER_SIZE + 1000);
    node_revoke(forestry, grant);

    g_auto(Reply) revoked = ask_for(forestry, tourism, some, "content", grant, NULL);

    g_assert_cmpint(revoked.status, ==, 404);
}

/* A10: a caller whom nobody here accepted, but whose key its profile names, shows its grant. */
static void
test_proven_caller(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) some = node_publish(forestry, "some", SHARE_CONDITIONAL, 1, 1000);
    g_autoptr(GBytes) grant = node_grant(forestry, "some", home_id(tourism->home), in_days(1));
    Node impostor = { .pin = { { 7 } } };

    node_accept(tourism, forestry, NULL);
    node_copy_ledger(tourism, forestry, forestry);

    g_auto(Reply) shown = ask_for(forestry, tourism, some, "content", grant, NULL);
    g_auto(Reply) silent = ask_for(forestry, tourism, some, "content", NULL, NULL);
    g_auto(Reply) other = ask_for(forestry, &impostor, some, "content", grant, NULL);
    g_auto(Reply) nobody = ask_for(forestry, NULL, some, "content", grant, NULL);

    g_assert_cmpint(shown.status, ==, 200);
    g_assert_cmpint(silent.status, ==, 200);
    g_assert_cmpint(other.status, ==, 404);
    g_assert_cmpint(nobody.status, ==, 404);
}

/* The same file under the same name, published open by another node. */
static Manifest *
publish_bait(TwoNodes *nodes)
{
    g_autofree char *original = g_strdup_printf("%s-secret.bin", nodes->forestry.path);
    g_autofree char *folder = g_build_filename(nodes->folder, "bait", NULL);
    g_autofree char *path = g_build_filename(folder, "Forestry-secret.bin", NULL);
    const PublishOptions options = { .name = "bait", .path = path, .has_share = TRUE, .share = SHARE_OPEN };
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    PublishResult result;
    gsize size;

    g_assert_true(g_file_get_contents(original, &data, &size, NULL));
    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
    version_publish(nodes->tourism.home, &options, &result, &error);
    g_assert_no_error(error);
    return result.manifest;
}

/* Idea 4: an open manifest of one node that names what is held for another opens nothing. */
static void
test_foreign_scope(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) secret = node_publish(forestry, "secret", SHARE_CONDITIONAL, 1, 1000);
    g_autoptr(Manifest) bait = publish_bait(nodes);
    Held held;

    node_accept(tourism, forestry, NULL);
    node_copy_ledger(tourism, forestry, forestry);
    /* its listing and details lie in forestry's store, for forestry's own version */
    g_assert_true(version_roots(forestry->home, secret, &held, NULL));
    g_assert_true(digest_equal(&held.listing, &bait->listing));
    g_assert_true(store_has(home_store(forestry->home, NULL), &bait->listing, NULL));
    g_assert_true(store_has(home_store(forestry->home, NULL), &bait->details, NULL));
    /* as one that follows the bait and has begun to fetch it */
    held = (Held){ .manifest = bait->address, .listing = bait->listing, .details = bait->details };
    g_assert_true(state_hold(home_state(forestry->home, NULL), &held, NULL));

    g_auto(Reply) at_home = ask_for(tourism, NULL, bait, "chunks", NULL, "0\n");
    g_auto(Reply) chunks = ask_for(forestry, NULL, bait, "chunks", NULL, "0\n");
    g_auto(Reply) pages = ask_for(forestry, NULL, bait, "pages", NULL, "0 0\n");
    g_auto(Reply) details = ask_for(forestry, NULL, bait, "details", NULL, NULL);

    g_assert_cmpint(at_home.status, ==, 200);
    g_assert_cmpuint(at_home.body->len, ==, WIRE_FRAME_HEADER_SIZE + 1000);
    g_assert_cmpint(chunks.status, ==, 404);
    g_assert_cmpint(pages.status, ==, 404);
    g_assert_cmpint(details.status, ==, 404);
}

/* E12: what was open once lies in the store as everyone's; since its owner closed it, no other's manifest opens it there. */
static void
test_bait_for_what_was_closed(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) secret = node_publish(forestry, "secret", SHARE_OPEN, 1, 1000);
    g_autoptr(Manifest) bait = publish_bait(nodes);
    g_autoptr(Manifest) closed = node_publish(forestry, "secret", SHARE_NONE, 2, 2000);

    node_accept(tourism, forestry, NULL);
    node_copy_ledger(tourism, forestry, forestry);
    g_assert_true(store_has(home_store(forestry->home, NULL), &bait->listing, &SCOPE_OPEN));

    g_auto(Reply) own = ask_for(forestry, NULL, secret, "details", NULL, NULL);
    g_auto(Reply) details = ask_for(forestry, NULL, bait, "details", NULL, NULL);
    g_auto(Reply) pages = ask_for(forestry, NULL, bait, "pages", NULL, "16 0\n");
    g_auto(Reply) chunks = ask_for(forestry, NULL, bait, "chunks", NULL, "0\n");

    g_assert_cmpint(own.status, ==, 404);
    g_assert_cmpint(details.status, ==, 404);
    g_assert_cmpint(pages.status, ==, 404);
    g_assert_cmpint(chunks.status, ==, 404);
}

static void
test_grant_header_and_body(TwoNodes *nodes, gconstpointer unused)
{
    g_autofree guint8 *large = g_malloc0(REQUEST_BODY_MAX + 1);
    g_autoptr(GBytes) body = g_bytes_new(large, REQUEST_BODY_MAX + 1);
    AnswerRequest request = { .method = "GET", .path = "/v1/versions/" NOTHING "/content", .grant = "not base64!" };
    g_autoptr(Answer) bad_header = answer_new(nodes->forestry.home, &request);
    g_auto(Reply) too_large = node_ask(&nodes->forestry, NULL, "POST", "/v1/exchange", NULL, NULL, body);

    g_assert_cmpint(answer_status(bad_header), ==, 400);
    g_assert_nonnull(answer_remark(bad_header));
    g_assert_cmpstr(answer_caller(bad_header), ==, "");
    g_assert_cmpint(too_large.status, ==, 413);
}

static AnswerRequest
git_request(const Node *caller, const char *method, const char *path, GBytes *body)
{
    AnswerRequest request = { .method = method, .path = path, .body = body, .git_protocol = "version=2" };

    if (!body)
        request.query = "service=git-upload-pack";
    if (caller) {
        request.has_pin = TRUE;
        request.pin = caller->pin;
    }
    return request;
}

/* GT2: the peer gets the repository of that ledger; to nobody in particular there is none, in the same words as if there were none. */
static void
test_git(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autofree char *refs = g_strdup_printf("/ledgers/%s.git/info/refs", home_id(forestry->home)), *pack = g_strdup_printf("/ledgers/%s.git/git-upload-pack", home_id(forestry->home));
    g_autofree char *repository = home_file(forestry->home, "ledger.git");
    g_autoptr(GBytes) body = g_bytes_new_static("0000", 4);
    const AnswerRequest asked[] = { git_request(tourism, "GET", refs, NULL), git_request(tourism, "POST", pack, body), git_request(NULL, "GET", refs, NULL),
                                    git_request(NULL, "POST", pack, body), git_request(tourism, "GET", "/ledgers/" NOBODY ".git/info/refs", NULL),
                                    git_request(tourism, "POST", "/ledgers/" NOBODY ".git/git-upload-pack", body) };
    g_autoptr(Answer) before = answer_new(forestry->home, &asked[0]), shown = NULL, packed = NULL;
    g_autoptr(GBytes) none = answer_next(before, NULL);

    g_assert_cmpint(answer_status(before), ==, 404);
    node_accept(forestry, tourism, NULL);
    shown = answer_new(forestry->home, &asked[0]);
    packed = answer_new(forestry->home, &asked[1]);
    g_assert_cmpint(answer_status(shown), ==, 200);
    g_assert_cmpstr(answer_git(shown)->repository, ==, repository);
    g_assert_cmpuint(answer_git(shown)->version, ==, 2);
    g_assert_null(answer_git(shown)->input);
    g_assert_true(g_bytes_equal(answer_git(packed)->input, body));
    for (guint i = 2; i < G_N_ELEMENTS(asked); i++) {
        g_autoptr(Answer) refused = answer_new(forestry->home, &asked[i]);
        g_autoptr(GBytes) words = answer_next(refused, NULL);

        g_assert_cmpint(answer_status(refused), ==, 404);
        g_assert_null(answer_git(refused));
        g_assert_true(g_bytes_equal(words, none));
    }
}

#define ADD(path, data, test) g_test_add(path, TwoNodes, data, two_nodes_make, test, two_nodes_clear)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/answer/E1-routes", NULL, test_routes);
    ADD("/answer/E2-E12-header-and-body", NULL, test_grant_header_and_body);
    ADD("/answer/E4-node", NULL, test_node);
    ADD("/answer/E7-exchange-with-peer", NULL, test_exchange_with_peer);
    ADD("/answer/E6-exchange-with-stranger", NULL, test_exchange_with_stranger);
    ADD("/answer/E5-E6-exchange-refusals", NULL, test_exchange_refusals);
    ADD("/answer/E7-E8-exchange-relayed", NULL, test_exchange_relayed);
    ADD("/answer/E7-E8-exchange-of-peers", "peers", test_exchange_relayed);
    ADD("/answer/E9-openings", NULL, test_openings);
    ADD("/answer/E10-records", NULL, test_records);
    ADD("/answer/E10-records-in-pieces", NULL, test_records_in_pieces);
    ADD("/answer/E15-E16-chunks-and-pages", NULL, test_chunks);
    ADD("/answer/E16-damaged-chunk", NULL, test_damaged_chunk_E16);
    ADD("/answer/I4-refusals-are-alike", NULL, test_refusals_are_alike);
    ADD("/answer/E12-conditional", NULL, test_conditional);
    ADD("/answer/A10-proven-caller", NULL, test_proven_caller);
    ADD("/answer/E12-foreign-scope", NULL, test_foreign_scope);
    ADD("/answer/GT2-git", NULL, test_git);
    ADD("/answer/E12-bait-for-what-was-closed", NULL, test_bait_for_what_was_closed);
    return g_test_run();
}
