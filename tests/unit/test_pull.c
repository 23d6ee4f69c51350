#include <unistd.h>

#include <glib/gstdio.h>

#include "tests/unit/home_fixture.h"
#include "tests/unit/peer_server.h"

#include "sync/follow.h"
#include "sync/pull.h"
#include "sync/sparse.h"

/* Tourism syncs with Forestry, whose answers may be altered on their way. */
typedef struct {
    TwoNodes nodes;
    PeerServer server;
    Peer *peer;
    PullOptions options;
    PullResult result;
} Stage;

/* What is done to answers whose path ends in @suffix: the byte at @at (from the end if negative) is changed, or the answer cut there. */
typedef struct {
    const char *suffix;
    gint at;
    gboolean cut;
    guint times;            /* 0: always */
    guint done;
} Lie;

static gsize
tell_lie(gpointer data, const char *path, int *status, GByteArray *body)
{
    Lie *lie = data;
    gsize at = (gsize)(lie->at < 0 ? (gint)body->len + lie->at : lie->at);

    if (!g_str_has_suffix(path, lie->suffix) || (lie->times && lie->done == lie->times))
        return CUT_NEVER;
    lie->done++;
    g_assert_cmpuint(at, <, body->len);
    if (lie->cut)
        return at;
    body->data[at] ^= 1;
    return CUT_NEVER;
}

static Peer *
accept_peer(Node *node, const Node *other, const char *url)
{
    g_autoptr(Peer) peer = peer_new();
    g_autoptr(GError) error = NULL;

    g_strlcpy(peer->node, home_id(other->home), sizeof peer->node);
    g_array_append_val(peer->pins, other->pin);
    g_ptr_array_add(peer->urls, g_strdup(url));
    peer->alias = g_strdup("forestry");
    peers_accept(node->home, peer, &error);
    g_assert_no_error(error);
    return g_steal_pointer(&peer);
}

/* Without an address in its profile: where it listens is not known before it does. */
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
stage_make(Stage *stage, gconstpointer unused)
{
    stage->nodes.folder = g_dir_make_tmp("chama-XXXXXX", NULL);
    make_node(&stage->nodes.forestry, stage->nodes.folder, "Forestry");
    make_node(&stage->nodes.tourism, stage->nodes.folder, "Tourism");
    peer_server_start(&stage->server, &stage->nodes.forestry);
    node_accept(&stage->nodes.forestry, &stage->nodes.tourism, "tourism");
    stage->peer = accept_peer(&stage->nodes.tourism, &stage->nodes.forestry, stage->server.url);
    g_assert_true(follow_add(stage->nodes.tourism.home, home_id(stage->nodes.forestry.home), "*", NULL, NULL));
    pull_options_defaults(&stage->options);
    stage->options.reserve = 0;
    stage->options.retry_after = 0;
}

static void
stage_clear(Stage *stage, gconstpointer unused)
{
    pull_result_clear(&stage->result);
    peer_server_stop(&stage->server);
    peer_free(stage->peer);
    two_nodes_clear(&stage->nodes, unused);
}

/* One sync; the exit status that its problems or its error stand for. */
static int
sync_once(Stage *stage)
{
    g_autoptr(GError) error = NULL;

    pull_result_clear(&stage->result);
    pull_peer(stage->nodes.tourism.home, stage->peer, &stage->options, &stage->result, &error);
    for (guint i = 0; i < stage->result.problems->len; i++)
        g_test_message("%s", (char *)stage->result.problems->pdata[i]);
    if (error)
        g_test_message("%s", error->message);
    return error ? chama_error_exit_status(error) : stage->result.worst_exit;
}

static gboolean
is_held(Stage *stage, const Manifest *manifest)
{
    Held held;

    return state_held(home_state(stage->nodes.tourism.home, NULL), &manifest->address, &held, NULL) && held.complete;
}

static guint64
ledger_size(Stage *stage)
{
    Ledger *ledger = home_peer_ledger(stage->nodes.tourism.home, home_id(stage->nodes.forestry.home), NULL);

    return ledger ? ledger_head(ledger)->size : 0;
}

