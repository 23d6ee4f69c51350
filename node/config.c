#include "node/config.h"

#include <string.h>

#include "keys/error.h"
#include "sync/dropbox/place.h"
#include "sync/names.h"

#define MIB (1024 * 1024)
#define INTERVAL_MAX (7 * 24 * 3600)
#define PEER_GROUP "peer "   /* and an alias */

typedef enum { KEY_TEXT, KEY_COUNT, KEY_MIB, KEY_LOG, KEY_FLAG, KEY_RATE, KEY_BYTES, KEY_OUTBOXES } KeyKind;

typedef struct {
    const char *group, *name;
    KeyKind kind;
    gsize offset;
    guint64 min, max;
} Key;

static const Key keys[] = {
    { "node", "listen", KEY_TEXT, G_STRUCT_OFFSET(Config, listen), 0, 0 },
    { "node", "url", KEY_TEXT, G_STRUCT_OFFSET(Config, url), 0, 0 },
    { "sync", "interval", KEY_COUNT, G_STRUCT_OFFSET(Config, sync_interval), 0, INTERVAL_MAX },
    { "sync", "parallel", KEY_COUNT, G_STRUCT_OFFSET(Config, parallel), 1, 64 },
    { "sync", "turn", KEY_COUNT, G_STRUCT_OFFSET(Config, turn), 1, INTERVAL_MAX },
    { "sync", "limit-rate", KEY_RATE, G_STRUCT_OFFSET(Config, rate), 0, 0 },
    { "sync", "slowest", KEY_BYTES, G_STRUCT_OFFSET(Config, slowest), 0, 0 },
    { "sync", "reserve", KEY_MIB, G_STRUCT_OFFSET(Config, reserve), 0, 1 << 30 },
    { "quota", "ledgers", KEY_COUNT, G_STRUCT_OFFSET(Config, ledgers_max), 0, 100000 },
    { "quota", "records", KEY_MIB, G_STRUCT_OFFSET(Config, records_max), 1, G_MAXUINT32 },
    { "quota", "ledger-mib", KEY_MIB, G_STRUCT_OFFSET(Config, ledger_bytes_max), 1, 1 << 30 },
    { "quota", "peer-mib", KEY_MIB, G_STRUCT_OFFSET(Config, peer_bytes_max), 1, 1 << 30 },
    { "serve", "connections", KEY_COUNT, G_STRUCT_OFFSET(Config, connections_max), 1, 10000 },
    { "serve", "limit-rate", KEY_RATE, G_STRUCT_OFFSET(Config, serve_rate), 0, 0 },
    { "ssh", "key", KEY_TEXT, G_STRUCT_OFFSET(Config, ssh_key), 0, 0 },
    { "witness", "policy", KEY_TEXT, G_STRUCT_OFFSET(Config, policy), 0, 0 },
    { "dropbox", "inbox", KEY_TEXT, G_STRUCT_OFFSET(Config, inbox), 0, 0 },
    { "dropbox", "interval", KEY_COUNT, G_STRUCT_OFFSET(Config, box_interval), 1, 24 * 3600 },
    { "dropbox", "settle", KEY_COUNT, G_STRUCT_OFFSET(Config, settle), 0, 3600 },
    { "dropbox", "outbox", KEY_OUTBOXES, G_STRUCT_OFFSET(Config, outboxes), 0, 0 },
    { "dropbox", "outbox-interval", KEY_COUNT, G_STRUCT_OFFSET(Config, outbox_interval), 1, INTERVAL_MAX },
    { "dropbox", "outbox-files", KEY_COUNT, G_STRUCT_OFFSET(Config, outbox_files), 1, 9000 },
    { "dropbox", "outbox-mib", KEY_MIB, G_STRUCT_OFFSET(Config, outbox_bytes), 256, 1 << 30 },
    { "dropbox", "keep-mib", KEY_MIB, G_STRUCT_OFFSET(Config, keep_bytes), 0, 1 << 30 },
    { "dropbox", "keep-count", KEY_COUNT, G_STRUCT_OFFSET(Config, keep_count), 0, 10000 },
    { "dropbox", "keep-days", KEY_COUNT, G_STRUCT_OFFSET(Config, keep_days), 0, 36500 },
    { "serve", "log", KEY_LOG, G_STRUCT_OFFSET(Config, log_json), 0, 0 },
};

/* Of a [peer ALIAS], within its ConfigPeer. */
static const Key peer_keys[] = {
    { "peer", "limit-rate", KEY_RATE, G_STRUCT_OFFSET(ConfigPeer, rate), 0, 0 },
    { "peer", "interval", KEY_COUNT, G_STRUCT_OFFSET(ConfigPeer, interval), 0, INTERVAL_MAX },
    { "peer", "push", KEY_FLAG, G_STRUCT_OFFSET(ConfigPeer, push), 0, 0 },
};

