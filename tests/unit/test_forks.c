/* Evidence and comparisons between nodes: W17, W18, E26, E29, PU22 of sync/PROTOCOL.md. */
#include "keys/history.h"
#include "manifests/rotating.h"
#include "sync/evidence.h"
#include "sync/pull/heard.h"
#include "tests/unit/two_nodes.h"

#define FORKED_AT 9

/* A node that is none of the two and signed two roots of nine records: evidence about it, and its parts. */
typedef struct {
    Keypair *signing, *log;
    Identity *identity;
    GBytes *document;
    char *notes[2];
} Forger;

static Keypair *
key_of(guint8 seed)
{
    guint8 bytes[32];

    memset(bytes, seed, sizeof bytes);
    return keypair_from_seed(bytes, NULL);
}

static void
forger_make(Forger *forger, guint8 seed)
{
    Digest next = { { seed } };
    const LedgerHead nothing = { .size = 0 };
    g_autoptr(GBytes) inception = NULL;
    g_autoptr(Record) record = NULL;
    const Record *keys[1];
    g_autofree char *origin = NULL;
    g_autoptr(GError) error = NULL;

    forger->signing = key_of(seed);
    forger->log = key_of(seed + 100);
    inception = inception_format(keypair_public(forger->signing), keypair_public(forger->log), (const guint8 *)"an encryption key of thirty-two b", &next, 1777622400,
                                 &error);
    record = record_sign(&nothing, "inception/1", inception, 1777622400, forger->signing, &error);
    g_assert_no_error(error);
    forger->identity = identity_parse_inception(inception, NULL);
    keys[0] = record;
    origin = checkpoint_origin(forger->identity->id);
    for (guint8 i = 0; i < 2; i++) {
        Digest root = { { i } };

        forger->notes[i] = checkpoint_sign(origin, FORKED_AT, &root, 1777622400, forger->log, &error);
    }
    forger->document = evidence_make(&(EvidenceParts){ .keys = keys, .key_count = 1, .checkpoints = { forger->notes[0], forger->notes[1] } }, &error);
    g_assert_no_error(error);
}

static void
forger_clear(Forger *forger)
{
    keypair_free(forger->signing);
    keypair_free(forger->log);
    identity_free(forger->identity);
    g_bytes_unref(forger->document);
    g_free(forger->notes[0]);
    g_free(forger->notes[1]);
}

static guint
count(Node *node, const char *id, const char *kind)
{
    g_autoptr(GPtrArray) all = state_evidence(home_state(node->home, NULL), NULL);
    guint found = 0;

    for (guint i = 0; i < all->len; i++) {
        const Evidence *e = all->pdata[i];

        found += strcmp(e->node, id) == 0 && strcmp(e->kind, kind) == 0;
    }
    return found;
}

static int
give(TwoNodes *nodes, const Node *caller, GBytes *document)
{
    g_auto(Reply) reply = node_ask(&nodes->forestry, caller, "POST", "/v1/evidence", NULL, NULL, document);

    return reply.status;
}