static void
test_all_then_nothing(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) one = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 900000);
    g_autoptr(Manifest) two = node_publish(&stage->nodes.forestry, "two", SHARE_OPEN, 1, 900000);

    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.versions, ==, 2);
    g_assert_true(is_held(stage, one) && is_held(stage, two));
    g_assert_cmpuint(ledger_size(stage), ==, 4);
    g_assert_cmpuint(stage->result.bytes, >=, 900000);
    g_assert_cmpuint(stage->result.bytes, <, 1000000);

    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.requests, ==, 1);
    g_assert_cmpuint(stage->result.wire_bytes, <, 1000);
    g_assert_cmpuint(stage->result.records + stage->result.versions + stage->result.chunks, ==, 0);
}

/* Each version after the first comes as patches against one that is here, whatever was missed between. */
static void
test_patches(Stage *stage, gconstpointer unused)
{
    guint64 whole = 0;

    for (guint edition = 0; edition < 6; edition++) {
        g_autoptr(Manifest) manifest = node_publish_table(&stage->nodes.forestry, "table", SHARE_OPEN, edition);
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(sync_once(stage), ==, 0);
        g_assert_true(is_held(stage, manifest));
        if (edition == 0)
            whole = stage->result.bytes;
        else
            g_assert_cmpuint(stage->result.bytes, <, whole / 20);
    }
}

/* Of several versions that come in one session each is here by the time that the next one is asked for, if that is worth it. */
static void
test_patches_in_one_session(Stage *stage, gconstpointer unused)
{
    gsize size = 3000000;
    g_autofree guint8 *data = g_malloc(size);
    g_autoptr(GRand) random = g_rand_new_with_seed(1);

    for (gsize i = 0; i < size; i++)
        data[i] = (guint8)g_rand_int(random);
    for (guint edition = 0; edition < 4; edition++) {
        for (gsize at = 1000; at < size; at += 20000)
            data[at + edition * 100] ^= 1;
        manifest_free(node_publish_bytes(&stage->nodes.forestry, "noise", SHARE_OPEN, data, size));
    }
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.versions, ==, 4);
    g_assert_cmpuint(stage->result.bytes, <, size + size / 10);
}

/* Nothing of a patch is believed: what it is made against, and what it says. */
static void
test_lies_in_patches(Stage *stage, gconstpointer unused)
{
    static const gint places[] = { 0, 1, 2, 33, 50, -1 };
    g_autoptr(Manifest) first = node_publish_table(&stage->nodes.forestry, "table", SHARE_OPEN, 0);
    g_autoptr(Manifest) second = NULL;

    g_assert_cmpint(sync_once(stage), ==, 0);
    second = node_publish_table(&stage->nodes.forestry, "table", SHARE_OPEN, 1);
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        Lie lie = { .suffix = "/chunks", .at = places[i] < 0 ? places[i] : WIRE_FRAME_HEADER_SIZE + places[i] };

        stage->server.lie = tell_lie;
        stage->server.lie_data = &lie;
        g_assert_cmpint(sync_once(stage), ==, 3);
        g_assert_false(is_held(stage, second));
    }
    stage->server.lie = NULL;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, second) && is_held(stage, first));
}

static void
test_dry_run_fetches_no_content(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 900000);

    stage->options.dry_run = TRUE;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.wanted_bytes, ==, 900000);
    g_assert_cmpuint(stage->result.chunks + stage->result.versions, ==, 0);
    g_assert_false(is_held(stage, manifest));
    stage->options.dry_run = FALSE;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, manifest));
}

static void
test_conditional_needs_a_grant(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "secret", SHARE_CONDITIONAL, 1, 100000);
    g_autoptr(GBytes) opening = NULL;

    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.refused, ==, 1);
    g_assert_false(is_held(stage, manifest));
    /* Without a grant nothing was asked: exchange, records, our cosignature for the owner, and our ledger, for it has no address of ours (W25). */
    g_assert_cmpuint(stage->result.requests, ==, 4);

    opening = node_grant(&stage->nodes.forestry, "secret", home_id(stage->nodes.tourism.home), g_get_real_time() / G_USEC_PER_SEC + 3600);
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, manifest));
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.requests, ==, 1);
}

