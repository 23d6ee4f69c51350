/* PKCS#11 URIs, and the files that refer to a key by one: KT1, KT2. */
#include <string.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/token_private.h"

#define SCHEME "pkcs11:"
#define REFERENCE_TYPE "token-key/1"

gboolean
token_is_uri(const char *text)
{
    return g_str_has_prefix(text, SCHEME);
}

void
token_uri_clear(TokenUri *parts)
{
    g_clear_pointer(&parts->parsed, p11_kit_uri_free);
    g_clear_pointer(&parts->object, free);
}

static gboolean
names_token(P11KitUri *parsed)
{
    const CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(parsed);

    return (info->label[0] && info->label[0] != ' ') || (info->serialNumber[0] && info->serialNumber[0] != ' ');
}

/* KT1: the class, if it is said, is that of private keys; and then it always is. */
static gboolean
set_class(P11KitUri *parsed, const char *uri, GError **error)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted = { CKA_CLASS, &class, sizeof class };
    const CK_ATTRIBUTE *said = p11_kit_uri_get_attribute(parsed, CKA_CLASS);

    if (said && memcmp(said->pValue, &class, sizeof class) != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: KT1: want type=private or no type, have another", uri);
    return p11_kit_uri_set_attribute(parsed, &wanted) == P11_KIT_URI_OK || chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot allocate", uri);
}

/* KT1: RFC 7512 also allows a PIN in the URI itself, and commands to run for it ("|"). */
static gboolean
check_query(const char *uri, TokenUri *parts, GError **error)
{
    const char *source = p11_kit_uri_get_pin_source(parts->parsed);

    if (p11_kit_uri_get_pin_value(parts->parsed))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "PKCS#11 URI: KT1: want no pin-value in it, for it is kept in a file and seen by others; "
                           "give pin-source=file:PATH, CHAMA_PIN_FILE, or the PIN when asked");
    parts->module_path = p11_kit_uri_get_module_path(parts->parsed);
    if (parts->module_path && !g_path_is_absolute(parts->module_path))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: KT1: want module-path to begin with a slash, have \"%s\"", uri, parts->module_path);
    if (!source)
        return TRUE;
    parts->pin_file = g_str_has_prefix(source, "file:") ? source + strlen("file:") : source;
    if (g_str_has_prefix(parts->pin_file, "///"))
        parts->pin_file += 2;
    return g_path_is_absolute(parts->pin_file) ||
           chama_error(error, CHAMA_ERROR_MALFORMED, "%s: KT1: want pin-source=file: and a path that begins with a slash, have \"%s\"", uri, source);
}

/* What GnuTLS is given: it would read PINs and modules from the rest in ways of its own. */
static gboolean
format_object(const char *uri, TokenUri *parts, GError **error)
{
    g_autofree char *path = g_strndup(uri, strcspn(uri, "?"));
    P11KitUri *bare = p11_kit_uri_new();
    gboolean ok = p11_kit_uri_parse(path, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, bare) == P11_KIT_URI_OK && set_class(bare, uri, error) &&
                  p11_kit_uri_format(bare, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, &parts->object) == P11_KIT_URI_OK;

    p11_kit_uri_free(bare);
    return ok || (error && *error) || chama_error(error, CHAMA_ERROR_MALFORMED, "%s: KT1: want a PKCS#11 URI as RFC 7512 has it, have another", uri);
}

gboolean
token_uri_parse(const char *uri, TokenUri *parts, GError **error)
{
    g_auto(TokenUri) parsed = { .parsed = p11_kit_uri_new() };
    gsize length = strnlen(uri, TOKEN_URI_MAX + 1);
    int status;

    if (length > TOKEN_URI_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "PKCS#11 URI: KT1: want at most %d bytes, have more", TOKEN_URI_MAX);
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isgraph(uri[i]))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "PKCS#11 URI: KT1: want visible ASCII, all else as %%XX, have byte %d", (guint8)uri[i]);
    status = p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, parsed.parsed);
    if (status != P11_KIT_URI_OK)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: KT1: want a PKCS#11 URI as RFC 7512 has it: %s", uri, p11_kit_uri_message(status));
    if (!check_query(uri, &parsed, error))
        return FALSE;
    if (p11_kit_uri_any_unrecognized(parsed.parsed))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: KT1: want attributes of RFC 7512 only, have another", uri);
    if (!names_token(parsed.parsed) ||
        (!p11_kit_uri_get_attribute(parsed.parsed, CKA_LABEL) && !p11_kit_uri_get_attribute(parsed.parsed, CKA_ID)))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: KT1: want token= or serial=, and object= or id=, have less", uri);
    if (!set_class(parsed.parsed, uri, error) || !format_object(uri, &parsed, error))
        return FALSE;
    *parts = parsed;
    parsed = (TokenUri){ 0 };
    return TRUE;
}

gboolean
token_check_uri(const char *uri, GError **error)
{
    g_auto(TokenUri) parts = { 0 };

    return token_uri_parse(uri, &parts, error);
}

gboolean
token_same(const char *uri, const char *other)
{
    g_auto(TokenUri) a = { 0 }, b = { 0 };

    return token_uri_parse(uri, &a, NULL) && token_uri_parse(other, &b, NULL) &&
           memcmp(p11_kit_uri_get_token_info(a.parsed), p11_kit_uri_get_token_info(b.parsed), sizeof(CK_TOKEN_INFO)) == 0;
}

void
token_reference_clear(TokenReference *reference)
{
    g_clear_pointer(&reference->uri, g_free);
}

GBytes *
token_reference_format(const char *uri, const PublicKey *key, GError **error)
{
    char text[PUBLIC_KEY_TEXT_SIZE];
    g_autoptr(json_t) root = json_pack("{s:s, s:s, s:s}", "key", public_key_format(key, text), "type", REFERENCE_TYPE, "uri", uri);

    return canonical_format(root, error);
}

gboolean
token_is_reference(GBytes *bytes)
{
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);

    return size > 0 && text[0] == '{';
}

gboolean
token_reference_parse(GBytes *bytes, const char *what, TokenReference *reference, GError **error)
{
    static const char *const known[] = { "key", "type", "uri", NULL };
    g_autofree char *subject = g_strdup_printf("%s: KT2", what);
    g_autoptr(json_t) root = canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), TOKEN_REFERENCE_MAX, subject, error);
    const char *type, *key, *uri;

    if (!root || !member_string(root, subject, "type", 64, &type, error))
        return FALSE;
    if (strcmp(type, REFERENCE_TYPE) != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: want the type " REFERENCE_TYPE ", have \"%s\"", subject, type);
    if (!member_only(root, subject, known, error) || !member_string(root, subject, "key", PUBLIC_KEY_TEXT_SIZE - 1, &key, error) ||
        !member_string(root, subject, "uri", TOKEN_URI_MAX, &uri, error))
        return FALSE;
    if (!public_key_parse(key, &reference->key, error) || !token_check_uri(uri, error)) {
        g_prefix_error(error, "%s: ", subject);
        return FALSE;
    }
    reference->uri = g_strdup(uri);
    return TRUE;
}

gboolean
token_reference_load(const char *path, TokenReference *reference, GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(path, TOKEN_REFERENCE_MAX, NULL);

    return bytes && token_is_reference(bytes) && token_reference_parse(bytes, path, reference, error);
}
