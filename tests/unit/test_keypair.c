#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>
#include <sodium.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/keypair.h"
#include "tests/unit/shell.h"

/* RFC 8032, section 7.1, tests 1 and 2. */
static const struct {
    guint8 seed[32];
    const char *text;
    const char *message;
    guint8 signature[ED25519_SIGNATURE_SIZE];
} rfc8032[] = {
    { { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
        0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 },
      "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
      "",
      { 0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82, 0x8a,
        0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55,
        0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b,
        0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b } },
    { { 0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
        0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb },
      "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
      "\x72",
      { 0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
        0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
        0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
        0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00 } },
};

typedef struct {
    char *folder;
    char *path;
    Keypair *keypair;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    f->folder = g_dir_make_tmp("chama-keypair-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "signing.key", NULL);
    f->keypair = keypair_generate(&error);
    g_assert_no_error(error);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->path);
    g_free(f->folder);
    keypair_free(f->keypair);
}

static void
test_k4_rfc8032(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rfc8032); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Keypair) keypair = keypair_from_seed(rfc8032[i].seed, &error);
        gsize size = strlen(rfc8032[i].message);
        guint8 signature[ED25519_SIGNATURE_SIZE];
        char text[PUBLIC_KEY_TEXT_SIZE];
        PublicKey key;

        g_assert_no_error(error);
        g_assert_cmpstr(public_key_format(keypair_public(keypair), text), ==, rfc8032[i].text);
        g_assert_true(keypair_sign(keypair, rfc8032[i].message, size, signature, &error));
        g_assert_cmpmem(signature, sizeof signature, rfc8032[i].signature, sizeof signature);
        g_assert_true(public_key_parse(text, &key, &error));
        g_assert_true(public_key_verify(&key, rfc8032[i].message, size, signature, &error));
        g_assert_no_error(error);
    }
}

/* Adds the order of the group to the second half of a signature: the same point, another spelling. */
static void
add_order(guint8 signature[ED25519_SIGNATURE_SIZE])
{
    static const guint8 order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10 };
    guint carry = 0;

    for (gsize i = 0; i < 32; i++) {
        carry += (guint)signature[32 + i] + order[i];
        signature[32 + i] = (guint8)carry;
        carry >>= 8;
    }
}

