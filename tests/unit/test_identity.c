#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/identity.h"

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
test_inception_round_trip(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Keypair) signing = keypair_generate(&error);
    g_autoptr(Keypair) log = keypair_generate(&error);
    g_autoptr(Keypair) next = keypair_generate(&error);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(Identity) identity = NULL;
    guint8 encryption[ENCRYPTION_KEY_SIZE] = { 9 };
    char id[NODE_ID_SIZE];
    Digest commitment, digest, back;

    g_assert_no_error(error);
    commitment_of(keypair_public(next), &commitment);
    bytes = inception_format(keypair_public(signing), keypair_public(log), encryption, &commitment, 1777622400, &error);
    g_assert_no_error(error);
    identity = identity_parse_inception(bytes, &error);
    g_assert_no_error(error);
    digest_of_bytes(bytes, &digest);
    g_assert_cmpstr(identity->id, ==, node_id_format(&digest, id));
    g_assert_true(node_id_parse(id, &back, &error));
    g_assert_true(digest_equal(&digest, &back));
    g_assert_cmpmem(&identity->signing, 32, keypair_public(signing), 32);
    g_assert_cmpmem(&identity->log, 32, keypair_public(log), 32);
    g_assert_true(digest_equal(&identity->next, &commitment));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/n4-fingerprint/vector", test_n4_fingerprint_vector);
    g_test_add_func("/identity/inception/round-trip", test_inception_round_trip);
    return g_test_run();
}
