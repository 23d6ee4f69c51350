#include "node/config.h"

#include <string.h>

#include "keys/error.h"

#define MIB (1024 * 1024)

typedef enum { KEY_TEXT, KEY_COUNT, KEY_MIB, KEY_LOG } KeyKind;

typedef struct {
    const char *group, *name;
    KeyKind kind;
    gsize offset;
    guint64 min, max;
} Key;

static const Key keys[] = {
    { "node", "listen", KEY_TEXT, G_STRUCT_OFFSET(Config, listen), 0, 0 },
    { "node", "url", KEY_TEXT, G_STRUCT_OFFSET(Config, url), 0, 0 },
    { "sync", "interval", KEY_COUNT, G_STRUCT_OFFSET(Config, sync_interval), 0, 7 * 24 * 3600 },
    { "sync", "reserve", KEY_MIB, G_STRUCT_OFFSET(Config, reserve), 0, 1 << 30 },
    { "quota", "ledgers", KEY_COUNT, G_STRUCT_OFFSET(Config, ledgers_max), 0, 100000 },
    { "quota", "records", KEY_MIB, G_STRUCT_OFFSET(Config, records_max), 1, G_MAXUINT32 },
    { "quota", "ledger-mib", KEY_MIB, G_STRUCT_OFFSET(Config, ledger_bytes_max), 1, 1 << 30 },
    { "quota", "peer-mib", KEY_MIB, G_STRUCT_OFFSET(Config, peer_bytes_max), 1, 1 << 30 },
    { "serve", "connections", KEY_COUNT, G_STRUCT_OFFSET(Config, connections_max), 1, 10000 },
    { "witness", "policy", KEY_TEXT, G_STRUCT_OFFSET(Config, policy), 0, 0 },
    { "serve", "log", KEY_LOG, G_STRUCT_OFFSET(Config, log_json), 0, 0 },
};

static const Key *
find_key(const char *group, const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].group, group) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static gboolean
set_log(Config *config, const char *text, GError **error)
{
    if (strcmp(text, "text") != 0 && strcmp(text, "json") != 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [serve] log: want text or json, have %s", text);
    config->log_json = strcmp(text, "json") == 0;
    return TRUE;
}

static gboolean
set_key(Config *config, const Key *key, const char *text, GError **error)
{
    gpointer field = G_STRUCT_MEMBER_P(config, key->offset);
    guint64 number;

    if (key->kind == KEY_TEXT) {
        g_free(*(char **)field);
        *(char **)field = *text ? g_strdup(text) : NULL;
        return TRUE;
    }
    if (key->kind == KEY_LOG)
        return set_log(config, text, error);
    if (!g_ascii_string_to_unsigned(text, 10, key->min, key->max, &number, NULL))
        return chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [%s] %s: want a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ", have %s",
                           key->group, key->name, key->min, key->max, text);
    if (key->kind == KEY_COUNT)
        *(guint *)field = (guint)number;
    else
        *(guint64 *)field = strcmp(key->name, "records") == 0 ? number : number * MIB;
    return TRUE;
}

static gboolean
read_group(Config *config, GKeyFile *file, const char *group, GError **error)
{
    g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, error);

    for (guint i = 0; names && names[i]; i++) {
        const Key *key = find_key(group, names[i]);
        g_autofree char *text = g_key_file_get_value(file, group, names[i], NULL);

        if (!key)
            return chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [%s] %s: no such key; see chama(1)", group, names[i]);
        if (!set_key(config, key, g_strstrip(text), error))
            return FALSE;
    }
    return names != NULL;
}

static Config *
config_defaults(void)
{
    Config *config = g_new0(Config, 1);

    config->listen = g_strdup(CONFIG_LISTEN_DEFAULT);
    config->sync_interval = 300;
    config->reserve = 256ull * MIB;
    config->ledgers_max = 256;
    config->records_max = 1000000;
    config->ledger_bytes_max = 1024ull * MIB;
    config->peer_bytes_max = 2048ull * MIB;
    config->connections_max = 512;
    return config;
}

Config *
config_load(const char *home, GError **error)
{
    g_autoptr(Config) config = config_defaults();
    g_autofree char *path = g_build_filename(home, "config.ini", NULL);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) failed = NULL;
    g_auto(GStrv) groups = NULL;

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &failed)) {
        if (g_error_matches(failed, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return g_steal_pointer(&config);
        return chama_error_null(error, CHAMA_ERROR_USAGE, "config.ini: %s", failed->message);
    }
    groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i]; i++) {
        if (!read_group(config, file, groups[i], error))
            return NULL;
    }
    if (!config_parse_address(config->listen ? config->listen : "", NULL, NULL, error)) {
        g_prefix_error(error, "config.ini: [node] listen: ");
        return NULL;
    }
    return g_steal_pointer(&config);
}

void
config_free(Config *config)
{
    g_free(config->listen);
    g_free(config->url);
    g_free(config->policy);
    g_free(config);
}

gboolean
config_policy(const char *home, const char *option, Policy **policy, GError **error)
{
    g_autoptr(Config) config = config_load(home, error);
    g_autofree char *path = NULL;

    *policy = NULL;
    if (!config)
        return FALSE;
    if (option)
        path = g_strdup(option);
    else if (config->policy)
        path = g_path_is_absolute(config->policy) ? g_strdup(config->policy) : g_build_filename(home, config->policy, NULL);
    if (path)
        *policy = policy_load(path, error);
    return !path || *policy;
}

char *
config_template(const char *listen, const char *url)
{
    return g_strdup_printf("# Configuration of this chama node; chama(1) explains every key.  `systemctl reload chama` (SIGHUP) reads it again.\n"
                           "\n[node]\n# where the daemon listens\nlisten = %s\n# the address that peers are told\nurl = %s\n"
                           "\n[sync]\n# seconds between two syncs with every peer; 0: only by hand\ninterval = 300\n# MiB of disk that a sync leaves free\nreserve = 256\n"
                           "\n[quota]\n# what one peer can make this node keep: relayed ledgers, records in a ledger, MiB of records in a ledger and in all it relays\n"
                           "ledgers = 256\nrecords = 1000000\nledger-mib = 1024\npeer-mib = 2048\n"
                           "\n[witness]\n# a file that says whose cosignatures count (c2sp.org/tlog-policy); empty: all known nodes are counted\npolicy =\n"
                           "\n[serve]\nconnections = 512\n# text or json\nlog = text\n", listen, url ? url : "");
}

gboolean
config_parse_address(const char *text, char **host, guint16 *port, GError **error)
{
    const char *colon = strrchr(text, ':');
    guint64 number = 0;
    g_autofree char *name = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;

    if (!name || !*name || !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &number, NULL) || (strchr(name, ':') && name[0] != '['))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want HOST:PORT or [IPV6]:PORT with a port from 1 to 65535", text);
    if (host) {
        gsize length = strlen(name);

        *host = name[0] == '[' && name[length - 1] == ']' ? g_strndup(name + 1, length - 2) : g_strdup(name);
    }
    if (port)
        *port = (guint16)number;
    return TRUE;
}
