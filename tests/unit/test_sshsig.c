#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/sshsig.h"

/* RFC 8032, section 7.1, test 1. */
static const guint8 seed[32] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                                 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };

typedef struct {
    json_t *root;
    const char *message;
    const char *armoured;
    const char *wrong_namespace;
    const char *allowed_signers;
    Keypair *keypair;
} Vector;

static Vector vector;

static void
load_vector(void)
{
    const json_t *sshsig;

    vector.root = json_load_file("tests/vectors.json", 0, NULL);
    g_assert_nonnull(vector.root);
    sshsig = json_object_get(vector.root, "sshsig");
    vector.message = json_string_value(json_object_get(sshsig, "message_jcs"));
    vector.armoured = json_string_value(json_object_get(sshsig, "armored"));
    vector.wrong_namespace = json_string_value(json_object_get(sshsig, "wrong_namespace"));
    vector.allowed_signers = json_string_value(json_object_get(sshsig, "allowed_signers"));
    vector.keypair = keypair_from_seed(seed, NULL);
    g_assert_nonnull(vector.keypair);
}

static GBytes *
sign(const char *name_space, const char *message)
{
    g_autoptr(GError) error = NULL;
    GBytes *blob = sshsig_sign(vector.keypair, name_space, message, strlen(message), &error);

    g_assert_no_error(error);
    return blob;
}

static void
test_vector_is_byte_identical(void)
{
    g_autoptr(GBytes) blob = sign("chama-record", vector.message);
    g_autoptr(GBytes) git = sign("git", vector.message);
    g_autofree char *text = sshsig_armour(blob);
    g_autofree char *other = sshsig_armour(git);

    g_assert_cmpstr(text, ==, vector.armoured);
    g_assert_cmpstr(other, ==, vector.wrong_namespace);
}

static void
test_vector_verifies(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) blob = sshsig_dearmour(vector.armoured, strlen(vector.armoured), &error);

    g_assert_no_error(error);
    g_assert_true(sshsig_verify(blob, keypair_public(vector.keypair), "chama-record", vector.message, strlen(vector.message), &error));
    g_assert_no_error(error);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    load_vector();
    g_test_add_func("/sshsig/vector/byte-identical", test_vector_is_byte_identical);
    g_test_add_func("/sshsig/vector/verifies", test_vector_verifies);
    status = g_test_run();
    keypair_free(vector.keypair);
    json_decref(vector.root);
    return status;
}
