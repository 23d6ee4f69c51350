#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/sshsig.h"
#include "manifests/record.h"

#define TIME G_GINT64_CONSTANT(1777622400)

/* A node, its inception and a second record. */
typedef struct {
    Keypair *signing;
    Identity *identity;
    Record *inception, *second;
    LedgerHead empty, first; /* before and after the inception */
} Node;

static GBytes *
text_bytes(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

static GBytes *
make_inception(const Keypair *signing, guint8 seed)
{
    guint8 bytes[32];
    g_autoptr(Keypair) log = NULL;
    Digest next;

    memset(bytes, seed + 100, sizeof bytes);
    log = keypair_from_seed(bytes, NULL);
    memset(&next, seed, sizeof next);
    return inception_format(keypair_public(signing), keypair_public(log), (const guint8 *)"12345678901234567890123456789012", &next, TIME, NULL);
}

static void
node_init(Node *node, guint8 seed)
{
    guint8 bytes[32];
    g_autoptr(GBytes) members = text_bytes("{\"name\":\"x\"}");
    g_autoptr(GBytes) inception = NULL;

    memset(node, 0, sizeof *node);
    memset(bytes, seed, sizeof bytes);
    node->signing = keypair_from_seed(bytes, NULL);
    inception = make_inception(node->signing, seed);
    node->inception = record_sign(&node->empty, "inception/1", inception, TIME, node->signing, NULL);
    g_assert_nonnull(node->inception);
    node->identity = identity_parse_inception(inception, NULL);
    node->first = (LedgerHead){ 1, node->inception->address, node->identity };
    node->second = record_sign(&node->first, "note/1", members, TIME - 5, node->signing, NULL);
    g_assert_nonnull(node->second);
}

static void
node_clear(Node *node)
{
    keypair_free(node->signing);
    identity_free(node->identity);
    record_free(node->inception);
    record_free(node->second);
}

/* The entry of @json under a signature by @signing. */
static GBytes *
entry_of(const char *json, gsize size, const Keypair *signing, const char *name_space)
{
    g_autoptr(GBytes) signature = sshsig_sign(signing, name_space, json, size, NULL);
    g_autofree char *text = base64_format(g_bytes_get_data(signature, NULL), g_bytes_get_size(signature));
    GString *entry = g_string_new_len(json, (gssize)size);

    g_string_append_printf(entry, "\n%s\n", text);
    return g_string_free_to_bytes(entry);
}

static RecordReceived *
receive(GBytes *entry, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(entry, &size);

    return record_receive(data, size, error);
}

static void
test_sign_receive_verify(void)
{
    Node node;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) entry = NULL;
    g_autoptr(GBytes) again = NULL;
    g_autoptr(RecordReceived) received = NULL;
    g_autoptr(Record) record = NULL;

    node_init(&node, 1);
    entry = record_entry(node.second);
    received = receive(entry, &error);
    g_assert_no_error(error);
    record = record_verify(received, &node.first, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(record->type, ==, "note/1");
    g_assert_cmpstr(record->node, ==, node.identity->id);
    g_assert_cmpuint(record->seq, ==, 1);
    g_assert_cmpint(record->time, ==, TIME - 5);
    g_assert_true(digest_equal(&record->prev, &node.inception->address));
    g_assert_true(digest_equal(&record->address, &node.second->address));
    again = record_entry(record);
    g_assert_true(g_bytes_equal(entry, again));
    node_clear(&node);
}

static void
test_inception(void)
{
    Node node;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) entry = NULL;
    g_autoptr(RecordReceived) received = NULL;
    g_autoptr(Record) record = NULL;
    char id[NODE_ID_SIZE];

    node_init(&node, 1);
    entry = record_entry(node.inception);
    received = receive(entry, &error);
    g_assert_no_error(error);
    record = record_verify(received, &node.empty, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(record->seq, ==, 0);
    g_assert_cmpstr(record->node, ==, node_id_format(&record->address, id));
    node_clear(&node);
}

/* R1, R3, R4: what no key is needed to refuse.  %s stands for a node id. */
#define PREV "\"prev\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\""
#define AT "\"time\":\"2026-05-01T08:00:00Z\""
static const struct {
    const char *name, *json;
    int code;
    const char *says;
} malformed[] = {
    { "r1/empty", "", CHAMA_ERROR_MALFORMED, "" },
    { "r1/array", "[1]", CHAMA_ERROR_MALFORMED, "R1" },
    { "r1/not-canonical", "{\"a\": 1}", CHAMA_ERROR_MALFORMED, "C8" },
    { "r3/no-type", "{\"seq\":1}", CHAMA_ERROR_MALFORMED, "type" },
    { "r3/no-version", "{\"type\":\"note\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/version-0", "{\"type\":\"note/0\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/leading-zero", "{\"type\":\"note/01\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/upper-case", "{\"type\":\"Note/1\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/digit-first", "{\"type\":\"1note/1\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/two-slashes", "{\"type\":\"note/1/1\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/path", "{\"type\":\"../1\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/line-feed", "{\"type\":\"note/1\\n\"}", CHAMA_ERROR_MALFORMED, "R3" },
    { "r3/nothing", "{\"type\":\"\"}", CHAMA_ERROR_MALFORMED, "" },
    { "r3/long", "{\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/1\"}", CHAMA_ERROR_LIMIT, "type" },
    { "r3/rotation", "{\"type\":\"rotation/2\"}", CHAMA_ERROR_UNSUPPORTED, "rotation/2" },
    { "r3/inception-2", "{\"seq\":0,\"type\":\"inception/2\"}", CHAMA_ERROR_UNSUPPORTED, "inception/2" },
    { "r4/no-seq", "{\"node\":\"%s\"," PREV "," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "seq" },
    { "r4/seq-0", "{\"node\":\"%s\"," PREV ",\"seq\":0," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "R4" },
    { "r4/seq-negative", "{\"node\":\"%s\"," PREV ",\"seq\":-1," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "seq" },
    { "r4/seq-10-digits", "{\"node\":\"%s\"," PREV ",\"seq\":1000000000," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "seq" },
    { "r4/seq-text", "{\"node\":\"%s\"," PREV ",\"seq\":\"1\"," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "seq" },
    { "r4/no-node", "{" PREV ",\"seq\":1," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "node" },
    { "r4/node-not-an-id", "{\"node\":\"someone\"," PREV ",\"seq\":1," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "R4" },
    { "r4/no-prev", "{\"node\":\"%s\",\"seq\":1," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "prev" },
    { "r4/prev-unknown-digest", "{\"node\":\"%s\",\"prev\":\"sm3:00\",\"seq\":1," AT ",\"type\":\"note/1\"}", CHAMA_ERROR_UNSUPPORTED, "sm3" },
    { "r4/no-time", "{\"node\":\"%s\"," PREV ",\"seq\":1,\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "time" },
    { "r4/time-with-zone", "{\"node\":\"%s\"," PREV ",\"seq\":1,\"time\":\"2026-05-01T08:00:00+08:00\",\"type\":\"note/1\"}", CHAMA_ERROR_MALFORMED, "time" },
    { "r4/inception-seq-1", "{\"seq\":1," AT ",\"type\":\"inception/1\"}", CHAMA_ERROR_MALFORMED, "R4" },
    { "r4/inception-with-node", "{\"node\":\"%s\",\"seq\":0," AT ",\"type\":\"inception/1\"}", CHAMA_ERROR_MALFORMED, "node" },
};

static void
test_malformed(void)
{
    Node node;

    node_init(&node, 1);
    for (guint i = 0; i < G_N_ELEMENTS(malformed); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) parts = g_strsplit(malformed[i].json, "%s", 2);
        g_autofree char *json = g_strjoinv(node.identity->id, parts);
        g_autoptr(GBytes) entry = entry_of(json, strlen(json), node.signing, SSHSIG_NAMESPACE_RECORD);

        g_test_message("%s", malformed[i].name);
        g_assert_null(receive(entry, &error));
        g_assert_error(error, CHAMA_ERROR, malformed[i].code);
        g_assert_nonnull(strstr(error->message, malformed[i].says));
    }
    node_clear(&node);
}

/* R2: cuts and additions to a good entry. */
static void
test_r2_entry(void)
{
    Node node;
    g_autoptr(GBytes) entry = NULL;
    const char *data;
    gsize size;

    node_init(&node, 1);
    entry = record_entry(node.second);
    data = g_bytes_get_data(entry, &size);
    for (gsize cut = 0; cut < size; cut++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(record_receive(data, cut, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
    for (guint i = 0; i < 4; i++) {
        static const char *const tails[] = { "\n", " \n", "x", "AAAA\n" };
        g_autoptr(GError) error = NULL;
        g_autofree char *longer = g_strdup_printf("%.*s%s", (int)size, data, tails[i]);

        g_assert_null(record_receive(longer, strlen(longer), &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
    node_clear(&node);
}

/* R1, R2: the bounds, before anything is parsed. */
static void
test_r1_r2_limits(void)
{
    Node node;
    static const gsize padding[] = { RECORD_SIZE_MAX - 11, RECORD_SIZE_MAX, ENTRY_SIZE_MAX, 1 << 20 };
    static const char *const says[] = { "R1", "R1", "R2", "R2" };

    node_init(&node, 1);
    for (guint i = 0; i < G_N_ELEMENTS(padding); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *fill = g_strnfill(padding[i], 'x');
        g_autofree char *json = g_strdup_printf("{\"name\":\"x%s\"}", fill);
        g_autoptr(GBytes) entry = entry_of(json, strlen(json), node.signing, SSHSIG_NAMESPACE_RECORD);

        g_assert_null(receive(entry, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
        g_assert_nonnull(strstr(error->message, says[i]));
    }
    node_clear(&node);
}

/* R5-R9: the second record of node 1 against heads that it does not continue. */
static void
test_r5_to_r8_refusals(void)
{
    Node node, other;
    g_autoptr(GBytes) entry = NULL;
    g_autoptr(RecordReceived) received = NULL;

    node_init(&node, 1);
    node_init(&other, 2);
    entry = record_entry(node.second);
    received = receive(entry, NULL);
    {
        Identity *stolen = identity_copy(node.identity);
        const struct { LedgerHead head; int code; const char *says; } cases[] = {
            { { 0, { { 0 } }, NULL }, CHAMA_ERROR_FORK, "R5" },
            { { 2, node.second->address, node.identity }, CHAMA_ERROR_FORK, "R5" },
            { { 1, node.second->address, node.identity }, CHAMA_ERROR_FORK, "R6" },
            { { 1, node.inception->address, other.identity }, CHAMA_ERROR_VERIFY, "R7" },
            { { 1, node.inception->address, stolen }, CHAMA_ERROR_VERIFY, "R8" },
        };

        stolen->signing = other.identity->signing;
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_autoptr(GError) error = NULL;

            g_assert_null(record_verify(received, &cases[i].head, &error));
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
            g_assert_nonnull(strstr(error->message, cases[i].says));
        }
        identity_free(stolen);
    }
    node_clear(&node);
    node_clear(&other);
}

static void
check_signature_refused(const Record *record, const LedgerHead *head, const Keypair *signing, const char *name_space, const char *says)
{
    g_autoptr(GError) error = NULL;
    gsize size;
    const char *json = g_bytes_get_data(record->bytes, &size);
    g_autoptr(GBytes) entry = entry_of(json, size, signing, name_space);
    g_autoptr(RecordReceived) received = receive(entry, &error);

    g_assert_no_error(error);
    g_assert_null(record_verify(received, head, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_assert_nonnull(strstr(error->message, says));
}

static void
test_r8_r9_signatures(void)
{
    Node node, other;

    node_init(&node, 1);
    node_init(&other, 2);
    check_signature_refused(node.second, &node.first, other.signing, SSHSIG_NAMESPACE_RECORD, "R8");
    check_signature_refused(node.second, &node.first, node.signing, SSHSIG_NAMESPACE_GIT, "R8");
    check_signature_refused(node.inception, &node.empty, other.signing, SSHSIG_NAMESPACE_RECORD, "R9");
    check_signature_refused(node.inception, &node.empty, node.signing, SSHSIG_NAMESPACE_GIT, "R9");
    node_clear(&node);
    node_clear(&other);
}

static void
test_r5_second_inception(void)
{
    Node node, other;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) entry = NULL;
    g_autoptr(RecordReceived) received = NULL;

    node_init(&node, 1);
    node_init(&other, 2);
    entry = record_entry(other.inception);
    received = receive(entry, NULL);
    g_assert_null(record_verify(received, &node.first, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    node_clear(&node);
    node_clear(&other);
}

static void
check_sign_refused(const LedgerHead *head, const char *type, const char *members, const Keypair *signing, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = text_bytes(members);

    g_assert_null(record_sign(head, type, bytes, TIME, signing, &error));
    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
}

static void
test_sign_refusals(void)
{
    Node node, other;
    g_autofree char *fill = g_strnfill(RECORD_SIZE_MAX - 100, 'x');
    g_autofree char *large = g_strdup_printf("{\"text\":\"%s\"}", fill);
    g_autofree char *huge = g_strdup_printf("{\"text\":\"%s%s\"}", fill, fill);

    node_init(&node, 1);
    node_init(&other, 2);
    check_sign_refused(&node.first, "note/1", large, node.signing, CHAMA_ERROR_LIMIT, "R1");
    check_sign_refused(&node.first, "note/1", huge, node.signing, CHAMA_ERROR_LIMIT, "R1");
    check_sign_refused(&node.first, "note/1", "[]", node.signing, CHAMA_ERROR_MALFORMED, "R1");
    check_sign_refused(&node.first, "note/1", "{\"b\":1,\"a\":1}", node.signing, CHAMA_ERROR_MALFORMED, "C8");
    check_sign_refused(&node.first, "note", "{}", node.signing, CHAMA_ERROR_MALFORMED, "R3");
    check_sign_refused(&node.first, "rotation/2", "{}", node.signing, CHAMA_ERROR_UNSUPPORTED, "R3");
    check_sign_refused(&node.first, "note/1", "{\"seq\":1}", node.signing, CHAMA_ERROR_MALFORMED, "R4");
    check_sign_refused(&node.first, "note/1", "{}", other.signing, CHAMA_ERROR_VERIFY, "R8");
    check_sign_refused(&node.first, "inception/1", "{}", node.signing, CHAMA_ERROR_MALFORMED, "R4");
    check_sign_refused(&node.empty, "note/1", "{}", node.signing, CHAMA_ERROR_MALFORMED, "type");
    node_clear(&node);
    node_clear(&other);
}

/* Unknown types are taken as they are. */
static void
test_r3_unknown_types(void)
{
    static const char *const types[] = { "endorse/1", "manifest/999", "a/1", "x-y-9/10" };
    Node node;

    node_init(&node, 1);
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) members = text_bytes("{\"anything\":[1,{\"x\":true}]}");
        g_autoptr(Record) record = record_sign(&node.first, types[i], members, TIME, node.signing, &error);
        g_autoptr(GBytes) entry = NULL;
        g_autoptr(Record) again = NULL;

        g_assert_no_error(error);
        entry = record_entry(record);
        again = record_trust(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &error);
        g_assert_no_error(error);
        g_assert_cmpstr(again->type, ==, types[i]);
    }
    node_clear(&node);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/sign-receive-verify", test_sign_receive_verify);
    g_test_add_func("/record/inception", test_inception);
    g_test_add_func("/record/r1-r3-r4/malformed", test_malformed);
    g_test_add_func("/record/r2/entry", test_r2_entry);
    g_test_add_func("/record/r1-r2/limits", test_r1_r2_limits);
    g_test_add_func("/record/r3/unknown-types", test_r3_unknown_types);
    g_test_add_func("/record/r5-r8/refusals", test_r5_to_r8_refusals);
    g_test_add_func("/record/r5/second-inception", test_r5_second_inception);
    g_test_add_func("/record/r8-r9/signatures", test_r8_r9_signatures);
    g_test_add_func("/record/sign/refusals", test_sign_refusals);
    return g_test_run();
}
