/* Invites: V1 to V5 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/invite.h"

#define NODE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PIN "0101010101010101010101010101010101010101010101010101010101010101"

static Peer *
make_peer(const char *name, const char *const *urls, guint pins)
{
    Peer *peer = peer_new();
    Digest pin;

    g_strlcpy(peer->node, NODE, sizeof peer->node);
    peer->name = g_strdup(name);
    for (guint i = 0; urls[i]; i++)
        g_ptr_array_add(peer->urls, g_strdup(urls[i]));
    for (guint i = 1; i <= pins; i++) {
        memset(&pin, (int)i, sizeof pin);
        g_array_append_val(peer->pins, pin);
    }
    return peer;
}

/* @body with its right check. */
static char *
with_check(const char *body)
{
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_of(body, strlen(body), &digest);
    digest_format_hex(&digest, hex);
    return g_strdup_printf("%s&check=%.8s", body, hex);
}

static void
test_format(void)
{
    static const struct {
        const char *name;
        const char *urls[4];
        guint pins;
        const char *body;
    } cases[] = {
        { "Forestry", { "https://10.0.0.7:8443" }, 1, "chama://10.0.0.7:8443/" NODE "?tls=" PIN "&name=Forestry" },
        { "Forestry", { NULL }, 1, "chama://-/" NODE "?tls=" PIN "&name=Forestry" },
        { "\xe6\x9e\x97 & co", { "https://[::1]:8443", "https://a.example" }, 1,
          "chama://[::1]:8443/" NODE "?tls=" PIN "&name=%E6%9E%97%20%26%20co&url=https%3A%2F%2Fa.example" },
        { "x", { "ssh://chama@a.example/srv" }, 1, "chama://-/" NODE "?tls=" PIN "&name=x&url=ssh%3A%2F%2Fchama%40a.example%2Fsrv" },
        { "x", { "https://a.example/chama" }, 2,
          "chama://-/" NODE "?tls=" PIN "&tls=0202020202020202020202020202020202020202020202020202020202020202&name=x&url=https%3A%2F%2Fa.example%2Fchama" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Peer) peer = make_peer(cases[i].name, cases[i].urls, cases[i].pins);
        g_autoptr(Peer) back = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *line = invite_format(peer, &error);
        g_autofree char *want = with_check(cases[i].body);
        g_autofree char *pasted = g_strdup_printf(" %s\r\n", want);

        g_assert_no_error(error);
        g_assert_cmpstr(line, ==, want);
        g_assert_true(invite_looks_like(line));
        back = invite_parse(pasted, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(back->node, ==, NODE);
        g_assert_cmpstr(back->name, ==, cases[i].name);
        g_assert_cmpuint(back->pins->len, ==, cases[i].pins);
        g_assert_cmpuint(back->urls->len, ==, peer->urls->len);
        for (guint j = 0; j < back->urls->len; j++)
            g_assert_cmpstr(back->urls->pdata[j], ==, cases[i].urls[j]);
    }
}

static void
test_format_refusals(void)
{
    static const struct {
        const char *name;
        const char *urls[2];
        guint pins;
        int code;
    } cases[] = {
        { NULL, { NULL }, 1, CHAMA_ERROR_USAGE },
        { "", { NULL }, 1, CHAMA_ERROR_USAGE },
        { "x", { NULL }, 0, CHAMA_ERROR_USAGE },
        { "x", { NULL }, 9, CHAMA_ERROR_LIMIT },
        { "x", { "http://a.example" }, 1, CHAMA_ERROR_USAGE },
        { "a\nb", { NULL }, 1, CHAMA_ERROR_MALFORMED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Peer) peer = make_peer(cases[i].name, cases[i].urls, cases[i].pins);
        g_autoptr(GError) error = NULL;

        g_assert_null(invite_format(peer, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
    }
}

static void
test_parse_refusals(void)
{
    static const struct {
        const char *body;
        int code;
    } cases[] = {
        { "chama://a:1/" NODE, CHAMA_ERROR_MALFORMED },                                             /* V3 */
        { "chama://a:1/" NODE "?name=x", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN, CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=x&name=y", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=%1B%5B2J", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=%FF", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=%00", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=%zz", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=01&name=x", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/AAAA?tls=" PIN "&name=x", CHAMA_ERROR_MALFORMED },
        { "chama://a:1?tls=" PIN "&name=x", CHAMA_ERROR_MALFORMED },
        { "chama:///" NODE "?tls=" PIN "&name=x", CHAMA_ERROR_MALFORMED },                           /* V4 */
        { "chama://a:0/" NODE "?tls=" PIN "&name=x", CHAMA_ERROR_MALFORMED },
        { "chama://u@a:1/" NODE "?tls=" PIN "&name=x", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=x&url=file%3A%2F%2F%2Fetc", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?tls=" PIN "&name=x&url=ssh%3A%2F%2F-oProxyCommand", CHAMA_ERROR_MALFORMED },
        { "chama://a:1/" NODE "?name=x&tls=" PIN "&tls=" PIN "&tls=" PIN "&tls=" PIN "&tls=" PIN "&tls=" PIN "&tls=" PIN "&tls=" PIN "&tls=" PIN,
          CHAMA_ERROR_LIMIT },
        { "https://a:1/" NODE "?tls=" PIN "&name=x", CHAMA_ERROR_MALFORMED },                        /* V1 */
        { "chama://a:1/" NODE "?tls=" PIN "&name=a b", CHAMA_ERROR_MALFORMED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = with_check(cases[i].body);
        g_autoptr(GError) error = NULL;

        g_test_message("%s", line);
        g_assert_null(invite_parse(line, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
    }
}

/* V2: no line that differs in one character passes, nor one that was cut. */
static void
test_check(void)
{
    g_autofree char *line = with_check("chama://a:1/" NODE "?tls=" PIN "&name=x");
    gsize size = strlen(line);

    for (gsize i = 0; i < size; i++) {
        g_autofree char *changed = g_strdup(line);
        g_autofree char *cut = g_strndup(line, i);
        g_autoptr(GError) error = NULL;

        changed[i] = changed[i] == 'b' ? 'c' : 'b';
        g_assert_null(invite_parse(changed, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_clear_error(&error);
        g_assert_null(invite_parse(cut, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_size(void)
{
    g_autofree char *long_line = g_strnfill(INVITE_SIZE_MAX + 1, 'x');
    g_autofree char *unknown = with_check("chama://a:1/" NODE "?tls=" PIN "&later=1&name=x");
    g_autoptr(GError) error = NULL;
    g_autoptr(Peer) peer = NULL;

    g_assert_null(invite_parse(long_line, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    /* V5 */
    peer = invite_parse(unknown, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(peer->name, ==, "x");
    g_assert_false(invite_looks_like("forestry"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/invite/V3-format", test_format);
    g_test_add_func("/invite/V3-format-refusals", test_format_refusals);
    g_test_add_func("/invite/V1-V5-parse-refusals", test_parse_refusals);
    g_test_add_func("/invite/V2-check", test_check);
    g_test_add_func("/invite/V1-V5-size-and-unknown", test_size);
    return g_test_run();
}
