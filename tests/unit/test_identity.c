#include <string.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/history.h"
#include "keys/identity.h"
#include "keys/sshsig.h"
#include "tests/unit/shell.h"

/* The example of keys/IDENTITY.md, part 4: the keys of RFC 8032's tests 1 to 3, and RFC 7748's Bob. */
#define ENCRYPTION "x25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
#define LOG "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define SIGNING "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define NEXT_KEY "ed25519:/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU="
#define NEXT "sha256:a8898d5be3e99725aeb1252a5276a41f66d6f2e19b8d41b53b1225a35801b457"
#define INCEPTION(encryption, log, next, seq, signing, time, type)                                                     \
    "{\"encryption\":" encryption ",\"log\":" log ",\"next\":" next ",\"seq\":" seq ",\"signing\":" signing ",\"time\":" time ",\"type\":" type "}"
#define GOOD INCEPTION("\"" ENCRYPTION "\"", "\"" LOG "\"", "\"" NEXT "\"", "0", "\"" SIGNING "\"", "\"2026-05-01T08:00:00Z\"", "\"inception/1\"")
#define GOOD_ID "63tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyaxq"
#define GOOD_FINGERPRINT "19430 12468 54786 07193 15683 66212 55201 75151"

static Identity *
parse(const char *text, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));

    return identity_parse_inception(bytes, error);
}

