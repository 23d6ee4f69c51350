#include "sync/transport/known_hosts.h"

#include <string.h>

#include "keys/digest.h"
#include "keys/durable.h"
#include "keys/error.h"

#define SYSTEM_FILE "/etc/ssh/ssh_known_hosts"
#define FILE_MAX (4 * 1024 * 1024)
#define REVOKED "@revoked"
#define KIND_MAX 64

/* What libssh2 verifies with the hashes of today. */
static const struct {
    const char *name;
    int mask;
} kinds[] = {
    { "ssh-ed25519", LIBSSH2_KNOWNHOST_KEY_ED25519 },
    { "ecdsa-sha2-nistp256", LIBSSH2_KNOWNHOST_KEY_ECDSA_256 },
    { "ecdsa-sha2-nistp384", LIBSSH2_KNOWNHOST_KEY_ECDSA_384 },
    { "ecdsa-sha2-nistp521", LIBSSH2_KNOWNHOST_KEY_ECDSA_521 },
};

struct KnownHosts {
    LIBSSH2_KNOWNHOSTS *good, *revoked;
};

void
known_hosts_free(KnownHosts *hosts)
{
    if (!hosts)
        return;
    if (hosts->good)
        ssh.libssh2_knownhost_free(hosts->good);
    if (hosts->revoked)
        ssh.libssh2_knownhost_free(hosts->revoked);
    g_free(hosts);
}

static KnownHosts *
hosts_new(LIBSSH2_SESSION *session, GError **error)
{
    g_autoptr(KnownHosts) hosts = g_new0(KnownHosts, 1);

    hosts->good = ssh.libssh2_knownhost_init(session);
    hosts->revoked = ssh.libssh2_knownhost_init(session);
    return hosts->good && hosts->revoked ? g_steal_pointer(&hosts) : chama_error_null(error, CHAMA_ERROR_FAILED, "libssh2: no memory for known hosts");
}

/* libssh2 passes over names of less than three characters ("db", "*"): they are told to it as longer ones. */
static char *
long_enough(const char *name)
{
    return strlen(name) < 3 ? g_strconcat("short:", name, NULL) : g_strdup(name);
}

static void
tell(LIBSSH2_KNOWNHOSTS *hosts, const char *line)
{
    gsize size = strcspn(line, " \t");
    g_autofree char *field = g_strndup(line, size);
    g_auto(GStrv) names = g_strsplit(field, ",", -1);

    ssh.libssh2_knownhost_readline(hosts, line, strlen(line), LIBSSH2_KNOWNHOST_FILE_OPENSSH);
    for (char **name = names; *name; name++) {
        g_autofree char *longer = long_enough(*name), *again = g_strconcat(longer, line + size, NULL);

        if (strlen(*name) < 3)
            ssh.libssh2_knownhost_readline(hosts, again, strlen(again), LIBSSH2_KNOWNHOST_FILE_OPENSSH);
    }
}

/* SH3: lines that libssh2 does not understand (patterns, authorities) make nobody known; it would stop at the first of them. */
static void
take_line(KnownHosts *hosts, const char *line)
{
    gboolean revoked = g_str_has_prefix(line, REVOKED) && g_ascii_isspace(line[strlen(REVOKED)]);

    if (revoked)
        line += strlen(REVOKED);
    while (g_ascii_isspace(*line))
        line++;
    if (*line && *line != '#' && *line != '@')
        tell(revoked ? hosts->revoked : hosts->good, line);
}

static void
take_text(KnownHosts *hosts, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++)
        take_line(hosts, *line);
}

/* A file that is not there knows nobody; one that cannot be read must not pass for that. */
static gboolean
take_file(KnownHosts *hosts, const char *path, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) bytes = durable_read(path, FILE_MAX, &failed);
    g_autofree char *text = NULL;

    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    if (!bytes) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    take_text(hosts, text);
    return TRUE;
}

KnownHosts *
known_hosts_read(LIBSSH2_SESSION *session, const char *own, GError **error)
{
    g_autoptr(KnownHosts) hosts = hosts_new(session, error);
    g_autofree char *user = g_build_filename(g_get_home_dir(), ".ssh", "known_hosts", NULL);

    if (!hosts || (own && !take_file(hosts, own, error)) || !take_file(hosts, user, error) || !take_file(hosts, SYSTEM_FILE, error))
        return NULL;
    return g_steal_pointer(&hosts);
}

