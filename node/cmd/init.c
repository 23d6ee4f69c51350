/* chama init: make a node. */
#include <stdio.h>
#include <string.h>

#include "manifests/statement.h"
#include "node/command.h"
#include "node/config.h"
#include "node/described.h"
#include "node/in_token.h"
#include "node/print.h"

typedef struct {
    Described said;
    char *listen, *url, *key, *next_key;
    gboolean passphrase, json;
} Options;

/* The address that peers are told: what was given, else the listen address if a peer could use it. */
static char *
advertised_url(const Options *options, const char *listen)
{
    if (options->url)
        return *options->url ? g_strdup(options->url) : NULL;
    if (g_str_has_prefix(listen, "0.0.0.0:") || g_str_has_prefix(listen, "[::]:"))
        return NULL;
    return g_strdup_printf("https://%s", listen);
}

/* Before anything is asked for. */
static gboolean
check_keys(const Options *options, GError **error)
{
    if (options->key && !token_is_uri(options->key))
        return chama_error(error, CHAMA_ERROR_USAGE, "--key: KT1: want the URI of a key in a token, pkcs11:..., have %s", options->key);
    if ((!options->key || token_check_uri(options->key, error)) && (!options->next_key || !token_is_uri(options->next_key) || token_check_uri(options->next_key, error)))
        return TRUE;
    command_blame_usage(error);
    return FALSE;
}

static GBytes *
make_profile(const Options *options, const char *url, GError **error)
{
    g_autoptr(Profile) profile = profile_new();

    if (!described_apply(&options->said, profile, error))
        return NULL;
    if (url)
        g_ptr_array_add(profile->addresses, g_strdup(url));
    return profile_format(profile, error);
}

static void
print_made(Home *home, const Options *options)
{
    char fingerprint[FINGERPRINT_SIZE];
    g_autofree char *next = options->next_key ? g_strdup(options->next_key) : home_file(home, "keys/next.key");
    Digest inception;

    node_id_parse(home_id(home), &inception, NULL);
    fingerprint_format(&inception, fingerprint);
    if (options->json) {
        print_json(json_pack("{s:s, s:s, s:s, s:s}", "node", home_id(home), "fingerprint", fingerprint, "home", home_path(home), "next_key", next));
        return;
    }
    printf("%s\n%s\n", home_id(home), fingerprint);
    fprintf(stderr, "made the node in %s\n", home_path(home));
    if (options->key && options->next_key && token_is_uri(options->next_key) && token_same(options->key, options->next_key))
        fprintf(stderr, "warning: " IN_TOKEN_BOTH "\n");
    if (!options->next_key)
        fprintf(stderr, "warning: %s is the key with which a lost or stolen signing key is replaced: copy it to removable media, keep that in a safe, "
                "and delete it here\n", next);
}

/* The host of an address that profile_format() has accepted, without the brackets of IPv6. */
static char *
host_of(const char *url)
{
    g_autoptr(GUri) parsed = url ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;

    return parsed ? g_strdup(g_uri_get_host(parsed)) : NULL;
}

static gboolean
create(const Invocation *invocation, const Options *options, const char *listen, GError **error)
{
    g_autofree char *url = advertised_url(options, listen), *listener = NULL, *host = NULL, *config = NULL, *passphrase = NULL;
    g_autoptr(GBytes) profile = NULL;
    g_autoptr(Home) home = NULL;

    if (!config_parse_address(listen, &listener, NULL, error) || !(profile = make_profile(options, url, error))) {
        command_blame_usage(error);
        return FALSE;
    }
    if (options->passphrase && !(passphrase = command_new_passphrase(error)))
        return FALSE;
    config = config_template(listen, url);
    host = host_of(url);
    const char *const hosts[] = { listener, host, NULL };
    const HomeSetup setup = { .profile = profile, .key = options->key, .next_key = options->next_key, .passphrase = passphrase, .hosts = hosts, .config = config };
    home = home_create(invocation->home, &setup, error);
    if (!home)
        return FALSE;
    print_made(home, options);
    return TRUE;
}

gboolean
cmd_init(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        DESCRIBED_OPTIONS(&o.said),
        { "listen", 0, 0, G_OPTION_ARG_STRING, &o.listen, "where the daemon will listen (default " CONFIG_LISTEN_DEFAULT ")", "HOST:PORT" },
        { "url", 0, 0, G_OPTION_ARG_STRING, &o.url, "the address that peers are told (default: the listen address)", "URL" },
        { "key", 0, 0, G_OPTION_ARG_STRING, &o.key, "sign with this Ed25519 key, which is in a PKCS#11 token", "pkcs11:URI" },
        { "next-key", 0, 0, G_OPTION_ARG_FILENAME, &o.next_key, "write the next signing key to this file (removable media), or take that of a token", "FILE|pkcs11:URI" },
        { "passphrase", 0, 0, G_OPTION_ARG_NONE, &o.passphrase, "protect the signing keys with a passphrase", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !check_keys(&o, error))
        return FALSE;
    command_ask_pins();
    if (!o.said.name_zh && !o.said.name_en)
        return chama_error(error, CHAMA_ERROR_USAGE, "init: want --name-zh or --name-en, have neither; example: chama init --name-zh 林业厅 --name-en Forestry");
    return create(invocation, &o, o.listen ? o.listen : CONFIG_LISTEN_DEFAULT, error);
}
