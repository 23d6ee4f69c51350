/* Making a key in a token: KT9.  GnuTLS 3.7 makes no Ed25519 keys there, so this speaks PKCS#11 itself, through p11-kit. */
#include <string.h>

#include <sodium.h>

#include "keys/error.h"
#include "keys/token_private.h"

#define ID_SIZE 8
#define SLOTS_MAX 256

/* PKCS#11 3.0, 2.3.5: the curve by its name, a PrintableString; SoftHSM 2.6.1, GnuTLS 3.7 and OpenSC know this spelling. */
static CK_BYTE edwards25519[] = "\023\014edwards25519";

typedef struct {
    CK_FUNCTION_LIST *module;
    CK_SESSION_HANDLE session;
    CK_TOKEN_INFO info;
    const char *uri;
} Token;

static gboolean
check(CK_RV rv, const Token *token, const char *doing, GError **error)
{
    return rv == CKR_OK || chama_error(error, CHAMA_ERROR_FAILED, "%s: KT9: the token does not %s: %s", token->uri, doing, p11_kit_strerror(rv));
}

/* KT4: how many tokens of @module match; *@slot: the slot of one. */
static guint
count_in(CK_FUNCTION_LIST *module, const TokenUri *parts, Token *token, CK_SLOT_ID *slot)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    guint found = 0;
    CK_TOKEN_INFO info;

    if (module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return 0;
    for (CK_ULONG i = 0; i < count; i++) {
        if (module->C_GetTokenInfo(slots[i], &info) != CKR_OK || p11_kit_uri_match_token_info(parts->parsed, &info) != 1)
            continue;
        *slot = slots[i];
        token->info = info;
        token->module = module;
        found++;
    }
    return found;
}

static gboolean
find_slot(CK_FUNCTION_LIST **modules, const TokenUri *parts, Token *token, CK_SLOT_ID *slot, GError **error)
{
    guint found = 0;

    for (guint i = 0; modules[i]; i++)
        found += count_in(modules[i], parts, token, slot);
    if (found == 1)
        return TRUE;
    if (found == 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: KT4: want the token, have none like it: is it plugged in, and its module known (`p11-kit list-modules`, or module-path= in the URI)?",
                           token->uri);
    return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT4: want one token, have %u; add serial= to the URI", token->uri, found);
}

/* The URL of the token as GnuTLS writes it, so that the PIN is known to both (KT6); from malloc(). */
static char *
url_of(const Token *token)
{
    P11KitUri *whole = p11_kit_uri_new();
    char *url = NULL;

    *p11_kit_uri_get_token_info(whole) = token->info;
    p11_kit_uri_format(whole, P11_KIT_URI_FOR_TOKEN, &url);
    p11_kit_uri_free(whole);
    return url;
}

static unsigned int
pin_flags(const CK_TOKEN_INFO *info)
{
    return GNUTLS_PIN_USER | (info->flags & CKF_USER_PIN_COUNT_LOW ? GNUTLS_PIN_COUNT_LOW : 0) | (info->flags & CKF_USER_PIN_FINAL_TRY ? GNUTLS_PIN_FINAL_TRY : 0);
}

static gboolean
blame(Token *token, TokenLogin *login, GError **error)
{
    g_propagate_prefixed_error(error, g_steal_pointer(&login->error), "%s: ", token->uri);
    return FALSE;
}

/* KT7: a wrong PIN is told, so that it is not tried again. */
static gboolean
log_in(Token *token, TokenLogin *login, GError **error)
{
    g_autofree char *label = g_strchomp(g_strndup((const char *)token->info.label, sizeof token->info.label));
    char *url = url_of(token), pin[GNUTLS_PKCS11_MAX_PIN_LEN];
    unsigned int flags = pin_flags(&token->info);
    gboolean given = TRUE, padded = token->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH;
    CK_RV rv;

    if (!padded)
        given = url && token_give_pin(NULL, 0, url, label, flags, pin, sizeof pin) == 0;
    rv = !given ? CKR_OK : token->module->C_Login(token->session, CKU_USER, padded ? NULL : (CK_UTF8CHAR *)pin, padded ? 0 : strlen(pin));
    if (given && !padded)
        sodium_memzero(pin, sizeof pin);
    if (rv == CKR_PIN_INCORRECT && !padded)
        given = token_give_pin(NULL, 1, url, label, flags | GNUTLS_PIN_WRONG, pin, sizeof pin) == 0;
    free(url);
    if (!given)
        return login->error ? blame(token, login, error) : chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot allocate", token->uri);
    if (rv == CKR_PIN_LOCKED)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: KT7: the token is locked after too many wrong PINs; unlock it with its own program", token->uri);
    return rv == CKR_USER_ALREADY_LOGGED_IN || check(rv, token, "let anyone log in", error);
}

