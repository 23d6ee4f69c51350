#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/seal.h"

typedef struct {
    char *folder;
    char *plain;      /* a key file without a passphrase */
    char *encrypted;  /* one under "geheim" */
    guint8 plain_key[ENCRYPTION_KEY_SIZE];
    guint8 encrypted_key[ENCRYPTION_KEY_SIZE];
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    f->folder = g_dir_make_tmp("chama-seal-XXXXXX", NULL);
    f->plain = g_build_filename(f->folder, "plain.key", NULL);
    f->encrypted = g_build_filename(f->folder, "encrypted.key", NULL);
    g_assert_true(encryption_key_generate(f->plain, NULL, f->plain_key, &error));
    g_assert_no_error(error);
    g_assert_true(encryption_key_generate(f->encrypted, "geheim", f->encrypted_key, &error));
    g_assert_no_error(error);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    g_unlink(f->plain);
    g_unlink(f->encrypted);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->plain);
    g_free(f->encrypted);
    g_free(f->folder);
}

static GBytes *
seal(const guint8 key[ENCRYPTION_KEY_SIZE], const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) plain = g_bytes_new(text, strlen(text));
    GBytes *sealed = seal_encrypt(key, plain, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(sealed), ==, strlen(text) + 48);
    return sealed;
}

static void
assert_opens(const char *path, const char *passphrase, GBytes *sealed, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) opened = seal_decrypt(path, passphrase, sealed, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(opened, NULL), g_bytes_get_size(opened), expected, strlen(expected));
}

static void
assert_refused(const char *path, const char *passphrase, GBytes *sealed, ChamaError code)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_decrypt(path, passphrase, sealed, &error));
    g_assert_error(error, CHAMA_ERROR, (gint)code);
}

static void
test_round_trip(Fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) to_plain = seal(f->plain_key, "a grant");
    g_autoptr(GBytes) to_encrypted = seal(f->encrypted_key, "another");
    g_autoptr(GBytes) empty = seal(f->plain_key, "");

    assert_opens(f->plain, NULL, to_plain, "a grant");
    assert_opens(f->encrypted, "geheim", to_encrypted, "another");
    assert_opens(f->plain, NULL, empty, "");
}

static void
test_se6_wrong_key_or_altered(Fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) sealed = seal(f->encrypted_key, "a grant");
    g_autoptr(GBytes) short_one = g_bytes_new_from_bytes(sealed, 0, 47);
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(sealed, 0, g_bytes_get_size(sealed) - 1);
    const gsize places[] = { 0, 31, 32, 47, 54 };

    assert_refused(f->plain, NULL, sealed, CHAMA_ERROR_VERIFY);
    assert_refused(f->encrypted, "geheim", short_one, CHAMA_ERROR_VERIFY);
    assert_refused(f->encrypted, "geheim", cut, CHAMA_ERROR_VERIFY);
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GBytes) to_plain = seal(f->plain_key, "a grant");
        g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(to_plain, NULL), g_bytes_get_size(to_plain));
        g_autoptr(GBytes) altered = NULL;

        copy[places[i]] ^= 1;
        altered = g_bytes_new(copy, g_bytes_get_size(to_plain));
        assert_refused(f->plain, NULL, altered, CHAMA_ERROR_VERIFY);
    }
}

static void
test_se5_passphrase(Fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) sealed = seal(f->encrypted_key, "a grant");

    assert_refused(f->encrypted, NULL, sealed, CHAMA_ERROR_DENIED);
    assert_refused(f->encrypted, "", sealed, CHAMA_ERROR_DENIED);
    assert_refused(f->encrypted, "geheim ", sealed, CHAMA_ERROR_DENIED);
}

