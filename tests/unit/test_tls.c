#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>
#include <gnutls/x509.h>

#include "keys/error.h"
#include "keys/identity.h"
#include "keys/tls.h"
#include "tests/unit/shell.h"

#define NODE_ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

typedef struct {
    char *folder;
    char *key;
    char *certificate;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
    static const char *const given[] = { "node-a.example", "localhost", "10.1.2.3", "Node-A.example", NULL };
    g_autoptr(GError) error = NULL;

    f->folder = g_dir_make_tmp("chama-tls-XXXXXX", NULL);
    f->key = g_build_filename(f->folder, "tls.key", NULL);
    f->certificate = g_build_filename(f->folder, "tls.crt", NULL);
    g_assert_true(tls_generate(f->key, f->certificate, NODE_ID, given, &error));
    g_assert_no_error(error);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    g_unlink(f->key);
    g_unlink(f->certificate);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->key);
    g_free(f->certificate);
    g_free(f->folder);
}

static void
test_tc4_pin_is_what_openssl_computes(Fixture *f, gconstpointer data)
{
    g_autofree char *theirs = shell_output("openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64", f->certificate);
    g_autofree char *expected = g_strconcat("sha256//", theirs, NULL);
    g_autofree char *ours = NULL;
    g_autoptr(GError) error = NULL;
    Digest pin;

    g_assert_true(tls_pin_of_file(f->certificate, &pin, &error));
    g_assert_no_error(error);
    ours = tls_pin_for_curl(&pin);
    g_assert_cmpstr(ours, ==, expected);
}