static void
test_nothing_is_asked_of_what_is_not_followed(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 1000);
    const char *node = home_id(stage->nodes.forestry.home);

    g_assert_true(follow_remove(stage->nodes.tourism.home, node, "*", NULL, NULL));
    g_assert_true(follow_add(stage->nodes.tourism.home, node, "t*", NULL, NULL));
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.requests, ==, 4);
    g_assert_false(is_held(stage, manifest));
}

/* Whatever is altered on its way: told, not stored, and put right by the next honest answer (I5). */
static void
test_lies(Stage *stage, gconstpointer unused)
{
    static const struct {
        Lie lie;
        int exit_status;
        gboolean ledger;    /* the ledger came all the same */
    } cases[] = {
        { { .suffix = "/exchange", .at = 60 }, 3, FALSE },
        { { .suffix = "/exchange", .at = -2 }, 3, FALSE },
        { { .suffix = "/records", .at = 100 }, 3, FALSE },
        { { .suffix = "/records", .at = 700 }, 3, FALSE },
        { { .suffix = "/records", .at = 1800 }, 3, FALSE },
        { { .suffix = "/records", .at = -2 }, 3, FALSE },
        { { .suffix = "/records", .at = 1500, .cut = TRUE }, 5, FALSE },
        { { .suffix = "/content", .at = 20 }, 3, TRUE },
        { { .suffix = "/details", .at = 20 }, 3, TRUE },
        { { .suffix = "/pages", .at = 0 }, 3, TRUE },
        { { .suffix = "/pages", .at = 4 }, 3, TRUE },
        { { .suffix = "/pages", .at = 50 }, 3, TRUE },
        { { .suffix = "/pages", .at = 50, .cut = TRUE }, 5, TRUE },
        { { .suffix = "/chunks", .at = 0 }, 3, TRUE },
        { { .suffix = "/chunks", .at = 8 }, 3, TRUE },
        { { .suffix = "/chunks", .at = 5000 }, 3, TRUE },
        { { .suffix = "/chunks", .at = -1 }, 3, TRUE },
        { { .suffix = "/chunks", .at = 5, .cut = TRUE }, 5, TRUE },
    };
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "secret", SHARE_CONDITIONAL, 1, 300000);
    g_autoptr(GBytes) opening =
        node_grant(&stage->nodes.forestry, "secret", home_id(stage->nodes.tourism.home), g_get_real_time() / G_USEC_PER_SEC + 3600);
    gboolean ledger = FALSE;

    stage->server.lie = tell_lie;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Lie lie = cases[i].lie;

        stage->server.lie_data = &lie;
        g_assert_cmpint(sync_once(stage), ==, cases[i].exit_status);
        g_assert_cmpuint(lie.done, >, 0);
        ledger = ledger || cases[i].ledger;
        g_assert_cmpuint(ledger_size(stage), ==, ledger ? 4 : 0);
        g_assert_false(is_held(stage, manifest));
        g_assert_cmpuint(stage->result.versions, ==, 0);
    }
    stage->server.lie = NULL;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, manifest));
}

static void
note(gpointer data, const char *message)
{
    g_test_message("%s", message);
    g_test_fail();
}

/* A cut after some chunks: the rest is asked for in the same sync, and nothing twice. */
static void
test_goes_on_after_a_cut(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 3000000);
    Lie lie = { .suffix = "/chunks", .at = 1500000, .cut = TRUE, .times = 1 };
    g_autoptr(GError) error = NULL;

    stage->server.lie = tell_lie;
    stage->server.lie_data = &lie;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(lie.done, ==, 1);
    g_assert_true(is_held(stage, manifest));
    g_assert_cmpuint(stage->result.bytes, <=, 3000000);
    g_assert_true(version_verify(stage->nodes.tourism.home, manifest, NULL, note, NULL, NULL, &error));
    g_assert_no_error(error);
}