KnownHosts *
known_hosts_parse(LIBSSH2_SESSION *session, const char *const *texts, gsize count, GError **error)
{
    g_autoptr(KnownHosts) hosts = hosts_new(session, error);

    for (gsize i = 0; i < count && hosts; i++)
        take_text(hosts, texts[i]);
    return g_steal_pointer(&hosts);
}

/* With port -1 the name is taken as it is: libssh2 would try a name with a port without it, too. */
static int
look_for(LIBSSH2_KNOWNHOSTS *hosts, const char *host, const void *key, gsize size, int mask)
{
    return ssh.libssh2_knownhost_checkp(hosts, host, -1, key, size, LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW | mask, NULL);
}

/* A short name may stand in a line hashed, too: then as it is. */
static int
look(LIBSSH2_KNOWNHOSTS *hosts, const char *host, const void *key, gsize size, int mask)
{
    g_autofree char *longer = long_enough(host);
    int found = look_for(hosts, longer, key, size, mask);

    return found == LIBSSH2_KNOWNHOST_CHECK_NOTFOUND && strcmp(longer, host) != 0 ? look_for(hosts, host, key, size, mask) : found;
}

/* Nobody's key: what it does not match is there. */
static gboolean
known_by(KnownHosts *hosts, const char *host, int mask)
{
    return look(hosts->good, host, "", 1, mask) == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

char *
known_hosts_kinds(KnownHosts *hosts, const char *host)
{
    g_autoptr(GString) joined = g_string_new(NULL);

    for (guint known = 2; known-- > 0;) {
        for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
            if (known_by(hosts, host, kinds[i].mask) == (known > 0))
                g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "", kinds[i].name);
        }
    }
    return g_string_free(g_steal_pointer(&joined), FALSE);
}

static int
mask_of(const void *key, gsize size)
{
    g_autofree char *kind = host_key_kind(key, size);

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_strcmp0(kind, kinds[i].name) == 0)
            return kinds[i].mask;
    }
    return LIBSSH2_KNOWNHOST_KEY_UNKNOWN;
}

HostVerdict
known_hosts_check(KnownHosts *hosts, const char *host, const void *key, gsize size)
{
    int mask = mask_of(key, size);

    if (look(hosts->revoked, host, key, size, mask) == LIBSSH2_KNOWNHOST_CHECK_MATCH || look(hosts->revoked, "*", key, size, mask) == LIBSSH2_KNOWNHOST_CHECK_MATCH)
        return HOST_REVOKED;
    if (look(hosts->good, host, key, size, mask) == LIBSSH2_KNOWNHOST_CHECK_MATCH)
        return HOST_KNOWN;
    /* Mask 0: by a key of any kind. */
    return known_by(hosts, host, 0) ? HOST_CHANGED : HOST_UNKNOWN;
}

gboolean
known_hosts_add(const char *own, const char *host, const void *key, gsize size, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) before = durable_read(own, FILE_MAX, &failed);
    g_autofree char *kind = host_key_kind(key, size), *encoded = g_base64_encode(key, size);
    g_autofree char *line = g_strdup_printf("%s %s %s\n", host, kind, encoded);
    g_autoptr(GByteArray) whole = g_byte_array_new();

    if (before)
        g_byte_array_append(whole, g_bytes_get_data(before, NULL), (guint)g_bytes_get_size(before));
    else if (!g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_byte_array_append(whole, (const guint8 *)line, (guint)strlen(line));
    return durable_write(own, whole->data, whole->len, 0600, error);
}

/* RFC 4251: the length of the first field, big-endian, and its bytes. */
char *
host_key_kind(const void *key, gsize size)
{
    const guint8 *bytes = key;
    gsize length = size < 4 ? 0 : (gsize)bytes[0] << 24 | (gsize)bytes[1] << 16 | (gsize)bytes[2] << 8 | bytes[3];

    if (length == 0 || length > KIND_MAX || length > size - 4)
        return NULL;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isgraph(bytes[4 + i]))
            return NULL;
    }
    return g_strndup((const char *)bytes + 4, length);
}

char *
host_key_fingerprint(const void *key, gsize size)
{
    g_autofree char *encoded = NULL;
    Digest digest;

    digest_of(key, size, &digest);
    encoded = g_base64_encode(digest.bytes, sizeof digest.bytes);
    while (g_str_has_suffix(encoded, "="))
        encoded[strlen(encoded) - 1] = '\0';
    return g_strconcat("SHA256:", encoded, NULL);
}
