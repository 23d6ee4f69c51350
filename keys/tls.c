#include "keys/tls.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>

#include "keys/durable.h"
#include "keys/error.h"

#define CERTIFICATE_FILE_MAX (64 * 1024)
#define HOST_MAX 253
#define SERIAL_SIZE 16
#define DAY (24 * 60 * 60)
#define TEN_YEARS (3652 * DAY)

/* A key and the certificate over it, while they are being made. */
typedef struct {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
} Credentials;

static void
credentials_clear(Credentials *credentials)
{
    if (credentials->certificate)
        gnutls_x509_crt_deinit(credentials->certificate);
    if (credentials->key)
        gnutls_x509_privkey_deinit(credentials->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Credentials, credentials_clear)

static int
make_key(Credentials *credentials)
{
    int status = gnutls_x509_privkey_init(&credentials->key);

    if (status < 0)
        return status;
    /* TC1: P-256, for browsers refuse Ed25519 certificates. */
    return gnutls_x509_privkey_generate(credentials->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static int
add_name(gnutls_x509_crt_t certificate, const char *host)
{
    guint8 address[16];

    if (inet_pton(AF_INET, host, address) == 1)
        return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND);
    if (inet_pton(AF_INET6, host, address) == 1)
        return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND);
    return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, host, (unsigned int)strlen(host), GNUTLS_FSAN_APPEND);
}

static gboolean
is_among(const char *const *hosts, gsize count, const char *host)
{
    for (gsize i = 0; i < count; i++) {
        if (g_ascii_strcasecmp(hosts[i], host) == 0)
            return TRUE;
    }
    return FALSE;
}

/* TC2: this machine's own names, then those given, each once. */
static int
set_names(gnutls_x509_crt_t certificate, const char *node_id, const char *const *hosts)
{
    static const char *const own[] = { "localhost", "127.0.0.1", "::1" };
    int status = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, node_id, (unsigned int)strlen(node_id));

    for (gsize i = 0; status >= 0 && i < G_N_ELEMENTS(own); i++)
        status = add_name(certificate, own[i]);
    for (gsize i = 0; status >= 0 && hosts && hosts[i]; i++) {
        if (!is_among(own, G_N_ELEMENTS(own), hosts[i]) && !is_among(hosts, i, hosts[i]))
            status = add_name(certificate, hosts[i]);
    }
    return status;
}

static int
set_validity(gnutls_x509_crt_t certificate)
{
    guint8 serial[SERIAL_SIZE];
    time_t now = time(NULL);
    int status = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);

    /* RFC 5280: a positive number. */
    serial[0] = (serial[0] & 0x7f) | 0x40;
    if (status >= 0)
        status = gnutls_x509_crt_set_version(certificate, 3);
    if (status >= 0)
        status = gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
    /* A day back, for peers whose clocks are behind. */
    if (status >= 0)
        status = gnutls_x509_crt_set_activation_time(certificate, now - DAY);
    if (status >= 0)
        status = gnutls_x509_crt_set_expiration_time(certificate, now + TEN_YEARS);
    return status;
}

/* The same certificate serves a listener and presents a client. */
static int
set_usage(gnutls_x509_crt_t certificate)
{
    int status = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);

    if (status >= 0)
        status = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (status >= 0)
        status = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
    if (status >= 0)
        status = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    return status;
}

static int
make_certificate(Credentials *credentials, const char *node_id, const char *const *hosts)
{
    int status = gnutls_x509_crt_init(&credentials->certificate);

    if (status >= 0)
        status = set_validity(credentials->certificate);
    if (status >= 0)
        status = set_names(credentials->certificate, node_id, hosts);
    if (status >= 0)
        status = set_usage(credentials->certificate);
    if (status >= 0)
        status = gnutls_x509_crt_set_key(credentials->certificate, credentials->key);
    if (status >= 0)
        status = gnutls_x509_crt_sign2(credentials->certificate, credentials->certificate, credentials->key, GNUTLS_DIG_SHA256, 0);
    return status;
}