/* More than one request's worth comes over a connection of its own; so does what is asked for after it was cut, and what was altered is refused. */
static void
test_many_requests(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 30000000);
    Lie lies[] = {
        { .suffix = "/chunks", .at = 3000000 },
        { .suffix = "/chunks", .at = 3000000, .cut = TRUE, .times = 2 },
    };
    g_autoptr(GError) error = NULL;

    stage->server.lie = tell_lie;
    stage->server.lie_data = &lies[0];
    g_assert_cmpint(sync_once(stage), ==, 3);
    g_assert_false(is_held(stage, manifest));
    stage->server.lie_data = &lies[1];
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(lies[1].done, ==, 2);
    g_assert_true(is_held(stage, manifest));
    g_assert_cmpuint(stage->result.bytes, <=, 30000000);
    g_assert_cmpuint(stage->result.wire_bytes, >, stage->result.bytes);
    g_assert_true(version_verify(stage->nodes.tourism.home, manifest, NULL, note, NULL, NULL, &error));
    g_assert_no_error(error);
}

/* After so many answers with chunks. */
static gsize
cut_late(gpointer data, const char *path, int *status, GByteArray *body)
{
    guint *left = data;

    return g_str_has_suffix(path, "/chunks") && (*left)-- == 0 ? 5 : CUT_NEVER;
}

static void
test_many_versions(Stage *stage, gconstpointer unused)
{
    g_autoptr(GPtrArray) manifests = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_free);
    guint left = 10;
    StoreTotals totals;
    guint held = 0;

    for (guint i = 0; i < 20; i++)
        g_ptr_array_add(manifests, node_publish(&stage->nodes.forestry, i % 4 ? "one" : "two", SHARE_OPEN, i, 2000));
    /* What came whole before a cut is held, and counts. */
    stage->server.lie = cut_late;
    stage->server.lie_data = &left;
    g_assert_cmpint(sync_once(stage), ==, 5);
    stage->server.lie = NULL;
    for (guint i = 0; i < manifests->len; i++)
        held += is_held(stage, manifests->pdata[i]);
    g_assert_cmpuint(held, ==, 10);
    g_assert_cmpuint(stage->result.versions, ==, 10);
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.versions + held, ==, 20);
    for (guint i = 0; i < manifests->len; i++)
        g_assert_true(is_held(stage, manifests->pdata[i]));
    g_assert_true(store_totals(home_store(stage->nodes.tourism.home, NULL), &totals, NULL));
    g_assert_cmpuint(totals.packs, <=, 2);
}

/* Many small files, of which few change. */
static Manifest *
publish_folder(Node *node, const char *name, guint files, guint changed)
{
    g_autofree char *folder = g_strdup_printf("%s-%s", node->path, name);
    const PublishOptions options = { .name = name, .path = folder, .has_share = TRUE, .share = SHARE_OPEN };
    g_autoptr(GError) error = NULL;
    PublishResult result;

    g_mkdir(folder, 0755);
    for (guint i = 0; i < files; i++) {
        g_autofree char *path = g_strdup_printf("%s/a rather long name, so that there are more pages: parcel-%06u.csv", folder, i);
        g_autofree char *text = g_strdup_printf("%u,%u\n", i, i == changed ? changed : 0);

        g_assert_true(g_file_set_contents(path, text, -1, NULL));
    }
    version_publish(node->home, &options, &result, &error);
    g_assert_no_error(error);
    return result.manifest;
}

/* PU12: what an earlier version has in common with the new one is not walked through again, nor asked for. */
static void
test_small_change(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) one = publish_folder(&stage->nodes.forestry, "one", 3000, 0);
    g_autoptr(Manifest) two = NULL, three = NULL;
    g_autoptr(GError) error = NULL;
    guint64 wire;

    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, one));
    wire = stage->result.wire_bytes;
    two = publish_folder(&stage->nodes.forestry, "one", 3000, 1500);
    three = publish_folder(&stage->nodes.forestry, "one", 3000, 2800);
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.versions, ==, 2);
    g_assert_cmpuint(stage->result.chunks, ==, 2);
    g_assert_cmpuint(stage->result.wire_bytes, <, wire / 3);
    g_assert_true(is_held(stage, two) && is_held(stage, three));
    g_assert_true(version_verify(stage->nodes.tourism.home, two, NULL, note, NULL, NULL, &error));
    g_assert_true(version_verify(stage->nodes.tourism.home, three, NULL, note, NULL, NULL, &error));
    g_assert_no_error(error);
}