/* KT9: neither the label nor the id of another private key. */
static gboolean
check_new(const Token *token, CK_ATTRIBUTE *name, GError **error)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof class }, *name };
    CK_OBJECT_HANDLE object;
    CK_ULONG count = 0;
    CK_RV rv = token->module->C_FindObjectsInit(token->session, wanted, G_N_ELEMENTS(wanted));

    if (rv == CKR_OK) {
        rv = token->module->C_FindObjects(token->session, &object, 1, &count);
        token->module->C_FindObjectsFinal(token->session);
    }
    if (!check(rv, token, "say what keys it has", error))
        return FALSE;
    return count == 0 || chama_error(error, CHAMA_ERROR_EXISTS, "%s: KT9: want a name for a new key, have that of one in the token; it stays as it is", token->uri);
}

static gboolean
make(const Token *token, CK_ATTRIBUTE label, CK_ATTRIBUTE id, GError **error)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_MECHANISM mechanism = { CKM_EC_EDWARDS_KEY_PAIR_GEN, NULL, 0 };
    CK_ATTRIBUTE public[] = {
        { CKA_TOKEN, &yes, sizeof yes }, { CKA_VERIFY, &yes, sizeof yes }, { CKA_EC_PARAMS, edwards25519, sizeof edwards25519 - 1 }, id, label,
    };
    CK_ATTRIBUTE private[] = {
        { CKA_TOKEN, &yes, sizeof yes }, { CKA_PRIVATE, &yes, sizeof yes }, { CKA_SENSITIVE, &yes, sizeof yes }, { CKA_EXTRACTABLE, &no, sizeof no },
        { CKA_SIGN, &yes, sizeof yes }, id, label,
    };
    CK_OBJECT_HANDLE made[2];

    return check(token->module->C_GenerateKeyPair(token->session, &mechanism, public, G_N_ELEMENTS(public), private, G_N_ELEMENTS(private), &made[0], &made[1]), token,
                 "make an Ed25519 key", error);
}

static gboolean
make_in_session(Token *token, const TokenUri *parts, TokenLogin *login, GError **error)
{
    CK_BYTE random[ID_SIZE];
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(parts->parsed, CKA_LABEL), *id = p11_kit_uri_get_attribute(parts->parsed, CKA_ID);
    CK_ATTRIBUTE named = *label, numbered = id ? *id : (CK_ATTRIBUTE){ CKA_ID, random, sizeof random };

    randombytes_buf(random, sizeof random);
    return log_in(token, login, error) && check_new(token, &named, error) && check_new(token, &numbered, error) && make(token, named, numbered, error);
}

static gboolean
make_with(CK_FUNCTION_LIST **modules, const TokenUri *parts, const char *uri, GError **error)
{
    TokenLogin login = { .pin_file = parts->pin_file };
    Token token = { .uri = uri };
    CK_SLOT_ID slot = 0;
    gboolean made;

    if (!find_slot(modules, parts, &token, &slot, error) ||
        !check(token.module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &token.session), &token, "open a session", error))
        return FALSE;
    token_login_begin(&login);
    made = make_in_session(&token, parts, &login, error);
    token_login_end();
    g_clear_error(&login.error);
    token.module->C_CloseSession(token.session);
    return made;
}

static gboolean
make_with_named(const TokenUri *parts, const char *uri, GError **error)
{
    CK_FUNCTION_LIST *module = p11_kit_module_load(parts->module_path, 0), *modules[] = { module, NULL };
    gboolean made = FALSE;

    if (!module)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT3: want a PKCS#11 module there: %s", parts->module_path, p11_kit_message());
    if (p11_kit_module_initialize(module) != CKR_OK)
        chama_error(error, CHAMA_ERROR_FAILED, "%s: KT3: the PKCS#11 module does not start: %s", parts->module_path, p11_kit_message());
    else {
        made = make_with(modules, parts, uri, error);
        p11_kit_module_finalize(module);
    }
    p11_kit_module_release(module);
    return made;
}

static gboolean
make_with_registered(const TokenUri *parts, const char *uri, GError **error)
{
    CK_FUNCTION_LIST **modules = p11_kit_modules_load_and_initialize(0);
    gboolean made;

    if (!modules)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: KT3: cannot load the system's PKCS#11 modules: %s", uri, p11_kit_message());
    made = make_with(modules, parts, uri, error);
    p11_kit_modules_finalize_and_release(modules);
    return made;
}

static gboolean
make_once(const TokenUri *parts, const char *uri, GError **error)
{
    return parts->module_path ? make_with_named(parts, uri, error) : make_with_registered(parts, uri, error);
}

gboolean
token_make_key(const char *uri, GError **error)
{
    g_auto(TokenUri) parts = { 0 };
    g_autoptr(GError) failed = NULL;

    if (!token_uri_parse(uri, &parts, error))
        return FALSE;
    if (!p11_kit_uri_get_attribute(parts.parsed, CKA_LABEL))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: KT9: want object=, the new key's name, in the URI, have none", uri);
    for (guint look = 1; !make_once(&parts, uri, &failed); look++) {
        if (look >= TOKEN_LOOKS || !g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        g_clear_error(&failed);
        g_usleep(TOKEN_PAUSE);
    }
    return TRUE;
}