static void
test_k4_refused_signatures(Fixture *f, gconstpointer data)
{
    g_autoptr(Keypair) other = keypair_generate(NULL);
    guint8 good[ED25519_SIGNATURE_SIZE], bad[ED25519_SIGNATURE_SIZE];
    const gsize places[] = { 0, 31, 32, 63 };
    g_autoptr(GError) message = NULL;
    g_autoptr(GError) key = NULL;
    g_autoptr(GError) spelling = NULL;

    g_assert_true(keypair_sign(f->keypair, "abc", 3, good, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GError) error = NULL;

        memcpy(bad, good, sizeof bad);
        bad[places[i]] ^= 1;
        g_assert_false(public_key_verify(keypair_public(f->keypair), "abc", 3, bad, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    }
    g_assert_false(public_key_verify(keypair_public(f->keypair), "abd", 3, good, &message));
    g_assert_error(message, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_assert_false(public_key_verify(keypair_public(other), "abc", 3, good, &key));
    g_assert_error(key, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    add_order(good);
    g_assert_false(public_key_verify(keypair_public(f->keypair), "abc", 3, good, &spelling));
    g_assert_error(spelling, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
}

/* A signature by a key of low order holds for every message: no verifier of ours is asked, the key is refused. */
static void
test_k3_odd_keys(void)
{
    /* y and, in the last bit, the sign of x: points of order 1, 2, 4, 8, then spellings of y beyond p, then one off the curve. */
    static const char *const keys[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GError) error = NULL;
        char text[PUBLIC_KEY_TEXT_SIZE];
        PublicKey key, parsed;

        g_assert_cmpint(sodium_hex2bin(key.bytes, sizeof key.bytes, keys[i], 64, NULL, NULL, NULL), ==, 0);
        g_assert_false(public_key_parse(public_key_format(&key, text), &parsed, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_nonnull(strstr(error->message, "K3"));
    }
}

/* A good key plus a point of order 8: verifiers that multiply by the cofactor and those that do not would disagree. */
static void
test_k3_mixed_order(Fixture *f, gconstpointer data)
{
    PublicKey torsion, mixed;
    g_autoptr(GError) error = NULL;

    sodium_hex2bin(torsion.bytes, sizeof torsion.bytes, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", 64, NULL, NULL, NULL);
    g_assert_cmpint(crypto_core_ed25519_add(mixed.bytes, keypair_public(f->keypair)->bytes, torsion.bytes), ==, 0);
    g_assert_true(public_key_check(keypair_public(f->keypair), NULL));
    g_assert_false(public_key_check(&mixed, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static void
test_k1_k2_parse(void)
{
    static const struct {
        const char *text;
        ChamaError code;
    } cases[] = {
        { "", CHAMA_ERROR_MALFORMED },
        { "ed25519", CHAMA_ERROR_MALFORMED },
        { "ed25519:", CHAMA_ERROR_MALFORMED },
        { "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", CHAMA_ERROR_MALFORMED },
        { "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", CHAMA_ERROR_MALFORMED },
        { "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=", CHAMA_ERROR_MALFORMED },
        { "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==", CHAMA_ERROR_MALFORMED },
        { "ed25519: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", CHAMA_ERROR_MALFORMED },
        { "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n", CHAMA_ERROR_MALFORMED },
        { "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoAAAAA", CHAMA_ERROR_LIMIT },
        { "Ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", CHAMA_ERROR_UNSUPPORTED },
        { "sm2:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", CHAMA_ERROR_UNSUPPORTED },
        { "ml-dsa-44:AAAA", CHAMA_ERROR_UNSUPPORTED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        PublicKey key = { { 1 } }, before = key;

        g_assert_false(public_key_parse(cases[i].text, &key, &error));
        g_assert_error(error, CHAMA_ERROR, (gint)cases[i].code);
        g_assert_cmpmem(&key, sizeof key, &before, sizeof before);
    }
}

/* The key that was loaded is the one that was saved: it signs the same. */
static void
assert_same(const Keypair *a, const Keypair *b)
{
    guint8 left[ED25519_SIGNATURE_SIZE], right[ED25519_SIGNATURE_SIZE];

    g_assert_cmpmem(keypair_public(a), sizeof(PublicKey), keypair_public(b), sizeof(PublicKey));
    g_assert_true(keypair_sign(a, "x", 1, left, NULL));
    g_assert_true(keypair_sign(b, "x", 1, right, NULL));
    g_assert_cmpmem(left, sizeof left, right, sizeof right);
}

static void
test_k5_plain_file(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Keypair) loaded = NULL;
    g_autoptr(Keypair) needless = NULL;
    struct stat status;

    g_assert_true(keypair_save(f->keypair, f->path, NULL, &error));
    g_assert_no_error(error);
    g_assert_cmpint(g_stat(f->path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0600);
    g_assert_false(keypair_file_is_encrypted(f->path));
    loaded = keypair_load(f->path, NULL, &error);
    g_assert_no_error(error);
    assert_same(f->keypair, loaded);
    needless = keypair_load(f->path, "needless", &error);
    g_assert_no_error(error);
    g_assert_false(keypair_save(f->keypair, f->path, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
}

static void
test_k6_encrypted_file(Fixture *f, gconstpointer data)
{
    const char *const wrong[] = { NULL, "", "Geheim", "geheim " };
    g_autoptr(GError) error = NULL;
    g_autoptr(Keypair) loaded = NULL;

    g_assert_true(keypair_save(f->keypair, f->path, "geheim", &error));
    g_assert_no_error(error);
    g_assert_true(keypair_file_is_encrypted(f->path));
    loaded = keypair_load(f->path, "geheim", &error);
    g_assert_no_error(error);
    assert_same(f->keypair, loaded);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) refused = NULL;

        g_assert_null(keypair_load(f->path, wrong[i], &refused));
        g_assert_error(refused, CHAMA_ERROR, CHAMA_ERROR_DENIED);
    }
}

/* OpenSSL prints the public key as hex over several lines: compare what both derive, in DER. */
static void
assert_openssl_reads(const Fixture *f, const char *passphrase)
{
    g_autofree char *theirs = shell_output("openssl pkey -in %s -passin pass:%s -pubout -outform DER | tail -c 32 | base64", f->path, passphrase);
    g_autofree char *expected = g_strconcat("ed25519:", theirs, NULL);
    char text[PUBLIC_KEY_TEXT_SIZE];

    g_assert_cmpstr(public_key_format(keypair_public(f->keypair), text), ==, expected);
}

static void
test_k5_k6_openssl_reads_ours(Fixture *f, gconstpointer data)
{
    g_autofree char *structure = NULL;

    g_assert_true(keypair_save(f->keypair, f->path, NULL, NULL));
    assert_openssl_reads(f, "");
    g_unlink(f->path);
    g_assert_true(keypair_save(f->keypair, f->path, "geheim", NULL));
    assert_openssl_reads(f, "geheim");
    structure = shell_output("openssl asn1parse -in %s", f->path);
    g_assert_nonnull(strstr(structure, "PBES2"));
    g_assert_nonnull(strstr(structure, "aes-256-cbc"));
    g_assert_cmpint(shell_run("openssl pkey -in %s -passin pass:wrong -noout", f->path), !=, 0);
}

static void
test_k5_k6_ours_reads_openssl(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Keypair) plain = NULL;
    g_autoptr(Keypair) encrypted = NULL;

    g_assert_cmpint(shell_run("openssl genpkey -algorithm ed25519 -out %s", f->path), ==, 0);
    plain = keypair_load(f->path, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(shell_run("openssl genpkey -algorithm ed25519 -aes-256-cbc -pass pass:geheim -out %s", f->path), ==, 0);
    encrypted = keypair_load(f->path, "geheim", &error);
    g_assert_no_error(error);
}

static void
test_k5_other_algorithms(Fixture *f, gconstpointer data)
{
    const char *const algorithms[] = { "ed448", "EC -pkeyopt ec_paramgen_curve:P-256" };

    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(shell_run("openssl genpkey -algorithm %s -out %s", algorithms[i], f->path), ==, 0);
        g_assert_null(keypair_load(f->path, NULL, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    }
}

static void
test_k5_bad_files(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *text;
        ChamaError code;
    } cases[] = {
        { "", CHAMA_ERROR_MALFORMED },
        { "not a key", CHAMA_ERROR_MALFORMED },
        { "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n", CHAMA_ERROR_MALFORMED },
        { "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END ENCRYPTED PRIVATE KEY-----\n", CHAMA_ERROR_DENIED },
    };
    g_autofree char *large = g_strnfill(8193, '\n');
    g_autoptr(GError) too_large = NULL;
    g_autoptr(GError) none = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_true(durable_write(f->path, cases[i].text, strlen(cases[i].text), 0600, NULL));
        g_assert_null(keypair_load(f->path, "geheim", &error));
        g_assert_error(error, CHAMA_ERROR, (gint)cases[i].code);
    }
    g_assert_true(durable_write(f->path, large, 8193, 0600, NULL));
    g_assert_null(keypair_load(f->path, NULL, &too_large));
    g_assert_error(too_large, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_unlink(f->path);
    g_assert_null(keypair_load(f->path, NULL, &none));
    g_assert_error(none, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(keypair_file_is_encrypted(f->path));
}

static gpointer
sign_many(gpointer data)
{
    guint wrong = 0;

    for (int i = 0; i < 500; i++) {
        guint8 signature[ED25519_SIGNATURE_SIZE];

        wrong += !keypair_sign(data, rfc8032[1].message, 1, signature, NULL) || memcmp(signature, rfc8032[1].signature, sizeof signature) != 0;
    }
    return GUINT_TO_POINTER(wrong);
}

static void
test_threads(void)
{
    g_autoptr(Keypair) keypair = keypair_from_seed(rfc8032[1].seed, NULL);
    GThread *threads[4];

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("sign", sign_many, keypair);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), ==, 0);
}

static void
test_openssh_form(Fixture *f, gconstpointer data)
{
    g_autoptr(Keypair) known = keypair_from_seed(rfc8032[0].seed, NULL);
    g_autofree char *text = public_key_format_openssh(keypair_public(known));

    g_assert_cmpstr(text, ==, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
}

#define ADD(name, function) g_test_add("/keypair/" name, Fixture, NULL, setup, function, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keypair/k4-rfc8032", test_k4_rfc8032);
    ADD("k4-refused-signatures", test_k4_refused_signatures);
    g_test_add_func("/keypair/k3-odd-keys", test_k3_odd_keys);
    ADD("k3-mixed-order", test_k3_mixed_order);
    g_test_add_func("/keypair/k1-k2-parse", test_k1_k2_parse);
    ADD("k5-plain-file", test_k5_plain_file);
    ADD("k6-encrypted-file", test_k6_encrypted_file);
    ADD("k5-k6-openssl-reads-ours", test_k5_k6_openssl_reads_ours);
    ADD("k5-k6-ours-reads-openssl", test_k5_k6_ours_reads_openssl);
    ADD("k5-other-algorithms", test_k5_other_algorithms);
    ADD("k5-bad-files", test_k5_bad_files);
    g_test_add_func("/keypair/threads", test_threads);
    ADD("openssh-form", test_openssh_form);
    return g_test_run();
}