static gsize
say_absent(gpointer data, const char *path, int *status, GByteArray *body)
{
    if (g_str_has_suffix(path, data))
        memset(body->data, 0, g_byte_array_set_size(body, WIRE_FRAME_HEADER_SIZE)->len);
    return CUT_NEVER;
}

static void
test_what_the_owner_lacks(Stage *stage, gconstpointer unused)
{
    static const char *const suffixes[] = { "/pages", "/chunks" };
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 10000);

    stage->server.lie = say_absent;
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        stage->server.lie_data = (gpointer)suffixes[i];
        g_assert_cmpint(sync_once(stage), ==, 0);
        g_assert_cmpuint(stage->result.refused, ==, 1);
        g_assert_false(is_held(stage, manifest));
    }
    /* Not asked again at once unless a person wants it. */
    stage->server.lie = NULL;
    stage->options.retry_after = 3600;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.requests, ==, 1);
    g_assert_cmpuint(stage->result.refused, ==, 1);
    stage->options.retry_after = 0;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, manifest));
}

static void
test_news_end_a_refusal(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 10000);
    g_autoptr(Manifest) other = NULL;

    stage->options.retry_after = 3600;
    stage->server.lie = say_absent;
    stage->server.lie_data = "/pages";
    g_assert_cmpint(sync_once(stage), ==, 0);
    stage->server.lie = NULL;
    other = node_publish(&stage->nodes.forestry, "two", SHARE_OPEN, 2, 10000);
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, manifest) && is_held(stage, other));
}

static void
test_quotas(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 10000);
    PullOptions generous = stage->options;

    stage->options.records_max = 2;
    g_assert_cmpint(sync_once(stage), ==, 3);
    g_assert_cmpuint(ledger_size(stage), ==, 0);
    stage->options = generous;
    stage->options.ledger_bytes_max = 1500;
    g_assert_cmpint(sync_once(stage), ==, 3);
    g_assert_cmpuint(ledger_size(stage), ==, 0);
    stage->options = generous;
    stage->options.reserve = G_GUINT64_CONSTANT(1) << 60;
    g_assert_cmpint(sync_once(stage), ==, 1);
    g_assert_cmpuint(ledger_size(stage), ==, 3);
    g_assert_false(is_held(stage, manifest));
    stage->options = generous;
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, manifest));
}

static void
test_cancelled(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) manifest = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 10000);
    Progress progress = { .cancelled = 1 };
    g_autoptr(GError) error = NULL;

    stage->options.progress = &progress;
    g_assert_false(pull_peer(stage->nodes.tourism.home, stage->peer, &stage->options, &stage->result, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    g_atomic_int_set(&progress.cancelled, 0);
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, manifest));
    g_assert_cmpint(progress.bytes_done, ==, 10000);
    g_assert_cmpint(progress.bytes_total, ==, 10000);
    g_assert_cmpint(progress.files_done, ==, 1);
}