static void
test_tc2_names_and_validity(Fixture *f, gconstpointer data)
{
    g_autofree char *text = shell_output("openssl x509 -in %s -noout -text", f->certificate);
    struct stat status;

    g_assert_nonnull(strstr(text, "CN = " NODE_ID));
    g_assert_nonnull(strstr(text, "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:node-a.example, IP Address:10.1.2.3\n"));
    g_assert_nonnull(strstr(text, "prime256v1"));
    g_assert_nonnull(strstr(text, "CA:FALSE"));
    g_assert_cmpint(g_stat(f->key, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_cmpint(shell_run("openssl x509 -in %s -noout -checkend %d", f->certificate, 3650 * 24 * 3600), ==, 0);
    g_assert_cmpint(shell_run("openssl verify -CAfile %s %s", f->certificate, f->certificate), ==, 0);
}

static void
test_key_fits_certificate(Fixture *f, gconstpointer data)
{
    g_autofree char *of_key = shell_output("openssl pkey -in %s -pubout", f->key);
    g_autofree char *of_certificate = shell_output("openssl x509 -in %s -noout -pubkey", f->certificate);

    g_assert_cmpstr(of_key, ==, of_certificate);
}

static void
test_pair_check(Fixture *f, gconstpointer data)
{
    g_autofree char *key = g_build_filename(f->folder, "other.key", NULL);
    g_autofree char *certificate = g_build_filename(f->folder, "other.crt", NULL);
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) strange = NULL;
    g_autoptr(GError) absent = NULL;

    g_assert_true(tls_pair_check(f->key, f->certificate, &none));
    g_assert_no_error(none);
    g_assert_true(tls_generate(key, certificate, NODE_ID, NULL, NULL));
    g_assert_false(tls_pair_check(key, f->certificate, &strange));
    g_assert_error(strange, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    g_unlink(key);
    g_unlink(certificate);
    g_assert_false(tls_pair_check(key, f->certificate, &absent));
    g_assert_error(absent, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
}

static void
test_nothing_is_written_over(Fixture *f, gconstpointer data)
{
    g_autofree char *other = g_build_filename(f->folder, "other.key", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) error2 = NULL;

    g_assert_false(tls_generate(f->key, f->certificate, NODE_ID, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_assert_false(tls_generate(other, f->certificate, NODE_ID, NULL, &error2));
    g_assert_error(error2, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_assert_false(g_file_test(other, G_FILE_TEST_EXISTS));
}

static void
test_tc3_bad_hosts(Fixture *f, gconstpointer data)
{
    const char *const hosts[] = { "", "a b", "node\n", "\xe6\x98\x86\xe6\x98\x8e.example", "a/b", "*.example" };

    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
        const char *const given[] = { "good.example", hosts[i], NULL };
        g_autoptr(GError) error = NULL;

        g_assert_false(tls_generate("/nonexistent/key", "/nonexistent/crt", NODE_ID, given, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
}

static void
test_tc4_not_a_certificate(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) of_key = NULL;
    g_autoptr(GError) of_der = NULL;
    g_autoptr(GError) of_none = NULL;
    g_autoptr(GError) of_large = NULL;
    g_autofree guint8 *large = g_malloc0(65537);
    Digest pin;

    g_assert_false(tls_pin_of_file(f->key, &pin, &of_key));
    g_assert_error(of_key, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_false(tls_pin_of_der("\x30\x03\x02\x01\x05", 5, &pin, &of_der));
    g_assert_error(of_der, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_false(tls_pin_of_file("/nonexistent/crt", &pin, &of_none));
    g_assert_error(of_none, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(tls_pin_of_der(large, 65537, &pin, &of_large));
    g_assert_error(of_large, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

/* The two ends of a connection, handshaken in turns over memory. */
typedef struct {
    GByteArray *in;
    GByteArray *out;
} Wire;

static ssize_t
push(gnutls_transport_ptr_t at, const void *data, size_t size)
{
    g_byte_array_append(((Wire *)at)->out, data, (guint)size);
    return (ssize_t)size;
}

static ssize_t
pull(gnutls_transport_ptr_t at, void *data, size_t size)
{
    GByteArray *in = ((Wire *)at)->in;
    gsize taken = MIN(size, in->len);

    if (taken == 0) {
        errno = EAGAIN;
        return -1;
    }
    memcpy(data, in->data, taken);
    g_byte_array_remove_range(in, 0, (guint)taken);
    return (ssize_t)taken;
}

static int
ready(gnutls_transport_ptr_t at, unsigned int ms)
{
    return ((Wire *)at)->in->len > 0;
}

static gnutls_session_t
session_new(unsigned int flags, gnutls_certificate_credentials_t credentials, Wire *wire)
{
    gnutls_session_t session;

    g_assert_cmpint(gnutls_init(&session, flags | GNUTLS_NONBLOCK), ==, 0);
    g_assert_cmpint(gnutls_priority_set_direct(session, TLS_PRIORITY, NULL), ==, 0);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_ptr(session, wire);
    gnutls_transport_set_push_function(session, push);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, ready);
    return session;
}

static void
handshake(gnutls_session_t client, gnutls_session_t server)
{
    int left = GNUTLS_E_AGAIN, right = GNUTLS_E_AGAIN;

    for (int i = 0; i < 20 && (left != 0 || right != 0); i++) {
        if (left != 0)
            left = gnutls_handshake(client);
        if (right != 0)
            right = gnutls_handshake(server);
    }
    g_assert_cmpint(left, ==, 0);
    g_assert_cmpint(right, ==, 0);
}

static void
test_pin_of_peer(Fixture *f, gconstpointer data)
{
    g_autoptr(GByteArray) up = g_byte_array_new();
    g_autoptr(GByteArray) down = g_byte_array_new();
    Wire at_client = { down, up }, at_server = { up, down };
    gnutls_certificate_credentials_t with, without;
    gnutls_session_t client, server;
    g_autoptr(GError) error = NULL;
    Digest pin, expected;

    gnutls_certificate_allocate_credentials(&with);
    gnutls_certificate_allocate_credentials(&without);
    g_assert_cmpint(gnutls_certificate_set_x509_key_file(with, f->certificate, f->key, GNUTLS_X509_FMT_PEM), >=, 0);
    client = session_new(GNUTLS_CLIENT, without, &at_client);
    server = session_new(GNUTLS_SERVER, with, &at_server);
    gnutls_certificate_server_set_request(server, GNUTLS_CERT_REQUEST);
    handshake(client, server);
    g_assert_true(tls_pin_of_file(f->certificate, &expected, NULL));
    g_assert_true(tls_pin_of_peer(client, &pin, &error));
    g_assert_no_error(error);
    g_assert_true(digest_equal(&pin, &expected));
    g_assert_cmpint(gnutls_protocol_get_version(client), ==, GNUTLS_TLS1_3);
    /* The client showed none. */
    g_assert_false(tls_pin_of_peer(server, &pin, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    gnutls_deinit(client);
    gnutls_deinit(server);
    gnutls_certificate_free_credentials(with);
    gnutls_certificate_free_credentials(without);
}

#define ADD(name, function) g_test_add("/tls/" name, Fixture, NULL, setup, function, teardown)

static void
test_tc8_another_key_with_the_same_names(Fixture *f, gconstpointer data)
{
    g_autofree char *key = g_build_filename(f->folder, "next.key", NULL), *certificate = g_build_filename(f->folder, "next.crt", NULL);
    g_autofree char *before = shell_output("openssl x509 -in %s -noout -subject -ext subjectAltName,basicConstraints,keyUsage,extendedKeyUsage", f->certificate);
    g_autofree char *after = NULL;
    g_autoptr(GError) error = NULL, again = NULL, other = NULL;
    struct stat status;
    Digest one, two;

    g_assert_true(tls_succeed(f->key, f->certificate, NODE_ID, key, certificate, &error));
    g_assert_no_error(error);
    after = shell_output("openssl x509 -in %s -noout -subject -ext subjectAltName,basicConstraints,keyUsage,extendedKeyUsage", certificate);
    g_assert_cmpstr(before, ==, after);
    g_assert_true(tls_pair_check(key, certificate, NULL));
    g_assert_cmpint(shell_run("openssl verify -CAfile %s %s", certificate, certificate), ==, 0);
    g_assert_cmpint(g_stat(key, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_true(tls_pin_of_file(f->certificate, &one, NULL));
    g_assert_true(tls_pin_of_file(certificate, &two, NULL));
    g_assert_false(digest_equal(&one, &two));
    g_assert_true(tls_is_own(certificate, NODE_ID));
    g_assert_false(tls_is_own(certificate, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
    g_assert_false(tls_is_own(key, NODE_ID));
    g_assert_false(tls_is_own("/nonexistent", NODE_ID));
    /* Nothing is written over, and nobody else's is followed. */
    g_assert_false(tls_succeed(f->key, f->certificate, NODE_ID, key, certificate, &again));
    g_assert_error(again, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_unlink(key);
    g_unlink(certificate);
    g_assert_false(tls_succeed(f->key, f->certificate, "another", key, certificate, &other));
    g_assert_error(other, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    g_assert_false(g_file_test(key, G_FILE_TEST_EXISTS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("tc4-pin/openssl", test_tc4_pin_is_what_openssl_computes);
    ADD("tc2-names-and-validity", test_tc2_names_and_validity);
    ADD("key-fits-certificate", test_key_fits_certificate);
    ADD("pair-check", test_pair_check);
    ADD("nothing-is-written-over", test_nothing_is_written_over);
    ADD("tc3-bad-hosts", test_tc3_bad_hosts);
    ADD("tc4-not-a-certificate", test_tc4_not_a_certificate);
    ADD("pin-of-peer", test_pin_of_peer);
    ADD("tc8-another-key", test_tc8_another_key_with_the_same_names);
    return g_test_run();
}