static gboolean
write_key(const Credentials *credentials, const char *path, GError **error)
{
    gnutls_datum_t pem = { NULL, 0 };
    int status = gnutls_x509_privkey_export2_pkcs8(credentials->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    gboolean ok;

    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot export the TLS key: %s", path, gnutls_strerror(status));
    ok = durable_create(path, pem.data, pem.size, 0600, error);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return ok;
}

static gboolean
write_certificate(const Credentials *credentials, const char *path, gboolean replace, GError **error)
{
    gnutls_datum_t pem = { NULL, 0 };
    int status = gnutls_x509_crt_export2(credentials->certificate, GNUTLS_X509_FMT_PEM, &pem);
    gboolean ok;

    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot export the certificate: %s", path, gnutls_strerror(status));
    ok = (replace ? durable_write : durable_create)(path, pem.data, pem.size, 0644, error);
    gnutls_free(pem.data);
    return ok;
}

/* TC3: an address, or the letters, digits, dots and hyphens of a DNS name (an international name in its ASCII form). */
static gboolean
check_host(const char *host, GError **error)
{
    gsize length = strlen(host);

    if (length > 0 && length <= HOST_MAX
        && strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:") == length)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "certificate: TC3: want a host name or address in ASCII, have \"%.80s\"", host);
}

gboolean
tls_generate(const char *key_path, const char *certificate_path, const char *node_id, const char *const *hosts, GError **error)
{
    g_auto(Credentials) credentials = { NULL, NULL };
    int status;

    for (gsize i = 0; hosts && hosts[i]; i++) {
        if (!check_host(hosts[i], error))
            return FALSE;
    }
    status = make_key(&credentials);
    if (status >= 0)
        status = make_certificate(&credentials, node_id, hosts);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot make a certificate: %s",
                           certificate_path, gnutls_strerror(status));
    if (!write_key(&credentials, key_path, error))
        return FALSE;
    if (write_certificate(&credentials, certificate_path, FALSE, error))
        return TRUE;
    durable_unlink(key_path, NULL);
    return FALSE;
}

/* The files as they are. */
static int
load_credentials(Credentials *credentials, GBytes *key, GBytes *certificate)
{
    gnutls_datum_t key_pem = { (unsigned char *)g_bytes_get_data(key, NULL), (unsigned int)g_bytes_get_size(key) };
    gnutls_datum_t pem = { (unsigned char *)g_bytes_get_data(certificate, NULL), (unsigned int)g_bytes_get_size(certificate) };
    int status = gnutls_x509_privkey_init(&credentials->key);

    if (status >= 0)
        status = gnutls_x509_privkey_import(credentials->key, &key_pem, GNUTLS_X509_FMT_PEM);
    if (status >= 0)
        status = gnutls_x509_crt_init(&credentials->certificate);
    return status < 0 ? status : gnutls_x509_crt_import(credentials->certificate, &pem, GNUTLS_X509_FMT_PEM);
}

/* TC7: made here: in the name of the node, and signed by itself. */
static gboolean
is_own(const Credentials *credentials, const char *node_id)
{
    char name[64] = "";
    gsize size = sizeof name;

    return gnutls_x509_crt_get_dn_by_oid(credentials->certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) >= 0 && strcmp(name, node_id) == 0
           && gnutls_x509_crt_check_issuer(credentials->certificate, credentials->certificate) == 1;
}

/* The names are those of the certificate that was loaded, the key is whichever stands in @credentials. */
static int
sign_anew(Credentials *credentials)
{
    int status = gnutls_x509_crt_set_key(credentials->certificate, credentials->key);

    if (status >= 0)
        status = set_validity(credentials->certificate);
    return status < 0 ? status : gnutls_x509_crt_sign2(credentials->certificate, credentials->certificate, credentials->key, GNUTLS_DIG_SHA256, 0);
}

