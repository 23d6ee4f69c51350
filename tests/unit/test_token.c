#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/token_private.h"

#define KEY "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* KT1. */
static void
test_uris(void)
{
    static const struct {
        const char *uri, *object, *module_path, *pin_file, *wrong;
    } cases[] = {
        { "pkcs11:token=office;object=signing", "pkcs11:token=office;object=signing;type=private", NULL, NULL, NULL },
        { "pkcs11:serial=0123;id=%01%02;type=private", "pkcs11:serial=0123;id=%01%02;type=private", NULL, NULL, NULL },
        { "pkcs11:token=%E5%8A%9E;object=a?module-path=/m.so&pin-source=file:/p", "pkcs11:token=%E5%8A%9E;object=a;type=private", "/m.so", "/p", NULL },
        { "pkcs11:token=a;object=b?pin-source=/p", "pkcs11:token=a;object=b;type=private", NULL, "/p", NULL },
        { "pkcs11:token=a;object=b?pin-source=file:///p", "pkcs11:token=a;object=b;type=private", NULL, "/p", NULL },
        { "", NULL, NULL, NULL, ": KT1: want a PKCS#11 URI as RFC 7512 has it: URI scheme must be 'pkcs11:'" },
        { "pkcs11:", NULL, NULL, NULL, "pkcs11:: KT1: want token= or serial=, and object= or id=, have less" },
        { "pkcs11:object=b", NULL, NULL, NULL, "pkcs11:object=b: KT1: want token= or serial=, and object= or id=, have less" },
        { "pkcs11:token=;object=b", NULL, NULL, NULL, "pkcs11:token=;object=b: KT1: want token= or serial=, and object= or id=, have less" },
        { "pkcs11:token=a;object=b;type=cert", NULL, NULL, NULL, "pkcs11:token=a;object=b;type=cert: KT1: want type=private or no type, have another" },
        { "pkcs11:token=a;object=b?pin-source=p", NULL, NULL, NULL,
          "pkcs11:token=a;object=b?pin-source=p: KT1: want pin-source=file: and a path that begins with a slash, have \"p\"" },
        { "pkcs11:token=a;object=b;x-y=z", NULL, NULL, NULL, "pkcs11:token=a;object=b;x-y=z: KT1: want attributes of RFC 7512 only, have another" },
        { "pkcs11:token=a;object=b?x-y=z", "pkcs11:token=a;object=b;type=private", NULL, NULL, NULL },
        { "pkcs11:token=a;object=b\n", NULL, NULL, NULL, "PKCS#11 URI: KT1: want visible ASCII, all else as %XX, have byte 10" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(TokenUri) parts = { 0 };
        g_autoptr(GError) error = NULL;
        gboolean ok = token_uri_parse(cases[i].uri, &parts, &error);

        if (cases[i].wrong) {
            g_assert_false(ok);
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
            g_assert_cmpstr(error->message, ==, cases[i].wrong);
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpstr(parts.object, ==, cases[i].object);
        g_assert_cmpstr(parts.module_path, ==, cases[i].module_path);
        g_assert_cmpstr(parts.pin_file, ==, cases[i].pin_file);
    }
    g_assert_true(token_same("pkcs11:token=a;object=b", "pkcs11:token=a;id=%01?pin-source=/p"));
    g_assert_false(token_same("pkcs11:token=a;object=b", "pkcs11:token=b;object=b"));
}

/* KT2. */
static void
test_references(void)
{
    static const struct {
        const char *text;
        int code;
        const char *wrong;
    } cases[] = {
        { "{\"key\":\"" KEY "\",\"type\":\"token-key/1\",\"uri\":\"pkcs11:token=a;object=b\"}", -1, NULL },
        { "{\"key\":\"" KEY "\",\"type\":\"token-key/2\",\"uri\":\"pkcs11:token=a;object=b\"}", CHAMA_ERROR_UNSUPPORTED, "f: KT2: want the type token-key/1, have \"token-key/2\"" },
        { "{\"key\":\"" KEY "\",\"pin\":\"1\",\"type\":\"token-key/1\",\"uri\":\"pkcs11:token=a;object=b\"}", CHAMA_ERROR_MALFORMED,
          "f: KT2: want only members that this type has, have \"pin\"" },
        { "{\"type\":\"token-key/1\",\"uri\":\"pkcs11:token=a;object=b\"}", CHAMA_ERROR_MALFORMED, "f: KT2: member \"key\": want a string, have none" },
        { "{\"key\":\"ed25519:AA==\",\"type\":\"token-key/1\",\"uri\":\"pkcs11:token=a;object=b\"}", CHAMA_ERROR_MALFORMED, "f: KT2: public key: K1: want 32 bytes, have 1" },
        { "{\"key\":\"" KEY "\",\"type\":\"token-key/1\",\"uri\":\"signing.key\"}", CHAMA_ERROR_MALFORMED,
          "f: KT2: signing.key: KT1: want a PKCS#11 URI as RFC 7512 has it: URI scheme must be 'pkcs11:'" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(cases[i].text, strlen(cases[i].text)), again = NULL;
        g_auto(TokenReference) reference = { 0 };
        g_autoptr(GError) error = NULL;

        if (!token_reference_parse(bytes, "f", &reference, &error)) {
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
            g_assert_cmpstr(error->message, ==, cases[i].wrong);
            continue;
        }
        g_assert_null(cases[i].wrong);
        again = token_reference_format(reference.uri, &reference.key, NULL);
        g_assert_true(g_bytes_equal(bytes, again));
    }
}

typedef struct {
    char *folder, *file;
    guint asked;
} Pins;

static void
pins_setup(Pins *p, gconstpointer data)
{
    p->folder = g_dir_make_tmp("chama-token-XXXXXX", NULL);
    p->file = g_build_filename(p->folder, "pin", NULL);
    g_assert_true(durable_write(p->file, "1234\n", 5, 0600, NULL));
    g_unsetenv("CHAMA_PIN_FILE");
}

static void
pins_teardown(Pins *p, gconstpointer data)
{
    token_set_ask(NULL, NULL);
    g_unlink(p->file);
    g_assert_cmpint(g_rmdir(p->folder), ==, 0);
    g_free(p->folder);
    g_free(p->file);
}

static char *
answer(gpointer data, const char *label, GError **error)
{
    ((Pins *)data)->asked++;
    return g_strdup("5678");
}

/* What the token at @url is given: the PIN, or the error. */
static char *
give(const char *url, int attempt, unsigned int flags, const char *file)
{
    TokenLogin login = { .pin_file = file };
    char pin[GNUTLS_PKCS11_MAX_PIN_LEN];
    char *got;

    token_login_begin(&login);
    got = token_give_pin(NULL, attempt, url, "t", GNUTLS_PIN_USER | flags, pin, sizeof pin) == 0 ? g_strdup(pin) : g_strdup(login.error->message);
    token_login_end();
    g_clear_error(&login.error);
    return got;
}

static void
assert_given(const char *url, int attempt, unsigned int flags, const char *file, const char *want)
{
    g_autofree char *got = give(url, attempt, flags, file);

    g_assert_cmpstr(got, ==, want);
}

/* KT6: the file goes before the person, CHAMA_PIN_FILE before both; what others read, or is no PIN, is none. */
static void
test_sources(Pins *p, gconstpointer data)
{
    g_autofree char *other = g_strdup_printf("%s: KT6: want the file with the PIN readable by its owner only, have mode 0604; chmod 600 it", p->file);
    g_autofree char *lines = g_strdup_printf("%s: KT6: want one line of 1 to 255 bytes, the PIN, have something else", p->file);
    char longest[300];

    assert_given("s0", 0, 0, NULL, "token \"t\": KT6: want its PIN, have none: give it with pin-source=file:PATH in its URI, with CHAMA_PIN_FILE, or at a terminal");
    assert_given("s1", 0, 0, p->file, "1234");
    token_set_ask(answer, p);
    assert_given("s2", 0, 0, p->file, "1234");
    assert_given("s3", 0, 0, NULL, "5678");
    assert_given("s3", 0, 0, NULL, "5678");
    g_assert_cmpuint(p->asked, ==, 1);
    g_setenv("CHAMA_PIN_FILE", p->file, TRUE);
    assert_given("s4", 0, 0, "/nowhere", "1234");
    g_assert_cmpint(g_chmod(p->file, 0604), ==, 0);
    assert_given("s5", 0, 0, NULL, other);
    g_assert_cmpint(g_chmod(p->file, 0600), ==, 0);
    g_assert_true(durable_write(p->file, "\n", 1, 0600, NULL));
    assert_given("s6", 0, 0, NULL, lines);
    g_assert_true(durable_write(p->file, "12\n34", 5, 0600, NULL));
    assert_given("s7", 0, 0, NULL, lines);
    g_assert_true(durable_write(p->file, "12\0" "34", 5, 0600, NULL));
    assert_given("s8", 0, 0, NULL, lines);
    memset(longest, '7', sizeof longest);
    g_assert_true(durable_write(p->file, longest, 256, 0600, NULL));
    assert_given("s9", 0, 0, NULL, lines);
    g_assert_true(durable_write(p->file, longest, 255, 0600, NULL));
    longest[255] = '\0';
    assert_given("s10", 0, 0, NULL, longest);
    g_unsetenv("CHAMA_PIN_FILE");
}

/* KT7: once, and never the last time. */
static void
test_wrong(Pins *p, gconstpointer data)
{
    static const char once[] = "token \"t\": KT7: want its PIN, have a wrong one; it was tried once and is not tried again";
    static const char last[] = "token \"t\": KT7: want more than one attempt left, have one: after another wrong PIN the token would lock; log in with its own program first";
    g_autofree char *low = g_strdup_printf("token \"t\": KT7: a wrong PIN was given to it before, so that of a file is not tried; check %s, then run `chama keys status --try` at a terminal",
                                           p->file);

    assert_given("w1", 0, 0, p->file, "1234");
    assert_given("w1", 1, GNUTLS_PIN_WRONG | GNUTLS_PIN_COUNT_LOW, p->file, once);
    assert_given("w1", 0, 0, p->file, once);
    assert_given("w2", 0, GNUTLS_PIN_COUNT_LOW, p->file, low);
    assert_given("w3", 0, GNUTLS_PIN_FINAL_TRY, p->file, last);
    token_set_ask(answer, p);
    assert_given("w4", 0, GNUTLS_PIN_COUNT_LOW, p->file, "5678");
    assert_given("w5", 0, GNUTLS_PIN_FINAL_TRY, NULL, last);
    assert_given("w1", 0, 0, NULL, once);
    g_assert_cmpuint(p->asked, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/token/kt1/uris", test_uris);
    g_test_add_func("/token/kt2/references", test_references);
    g_test_add("/token/kt6/sources", Pins, NULL, pins_setup, test_sources, pins_teardown);
    g_test_add("/token/kt7/wrong", Pins, NULL, pins_setup, test_wrong, pins_teardown);
    return g_test_run();
}