/* E26: verified, kept once, for accepted peers alone; what does not hold is refused and not kept. */
static void
test_given(TwoNodes *nodes, gconstpointer unused)
{
    Forger forger;
    g_autofree char *path = NULL, *rollback = NULL;
    gsize size;
    const guint8 *data;

    forger_make(&forger, 7);
    g_assert_cmpint(give(nodes, &nodes->tourism, forger.document), ==, 404);
    g_assert_cmpint(give(nodes, NULL, forger.document), ==, 404);
    node_accept(&nodes->forestry, &nodes->tourism, "tourism");
    data = g_bytes_get_data(forger.document, &size);
    for (gsize i = 0; i < size; i += 97) {
        g_autofree guint8 *copy = g_memdup2(data, size);
        g_autoptr(GBytes) altered = NULL;

        copy[i] ^= 1;
        altered = g_bytes_new(copy, size);
        g_assert_cmpint(give(nodes, &nodes->tourism, altered), ==, 400);
    }
    g_assert_cmpuint(count(&nodes->forestry, forger.identity->id, EVIDENCE_FORK), ==, 0);
    g_assert_cmpint(give(nodes, &nodes->tourism, forger.document), ==, 200);
    g_assert_cmpint(give(nodes, &nodes->tourism, forger.document), ==, 200);
    g_assert_cmpuint(count(&nodes->forestry, forger.identity->id, EVIDENCE_FORK), ==, 1);

    path = g_strdup_printf("/v1/evidence/%s/fork", forger.identity->id);
    rollback = g_strdup_printf("/v1/evidence/%s/rollback", forger.identity->id);
    {
        g_auto(Reply) stranger = node_ask(&nodes->forestry, NULL, "GET", path, NULL, NULL, NULL);
        g_auto(Reply) peer = node_ask(&nodes->forestry, &nodes->tourism, "GET", path, NULL, NULL, NULL);
        g_auto(Reply) other = node_ask(&nodes->forestry, &nodes->tourism, "GET", rollback, NULL, NULL, NULL);
        g_autoptr(GBytes) bytes = reply_bytes(&peer);

        g_assert_cmpint(stranger.status, ==, 404);
        g_assert_cmpint(other.status, ==, 404);
        g_assert_cmpint(peer.status, ==, 200);
        g_assert_true(g_bytes_equal(bytes, forger.document));
    }
    forger_clear(&forger);
}

/* PU22: ids are free to make, so what one peer says of unknown ones is bounded. */
static void
test_quota(TwoNodes *nodes, gconstpointer unused)
{
    int last = 200;

    node_accept(&nodes->forestry, &nodes->tourism, "tourism");
    for (guint i = 1; i <= EVIDENCE_STRANGERS_MAX + 1; i++) {
        Forger forger;

        g_assert_cmpint(last, ==, 200);
        forger_make(&forger, (guint8)i);
        last = give(nodes, &nodes->tourism, forger.document);
        forger_clear(&forger);
    }
    g_assert_cmpint(last, ==, 413);
}

static ExchangeReply *
exchange(TwoNodes *nodes, Exchange *say)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) body = exchange_format(say, &error);
    g_auto(Reply) reply = node_ask(&nodes->forestry, &nodes->tourism, "POST", "/v1/exchange", NULL, NULL, body);
    g_autoptr(GBytes) bytes = reply_bytes(&reply);
    ExchangeReply *parsed = exchange_reply_parse(bytes, &error);

    g_assert_no_error(error);
    return parsed;
}

/* W17: each says what it can show; the callee what it lacks. */
static void
test_named(TwoNodes *nodes, gconstpointer unused)
{
    Forger ours, theirs;
    g_autoptr(Exchange) say = exchange_new();
    g_autoptr(ExchangeReply) stranger = NULL, reply = NULL;
    g_autoptr(Contradiction) found = NULL;
    EvidenceName name = { .rollback = FALSE };
    gboolean fresh;

    forger_make(&ours, 3);
    forger_make(&theirs, 4);
    g_assert_true(evidence_accept(nodes->forestry.home, "somebody", theirs.document, &fresh, &found, NULL));
    g_assert_true(fresh);
    g_strlcpy(say->node, home_id(nodes->tourism.home), sizeof say->node);
    g_strlcpy(name.node, ours.identity->id, sizeof name.node);
    g_array_append_val(say->evidence, name);
    g_strlcpy(name.node, theirs.identity->id, sizeof name.node);
    g_array_append_val(say->evidence, name);

    stranger = exchange(nodes, say);
    g_assert_cmpuint(stranger->evidence->len + stranger->evidence_wanted->len, ==, 0);
    node_accept(&nodes->forestry, &nodes->tourism, "tourism");
    reply = exchange(nodes, say);
    g_assert_cmpuint(reply->evidence->len, ==, 1);
    g_assert_cmpstr(g_array_index(reply->evidence, EvidenceName, 0).node, ==, theirs.identity->id);
    g_assert_cmpuint(reply->evidence_wanted->len, ==, 1);
    g_assert_cmpstr(g_array_index(reply->evidence_wanted, EvidenceName, 0).node, ==, ours.identity->id);
    g_assert_false(g_array_index(reply->evidence_wanted, EvidenceName, 0).rollback);
    forger_clear(&ours);
    forger_clear(&theirs);
}