/* The pair of files, which must belong together and be this node's own (TC7). */
static gboolean
load_own(Credentials *credentials, const char *key_path, const char *certificate_path, const char *node_id, GError **error)
{
    g_autoptr(GBytes) key = durable_read(key_path, CERTIFICATE_FILE_MAX, error);
    g_autoptr(GBytes) certificate = key ? durable_read(certificate_path, CERTIFICATE_FILE_MAX, error) : NULL;
    int status;

    if (!certificate || !tls_pair_check(key_path, certificate_path, error))
        return FALSE;
    status = load_credentials(credentials, key, certificate);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot read the certificate: %s", certificate_path, gnutls_strerror(status));
    return is_own(credentials, node_id) ||
           chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: TC7: want a certificate that this node made, have another's: renew it where it came from", certificate_path);
}

gboolean
tls_renew(const char *key_path, const char *certificate_path, const char *node_id, GError **error)
{
    g_auto(Credentials) credentials = { NULL, NULL };
    int status;

    if (!load_own(&credentials, key_path, certificate_path, node_id, error))
        return FALSE;
    status = sign_anew(&credentials);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot renew the certificate: %s", certificate_path, gnutls_strerror(status));
    return write_certificate(&credentials, certificate_path, TRUE, error);
}

/* Is there a name that it lacks and could have? */
static gboolean
lacks_name(const Credentials *credentials, const char *const *hosts)
{
    gboolean lacks = FALSE;

    for (gsize i = 0; hosts[i]; i++) {
        if (!check_host(hosts[i], NULL))
            return FALSE;
        lacks = lacks || !gnutls_x509_crt_check_hostname(credentials->certificate, hosts[i]);
    }
    return lacks;
}

gboolean
tls_rename(const char *key_path, const char *certificate_path, const char *node_id, const char *const *hosts, gboolean *renewed, GError **error)
{
    g_auto(Credentials) credentials = { NULL, NULL };
    int status;

    *renewed = FALSE;
    if (!tls_is_own(certificate_path, node_id))
        return TRUE;
    if (!load_own(&credentials, key_path, certificate_path, node_id, error))
        return FALSE;
    if (!lacks_name(&credentials, hosts))
        return TRUE;
    gnutls_x509_crt_deinit(credentials.certificate);
    credentials.certificate = NULL;
    status = make_certificate(&credentials, node_id, hosts);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot make a certificate: %s", certificate_path, gnutls_strerror(status));
    *renewed = write_certificate(&credentials, certificate_path, TRUE, error);
    return *renewed;
}

gboolean
tls_succeed(const char *key_path, const char *certificate_path, const char *node_id, const char *new_key_path, const char *new_certificate_path, GError **error)
{
    g_auto(Credentials) credentials = { NULL, NULL };
    int status;

    if (!load_own(&credentials, key_path, certificate_path, node_id, error))
        return FALSE;
    gnutls_x509_privkey_deinit(credentials.key);
    credentials.key = NULL;
    status = make_key(&credentials);
    if (status >= 0)
        status = sign_anew(&credentials);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot make a certificate: %s", new_certificate_path, gnutls_strerror(status));
    return write_key(&credentials, new_key_path, error) && write_certificate(&credentials, new_certificate_path, FALSE, error);
}

gboolean
tls_is_own(const char *certificate_path, const char *node_id)
{
    g_auto(Credentials) credentials = { NULL, NULL };
    g_autoptr(GBytes) certificate = durable_read(certificate_path, CERTIFICATE_FILE_MAX, NULL);
    gnutls_datum_t pem;

    if (!certificate)
        return FALSE;
    pem = (gnutls_datum_t){ (unsigned char *)g_bytes_get_data(certificate, NULL), (unsigned int)g_bytes_get_size(certificate) };
    return gnutls_x509_crt_init(&credentials.certificate) >= 0 && gnutls_x509_crt_import(credentials.certificate, &pem, GNUTLS_X509_FMT_PEM) >= 0 &&
           is_own(&credentials, node_id);
}