static void
test_n4_fingerprint_vector(void)
{
    g_autoptr(json_t) vectors = json_load_file("tests/vectors.json", 0, NULL);
    const json_t *spoken = json_object_get(vectors, "spoken_fingerprint");
    g_autoptr(GError) error = NULL;
    char text[FINGERPRINT_SIZE];
    Digest digest;

    g_assert_true(member_digest(spoken, "vector", "of", &digest, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(fingerprint_format(&digest, text), ==, json_string_value(json_object_get(spoken, "digits")));
}

static void
test_n4_fingerprint_bounds(void)
{
    /* 2^256-1 modulo 10^40, and numbers that are almost all leading zeros. */
    static const struct {
        guint8 first, last;
        guint8 fill;
        const char *expected;
    } cases[] = {
        { 0, 0, 0, "00000 00000 00000 00000 00000 00000 00000 00000" },
        { 0, 7, 0, "00000 00000 00000 00000 00000 00000 00000 00007" },
        { 0xff, 0xff, 0xff, "32699 84665 64056 40394 57584 00791 31296 39935" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[FINGERPRINT_SIZE];
        Digest digest;

        memset(digest.bytes, cases[i].fill, DIGEST_SIZE);
        digest.bytes[0] = cases[i].first;
        digest.bytes[DIGEST_SIZE - 1] = cases[i].last;
        g_assert_cmpstr(fingerprint_format(&digest, text), ==, cases[i].expected);
    }
}

static void
test_n1_node_id(void)
{
    static const char *const refused[] = {
        "",
        "63tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyax",   /* 51 */
        "63tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyaxqa", /* 53 */
        "63tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyaxr",  /* unused bits set */
        "63TUTSL5UJTLUZXQOUPSOYALHOKIOK2WEVJV7IB5NCRHDCLQYAXQ",
        "13tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyaxq",
        "63tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqya/q",
        "../tsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyaxqa",
    };
    g_autoptr(GError) none = NULL;
    char id[NODE_ID_SIZE];
    Digest digest;

    g_assert_true(node_id_valid(GOOD_ID));
    g_assert_true(node_id_parse(GOOD_ID, &digest, &none));
    g_assert_cmpstr(node_id_format(&digest, id), ==, GOOD_ID);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(node_id_valid(refused[i]));
        g_assert_false(node_id_parse(refused[i], &digest, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_n1_every_bit_round_trips(void)
{
    for (guint bit = 0; bit < 256; bit++) {
        Digest digest = { { 0 } }, back;
        char id[NODE_ID_SIZE];

        digest.bytes[bit / 8] = (guint8)(1 << bit % 8);
        g_assert_true(node_id_parse(node_id_format(&digest, id), &back, NULL));
        g_assert_true(digest_equal(&digest, &back));
    }
}

static void
test_example(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Identity) identity = parse(GOOD, &error);
    g_autoptr(Identity) copy = NULL;
    g_autoptr(GBytes) again = NULL;
    char text[PUBLIC_KEY_TEXT_SIZE], spoken[FINGERPRINT_SIZE];
    PublicKey next;
    Digest digest;

    g_assert_no_error(error);
    g_assert_cmpstr(identity->id, ==, GOOD_ID);
    g_assert_cmpstr(public_key_format(&identity->signing, text), ==, SIGNING);
    g_assert_cmpstr(public_key_format(&identity->log, text), ==, LOG);
    g_assert_true(node_id_parse(identity->id, &digest, &error));
    g_assert_cmpstr(fingerprint_format(&digest, spoken), ==, GOOD_FINGERPRINT);
    g_assert_true(public_key_parse(NEXT_KEY, &next, &error));
    commitment_of(&next, &digest);
    g_assert_true(digest_equal(&digest, &identity->next));
    copy = identity_copy(identity);
    again = inception_format(&copy->signing, &copy->log, copy->encryption, &copy->next, 1777622400, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(again, NULL), g_bytes_get_size(again), GOOD, strlen(GOOD));
}

/* One case: the good one with a member changed. */
#define Q(text) "\"" text "\""
#define E Q(ENCRYPTION)
#define L Q(LOG)
#define N Q(NEXT)
#define S Q(SIGNING)
#define T Q("2026-05-01T08:00:00Z")
#define Y Q("inception/1")
static void
test_n2_refused(void)
{
    static const struct {
        const char *text;
        ChamaError code;
    } cases[] = {
        { "", CHAMA_ERROR_MALFORMED },
        { "{}", CHAMA_ERROR_MALFORMED },
        { "[]", CHAMA_ERROR_MALFORMED },
        { GOOD "\n", CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, N, "0", S, T, Q("inception/2")), CHAMA_ERROR_UNSUPPORTED },
        { INCEPTION(E, L, N, "0", S, T, Q("manifest/1")), CHAMA_ERROR_UNSUPPORTED },
        { INCEPTION(E, L, N, "1", S, T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, N, "-1", S, T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, N, Q("0"), S, T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, N, "0", S, Q("2026-05-01"), Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, N, "0", S, "1777622400", Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, N, "0", "5", T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, N, "0", Q("sm2:AAAA"), T, Y), CHAMA_ERROR_UNSUPPORTED },
        { INCEPTION(E, L, N, "0", Q("ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, Q("ed25519:7f///////////////////////////////////////38="), N, "0", S, T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E, L, Q("sm3:00"), "0", S, T, Y), CHAMA_ERROR_UNSUPPORTED },
        { INCEPTION(E, L, Q("sha256:00"), "0", S, T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(Q("x448:AAAA"), L, N, "0", S, T, Y), CHAMA_ERROR_UNSUPPORTED },
        { INCEPTION(Q("x25519:AAAA"), L, N, "0", S, T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(Q("x25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08"), L, N, "0", S, T, Y), CHAMA_ERROR_MALFORMED },
        { INCEPTION(Q("x25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=A"), L, N, "0", S, T, Y), CHAMA_ERROR_LIMIT },
        { INCEPTION(E, L, N, "0", S, T, Y ",\"zone\":\"x\""), CHAMA_ERROR_MALFORMED },
        { INCEPTION(E ",\"node\":\"" GOOD_ID "\"", L, N, "0", S, T, Y), CHAMA_ERROR_MALFORMED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Identity) identity = parse(cases[i].text, &error);

        g_assert_null(identity);
        g_assert_error(error, CHAMA_ERROR, (gint)cases[i].code);
    }
}

static void
test_n2_too_large(void)
{
    g_autofree char *padding = g_strnfill(1024, 'x');
    g_autofree char *text = g_strdup_printf("{\"a\":\"%s\"}", padding);
    g_autoptr(GError) error = NULL;

    g_assert_null(parse(text, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

/* Each member, left out. */
static void
test_n2_missing_members(void)
{
    g_autoptr(json_t) whole = json_loads(GOOD, 0, NULL);
    const char *name;
    json_t *value;

    json_object_foreach(whole, name, value) {
        g_autoptr(json_t) without = json_copy(whole);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = NULL;

        json_object_del(without, name);
        bytes = canonical_format(without, NULL);
        g_assert_null(identity_parse_inception(bytes, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_nonnull(strstr(error->message, name));
    }
}

static void
test_n3_commitment_to_the_key_in_use(void)
{
    g_autoptr(Identity) good = parse(GOOD, NULL);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    Digest commitment;

    commitment_of(&good->signing, &commitment);
    bytes = inception_format(&good->signing, &good->log, good->encryption, &commitment, 0, NULL);
    g_assert_null(identity_parse_inception(bytes, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_nonnull(strstr(error->message, "N3"));
}

static void
keep(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(durable_write(path, text, strlen(text), 0600, NULL));
}

static void
test_n5_allowed_signer(void)
{
    const char *const namespaces[] = { SSHSIG_NAMESPACE_RECORD, SSHSIG_NAMESPACE_GIT, "file" };
    g_autofree char *folder = g_dir_make_tmp("chama-identity-XXXXXX", NULL);
    g_autoptr(Keypair) keypair = keypair_generate(NULL);
    g_autoptr(Identity) identity = parse(GOOD, NULL);
    g_autofree char *line = NULL;

    identity->signing = *keypair_public(keypair);
    line = identity_allowed_signers(identity);
    keep(folder, "allowed", line);
    keep(folder, "message", "abc");
    for (gsize i = 0; i < G_N_ELEMENTS(namespaces); i++) {
        g_autoptr(GBytes) blob = sshsig_sign(keypair, namespaces[i], "abc", 3, NULL);
        g_autofree char *armour = sshsig_armour(blob);
        int status;

        keep(folder, "sig", armour);
        status = shell_run("cd %s && ssh-keygen -Y verify -f allowed -I %s -n %s -s sig <message", folder, identity->id, namespaces[i]);
        g_assert_true((status == 0) == (i < 2));
    }
    g_assert_cmpint(shell_run("rm -r %s", folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/n4-fingerprint/vector", test_n4_fingerprint_vector);
    g_test_add_func("/identity/n4-fingerprint/bounds", test_n4_fingerprint_bounds);
    g_test_add_func("/identity/n1-node-id", test_n1_node_id);
    g_test_add_func("/identity/n1-every-bit-round-trips", test_n1_every_bit_round_trips);
    g_test_add_func("/identity/example", test_example);
    g_test_add_func("/identity/n2-refused", test_n2_refused);
    g_test_add_func("/identity/n2-too-large", test_n2_too_large);
    g_test_add_func("/identity/n2-missing-members", test_n2_missing_members);
    g_test_add_func("/identity/n3-commitment-to-the-key-in-use", test_n3_commitment_to_the_key_in_use);
    g_test_add_func("/identity/n5-allowed-signer", test_n5_allowed_signer);
    return g_test_run();
}