/* PU22: of this node itself it means that someone else signs with its key: an alarm, but no switch by which others stop it, for the remedy is signed as well. */
static void
test_own(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    g_autoptr(Record) inception = ledger_get(home_ledger(home, NULL), 0, NULL);
    const Record *keys[] = { inception };
    g_autoptr(GBytes) document = NULL, members = g_bytes_new("{\"a\":1}", 7);
    g_autoptr(Record) record = NULL;
    g_autofree char *origin = checkpoint_origin(home_id(home)), *kept = home_checkpoint(home, NULL), *other = NULL;
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify(kept, strlen(kept), origin, &home_identity(home, NULL)->log, NULL);
    g_autoptr(GError) error = NULL;
    Digest root = { { 1 } };

    other = checkpoint_sign(origin, checkpoint->size, &root, checkpoint->time + 1, home_log_key(home, NULL), NULL);
    document = evidence_make(&(EvidenceParts){ .keys = keys, .key_count = 1, .checkpoints = { kept, other } }, &error);
    g_assert_no_error(error);
    node_accept(&nodes->forestry, &nodes->tourism, "tourism");
    g_assert_cmpint(give(nodes, &nodes->tourism, document), ==, 200);
    g_assert_cmpuint(count(&nodes->forestry, home_id(home), EVIDENCE_FORK), ==, 1);
    record = home_state_record(home, "note/1", members, NULL, NULL, &error);
    g_assert_no_error(error);
}

/* Two checkpoints of forestry's ledger: @size records of a root of the forger's making, signed by @log, and the newest one. */
static GBytes *
accuse_forestry(TwoNodes *nodes, const Keypair *log, guint64 size, guint8 seed)
{
    Ledger *ledger = home_ledger(nodes->forestry.home, NULL);
    g_autofree char *origin = checkpoint_origin_of(identity_at(ledger_identity(ledger), size - 1)), *now = home_checkpoint(nodes->forestry.home, NULL), *forged = NULL;
    guint64 newest = ledger_head(ledger)->size;
    g_autoptr(GPtrArray) keys = catalogue_key_records(home_catalogue(nodes->forestry.home, NULL), home_id(nodes->forestry.home), NULL);
    g_autoptr(GArray) proof = merkle_file_consistency(ledger_merkle(ledger), size, newest, NULL);
    g_autoptr(GError) error = NULL;
    Digest root = { { seed } }, own;
    GBytes *document;

    forged = checkpoint_sign(origin, size, &root, 1777622400, log, NULL);
    g_assert_true(ledger_root(ledger, size, &own, NULL));
    document = evidence_make(&(EvidenceParts){ .keys = (const Record *const *)keys->pdata, .key_count = keys->len, .checkpoints = { now, forged }, .root = size < newest ? &own : NULL,
                                               .hashes = (const Digest *)(gpointer)proof->data, .hash_count = proof->len }, &error);
    g_assert_no_error(error);
    return document;
}

/* PU30: a thief of keys that were ended goes on making evidence with them, be it beside what the new keys signed.  It is no alarm, does not fill the table, is passed
 * on to nobody, and does not hide what speaks of the keys in use. */
