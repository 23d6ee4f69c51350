#include <string.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/sshsig.h"
#include "tests/unit/shell.h"

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

static void
assert_refused(GBytes *blob, const PublicKey *key, const char *name_space, const char *message, ChamaError code, const char *rule)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(sshsig_verify(blob, key, name_space, message, strlen(message), &error));
    g_assert_error(error, CHAMA_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, rule));
}

static void
test_k4_k12_k13_refused(void)
{
    const PublicKey *key = keypair_public(vector.keypair);
    g_autoptr(GBytes) blob = sign("chama-record", "abc");
    g_autoptr(GBytes) git = sshsig_dearmour(vector.wrong_namespace, strlen(vector.wrong_namespace), NULL);
    g_autoptr(Keypair) other = keypair_generate(NULL);

    assert_refused(blob, key, "chama-record", "abd", CHAMA_ERROR_VERIFY, "K4");
    assert_refused(blob, key, "chama-record", "", CHAMA_ERROR_VERIFY, "K4");
    assert_refused(blob, key, "git", "abc", CHAMA_ERROR_VERIFY, "K12");
    assert_refused(blob, key, "", "abc", CHAMA_ERROR_VERIFY, "K12");
    assert_refused(blob, keypair_public(other), "chama-record", "abc", CHAMA_ERROR_VERIFY, "K13");
    assert_refused(git, key, "chama-record", vector.message, CHAMA_ERROR_VERIFY, "K12");
    g_assert_true(sshsig_verify(git, key, "git", vector.message, strlen(vector.message), NULL));
}

/* A blob of the parts that are named, all lengths right. */
typedef struct {
    const char *magic;
    guint8 version;
    const char *key_type;
    gsize key_size;
    const char *reserved;
    const char *hash;
    const char *signature_type;
    gsize signature_size;
    const char *after;
} Parts;

static void
put(GByteArray *out, const void *data, gsize size)
{
    guint32 length = GUINT32_TO_BE((guint32)size);

    g_byte_array_append(out, (const guint8 *)&length, 4);
    g_byte_array_append(out, data, (guint)size);
}

static void
put_typed(GByteArray *out, const char *type, const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) inner = g_byte_array_new();

    put(inner, type, strlen(type));
    put(inner, data, size);
    put(out, inner->data, inner->len);
}

static GBytes *
build(const Parts *parts)
{
    static const guint8 signature[100] = { 1 };
    GByteArray *out = g_byte_array_new();
    guint8 version[4] = { 0, 0, 0, parts->version };
    guint8 key[64] = { 0 };

    memcpy(key, keypair_public(vector.keypair), 32);
    g_byte_array_append(out, (const guint8 *)parts->magic, (guint)strlen(parts->magic));
    g_byte_array_append(out, version, 4);
    put_typed(out, parts->key_type, key, parts->key_size);
    put(out, "chama-record", 12);
    put(out, parts->reserved, strlen(parts->reserved));
    put(out, parts->hash, strlen(parts->hash));
    put_typed(out, parts->signature_type, signature, parts->signature_size);
    g_byte_array_append(out, (const guint8 *)parts->after, (guint)strlen(parts->after));
    return g_byte_array_free_to_bytes(out);
}