static void
test_nobody_there(Stage *stage, gconstpointer unused)
{
    g_autoptr(Peer) noted = NULL;
    g_autoptr(GError) error = NULL;

    g_ptr_array_set_size(stage->peer->urls, 0);
    g_assert_true(peers_remove(stage->nodes.tourism.home, stage->peer->node, NULL));
    peer_free(stage->peer);
    stage->peer = accept_peer(&stage->nodes.tourism, &stage->nodes.forestry, "https://127.0.0.1:1");
    g_assert_false(pull_peer(stage->nodes.tourism.home, stage->peer, &stage->options, &stage->result, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE);
    noted = peers_get(stage->nodes.tourism.home, stage->peer->node, NULL);
    g_assert_nonnull(noted->last_error);
}

/* A stranger gets the open part; from the day it is accepted, all. */
static void
test_stranger(Stage *stage, gconstpointer unused)
{
    g_autoptr(Manifest) open = node_publish(&stage->nodes.forestry, "one", SHARE_OPEN, 1, 10000);
    g_autoptr(Manifest) secret = node_publish(&stage->nodes.forestry, "secret", SHARE_CONDITIONAL, 2, 10000);

    g_assert_true(peers_remove(stage->nodes.forestry.home, home_id(stage->nodes.tourism.home), NULL));
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_true(is_held(stage, open));
    g_assert_cmpuint(ledger_size(stage), ==, 0);
    g_assert_null(catalogue_manifest(home_catalogue(stage->nodes.tourism.home, NULL), &secret->address, NULL));
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(stage->result.requests, ==, 1);

    node_accept(&stage->nodes.forestry, &stage->nodes.tourism, "tourism");
    g_assert_cmpint(sync_once(stage), ==, 0);
    g_assert_cmpuint(ledger_size(stage), ==, 4);
}

static void
test_introduce(Stage *stage, gconstpointer unused)
{
    static const struct {
        gint at;
    } lies[] = { { 30 }, { 400 }, { 900 }, { -100 } };
    g_autoptr(Peer) peer = NULL;
    g_autoptr(GError) error = NULL;

    stage->server.lie = tell_lie;
    for (gsize i = 0; i < G_N_ELEMENTS(lies); i++) {
        Lie lie = { .suffix = "/node", .at = lies[i].at };
        g_autoptr(GError) refused = NULL;

        stage->server.lie_data = &lie;
        g_assert_null(pull_introduce(stage->nodes.tourism.home, stage->server.url, &refused));
        g_assert_cmpint(chama_error_exit_status(refused), ==, 3);
    }
    stage->server.lie = NULL;
    peer = pull_introduce(stage->nodes.tourism.home, stage->server.url, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(peer->node, ==, home_id(stage->nodes.forestry.home));
    g_assert_cmpstr(peer->name, ==, "Forestry");
    g_assert_cmpstr(peer->urls->pdata[0], ==, stage->server.url);
    g_assert_true(digest_equal(&g_array_index(peer->pins, Digest, 0), &stage->nodes.forestry.pin));
}

/* Someone else's documents, shown under one's own TLS key. */
static void
test_introduce_by_another_key(Stage *stage, gconstpointer unused)
{
    PeerServer impostor = { 0 };
    g_autoptr(GError) error = NULL;

    peer_server_start(&impostor, &stage->nodes.tourism);
    impostor.home = stage->nodes.forestry.path;
    g_assert_null(pull_introduce(stage->nodes.tourism.home, impostor.url, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    peer_server_stop(&impostor);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(Stage *stage, gconstpointer unused);
    } tests[] = {
        { "/pull/all-then-nothing", test_all_then_nothing },
        { "/pull/patches", test_patches },
        { "/pull/patches-in-one-session", test_patches_in_one_session },
        { "/pull/lies-in-patches", test_lies_in_patches },
        { "/pull/dry-run-fetches-no-content", test_dry_run_fetches_no_content },
        { "/pull/conditional-needs-a-grant", test_conditional_needs_a_grant },
        { "/pull/nothing-is-asked-of-what-is-not-followed", test_nothing_is_asked_of_what_is_not_followed },
        { "/pull/lies", test_lies },
        { "/pull/goes-on-after-a-cut", test_goes_on_after_a_cut },
        { "/pull/many-requests", test_many_requests },
        { "/pull/many-versions", test_many_versions },
        { "/pull/small-change-PU12", test_small_change },
        { "/pull/what-the-owner-lacks", test_what_the_owner_lacks },
        { "/pull/news-end-a-refusal", test_news_end_a_refusal },
        { "/pull/quotas", test_quotas },
        { "/pull/cancelled", test_cancelled },
        { "/pull/nobody-there", test_nobody_there },
        { "/pull/stranger", test_stranger },
        { "/pull/introduce", test_introduce },
        { "/pull/introduce-by-another-key", test_introduce_by_another_key },
    };

    /* Two nodes a test wait for the disk long: not for one in memory. */
    if (g_access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", FALSE);
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Stage, NULL, stage_make, tests[i].test, stage_clear);
    return g_test_run();
}
