#include "keys/token.h"

#include <string.h>

#include <gnutls/pkcs11.h>

#include "keys/error.h"
#include "keys/token_private.h"

/* What a key signs to show that it is there: no signature of a format that this project has, for these begin otherwise. */
#define TEST_MESSAGE "chama: a test of a key in a token"

static GMutex mutex;          /* of all that follows */
static enum { NOTHING, NAMED, REGISTERED } loaded;
static GHashTable *modules;   /* paths */
static guint open_keys;

/* GnuTLS starts with the modules that p11-kit knows or with none, and cannot add the former later. */
static gboolean
start_gnutls(gboolean registered, const char *uri, GError **error)
{
    int status;

    if (loaded == NOTHING) {
        status = gnutls_pkcs11_init(registered ? GNUTLS_PKCS11_FLAG_AUTO : GNUTLS_PKCS11_FLAG_MANUAL, NULL);
        if (status < 0)
            return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT3: cannot load the system's PKCS#11 modules: %s", uri, gnutls_strerror(status));
        gnutls_pkcs11_set_pin_function(token_give_pin, NULL);
        modules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        loaded = registered ? REGISTERED : NAMED;
    }
    return !registered || loaded == REGISTERED ||
           chama_error(error, CHAMA_ERROR_FAILED, "%s: KT3: want module-path in this URI, too, since the one before has it", uri);
}

static gboolean
load_modules(const TokenUri *parts, const char *uri, GError **error)
{
    int status;

    if (!start_gnutls(!parts->module_path, uri, error))
        return FALSE;
    if (!parts->module_path || g_hash_table_contains(modules, parts->module_path))
        return TRUE;
    status = gnutls_pkcs11_add_provider(parts->module_path, NULL);
    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT3: want a PKCS#11 module there: %s", parts->module_path, gnutls_strerror(status));
    g_hash_table_add(modules, g_strdup(parts->module_path));
    return TRUE;
}

static gboolean
matches(const TokenUri *parts, const char *url)
{
    P11KitUri *token = p11_kit_uri_new();
    gboolean same = p11_kit_uri_parse(url, P11_KIT_URI_FOR_TOKEN, token) == P11_KIT_URI_OK &&
                    p11_kit_uri_match_token_info(parts->parsed, p11_kit_uri_get_token_info(token)) == 1;

    p11_kit_uri_free(token);
    return same;
}

/* KT4. */
static gboolean
find_token(const TokenUri *parts, const char *uri, GError **error)
{
    guint found = 0;
    char *url;

    for (unsigned int i = 0; gnutls_pkcs11_token_get_url(i, GNUTLS_PKCS11_URL_GENERIC, &url) >= 0; i++) {
        found += matches(parts, url);
        gnutls_free(url);
    }
    if (found == 1)
        return TRUE;
    if (found == 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: KT4: want the token, have none like it: is it plugged in, and its module known (`p11-kit list-modules`, or module-path= in the URI)?",
                           uri);
    return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT4: want one token, have %u; add serial= to the URI", uri, found);
}

/* Why no PIN was given is known better here than in GnuTLS. */
static gboolean
blame(TokenLogin *login, int status, const char *uri, GError **error)
{
    if (login->error) {
        g_propagate_prefixed_error(error, g_steal_pointer(&login->error), "%s: ", uri);
        return FALSE;
    }
    if (status == GNUTLS_E_PKCS11_PIN_LOCKED)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: KT7: the token is locked after too many wrong PINs; unlock it with its own program", uri);
    if (status == GNUTLS_E_PKCS11_PIN_ERROR)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: KT7: the token takes no PIN now: %s", uri, gnutls_strerror(status));
    return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT4: the token does not answer as it should: %s", uri, gnutls_strerror(status));
}

/* KT4: GnuTLS takes the first key that matches.  Counted after it is open, so that one login does for both: SoftHSM writes its files at each, and loses its token if it is killed. */
static gboolean
check_single(const TokenUri *parts, const char *uri, TokenLogin *login, GError **error)
{
    gnutls_pkcs11_obj_t *list = NULL;
    unsigned int count = 0;
    int status = gnutls_pkcs11_obj_list_import_url4(&list, &count, parts->object, GNUTLS_PKCS11_OBJ_FLAG_LOGIN);

    if (status < 0)
        return blame(login, status, uri, error);
    for (unsigned int i = 0; i < count; i++)
        gnutls_pkcs11_obj_deinit(list[i]);
    gnutls_free(list);
    return count == 1 || chama_error(error, CHAMA_ERROR_FAILED, "%s: KT4: want one private key, have %u that match; name it by id=", uri, count);
}

/* KT5: GnuTLS names some types, and of others it only says that it does not know them. */
static gboolean
check_type(gnutls_privkey_t key, const char *uri, GError **error)
{
    int type = gnutls_privkey_get_pk_algorithm(key, NULL);

    return type == GNUTLS_PK_EDDSA_ED25519 ||
           chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: KT5: want an Ed25519 key, have %s", uri, type > 0 ? gnutls_pk_get_name(type) : "one of another type");
}