static const Key *
find_key(const Key *table, gsize count, const char *group, const char *name)
{
    for (gsize i = 0; i < count; i++) {
        if (strcmp(table[i].group, group) == 0 && strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static gboolean
set_log(gboolean *json, const char *text, GError **error)
{
    *json = strcmp(text, "json") == 0;
    return *json || strcmp(text, "text") == 0 || chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [serve] log: want text or json, have %s", text);
}

static gboolean
set_flag(const Key *key, gboolean *flag, const char *text, GError **error)
{
    *flag = strcmp(text, "yes") == 0;
    return *flag || strcmp(text, "no") == 0 || chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [%s] %s: want yes or no, have %s", key->group, key->name, text);
}

static gboolean
set_rate(const Key *key, gpointer field, const char *text, GError **error)
{
    if (key->kind == KEY_RATE ? rate_parse(text, field, error) : rate_parse_number(text, field, error) && *(guint64 *)field > 0)
        return TRUE;
    if (error && !*error)
        chama_error(error, CHAMA_ERROR_USAGE, "PU53: want a number of bytes a second, have %s", text);
    g_prefix_error(error, "config.ini: [%s] %s: ", key->group, key->name);
    return FALSE;
}

static void
outbox_free(gpointer data)
{
    ConfigOutbox *outbox = data;

    g_free(outbox->peer);
    g_free(outbox->address);
    g_free(outbox);
}

/* "PEER:DIR; PEER:sftp://HOST/DIR" */
static gboolean
set_outboxes(GPtrArray *outboxes, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ";", 64);

    for (guint i = 0; words[i]; i++) {
        const char *word = g_strstrip(words[i]), *colon = strchr(word, ':');
        ConfigOutbox *outbox;

        if (!*word)
            continue;
        if (!colon || colon == word || !place_is(colon + 1))
            return chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [dropbox] outbox: want PEER:DIR or PEER:sftp://HOST/DIR, have %s", word);
        outbox = g_new0(ConfigOutbox, 1);
        outbox->peer = g_strndup(word, (gsize)(colon - word));
        outbox->address = g_strdup(colon + 1);
        g_ptr_array_add(outboxes, outbox);
    }
    return TRUE;
}

/* @of: the Config or ConfigPeer that the key belongs to. */
static gboolean
set_key(gpointer of, const Key *key, const char *text, GError **error)
{
    gpointer field = G_STRUCT_MEMBER_P(of, key->offset);
    guint64 number;

    if (key->kind == KEY_TEXT) {
        g_free(*(char **)field);
        *(char **)field = *text ? g_strdup(text) : NULL;
        return TRUE;
    }
    if (key->kind == KEY_OUTBOXES)
        return set_outboxes(*(GPtrArray **)field, text, error);
    if (key->kind == KEY_LOG)
        return set_log(field, text, error);
    if (key->kind == KEY_FLAG)
        return set_flag(key, field, text, error);
    if (key->kind == KEY_RATE || key->kind == KEY_BYTES)
        return set_rate(key, field, text, error);
    if (!g_ascii_string_to_unsigned(text, 10, key->min, key->max, &number, NULL))
        return chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [%s] %s: want a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ", have %s",
                           key->group, key->name, key->min, key->max, text);
    if (key->kind == KEY_COUNT)
        *(guint *)field = (guint)number;
    else
        *(guint64 *)field = strcmp(key->name, "records") == 0 ? number : number * MIB;
    return TRUE;
}

static void
peer_free(gpointer data)
{
    ConfigPeer *peer = data;

    g_free(peer->alias);
    g_free(peer);
}

static ConfigPeer *
add_peer(Config *config, const char *alias, GError **error)
{
    ConfigPeer *peer;

    if (!alias_check(alias, error)) {
        g_prefix_error(error, "config.ini: [peer %s]: ", alias);
        return NULL;
    }
    peer = g_new0(ConfigPeer, 1);
    peer->alias = g_strdup(alias);
    peer->interval = CONFIG_AS_ALL;
    g_ptr_array_add(config->peers, peer);
    return peer;
}

static gboolean
read_group(Config *config, GKeyFile *file, const char *group, GError **error)
{
    g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, error);
    gboolean of_peer = g_str_has_prefix(group, PEER_GROUP);
    gpointer of = of_peer ? (gpointer)add_peer(config, group + strlen(PEER_GROUP), error) : config;

    if (!of)
        return FALSE;
    for (guint i = 0; names && names[i]; i++) {
        const Key *key = of_peer ? find_key(peer_keys, G_N_ELEMENTS(peer_keys), "peer", names[i]) : find_key(keys, G_N_ELEMENTS(keys), group, names[i]);
        g_autofree char *text = g_key_file_get_value(file, group, names[i], NULL);

        if (!key)
            return chama_error(error, CHAMA_ERROR_USAGE, "config.ini: [%s] %s: no such key; see chama(1)", group, names[i]);
        if (!set_key(of, key, g_strstrip(text), error))
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
    config->parallel = 4;
    config->turn = 600;
    config->slowest = 1024;
    config->peers = g_ptr_array_new_with_free_func(peer_free);
    config->reserve = 256ull * MIB;
    config->ledgers_max = 256;
    config->records_max = 1000000;
    config->ledger_bytes_max = 1024ull * MIB;
    config->peer_bytes_max = 2048ull * MIB;
    config->connections_max = 512;
    config->box_interval = 10;
    config->settle = 5;
    config->keep_bytes = 1024ull * MIB;
    config->keep_count = 1000;
    config->keep_days = 30;
    config->outboxes = g_ptr_array_new_with_free_func(outbox_free);
    config->outbox_interval = 3600;
    config->outbox_files = 1000;
    config->outbox_bytes = 4096ull * MIB;
    return config;
}

/* DB15 */
static gboolean
check_boxes(const Config *config, const char *home, GError **error)
{
    if (config->inbox && !place_apart(config->inbox, home, error)) {
        g_prefix_error(error, "config.ini: [dropbox] inbox: ");
        return FALSE;
    }
    for (guint i = 0; i < config->outboxes->len; i++) {
        const ConfigOutbox *outbox = config->outboxes->pdata[i];

        if (!place_valid(outbox->address, error) || (!place_is_remote(outbox->address) && !place_apart(outbox->address, home, error))) {
            g_prefix_error(error, "config.ini: [dropbox] outbox: ");
            return FALSE;
        }
    }
    return TRUE;
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
    if (config->ssh_key && !g_path_is_absolute(config->ssh_key))
        return chama_error_null(error, CHAMA_ERROR_USAGE, "config.ini: [ssh] key: want the whole path of a file, from / on, have %s", config->ssh_key);
    if (!check_boxes(config, home, error))
        return NULL;
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
    g_free(config->ssh_key);
    g_free(config->inbox);
    g_ptr_array_unref(config->outboxes);
    g_ptr_array_unref(config->peers);
    g_free(config);
}

const ConfigPeer *
config_peer(const Config *config, const char *alias)
{
    for (guint i = 0; alias && i < config->peers->len; i++) {
        const ConfigPeer *peer = config->peers->pdata[i];

        if (strcmp(peer->alias, alias) == 0)
            return peer;
    }
    return NULL;
}

guint
config_interval(const Config *config, const char *alias)
{
    const ConfigPeer *peer = config_peer(config, alias);

    return peer && peer->interval != CONFIG_AS_ALL ? peer->interval : config->sync_interval;
}

gboolean
config_pushes(const Config *config, const char *alias)
{
    const ConfigPeer *peer = config_peer(config, alias);

    return peer && peer->push;
}

Limits *
config_limits(const Config *config, gboolean serving)
{
    Limits *limits = limits_new(serving ? &config->serve_rate : &config->rate);

    for (guint i = 0; i < config->peers->len; i++) {
        const ConfigPeer *peer = config->peers->pdata[i];

        if (peer->rate.count > 0)
            limits_set(limits, peer->alias, &peer->rate);
    }
    return limits;
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
                           "\n[node]\n# where the daemon listens\nlisten = %s\n# the address that peers are told; several with commas; none: this node dials\nurl = %s\n"
                           "\n[sync]\n# seconds between two syncs with every peer; 0: only by hand\ninterval = 300\n# peers at the same time; bytes a second from all of them together, at most (also by hours: 08:00-18:00 500K, 10M); a request that is slower is given up\n"
                           "parallel = 4\nlimit-rate = none\nslowest = 1K\n# MiB of disk that a sync leaves free\nreserve = 256\n"
                           "\n[quota]\n# what one peer can make this node keep: relayed ledgers, records in a ledger, MiB of records in a ledger and in all it relays\n"
                           "ledgers = 256\nrecords = 1000000\nledger-mib = 1024\npeer-mib = 2048\n"
                           "\n[ssh]\n# the only key file for ssh:// and sftp:// addresses; empty: keys of the agent, then those of ~/.ssh\nkey =\n"
                           "\n[witness]\n# a file that says whose cosignatures count (c2sp.org/tlog-policy); empty: all known nodes are counted\npolicy =\n"
                           "\n[serve]\nconnections = 512\n# bytes a second to all callers together, at most\nlimit-rate = none\n# text or json\nlog = text\n"
                           "\n# files that come and go without a network: a folder in which bundles for this node appear, and PEER:DIR or PEER:sftp://HOST/DIR, where those for a peer are left\n"
                           "#[dropbox]\n#inbox = /srv/in\n#outbox = harbour:/srv/out\n#outbox-interval = 3600\n"
                           "\n# of one peer, by its alias in `chama peer ls`: how often, and how fast (each way); yes: it cannot dial this node, which pushes to it\n"
                           "#[peer harbour]\n#interval = 3600\n#limit-rate = 08:00-18:00 200K, 2M\n#push = no\n", listen, url ? url : "");
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
