#include "tests/unit/node_fixture.h"

#include "manifests/ledger/checkpoint.h"
#include "sync/pull/introduction.h"

static const char profile[] = "{\"addresses\":[\"https://forestry.example:7443\"],\"ledger\":\"relayed\",\"name\":{\"en\":\"Forestry\",\"zh\":\"林业局\"},"
                              "\"pins\":[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}";

static char *
entry_of(const Record *record)
{
    g_autoptr(GBytes) entry = record_entry(record);

    return g_strndup(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
}

/* A node of which someone shows @inception's inception, @signer's profile and @logger's checkpoint under @claimed's name. */
static GBytes *
document_of(const NodeFixture *claimed, const NodeFixture *inception, const NodeFixture *signer, guint seq, const NodeFixture *logger, const char *origin_of)
{
    g_autofree char *first = entry_of(inception->records->pdata[0]), *second = entry_of(signer->records->pdata[seq]);
    g_autofree char *origin = checkpoint_origin(origin_of);
    const Digest root = { { 0 } };
    g_autofree char *note = checkpoint_sign(origin, 2, &root, FIXTURE_TIME, logger->signing, NULL);
    g_autoptr(json_t) object = json_pack("{s:s, s:s, s:s, s:s, s:s}", "checkpoint", note, "inception", first, "node", claimed->identity->id, "profile",
                                         second, "type", "node/1");

    return canonical_format(object, NULL);
}

static Peer *
verify(GBytes *bytes, GError **error)
{
    g_autoptr(NodeDocument) document = node_document_parse(bytes, error);

    return document ? node_document_verify(document, NULL, error) : NULL;
}

static void
make_nodes(NodeFixture nodes[2])
{
    g_autoptr(GBytes) members = text_bytes(profile);

    for (guint8 i = 0; i < 2; i++) {
        node_init(&nodes[i], (guint8)(i + 1));
        node_state(&nodes[i], "profile/1", members);
    }
}

static void
test_accepted(void)
{
    NodeFixture nodes[2];
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(Peer) peer = NULL;
    g_autoptr(GError) error = NULL;

    make_nodes(nodes);
    bytes = document_of(&nodes[0], &nodes[0], &nodes[0], 1, &nodes[0], nodes[0].identity->id);
    peer = verify(bytes, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(peer->node, ==, nodes[0].identity->id);
    g_assert_cmpstr(peer->name, ==, "Forestry");
    g_assert_cmpuint(peer->urls->len, ==, 1);
    g_assert_cmpuint(peer->pins->len, ==, 1);
    node_clear(&nodes[0]);
    node_clear(&nodes[1]);
}

/* Each part by itself signed by someone, but not by whom the document names. */
static void
test_forged(void)
{
    static const struct {
        guint claimed, inception, signer, seq, logger, origin;
    } cases[] = {
        { 1, 0, 0, 1, 0, 0 }, { 0, 1, 0, 1, 0, 0 }, { 0, 0, 1, 1, 0, 0 }, { 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 1, 1, 0 }, { 0, 0, 0, 1, 0, 1 },
    };
    NodeFixture nodes[2];

    make_nodes(nodes);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = document_of(&nodes[cases[i].claimed], &nodes[cases[i].inception], &nodes[cases[i].signer], cases[i].seq,
                                              &nodes[cases[i].logger], nodes[cases[i].origin].identity->id);
        g_autoptr(GError) error = NULL;

        g_assert_null(verify(bytes, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    }
    node_clear(&nodes[0]);
    node_clear(&nodes[1]);
}

static void
test_malformed(void)
{
    static const struct {
        const char *patch;
        int code;
    } cases[] = {
        { "{\"type\":\"node/2\"}", CHAMA_ERROR_UNSUPPORTED },   { "{\"type\":null}", CHAMA_ERROR_MALFORMED },
        { "{\"node\":\"short\"}", CHAMA_ERROR_MALFORMED },      { "{\"inception\":null}", CHAMA_ERROR_MALFORMED },
        { "{\"profile\":7}", CHAMA_ERROR_MALFORMED },           { "{\"checkpoint\":null}", CHAMA_ERROR_MALFORMED },
        { "{\"inception\":\"{}\\n\"}", CHAMA_ERROR_MALFORMED }, { "{\"profile\":\"\"}", CHAMA_ERROR_MALFORMED },
    };
    NodeFixture nodes[2];
    g_autoptr(GBytes) good = NULL;
    g_autofree char *base = NULL;

    make_nodes(nodes);
    good = document_of(&nodes[0], &nodes[0], &nodes[0], 1, &nodes[0], nodes[0].identity->id);
    base = g_strndup(g_bytes_get_data(good, NULL), g_bytes_get_size(good));
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = patched(base, cases[i].patch);
        g_autoptr(GError) error = NULL;

        g_assert_null(verify(bytes, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
    }
    node_clear(&nodes[0]);
    node_clear(&nodes[1]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/introduction/accepted", test_accepted);
    g_test_add_func("/introduction/forged", test_forged);
    g_test_add_func("/introduction/malformed", test_malformed);
    return g_test_run();
}