static void
test_se4_bad_key_files(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *text;
        ChamaError code;
    } cases[] = {
        { "", CHAMA_ERROR_UNSUPPORTED },
        { "sm2-secret:AAAA\n", CHAMA_ERROR_UNSUPPORTED },
        { "x25519-secret:\n", CHAMA_ERROR_MALFORMED },
        { "x25519-secret:AAAA\n", CHAMA_ERROR_MALFORMED },
        { "x25519-secret:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", CHAMA_ERROR_MALFORMED },
        { "x25519-secret:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n", CHAMA_ERROR_MALFORMED },
        { "x25519-secret-encrypted:scrypt:2:67108864:AAAA\n", CHAMA_ERROR_UNSUPPORTED },
        { "x25519-secret-encrypted:argon2id:\n", CHAMA_ERROR_MALFORMED },
        { "x25519-secret-encrypted:argon2id:2:67108864:AAAA\n", CHAMA_ERROR_MALFORMED },
        { "x25519-secret-encrypted:argon2id:17:67108864:AAAA\n", CHAMA_ERROR_LIMIT },
        { "x25519-secret-encrypted:argon2id:0:67108864:AAAA\n", CHAMA_ERROR_LIMIT },
        { "x25519-secret-encrypted:argon2id:2:1073741825:AAAA\n", CHAMA_ERROR_LIMIT },
        { "x25519-secret-encrypted:argon2id:2:1:AAAA\n", CHAMA_ERROR_LIMIT },
    };
    g_autoptr(GBytes) sealed = seal(f->plain_key, "a grant");
    g_autofree char *large = g_strnfill(1025, 'x');

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(durable_write(f->plain, cases[i].text, strlen(cases[i].text), 0600, NULL));
        assert_refused(f->plain, "geheim", sealed, cases[i].code);
    }
    g_assert_true(durable_write(f->plain, large, 1025, 0600, NULL));
    assert_refused(f->plain, NULL, sealed, CHAMA_ERROR_LIMIT);
    g_unlink(f->plain);
    assert_refused(f->plain, NULL, sealed, CHAMA_ERROR_NOT_FOUND);
}

static void
test_key_files_are_private_and_kept(Fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) text = durable_read(f->encrypted, 1024, NULL);
    g_autoptr(GError) error = NULL;
    guint8 key[ENCRYPTION_KEY_SIZE];
    struct stat status;

    g_assert_cmpint(g_stat(f->plain, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_cmpint(g_stat(f->encrypted, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_true(g_str_has_prefix(g_bytes_get_data(text, NULL), "x25519-secret-encrypted:argon2id:2:67108864:"));
    g_assert_false(encryption_key_generate(f->plain, NULL, key, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
}

static void
test_se6_low_order_keys(void)
{
    /* The points of order 1, 2 and 8 of Curve25519 whose spelling is canonical. */
    static const guint8 keys[][ENCRYPTION_KEY_SIZE] = {
        { 0 },
        { 1 },
        { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
          0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
    };
    g_autoptr(GBytes) plain = g_bytes_new("x", 1);

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(seal_encrypt(keys[i], plain, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_se2_salted_digest(void)
{
    guint8 salt[SALT_SIZE], other[SALT_SIZE], joined[SALT_SIZE + 4];
    g_autoptr(GBytes) body = g_bytes_new_static("body", 4);
    Digest digest, expected;

    salt_generate(salt);
    salt_generate(other);
    g_assert_cmpint(memcmp(salt, other, SALT_SIZE), !=, 0);
    memcpy(joined, salt, SALT_SIZE);
    memcpy(joined + SALT_SIZE, "body", 4);
    digest_of(joined, sizeof joined, &expected);
    seal_digest(salt, body, &digest);
    g_assert_true(digest_equal(&digest, &expected));
    seal_digest(other, body, &digest);
    g_assert_false(digest_equal(&digest, &expected));
}

/* The example of keys/IDENTITY.md, part 6. */
static void
test_se2_example(void)
{
    static const char text[] =
        "{\"grantee\":\"63tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyaxq\",\"name\":\"forest-cover\","
        "\"node\":\"63tutsl5ujtluzxqoupsoyalhokiok2wevjv7ib5ncrhdclqyaxq\",\"type\":\"grant/1\",\"until\":\"2027-05-01T08:00:00Z\"}";
    g_autoptr(GBytes) body = g_bytes_new_static(text, strlen(text));
    guint8 salt[SALT_SIZE];
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    for (guint8 i = 0; i < SALT_SIZE; i++)
        salt[i] = i;
    seal_digest(salt, body, &digest);
    g_assert_cmpstr(digest_format_hex(&digest, hex), ==, "27e45b3ed2f8fdea50ba8c33ae483702574cbee01bd6c518a009e911acc9c928");
}

#define ADD(name, function) g_test_add("/seal/" name, Fixture, NULL, setup, function, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("round-trip", test_round_trip);
    ADD("se6-wrong-key-or-altered", test_se6_wrong_key_or_altered);
    ADD("se5-passphrase", test_se5_passphrase);
    ADD("se4-bad-key-files", test_se4_bad_key_files);
    ADD("key-files-are-private-and-kept", test_key_files_are_private_and_kept);
    g_test_add_func("/seal/se6-low-order-keys", test_se6_low_order_keys);
    g_test_add_func("/seal/se2-salted-digest", test_se2_salted_digest);
    g_test_add_func("/seal/se2-example", test_se2_example);
    return g_test_run();
}