static void
test_k7_to_k11_parts(void)
{
    static const struct {
        Parts parts;
        ChamaError code;
        const char *rule;
    } cases[] = {
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_VERIFY, "K4" },
        { { "SSHSIH", 1, "ssh-ed25519", 32, "", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_MALFORMED, "K7" },
        { { "SSHSIG", 2, "ssh-ed25519", 32, "", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K8" },
        { { "SSHSIG", 0, "ssh-ed25519", 32, "", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K8" },
        { { "SSHSIG", 1, "ssh-rsa", 32, "", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K9" },
        { { "SSHSIG", 1, "ssh-ed25519", 31, "", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_MALFORMED, "K9" },
        { { "SSHSIG", 1, "ssh-ed25519", 33, "", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_MALFORMED, "K9" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "sha512", "ssh-ed448", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K9" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "sha512", "ssh-ed25519", 63, "" }, CHAMA_ERROR_MALFORMED, "K9" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "sha512", "ssh-ed25519", 65, "" }, CHAMA_ERROR_MALFORMED, "K9" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "x", "sha512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K10" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "sha1", "ssh-ed25519", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K11" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "SHA512", "ssh-ed25519", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K11" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "", "ssh-ed25519", 64, "" }, CHAMA_ERROR_UNSUPPORTED, "K11" },
        { { "SSHSIG", 1, "ssh-ed25519", 32, "", "sha512", "ssh-ed25519", 64, "x" }, CHAMA_ERROR_MALFORMED, "K7" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) blob = build(&cases[i].parts);

        assert_refused(blob, keypair_public(vector.keypair), "chama-record", "abc", cases[i].code, cases[i].rule);
    }
}

/* Every length in a good blob, made too large or cut: never accepted, never read beyond. */
static void
test_k7_cut_or_stretched(void)
{
    g_autoptr(GBytes) blob = sign("chama-record", "abc");
    g_autoptr(GBytes) large = g_bytes_new_take(g_malloc0(SSHSIG_SIZE_MAX + 1), SSHSIG_SIZE_MAX + 1);
    gsize size = g_bytes_get_size(blob);

    for (gsize i = 0; i < size; i++) {
        /* A copy of its own, so that a sanitizer sees a read past its end. */
        g_autoptr(GBytes) cut = g_bytes_new(g_bytes_get_data(blob, NULL), i);
        g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(blob, NULL), size);
        g_autoptr(GBytes) stretched = NULL;

        g_assert_false(sshsig_verify(cut, keypair_public(vector.keypair), "chama-record", "abc", 3, NULL));
        copy[i] ^= 0xff;
        stretched = g_bytes_new(copy, size);
        g_assert_false(sshsig_verify(stretched, keypair_public(vector.keypair), "chama-record", "abc", 3, NULL));
    }
    assert_refused(large, keypair_public(vector.keypair), "chama-record", "abc", CHAMA_ERROR_LIMIT, "K7");
}

static void
test_k14_armour(void)
{
    g_autofree char *cut = g_strndup(vector.armoured, strlen(vector.armoured) - 1);
    g_autofree char *twice = g_strconcat(vector.armoured, "\n", NULL);
    g_autofree char *before = g_strconcat("\n", vector.armoured, NULL);
    g_autofree char *open_end = g_strndup(vector.armoured, strlen(vector.armoured) - 8);
    g_autofree char *large = g_strnfill(2 * SSHSIG_SIZE_MAX + 1, 'A');
    const struct {
        const char *text;
        int code; /* -1: good */
    } cases[] = {
        { vector.armoured, -1 },
        { cut, -1 }, /* as git keeps it */
        { "", CHAMA_ERROR_MALFORMED },
        { twice, CHAMA_ERROR_MALFORMED },
        { before, CHAMA_ERROR_MALFORMED },
        { open_end, CHAMA_ERROR_MALFORMED },
        { "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----", -1 },
        { "-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----\n", CHAMA_ERROR_MALFORMED },
        { "-----BEGIN SSH SIGNATURE----------END SSH SIGNATURE-----\n", CHAMA_ERROR_MALFORMED },
        { "-----BEGIN SSH SIGNATURE-----\nU1NI\nU0lH\n-----END SSH SIGNATURE-----\n", CHAMA_ERROR_MALFORMED },
        { "-----BEGIN SSH SIGNATURE-----\nU1NI U0lH\n-----END SSH SIGNATURE-----\n", CHAMA_ERROR_MALFORMED },
        { "-----BEGIN SSH SIGNATURE-----\r\nU1NI\r\n-----END SSH SIGNATURE-----\r\n", CHAMA_ERROR_MALFORMED },
        { "-----BEGIN PGP SIGNATURE-----\nU1NI\n-----END PGP SIGNATURE-----\n", CHAMA_ERROR_MALFORMED },
        { large, CHAMA_ERROR_LIMIT },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) blob = sshsig_dearmour(cases[i].text, strlen(cases[i].text), &error);

        if (cases[i].code < 0)
            g_assert_no_error(error);
        else
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_true((blob != NULL) == (cases[i].code < 0));
    }
}

typedef struct {
    char *folder;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("chama-sshsig-XXXXXX", NULL);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    g_assert_cmpint(shell_run("rm -r %s", f->folder), ==, 0);
    g_free(f->folder);
}

static void
keep(const Fixture *f, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);

    g_assert_true(durable_write(path, text, strlen(text), 0600, NULL));
}

static GBytes *
load(const Fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    g_autoptr(GError) error = NULL;
    GBytes *bytes = durable_read(path, 100000, &error);

    g_assert_no_error(error);
    return bytes;
}

static int
ssh_keygen_verifies(const Fixture *f, const char *name_space)
{
    return shell_run("cd %s && ssh-keygen -Y verify -f allowed -I node-a -n %s -s message.sig <message", f->folder, name_space) == 0;
}

static void
test_ssh_keygen_verifies_ours(Fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) blob = sign("chama-record", vector.message);
    g_autofree char *text = sshsig_armour(blob);
    g_autofree char *longer = g_strconcat(vector.message, " ", NULL);

    keep(f, "allowed", vector.allowed_signers);
    keep(f, "message", vector.message);
    keep(f, "message.sig", text);
    g_assert_true(ssh_keygen_verifies(f, "chama-record"));
    g_assert_false(ssh_keygen_verifies(f, "git"));
    keep(f, "message", longer);
    g_assert_false(ssh_keygen_verifies(f, "chama-record"));
    keep(f, "message", vector.message);
    keep(f, "message.sig", vector.wrong_namespace);
    g_assert_false(ssh_keygen_verifies(f, "chama-record"));
}

/* The seed of an unencrypted OpenSSH key file: its secret key is the seed and then, for the last time in the file, the public key. */
static Keypair *
keypair_of_openssh(const Fixture *f)
{
    g_autofree char *text = shell_output("grep -v -- ----- %s/id | tr -d '\\n'", f->folder);
    g_autofree char *public_text = shell_output("cut -d ' ' -f 2 %s/id.pub", f->folder);
    gsize size, public_size;
    g_autofree guint8 *file = g_base64_decode(text, &size);
    g_autofree guint8 *public = g_base64_decode(public_text, &public_size);
    const guint8 *key = public + public_size - 32, *at = NULL;
    Keypair *keypair;

    for (gsize i = 32; i + 32 <= size; i++) {
        if (memcmp(file + i, key, 32) == 0)
            at = file + i;
    }
    g_assert_nonnull(at);
    keypair = keypair_from_seed(at - 32, NULL);
    g_assert_cmpmem(keypair_public(keypair), 32, key, 32);
    return keypair;
}

static void
test_ours_verifies_ssh_keygen(Fixture *f, gconstpointer data)
{
    const char *const hashes[] = { "sha512", "sha256" };
    g_autoptr(Keypair) keypair = NULL;

    g_assert_cmpint(shell_run("ssh-keygen -q -t ed25519 -N '' -C '' -f %s/id", f->folder), ==, 0);
    keypair = keypair_of_openssh(f);
    keep(f, "message", vector.message);
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        g_autoptr(GBytes) text = NULL;
        g_autoptr(GBytes) blob = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(shell_run("cd %s && rm -f message.sig && ssh-keygen -q -Y sign -f id -n chama-record -O hashalg=%s message",
                                  f->folder, hashes[i]), ==, 0);
        text = load(f, "message.sig");
        blob = sshsig_dearmour(g_bytes_get_data(text, NULL), g_bytes_get_size(text), &error);
        g_assert_no_error(error);
        sshsig_verify(blob, keypair_public(keypair), "chama-record", vector.message, strlen(vector.message), &error);
        g_assert_no_error(error);
        assert_refused(blob, keypair_public(keypair), "git", vector.message, CHAMA_ERROR_VERIFY, "K12");
        assert_refused(blob, keypair_public(keypair), "chama-record", "other", CHAMA_ERROR_VERIFY, "K4");
        assert_refused(blob, keypair_public(vector.keypair), "chama-record", vector.message, CHAMA_ERROR_VERIFY, "K13");
    }
}

/* Ed25519 is deterministic: with one key and one hash there is one signature. */
static void
test_byte_identical_to_ssh_keygen(Fixture *f, gconstpointer data)
{
    const char *const messages[] = { "", "a", vector.message };
    g_autoptr(Keypair) keypair = NULL;

    g_assert_cmpint(shell_run("ssh-keygen -q -t ed25519 -N '' -C '' -f %s/id", f->folder), ==, 0);
    keypair = keypair_of_openssh(f);
    for (gsize i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autoptr(GBytes) theirs = NULL;
        g_autoptr(GBytes) blob = sshsig_sign(keypair, "git", messages[i], strlen(messages[i]), NULL);
        g_autofree char *ours = sshsig_armour(blob);

        keep(f, "message", messages[i]);
        g_assert_cmpint(shell_run("cd %s && rm -f message.sig && ssh-keygen -q -Y sign -f id -n git message", f->folder), ==, 0);
        theirs = load(f, "message.sig");
        g_assert_cmpmem(ours, strlen(ours), g_bytes_get_data(theirs, NULL), g_bytes_get_size(theirs));
    }
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    load_vector();
    g_test_add_func("/sshsig/vector/byte-identical", test_vector_is_byte_identical);
    g_test_add_func("/sshsig/vector/verifies", test_vector_verifies);
    g_test_add_func("/sshsig/k4-k12-k13-refused", test_k4_k12_k13_refused);
    g_test_add_func("/sshsig/k7-to-k11-parts", test_k7_to_k11_parts);
    g_test_add_func("/sshsig/k7-cut-or-stretched", test_k7_cut_or_stretched);
    g_test_add_func("/sshsig/k14-armour", test_k14_armour);
    g_test_add("/sshsig/ssh-keygen-verifies-ours", Fixture, NULL, setup, test_ssh_keygen_verifies_ours, teardown);
    g_test_add("/sshsig/ours-verifies-ssh-keygen", Fixture, NULL, setup, test_ours_verifies_ssh_keygen, teardown);
    g_test_add("/sshsig/byte-identical-to-ssh-keygen", Fixture, NULL, setup, test_byte_identical_to_ssh_keygen, teardown);
    status = g_test_run();
    keypair_free(vector.keypair);
    json_decref(vector.root);
    return status;
}