static void
test_ended_keys(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    const char *id = home_id(home);
    g_autofree char *path = home_file(home, "keys/log.key");
    g_autoptr(Keypair) stolen = keypair_load(path, NULL, NULL);
    g_autoptr(GBytes) before = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(RotatingResult) rotated = { 0 };
    g_autoptr(GArray) names = NULL, lacking = NULL, told = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    EvidenceName name = { .rollback = FALSE };

    g_assert_nonnull(stolen);
    node_accept(&nodes->forestry, &nodes->tourism, "tourism");
    g_assert_true(rotating_rotate(home, &(RotatingOptions){ .stolen = TRUE }, &rotated, &error));
    g_assert_no_error(error);
    for (guint8 i = 1; i <= 20; i++) {
        g_autoptr(GBytes) document = accuse_forestry(nodes, stolen, rotated.seq, i);

        g_assert_cmpint(give(nodes, &nodes->tourism, document), ==, 200);
    }
    g_assert_cmpuint(count(&nodes->forestry, id, EVIDENCE_FORK), ==, 0);
    g_assert_cmpuint(count(&nodes->forestry, id, EVIDENCE_REPUDIATED), ==, 1);
    names = evidence_names(home, NULL);
    g_assert_cmpuint(names->len, ==, 0);
    g_strlcpy(name.node, id, sizeof name.node);
    g_array_append_val(told, name);
    lacking = evidence_lacking(home, home_id(nodes->tourism.home), told, NULL);
    g_assert_cmpuint(lacking->len, ==, 1);
    {
        g_autoptr(GBytes) document = accuse_forestry(nodes, home_log_key(home, NULL), rotated.seq + 1, 1);

        g_assert_cmpint(give(nodes, &nodes->tourism, document), ==, 200);
    }
    g_assert_cmpuint(count(&nodes->forestry, id, EVIDENCE_FORK), ==, 1);
    g_array_unref(names);
    names = evidence_names(home, NULL);
    g_assert_cmpuint(names->len, ==, 1);
}

/* PU22: what concerns this node and its peers always has room; who brings others can name them as he likes, and is asked for those known here first. */
static void
test_room(TwoNodes *nodes, gconstpointer unused)
{
    State *state = home_state(nodes->forestry.home, NULL);
    g_autoptr(GArray) told = g_array_new(FALSE, FALSE, sizeof(EvidenceName)), lacking = NULL;
    Forger forger;
    EvidenceName name = { .rollback = FALSE };

    g_assert_cmpint(sqlite3_exec(state_database(state), "PRAGMA synchronous = OFF", NULL, NULL, NULL), ==, SQLITE_OK);
    for (guint i = 0; i < 900; i++) {
        g_autofree char *node = g_strdup_printf("node-%u", i);

        g_assert_true(state_add_evidence(state, node, EVIDENCE_SEEN, "{}", 1, NULL));
    }
    node_accept(&nodes->forestry, &nodes->tourism, "tourism");
    forger_make(&forger, 7);
    g_assert_cmpint(give(nodes, &nodes->tourism, forger.document), ==, 200);
    g_assert_cmpuint(count(&nodes->forestry, forger.identity->id, EVIDENCE_FORK), ==, 0);
    {
        g_autoptr(GBytes) document = NULL;
        g_autoptr(Manifest) manifest = node_publish(&nodes->forestry, "one", SHARE_OPEN, 1, 1000);

        document = accuse_forestry(nodes, home_log_key(nodes->forestry.home, NULL), 1, 1);
        g_assert_cmpint(give(nodes, &nodes->tourism, document), ==, 200);
    }
    g_assert_cmpuint(count(&nodes->forestry, home_id(nodes->forestry.home), EVIDENCE_FORK), ==, 1);

    g_strlcpy(name.node, forger.identity->id, sizeof name.node);
    g_array_append_val(told, name);
    g_strlcpy(name.node, home_id(nodes->tourism.home), sizeof name.node);
    g_array_append_val(told, name);
    lacking = evidence_lacking(nodes->forestry.home, home_id(nodes->tourism.home), told, NULL);
    g_assert_cmpuint(lacking->len, ==, 2);
    g_assert_cmpstr(g_array_index(lacking, EvidenceName, 0).node, ==, home_id(nodes->tourism.home));
    forger_clear(&forger);
}

/* The table's own bound: bytes.  Each document is small (EV1), all of them are not. */
static void
test_bytes(TwoNodes *nodes, gconstpointer unused)
{
    State *state = home_state(nodes->forestry.home, NULL);
    g_autofree char *large = g_strnfill(512 * 1024, 'x');
    g_autoptr(GPtrArray) all = NULL;

    g_assert_cmpint(sqlite3_exec(state_database(state), "PRAGMA synchronous = OFF", NULL, NULL, NULL), ==, SQLITE_OK);
    for (guint i = 0; i < 130; i++) {
        g_autofree char *node = g_strdup_printf("node-%u", i);

        g_assert_true(state_add_evidence(state, node, EVIDENCE_FORK, large, 1, NULL));
    }
    all = state_evidence(state, NULL);
    g_assert_cmpuint(all->len, ==, 128);
}