/* The public key object beside the private one.  GnuTLS reads its point as the DER OCTET STRING that PKCS#11 2.40 asked for and as the bare 32 bytes of 3.0. */
static gboolean
read_public(gnutls_privkey_t key, const char *uri, PublicKey *public, GError **error)
{
    gnutls_datum_t x = { NULL, 0 };
    gnutls_pubkey_t beside;
    int status = gnutls_pubkey_init(&beside);
    gboolean ok;

    if (status < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: %s", uri, gnutls_strerror(status));
    status = gnutls_pubkey_import_privkey(beside, key, 0, 0);
    if (status >= 0)
        status = gnutls_pubkey_export_ecc_raw(beside, NULL, &x, NULL);
    gnutls_pubkey_deinit(beside);
    ok = status >= 0 && x.size == ED25519_PUBLIC_SIZE;
    if (ok)
        memcpy(public->bytes, x.data, ED25519_PUBLIC_SIZE);
    gnutls_free(x.data);
    if (!ok)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: KT5: want the public key beside the private one, with the same id, have none that can be read: %s", uri,
                           gnutls_strerror(status));
    if (public_key_check(public, error))
        return TRUE;
    g_prefix_error(error, "%s: KT5: ", uri);
    return FALSE;
}

/* KT5: labels and ids are words; that a key is the one wanted, only a signature shows. */
static gboolean
try_key(gnutls_privkey_t key, const PublicKey *public, gboolean wanted, const char *uri, TokenLogin *login, GError **error)
{
    gnutls_datum_t message = { (unsigned char *)TEST_MESSAGE, strlen(TEST_MESSAGE) }, made = { NULL, 0 };
    int status = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &message, &made);
    gboolean ok = status >= 0 && made.size == ED25519_SIGNATURE_SIZE && public_key_verify(public, TEST_MESSAGE, strlen(TEST_MESSAGE), made.data, NULL);

    gnutls_free(made.data);
    if (status < 0)
        return blame(login, status, uri, error);
    if (ok)
        return TRUE;
    if (wanted)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: KT5: want the key that the reference names, have another", uri);
    return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: KT5: want the public key beside the private one to be its own, have another", uri);
}

static gboolean
import(gnutls_privkey_t key, const TokenUri *parts, const PublicKey *want, PublicKey *public, const char *uri, TokenLogin *login, GError **error)
{
    int status = gnutls_privkey_import_url(key, parts->object, 0);

    if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && !login->error)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: KT4: want the private key in the token, have none like it", uri);
    if (status == GNUTLS_E_UNKNOWN_PK_ALGORITHM || status == GNUTLS_E_UNIMPLEMENTED_FEATURE)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: KT5: want an Ed25519 key, have one of another type", uri);
    if (status < 0)
        return blame(login, status, uri, error);
    if (!check_single(parts, uri, login, error) || !check_type(key, uri, error) || (!want && !read_public(key, uri, public, error)))
        return FALSE;
    if (want)
        *public = *want;
    return try_key(key, public, want != NULL, uri, login, error);
}

static gnutls_privkey_t
open_once(const TokenUri *parts, const PublicKey *want, PublicKey *public, const char *uri, GError **error)
{
    TokenLogin login = { .pin_file = parts->pin_file };
    gnutls_privkey_t key;
    gboolean ok;

    if (!load_modules(parts, uri, error) || !find_token(parts, uri, error))
        return NULL;
    if (gnutls_privkey_init(&key) < 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: cannot allocate", uri);
    token_login_begin(&login);
    ok = import(key, parts, want, public, uri, &login, error);
    token_login_end();
    g_clear_error(&login.error);
    if (ok)
        return key;
    gnutls_privkey_deinit(key);
    return NULL;
}

/* SoftHSM 2.6.1 writes its files in place at each login: a program that starts it at that moment finds no token, or half of one, until it starts it again.  That is done while
 * no key is open.  A PIN that was refused is no reason (KT7). */
static gboolean
look_again(guint look, const GError *failed)
{
    if (look >= TOKEN_LOOKS || !(g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FAILED)))
        return FALSE;
    if (open_keys == 0 && loaded != NOTHING) {
        gnutls_pkcs11_deinit();
        g_clear_pointer(&modules, g_hash_table_unref);
        loaded = NOTHING;
    }
    g_usleep((gulong)(TOKEN_PAUSE + g_random_int_range(0, TOKEN_PAUSE)));
    return TRUE;
}

gnutls_privkey_t
token_open(const char *uri, const PublicKey *want, PublicKey *public, GError **error)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);
    g_auto(TokenUri) parts = { 0 };
    g_autoptr(GError) failed = NULL;
    gnutls_privkey_t key;

    if (!token_uri_parse(uri, &parts, error))
        return NULL;
    for (guint look = 1; !(key = open_once(&parts, want, public, uri, &failed)) && look_again(look, failed); look++)
        g_clear_error(&failed);
    if (key)
        open_keys++;
    else
        g_propagate_error(error, g_steal_pointer(&failed));
    return key;
}

void
token_close(gnutls_privkey_t key)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);

    gnutls_privkey_deinit(key);
    open_keys--;
}

gboolean
token_answers(const char *uri, GError **error)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);
    g_auto(TokenUri) parts = { 0 };
    g_autoptr(GError) failed = NULL;

    if (!token_uri_parse(uri, &parts, error))
        return FALSE;
    for (guint look = 1; !load_modules(&parts, uri, &failed) || !find_token(&parts, uri, &failed); look++) {
        if (!look_again(look, failed)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        g_clear_error(&failed);
    }
    return TRUE;
}
