#include "node/http/certificates.h"

#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"

#define PEM_MAX (64 * 1024)

/* One key and its certificate. */
typedef struct {
    gnutls_certificate_credentials_t gnutls;
    char *certificate, *key;   /* PEM */
} Pair;

struct Certificates {
    char *home;
    GMutex lock;
    GPtrArray *pairs;          /* of Pair, the newest last */
};

static void
pair_free(gpointer data)
{
    Pair *pair = data;

    if (pair->gnutls)
        gnutls_certificate_free_credentials(pair->gnutls);
    if (pair->key)
        explicit_bzero(pair->key, strlen(pair->key));
    g_free(pair->key);
    g_free(pair->certificate);
    g_free(pair);
}

static char *
read_pem(const char *home, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(home, "keys", name, NULL);
    g_autoptr(GBytes) bytes = durable_read(path, PEM_MAX, error);

    return bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
}

static int
load(Pair *pair)
{
    const gnutls_datum_t certificate = { (unsigned char *)pair->certificate, (unsigned int)strlen(pair->certificate) };
    const gnutls_datum_t key = { (unsigned char *)pair->key, (unsigned int)strlen(pair->key) };
    int status = gnutls_certificate_allocate_credentials(&pair->gnutls);

    return status < 0 ? status : gnutls_certificate_set_x509_key_mem(pair->gnutls, &certificate, &key, GNUTLS_X509_FMT_PEM);
}

static Pair *
read_pair(const char *home, GError **error)
{
    Pair *pair = g_new0(Pair, 1);
    int status;

    if ((pair->certificate = read_pem(home, "tls.crt", error)) && (pair->key = read_pem(home, "tls.key", error))) {
        status = load(pair);
        if (status >= 0)
            return pair;
        chama_error(error, CHAMA_ERROR_FAILED, "keys/tls.crt: want it with its key in keys/tls.key: %s", gnutls_strerror(status));
    }
    pair_free(pair);
    return NULL;
}

Certificates *
certificates_new(const char *home, GError **error)
{
    Pair *pair = read_pair(home, error);
    Certificates *certificates;

    if (!pair)
        return NULL;
    certificates = g_new0(Certificates, 1);
    certificates->home = g_strdup(home);
    g_mutex_init(&certificates->lock);
    certificates->pairs = g_ptr_array_new_with_free_func(pair_free);
    g_ptr_array_add(certificates->pairs, pair);
    return certificates;
}

void
certificates_free(Certificates *certificates)
{
    if (!certificates)
        return;
    g_ptr_array_unref(certificates->pairs);
    g_mutex_clear(&certificates->lock);
    g_free(certificates->home);
    g_free(certificates);
}

static const Pair *
newest(const Certificates *certificates)
{
    return certificates->pairs->pdata[certificates->pairs->len - 1];
}

gboolean
certificates_read(Certificates *certificates, gboolean *changed, GError **error)
{
    Pair *pair = read_pair(certificates->home, error);

    *changed = FALSE;
    if (!pair)
        return FALSE;
    g_mutex_lock(&certificates->lock);
    *changed = strcmp(newest(certificates)->certificate, pair->certificate) != 0 || strcmp(newest(certificates)->key, pair->key) != 0;
    if (*changed)
        g_ptr_array_add(certificates->pairs, pair);
    g_mutex_unlock(&certificates->lock);
    if (!*changed)
        pair_free(pair);
    return TRUE;
}

void
certificates_show(Certificates *certificates, gnutls_session_t session)
{
    g_mutex_lock(&certificates->lock);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, newest(certificates)->gnutls);
    g_mutex_unlock(&certificates->lock);
}

const char *
certificates_first(const Certificates *certificates)
{
    return ((const Pair *)certificates->pairs->pdata[0])->certificate;
}

const char *
certificates_first_key(const Certificates *certificates)
{
    return ((const Pair *)certificates->pairs->pdata[0])->key;
}