static gint64
time_of(const char *note, const Identity *identity, guint64 *size)
{
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify_by(note, strlen(note), identity, NULL);

    *size = checkpoint->size;
    return checkpoint->time;
}

/* T10: a node whose clock was ahead and is set back signs nothing that could be called a rollback; new keys begin anew. */
static void
test_clock(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    Ledger *ledger = home_ledger(home, NULL);
    const gint64 ahead = g_get_real_time() / G_USEC_PER_SEC + 100000;
    g_autofree char *origin = checkpoint_origin(home_id(home)), *early = NULL, *late = NULL, *again = NULL, *renewed = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(Record) inception = ledger_get(ledger, 0, NULL);
    const Record *keys[] = { inception };
    g_autoptr(GBytes) document = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(RotatingResult) rotated = { 0 };
    Digest root;
    guint64 size;

    g_assert_true(ledger_root(ledger, ledger_head(ledger)->size, &root, NULL));
    early = checkpoint_sign(origin, ledger_head(ledger)->size, &root, ahead, home_log_key(home, NULL), NULL);
    g_assert_true(ledger_keep_checkpoint(ledger, early, NULL));
    manifest = node_publish(&nodes->forestry, "one", SHARE_OPEN, 1, 1000);
    late = home_checkpoint(home, &error);
    g_assert_no_error(error);
    g_assert_cmpint(time_of(late, ledger_identity(ledger), &size), ==, ahead);
    again = home_checkpoint(home, &error);
    g_assert_cmpstr(again, ==, late);
    document = evidence_make(&(EvidenceParts){ .keys = keys, .key_count = 1, .checkpoints = { early, late }, .rollback = TRUE }, &error);
    g_assert_null(document);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_assert_nonnull(strstr(error->message, "EV10: these can all be true"));
    g_clear_error(&error);
    g_assert_true(rotating_rotate(home, &(RotatingOptions){ 0 }, &rotated, &error));
    renewed = home_checkpoint(home, &error);
    g_assert_no_error(error);
    g_assert_cmpint(time_of(renewed, ledger_identity(home_ledger(home, NULL)), &size), <, ahead - 1000);
    g_assert_cmpuint(size, ==, rotated.seq + 1);
}

static Comparison *
ask(TwoNodes *nodes, const Node *caller, const char *node, const char *note, int *status)
{
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/compare", node);
    g_autoptr(GBytes) body = g_bytes_new(note, strlen(note));
    g_auto(Reply) reply = node_ask(&nodes->forestry, caller, "POST", path, NULL, NULL, body);
    g_autoptr(GBytes) bytes = reply_bytes(&reply);

    *status = reply.status;
    return reply.status == 200 ? comparison_parse(bytes, NULL) : NULL;
}