/* TC4: GnuTLS's key id with SHA-256 is the hash of the DER SubjectPublicKeyInfo. */
static gboolean
pin_of(const gnutls_datum_t *encoded, gnutls_x509_crt_fmt_t format, const char *subject, Digest *pin, GError **error)
{
    gnutls_x509_crt_t certificate;
    gsize size = DIGEST_SIZE;
    Digest made;
    int status = gnutls_x509_crt_init(&certificate);

    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot allocate: %s", subject, gnutls_strerror(status));
    status = gnutls_x509_crt_import(certificate, encoded, format);
    if (status >= 0)
        status = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, made.bytes, &size);
    gnutls_x509_crt_deinit(certificate);
    if (status < 0 || size != DIGEST_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: TC4: want an X.509 certificate: %s", subject, gnutls_strerror(status));
    *pin = made;
    return TRUE;
}

gboolean
tls_pin_of_file(const char *certificate_path, Digest *pin, GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(certificate_path, CERTIFICATE_FILE_MAX, error);
    gnutls_datum_t pem;
    gsize size;

    if (!bytes)
        return FALSE;
    pem.data = (unsigned char *)g_bytes_get_data(bytes, &size);
    pem.size = (unsigned int)size;
    return pin_of(&pem, GNUTLS_X509_FMT_PEM, certificate_path, pin, error);
}

gboolean
tls_certificate_times(const char *certificate_path, gint64 *from, gint64 *until, GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(certificate_path, CERTIFICATE_FILE_MAX, error);
    gnutls_datum_t pem;
    gnutls_x509_crt_t certificate;
    int status;

    if (!bytes)
        return FALSE;
    pem = (gnutls_datum_t){ (unsigned char *)g_bytes_get_data(bytes, NULL), (unsigned int)g_bytes_get_size(bytes) };
    status = gnutls_x509_crt_init(&certificate);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot allocate: %s", certificate_path, gnutls_strerror(status));
    status = gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM);
    *from = gnutls_x509_crt_get_activation_time(certificate);
    *until = gnutls_x509_crt_get_expiration_time(certificate);
    gnutls_x509_crt_deinit(certificate);
    return (status >= 0 && *from >= 0 && *until >= 0)
           || chama_error(error, CHAMA_ERROR_MALFORMED, "%s: TC2: want an X.509 certificate with times: %s", certificate_path, gnutls_strerror(status));
}

gboolean
tls_pin_of_der(const void *der, gsize size, Digest *pin, GError **error)
{
    gnutls_datum_t encoded = { (unsigned char *)der, (unsigned int)size };

    if (size > CERTIFICATE_FILE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "certificate: TC5: want at most %d bytes, have %zu",
                           CERTIFICATE_FILE_MAX, size);
    return pin_of(&encoded, GNUTLS_X509_FMT_DER, "certificate", pin, error);
}

gboolean
tls_pin_of_peer(gnutls_session_t session, Digest *pin, GError **error)
{
    unsigned int count = 0;
    const gnutls_datum_t *certificates = gnutls_certificate_get_peers(session, &count);

    if (!certificates || count == 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "certificate: want one from the peer, have none");
    return tls_pin_of_der(certificates[0].data, certificates[0].size, pin, error);
}

char *
tls_pin_for_curl(const Digest *pin)
{
    g_autofree char *encoded = base64_format(pin->bytes, DIGEST_SIZE);

    return g_strconcat("sha256//", encoded, NULL);
}

gboolean
tls_pair_check(const char *key_path, const char *certificate_path, GError **error)
{
    gnutls_certificate_credentials_t credentials;
    int status = gnutls_certificate_allocate_credentials(&credentials);

    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "TLS: %s", gnutls_strerror(status));
    status = gnutls_certificate_set_x509_key_file(credentials, certificate_path, key_path, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: want the private key of %s, have: %s; restore both from a backup", key_path, certificate_path,
                           gnutls_strerror(status));
    return TRUE;
}