/* E29 */
static void
test_compare(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    const char *id = home_id(home);
    g_autofree char *origin = checkpoint_origin(id), *before = home_checkpoint(home, NULL), *after = NULL, *other = NULL, *more = NULL, *forged = NULL;
    g_autoptr(Manifest) manifest = node_publish(&nodes->forestry, "one", SHARE_OPEN, 1, 1000);
    g_autoptr(Checkpoint) old = checkpoint_verify(before, strlen(before), origin, &home_identity(home, NULL)->log, NULL), now = NULL;
    g_autoptr(Comparison) good = NULL, larger = NULL, fork = NULL;
    g_autoptr(Keypair) thief = key_of(1);
    Digest root = { { 1 } };
    int status;

    good = ask(nodes, NULL, id, before, &status);
    g_assert_cmpint(status, ==, 200);
    g_assert_true(good->has_root && digest_equal(&good->root, &old->root));
    now = checkpoint_verify(good->checkpoint, strlen(good->checkpoint), origin, &home_identity(home, NULL)->log, NULL);
    g_assert_cmpuint(now->size, ==, old->size + 1);
    g_assert_true(merkle_check_consistency(old->size, &good->root, now->size, &now->root, (const Digest *)(gpointer)good->hashes->data, good->hashes->len, NULL));
    g_assert_cmpuint(count(&nodes->forestry, id, EVIDENCE_FORK), ==, 0);

    more = checkpoint_sign(origin, 1000, &root, 1, home_log_key(home, NULL), NULL);
    larger = ask(nodes, NULL, id, more, &status);
    g_assert_false(larger->has_root);

    /* nothing to who shows nothing that the owner signed, and the same for what is not here */
    forged = checkpoint_sign(origin, old->size, &old->root, 1, thief, NULL);
    g_assert_null(ask(nodes, NULL, id, forged, &status));
    g_assert_cmpint(status, ==, 404);
    g_assert_null(ask(nodes, NULL, id, "", &status));
    g_assert_cmpint(status, ==, 404);
    g_assert_null(ask(nodes, NULL, home_id(nodes->tourism.home), before, &status));
    g_assert_cmpint(status, ==, 404);

    other = checkpoint_sign(origin, old->size, &root, old->time, home_log_key(home, NULL), NULL);
    fork = ask(nodes, NULL, id, other, &status);
    g_assert_true(fork->has_root && digest_equal(&fork->root, &old->root));
    g_assert_cmpuint(count(&nodes->forestry, id, EVIDENCE_FORK), ==, 1);
}

/* A third party's: for accepted peers, whatever they may have of it otherwise. */
static void
test_compare_others(TwoNodes *nodes, gconstpointer unused)
{
    g_autofree char *note = home_checkpoint(nodes->tourism.home, NULL);
    const char *id = home_id(nodes->tourism.home);
    g_autoptr(Comparison) answer = NULL;
    int status;

    node_accept(&nodes->tourism, &nodes->forestry, "forestry");
    node_copy_ledger(&nodes->tourism, &nodes->forestry, &nodes->forestry);
    g_assert_null(ask(nodes, NULL, id, note, &status));
    g_assert_cmpint(status, ==, 404);
    node_accept(&nodes->forestry, &nodes->tourism, "tourism");
    answer = ask(nodes, &nodes->tourism, id, note, &status);
    g_assert_cmpint(status, ==, 200);
    g_assert_cmpuint(answer->hashes->len, ==, 0);
}

/* PU27: what could not be compared yet is bounded, of one node and in all, and what is settled is not asked again. */
static void
test_heard(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    Checkpoint checkpoint = { .size = 0 };
    g_autoptr(GPtrArray) open = NULL;
    HeardState state;

    for (guint i = 1; i <= 20; i++) {
        checkpoint.size = i;
        g_assert_true(heard_keep(home, "one", "note", &checkpoint, FALSE, NULL));
    }
    open = heard_open(home, NULL);
    g_assert_cmpuint(open->len, ==, 16);
    g_ptr_array_unref(open);
    g_assert_true(heard_state(home, "one", &checkpoint, &state, NULL));
    g_assert_cmpint(state, ==, HEARD_OPEN);
    g_assert_true(heard_keep(home, "one", "note", &checkpoint, TRUE, NULL));
    g_assert_true(heard_state(home, "one", &checkpoint, &state, NULL));
    g_assert_cmpint(state, ==, HEARD_SETTLED);
    open = heard_open(home, NULL);
    g_assert_cmpuint(open->len, ==, 15);
    g_ptr_array_unref(open);
    g_assert_true(heard_forget(home, "one", &checkpoint, NULL));
    /* What was heard first stays, whatever was signed since. */
    for (checkpoint.size = 1; checkpoint.size <= 12; checkpoint.size++) {
        g_assert_true(heard_state(home, "one", &checkpoint, &state, NULL));
        g_assert_cmpint(state, ==, checkpoint.size <= 8 ? HEARD_OPEN : HEARD_NOT);
    }

    /* And that of a node with few, whatever nodes with many say. */
    for (guint i = 0; i < 40; i++) {
        g_autofree char *node = g_strdup_printf("node-%u", i);

        for (checkpoint.size = 1; checkpoint.size <= 16; checkpoint.size++)
            g_assert_true(heard_keep(home, node, "note", &checkpoint, FALSE, NULL));
        checkpoint.size = 1;
        if (i == 0)
            g_assert_true(heard_keep(home, "few", "note", &checkpoint, FALSE, NULL));
    }
    g_assert_true(heard_state(home, "few", &checkpoint, &state, NULL));
    g_assert_cmpint(state, ==, HEARD_OPEN);
    for (guint i = 0; i < 515; i++) {
        g_autofree char *node = g_strdup_printf("other-%u", i);

        g_assert_true(heard_keep(home, node, "note", &checkpoint, FALSE, NULL));
    }
    open = heard_open(home, NULL);
    g_assert_cmpuint(open->len, ==, 512);
}

static void
test_words(void)
{
    static const struct {
        const char *text;
        gint count;   /* -1: refused */
    } cases[] = {
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/fork", 1 },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/fork aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/rollback", 2 },
        { "", -1 },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -1 },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/own-fork", -1 },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/fork ", -1 },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1/fork", -1 },
        { "x/fork", -1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("{\"evidence\":\"%s\",\"ledgers\":[],\"openings\":0,\"sparse\":[],\"type\":\"exchange/1\"}", cases[i].text);
        g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
        g_autoptr(GError) error = NULL;
        g_autoptr(Exchange) parsed = exchange_parse(bytes, &error);

        g_assert_cmpint(parsed ? (gint)parsed->evidence->len : -1, ==, cases[i].count);
        if (!parsed) {
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
            g_assert_nonnull(strstr(error->message, "W17"));
        } else {
            g_autoptr(GBytes) again = exchange_format(parsed, &error);

            g_assert_true(g_bytes_equal(bytes, again));
        }
    }
}

static void
test_bad_comparisons(void)
{
    static const char *const bad[] = {
        "{}",
        "{\"checkpoint\":\"x\",\"type\":\"comparison/2\"}",
        "{\"checkpoint\":1,\"type\":\"comparison/1\"}",
        "{\"checkpoint\":\"x\",\"root\":\"sha256:00\",\"type\":\"comparison/1\"}",
        "{\"checkpoint\":\"x\",\"root\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"type\":\"comparison/1\"}",
        "{\"checkpoint\":\"x\",\"hashes\":[\"AA==\"],\"root\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"type\":\"comparison/1\"}",
        "{\"checkpoint\":\"x\",\"hashes\":[1],\"root\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"type\":\"comparison/1\"}",
    };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new(bad[i], strlen(bad[i]));
        g_autoptr(GError) error = NULL;

        g_assert_null(comparison_parse(bytes, &error));
        g_assert_nonnull(error);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/forks/E26/given", TwoNodes, NULL, two_nodes_make, test_given, two_nodes_clear);
    g_test_add("/forks/PU22/quota", TwoNodes, NULL, two_nodes_make, test_quota, two_nodes_clear);
    g_test_add("/forks/W17/named", TwoNodes, NULL, two_nodes_make, test_named, two_nodes_clear);
    g_test_add("/forks/PU7/own", TwoNodes, NULL, two_nodes_make, test_own, two_nodes_clear);
    g_test_add("/forks/PU30/ended-keys", TwoNodes, NULL, two_nodes_make, test_ended_keys, two_nodes_clear);
    g_test_add("/forks/PU22/room", TwoNodes, NULL, two_nodes_make, test_room, two_nodes_clear);
    g_test_add("/forks/PU22/bytes", TwoNodes, NULL, two_nodes_make, test_bytes, two_nodes_clear);
    g_test_add("/forks/T10/clock", TwoNodes, NULL, two_nodes_make, test_clock, two_nodes_clear);
    g_test_add("/forks/E29/compare", TwoNodes, NULL, two_nodes_make, test_compare, two_nodes_clear);
    g_test_add("/forks/E29/others", TwoNodes, NULL, two_nodes_make, test_compare_others, two_nodes_clear);
    g_test_add("/forks/PU27/heard", TwoNodes, NULL, two_nodes_make, test_heard, two_nodes_clear);
    g_test_add_func("/forks/W17/words", test_words);
    g_test_add_func("/forks/E29/bad", test_bad_comparisons);
    return g_test_run();
}
